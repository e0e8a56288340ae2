"""Minimises an objective over a picture's pixels, step by step.

A step is one evaluation of the objective. No number is read back from the device inside a step:
losses are read only when they are reported.
"""

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from engine.errors import NumericalError
from engine.network.allocator import is_out_of_memory
from engine.optimisers.optimiser import Optimiser, OptimiserState
from engine.optimisers.replay import Capture, EagerStep, Objective, ReplayedStep

__all__ = ["Ending", "Losses", "Objective", "Snapshot", "Step", "Tally", "minimise"]


@dataclass(frozen=True)
class Losses:
    """The terms of the objective, each already multiplied by its weight, and their sum."""

    content: float
    style: float
    tv: float

    @property
    def total(self) -> float:
        return self.content + self.style + self.tv


Ending = Callable[[int, Losses], int]
"""Number and losses of an evaluation that is reported -> the number of the last one, as far as that
is known by then."""


@dataclass(frozen=True)
class Tally:
    """What the optimisers of a painting have come to, one after the other."""

    rejected_moves: int = 0
    """Moves that were taken back."""
    improved: bool = False
    """Whether the loss was lowered, or was 0 (or its rounding) from the start."""


@dataclass(frozen=True)
class Snapshot:
    """The state between two moves, from which `minimise` resumes to the same numbers.

    It shares no memory that a later move changes.
    """

    done: int
    """Evaluations after which the picture was moved: the next is number `done` + 1."""
    picture: Tensor
    optimiser: OptimiserState
    before: Tally = Tally()
    """Before the optimiser began."""


@dataclass(frozen=True)
class Step:
    """`number` (from 1) evaluations are done; `losses` are those of the picture that stands: the
    one that the last move led to or, if that is taken back, the best so far."""

    number: int
    losses: Losses
    tally: Tally
    """Up to this step."""
    picture: Callable[[], Tensor]
    """The picture that stands, at this step."""
    snapshot: Callable[[], Snapshot]
    """The state at the moment of the call: at this step, or a later one if the optimisation went
    on. Any thread may call it; it waits while the picture is being moved."""


def minimise(
    objective: Objective,
    picture: Tensor,
    method: Optimiser,
    *,
    steps: int,
    after: int = 0,
    before: Tally = Tally(),
    clamp: bool = True,
    report_every: int = 1,
    ending: Ending | None = None,
    resume: Snapshot | None = None,
    factors: Tensor | None = None,
    capture: Capture | None = None,
) -> Iterator[Step]:
    """Lower the objective in place, with `steps` evaluations of it.

    The picture is not moved after the last evaluation. With guarded L-BFGS (`Guard`), `picture`
    becomes the best that was found, of which the last losses are reported.

    Args:
        picture: 1 x 3 x H x W in 0 to 1; changed in place.
        method: which has not moved anything yet.
        after: evaluations that were made before; the steps are numbered from the next.
        before: what came of them.
        clamp: keep it in 0 to 1, by projection after every move.
        report_every: evaluations between reports, each of which waits for the device. The first
            and the last are always reported.
        ending: decides anew after each report when to end, in place of `steps`.
        resume: where an earlier call with the same arguments was. `picture` becomes what it was
            then, and what follows is what would have followed.
        factors: of the three terms; None: 1.
        capture: with which evaluations and moves are captured once and replayed from then on.

    Raises:
        NumericalError: the loss is no longer finite; the message says what helps.
    """
    done = after
    if resume is not None:
        done = resume.done
        picture.copy_(resume.picture)
        method.restore(resume.optimiser, picture)
        resume = None  # Else pairs that the optimiser drops would stay in memory.
    moving = threading.Lock()

    def snapshot() -> Snapshot:
        with moving:
            return Snapshot(done, picture.clone(), method.state(), before)

    number, first, last = done, done + 1, after + steps
    current = (
        EagerStep(objective, picture, method, factors)
        if capture is None
        else ReplayedStep(objective, picture, method, factors, capture)
    )
    try:
        while number < last:
            number += 1
            terms = current.evaluate()
            if number == last:
                with moving, torch.no_grad():
                    terms = method.finish(picture, terms)
            if number in (first, last) or (number - after) % report_every == 0:
                losses, tally, rejected = _read(method, terms, number, before)
                if ending is not None and number < last:
                    last = max(number + 1, ending(number, losses))
                standing = partial(method.standing, picture, rejected)
                yield Step(number, losses, tally, standing, snapshot)
            if number < last:
                with moving:
                    current.move(clamp)
                    done = number
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            with moving:
                method.offload()
        raise


def _read(
    method: Optimiser, terms: Tensor, number: int, before: Tally
) -> tuple[Losses, Tally, bool]:
    """Read the losses, and whether the last move is taken back: the only place where the host waits
    for the device."""
    report = method.read(method.report(terms).tolist())
    losses = Losses(*report.terms)
    if not all(map(math.isfinite, report.terms)):
        raise NumericalError(
            f"step {number}: the loss is no longer finite (content {losses.content:g}, style "
            f"{losses.style:g}, total variation {losses.tv:g}). The steps are too long: lower "
            "`learning_rate`, use `clamp: true`, or `precision: float32`."
        )
    tally = Tally(before.rejected_moves + report.rejections, before.improved or report.improved)
    return losses, tally, report.rejected
