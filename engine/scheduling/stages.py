"""The scales of a painting, coarse to fine, and the stages of each.

A scale begins with a higher weight of the content (`content_boost`): at the end both losses are
lower than without, and the first previews show the content. Each scale that is painted so leaves
less to do for the next. The final scale may end with the plain Gram loss (`plain_steps`): along the
strong directions of a style, which that is nearly all about, there is something left to gain within
a few steps.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from engine.images.pyramid import COARSEST, COARSEST_TEXTURE, Size, pyramid_sizes
from engine.optimisers.minimise import Ending, Losses, Snapshot, Step, Tally, minimise
from engine.optimisers.replay import CudaGraphs, ScaleObjective
from engine.optimisers.selection import optimiser_of
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
    plain: bool = False
    """With the plain Gram loss, whatever `style_evenness` says."""


def scales_of(content: Size, settings: Settings) -> list[tuple[Size, int]]:
    """The sizes that are painted, and the evaluations at each; the last is the result's.

    A strength with structure freedom adds a scale below those of `pyramid_sizes`, with steps in
    proportion to it, unless `scales` says how many there are.
    """
    scales = _scales_of(content, settings)
    if not settings.tile:
        return scales
    return [(tuple(round(side / 16) * 16 for side in size), steps) for size, steps in scales]  # type: ignore[misc]


def _scales_of(content: Size, settings: Settings) -> list[tuple[Size, int]]:
    side, factor = settings.longest_side(content), settings.scale_factor
    if settings.scale_steps is not None:
        sizes = pyramid_sizes(content, side, len(settings.scale_steps), factor)
        return list(zip(sizes, settings.scale_steps[-len(sizes) :], strict=True))
    coarsest = COARSEST_TEXTURE if settings.texture else COARSEST
    sizes = pyramid_sizes(content, side, settings.scales, factor, coarsest)
    steps = [settings.coarse_steps] * (len(sizes) - 1) + [settings.steps]
    freedom = strength_preset(settings.strength).structure_freedom
    extra_steps = round(freedom * settings.coarse_steps)
    if settings.scales == 0 and extra_steps:
        further = pyramid_sizes(content, side, len(sizes) + 1, factor)
        if len(further) > len(sizes):  # else it would be too small for the network
            sizes, steps = further, [extra_steps, *steps]
    return list(zip(sizes, steps, strict=True))


def stages_of(
    size: Size,
    coarser: Sequence[Size],
    steps: int,
    boost: float,
    *,
    final: bool,
    boosted: int | None = None,
    plain: int = 0,
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
        boosted: `boosted_steps`.
        plain: `plain_steps`.
    """
    if not final:
        return [Stage(steps, boost)]
    later = boost ** min(1.0, max(0.0, 1 - math.log2(max(size) / COARSEST)))
    if later == boost:
        boosted = 0
    elif boosted is None:
        counted = sum(max(each) >= COARSEST for each in coarser)
        boosted = steps // BOOSTED if counted < SETTLED else 0
    boosted = min(boosted, steps)
    plain = min(plain, steps - boosted)
    stages = (
        Stage(boosted, boost),
        Stage(steps - boosted - plain, later),
        Stage(plain, later, plain=True),
    )
    return [stage for stage in stages if stage.steps]


def optimise_scale(
    canvas: Tensor,
    stages: Sequence[Stage],
    before: Tally,
    ending: Ending | None,
    objective: ScaleObjective,
    settings: Settings,
    resume: Snapshot | None,
    *,
    graphs: CudaGraphs | None = None,
) -> Iterator[Step]:
    """Optimise `canvas` (1 x 3 x H x W) in place, stage by stage.

    Args:
        before: of the scales before this one.
        ending: decides when this scale ends, in place of the last stage's steps.
        resume: where this scale is gone on from.
        graphs: what captures the steps, if they are to be replayed.

    Raises:
        NumericalError: the loss is no longer finite.
    """
    if graphs is not None and objective.tiled:
        graphs.refuse("the picture is computed in parts to fit into memory")
        graphs = None
    before = before if resume is None else resume.before
    after = 0
    for index, stage in enumerate(stages):
        end: int | None = after + stage.steps
        if ending is not None and index == len(stages) - 1:
            end = None
        # No snapshot is of a stage's end: its last evaluation does not move the picture.
        if resume is None or end is None or resume.done < end:
            optimised = minimise(
                objective.plain() if stage.plain else objective,
                canvas,
                optimiser_of(settings, (canvas.shape[-1], canvas.shape[-2]), canvas.device.type),
                steps=stage.steps,
                after=after,
                before=before,
                clamp=settings.clamp,
                report_every=1 if canvas.device.type == "cpu" else REPORT_EVERY,
                ending=None if ending is None else partial(_earlier, ending, end),
                resume=resume,
                factors=None if stage.boost == 1 else canvas.new_tensor([stage.boost, 1, 1]),
                capture=graphs,
            )
            resume = None
            for step in optimised:
                yield step
            before = step.tally
            if end is not None and step.number < end:
                return
        after += stage.steps


def _earlier(ending: Ending, end: int | None, number: int, losses: Losses) -> int:
    """Where the scale ends, if that is before the stage's end."""
    last = ending(number, losses)
    return last if end is None else min(end, last)
