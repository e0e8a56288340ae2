"""The scales of a painting, coarse to fine, and the stages of each.

Within a scale the content is settled first, then both terms are minimised as asked.

Content that is settled first stays: at the end both losses are lower than without, and what a
person sees first is their picture. Each scale that is painted so leaves less of that to do.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from engine.optimise import Objective, Snapshot, Step, minimise
from engine.pyramid import COARSEST, Size, ladder
from engine.settings import Settings
from engine.strength import dial

__all__ = ["Stage", "descend", "scales_of", "stages_of"]

REPORT_EVERY = 5
"""Evaluations between two reports on a device that runs ahead of the host: each waits for it."""

BOOSTED = 5
"""One step in so many of the final scale's has `content_boost`: the first ones."""

SETTLED = 2
"""After so many scales of 256 px or more the content is settled: then no step of the final one has
it. Smaller ones, such as a strength beyond 75 begins with, settle nothing."""


@dataclass(frozen=True)
class Stage:
    """So many evaluations with the content's weight multiplied by `boost`."""

    steps: int
    boost: float


def scales_of(content: Size, settings: Settings) -> list[tuple[Size, int]]:
    """The sizes that are painted, and the evaluations at each; the last is the result's.

    A strength that loosens the content's shapes adds a scale below those of `ladder`, with the more
    steps the looser they are, unless `scales` says how many there are.
    """
    side, factor = settings.longest_side(content), settings.scale_factor
    sizes = ladder(content, side, settings.scales, factor)
    steps = [settings.coarse_steps] * (len(sizes) - 1) + [settings.steps]
    loosening = round(dial(settings.strength).looseness * settings.coarse_steps)
    if settings.scales == 0 and loosening:
        further = ladder(content, side, len(sizes) + 1, factor)
        if len(further) > len(sizes):  # else it would be too small for the network
            sizes, steps = further, [loosening, *steps]
    return list(zip(sizes, steps, strict=True))


def stages_of(
    size: Size, coarser: Sequence[Size], steps: int, boost: float, *, final: bool
) -> list[Stage]:
    """How one scale is painted.

    A coarse scale has `content_boost` throughout. The final one has it for a share of its steps, if
    fewer than `SETTLED` that count came before, and then as much of it as its size asks for: none
    from 512 px, all of it up to 256, where `relu4_2` has a position for every 8 px of a face that
    is 40 px wide. So a small painting looks like a large one seen from afar, which began as just
    that.

    Args:
        size: width, height that are painted.
        coarser: sizes of the scales before this one.
        steps: evaluations at this scale.
        boost: `content_boost`.
        final: no scale comes after this one.
    """
    if not final:
        return [Stage(steps, boost)]
    rest = boost ** min(1.0, max(0.0, 1 - math.log2(max(size) / COARSEST)))
    if rest == boost:
        return [Stage(steps, boost)]
    settling = sum(max(each) >= COARSEST for each in coarser)
    boosted = steps // BOOSTED if settling < SETTLED else 0
    return [stage for stage in (Stage(boosted, boost), Stage(steps - boosted, rest)) if stage.steps]


def descend(
    objective: Objective,
    canvas: Tensor,
    stages: Sequence[Stage],
    settings: Settings,
    resume: Snapshot | None,
) -> Iterator[Step]:
    """Paint one scale in its stages, on `canvas` (1 x 3 x H x W), which is changed in place.

    Raises:
        NumericalError: the optimisation ran away.
    """
    done = 0
    for stage in stages:
        # A stage's last evaluation moves nothing, so that no snapshot is of its very end.
        if resume is not None and resume.done >= done + stage.steps:
            done += stage.steps
            continue
        if resume is not None:
            resume = replace(resume, done=resume.done - done)
        descent = minimise(
            _boosted(objective, canvas, stage.boost),
            canvas,
            steps=stage.steps,
            optimiser=settings.optimiser,
            learning_rate=settings.learning_rate,
            history=settings.history,
            first_move=settings.first_move,
            preconditioning=settings.preconditioning,
            clamp=settings.clamp,
            report_every=1 if canvas.device.type == "cpu" else REPORT_EVERY,
            resume=resume,
        )
        resume = None
        for step in descent:
            yield Step(done + step.number, step.losses, partial(_after, done, step))
        done += stage.steps


def _boosted(objective: Objective, canvas: Tensor, boost: float) -> Objective:
    if boost == 1:
        return objective
    factors = canvas.new_tensor([boost, 1.0, 1.0])
    return lambda picture: objective(picture) * factors


def _after(done: int, step: Step) -> Snapshot:
    """The snapshot of a step before whose stage `done` evaluations were made."""
    snapshot = step.snapshot()
    return replace(snapshot, done=done + snapshot.done)
