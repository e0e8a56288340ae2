"""Minimises an objective over a picture's pixels, step by step.

A step is one evaluation of the objective. No number is read back from the device inside a step:
losses are read only when they are reported.
"""

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from engine.errors import NumericalError
from engine.optimisers.adam import Adam
from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.optimiser import Optimiser, OptimiserState
from engine.optimisers.preconditioner import FrequencyPreconditioner

__all__ = ["Losses", "Objective", "Snapshot", "Step", "minimise", "optimiser_of"]


@dataclass(frozen=True)
class Losses:
    """The terms of the objective, each already multiplied by its weight, and their sum."""

    content: float
    style: float
    tv: float

    @property
    def total(self) -> float:
        return self.content + self.style + self.tv


Objective = Callable[[Tensor], Tensor]
"""Picture (1 x 3 x H x W, requires grad) -> the weighted terms content, style, tv as 3 numbers."""


@dataclass(frozen=True)
class Snapshot:
    """The state between two moves, from which `minimise` resumes to the same numbers.

    It shares no memory that a later move changes.
    """

    done: int
    """Evaluations after which the picture was moved: the next is number `done` + 1."""
    picture: Tensor
    optimiser: OptimiserState
    rejected_moves: int = 0
    """Moves that were taken back before the optimiser began."""
    improved: bool = False
    """Whether the loss was lowered before the optimiser began."""


@dataclass(frozen=True)
class Step:
    """`number` (from 1) evaluations are done; `losses` are those of the picture that stands: the
    one that the last move led to or, if that is taken back, the best so far."""

    number: int
    losses: Losses
    rejected_moves: int
    """Moves that were taken back so far."""
    improved: bool
    """Whether the loss was lowered, or was 0 from the start."""
    picture: Callable[[], Tensor]
    """The picture that stands, at this step."""
    snapshot: Callable[[], Snapshot]
    """The state at the moment of the call: at this step, or a later one if the optimisation went
    on. Any thread may call it; it waits while the picture is being moved."""


def minimise(
    objective: Objective,
    picture: Tensor,
    *,
    steps: int,
    optimiser: Literal["lbfgs", "adam"] = "lbfgs",
    learning_rate: float = 1.0,
    history: int = 100,
    first_move: float = 0.0,
    preconditioning: float = 0.0,
    guarded: bool = True,
    clamp: bool = True,
    report_every: int = 1,
    resume: Snapshot | None = None,
) -> Iterator[Step]:
    """Lower the objective in place, with `steps` evaluations of it.

    The picture is not moved after the last evaluation. L-BFGS is guarded (`Guard`): `picture`
    becomes the best that was found, of which the last losses are reported.

    Args:
        picture: 1 x 3 x H x W in 0 to 1; changed in place.
        preconditioning: of L-BFGS, the exponent of `FrequencyPreconditioner`; 0 for none.
        guarded: off, L-BFGS takes no move back, and the last picture is delivered.
        clamp: keep it in 0 to 1, by projection after every move. L-BFGS's memory keeps the moves
            unclamped, as when a closure clamps before evaluating (the PyTorch tutorial).
        report_every: evaluations between reports, each of which waits for the device. The first
            and the last are always reported.
        resume: where an earlier call with the same arguments was. `picture` becomes what it was
            then, and what follows is what would have followed.

    Raises:
        NumericalError: the loss is no longer finite; the message says what helps.
    """
    method = optimiser_of(
        optimiser,
        picture,
        learning_rate=learning_rate,
        history=history,
        first_move=first_move,
        preconditioning=preconditioning,
        guarded=guarded,
    )
    done = 0
    if resume is not None:
        done = resume.done
        picture.copy_(resume.picture)
        method.restore(resume.optimiser, picture)
        resume = None  # Else pairs that the optimiser drops would stay in memory.
    moving = threading.Lock()

    def snapshot() -> Snapshot:
        with moving:
            return Snapshot(done, picture.clone(), method.state())

    first = done + 1
    for number in range(first, steps + 1):
        variable = picture.detach().requires_grad_()
        terms = objective(variable)
        if number == steps:
            with moving, torch.no_grad():
                terms = method.finish(picture, terms.detach())
        if number in (first, steps) or number % report_every == 0:
            yield _read(method, picture, terms.detach(), number, snapshot)
        if number < steps:
            (gradient,) = torch.autograd.grad(terms.sum(), variable)
            with moving, torch.no_grad():
                method.step(picture, gradient, terms.detach())
                if clamp:
                    picture.clamp_(0, 1)
                done = number
            del gradient  # Else it would stay in memory during the next evaluation.


def optimiser_of(
    name: Literal["lbfgs", "adam"],
    picture: Tensor,
    *,
    learning_rate: float,
    history: int,
    first_move: float,
    preconditioning: float,
    guarded: bool = True,
) -> Optimiser:
    """The optimiser of `minimise`, whose arguments these are, for a picture of this size."""
    if name == "adam":
        return Adam(learning_rate)
    size = (picture.shape[-1], picture.shape[-2])
    precondition = FrequencyPreconditioner(size, preconditioning) if preconditioning else None
    return LBFGS(learning_rate, history, first_move, precondition, guarded=guarded)


def _read(
    method: Optimiser,
    picture: Tensor,
    terms: Tensor,
    number: int,
    snapshot: Callable[[], Snapshot],
) -> Step:
    """Read the losses: the only place where the host waits for the device."""
    *values, rejected_moves, rejected, improved = method.report(terms).tolist()
    losses = Losses(*values)
    if not all(map(math.isfinite, values)):
        raise NumericalError(
            f"step {number}: the loss is no longer finite (content {losses.content:g}, style "
            f"{losses.style:g}, total variation {losses.tv:g}). The steps are too long: lower "
            "`learning_rate`, use `clamp: true`, or `precision: float32`."
        )
    standing = partial(method.standing, picture, bool(rejected))
    return Step(number, losses, int(rejected_moves), bool(improved), standing, snapshot)
