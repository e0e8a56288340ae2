"""The scales of a painting, coarse to fine, and the stages of each.

A scale begins with a higher weight of the content (`content_boost`): at the end both losses are
lower than without, and the first previews show the content. Each scale that is painted so leaves
less to do for the next.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from engine.images.pyramid import COARSEST, Size, pyramid_sizes
from engine.optimisers.minimise import Objective, Snapshot, Step, minimise
from engine.settings import Settings
from engine.strength import strength_preset

__all__ = ["Stage", "optimise_scale", "scales_of", "stages_of"]

REPORT_EVERY = 5
"""Evaluations between two reports on a GPU: each report waits for the device."""

BOOSTED = 5
"""The first 1 / BOOSTED of the final scale's steps have `content_boost`."""

SETTLED = 2
"""After so many scales of 256 px or more no step of the final scale has `content_boost`. Smaller
scales, such as a strength beyond 75 begins with, do not count."""


@dataclass(frozen=True)
class Stage:
    """`steps` evaluations with the content's weight multiplied by `boost`."""

    steps: int
    boost: float


def scales_of(content: Size, settings: Settings) -> list[tuple[Size, int]]:
    """The sizes that are painted, and the evaluations at each; the last is the result's.

    A strength with structure freedom adds a scale below those of `pyramid_sizes`, with steps in
    proportion to it, unless `scales` says how many there are.
    """
    side, factor = settings.longest_side(content), settings.scale_factor
    sizes = pyramid_sizes(content, side, settings.scales, factor)
    steps = [settings.coarse_steps] * (len(sizes) - 1) + [settings.steps]
    freedom = strength_preset(settings.strength).structure_freedom
    extra_steps = round(freedom * settings.coarse_steps)
    if settings.scales == 0 and extra_steps:
        further = pyramid_sizes(content, side, len(sizes) + 1, factor)
        if len(further) > len(sizes):  # else it would be too small for the network
            sizes, steps = further, [extra_steps, *steps]
    return list(zip(sizes, steps, strict=True))


def stages_of(
    size: Size, coarser: Sequence[Size], steps: int, boost: float, *, final: bool
) -> list[Stage]:
    """How one scale is painted.

    A coarse scale has `content_boost` throughout. The final one has it for a share of its steps, if
    fewer than `SETTLED` that count came before, and then as much of it as its size needs: none from
    512 px, all of it up to 256, where `relu4_2` has a position for every 8 px of a face that is 40
    px wide. So a small painting looks like a large one scaled down.

    Args:
        size: width, height that are painted.
        coarser: sizes of the scales before this one.
        steps: evaluations at this scale.
        boost: `content_boost`.
        final: no scale comes after this one.
    """
    if not final:
        return [Stage(steps, boost)]
    later = boost ** min(1.0, max(0.0, 1 - math.log2(max(size) / COARSEST)))
    if later == boost:
        return [Stage(steps, boost)]
    counted = sum(max(each) >= COARSEST for each in coarser)
    boosted = steps // BOOSTED if counted < SETTLED else 0
    return [
        stage for stage in (Stage(boosted, boost), Stage(steps - boosted, later)) if stage.steps
    ]


def optimise_scale(
    objective: Objective,
    canvas: Tensor,
    stages: Sequence[Stage],
    settings: Settings,
    resume: Snapshot | None,
) -> Iterator[Step]:
    """Optimise `canvas` (1 x 3 x H x W) in place, stage by stage.

    Raises:
        NumericalError: the loss is no longer finite.
    """
    done = 0
    rejected_moves, improved = (
        (resume.rejected_moves, resume.improved) if resume is not None else (0, False)
    )
    for stage in stages:
        # No snapshot is of a stage's end: its last evaluation does not move the picture.
        if resume is not None and resume.done >= done + stage.steps:
            done += stage.steps
            continue
        if resume is not None:
            resume = replace(resume, done=resume.done - done)
        optimised = minimise(
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
        for step in optimised:
            earlier = partial(_after, done, rejected_moves, improved, step.snapshot)
            yield replace(
                step,
                number=done + step.number,
                rejected_moves=rejected_moves + step.rejected_moves,
                improved=improved or step.improved,
                snapshot=earlier,
            )
        done += stage.steps
        rejected_moves += step.rejected_moves
        improved |= step.improved


def _boosted(objective: Objective, canvas: Tensor, boost: float) -> Objective:
    if boost == 1:
        return objective
    factors = canvas.new_tensor([boost, 1.0, 1.0])
    return lambda picture: objective(picture) * factors


def _after(
    done: int, rejected_moves: int, improved: bool, snapshot: Callable[[], Snapshot]
) -> Snapshot:
    """A snapshot, with what was done in the stages before its own."""
    own = snapshot()
    return replace(own, done=done + own.done, rejected_moves=rejected_moves, improved=improved)
