"""Estimates of a painting before it starts: memory by its plans, time by a short measurement."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.colours import method_of
from engine.errors import TimeLimitError
from engine.images.pyramid import Size
from engine.losses.grain import BYTES_A_PIXEL
from engine.memory.plan import Plan
from engine.memory.planner import Planner
from engine.network.vgg import VGG19
from engine.optimisers.replay import WARM_UP
from engine.scheduling.stages import scales_of
from engine.scheduling.timetable import Timetable
from engine.settings import Settings
from engine.speed import seconds_a_pixel
from engine.texture.canvas import texture_settings

__all__ = ["PlannedScale", "plan_painting", "timetable_of"]


WRITING, WRITING_AVIF = 0.5e-6, 2e-6
"""Seconds a pixel that it takes to write the result."""


@dataclass(frozen=True)
class PlannedScale:
    """A scale of a painting that has not started, and its plan."""

    size: Size
    steps: int
    plan: Plan
    most_held: int
    """Bytes, as of `Planner.most_held`."""

    def seconds(self, a_pixel: float) -> float:
        """Estimated from the seconds a pixel of an untiled evaluation."""
        width, height = self.plan.size
        return self.steps * width * height * a_pixel * self.plan.cost


def plan_painting(
    content: Size, settings: Settings, vgg: VGG19, budget: int | None
) -> list[PlannedScale]:
    """Each scale that `stylise` would paint of a content of this size.

    Raises:
        BudgetError: nothing fits.
    """
    planner = _planner(settings, vgg)
    scales = []
    for size, canvas, held, steps in _unplanned(content, settings):
        plan = planner.plan(canvas, held, steps, budget)
        scales.append(PlannedScale(size, steps, plan, planner.most_held(plan, budget)))
    return scales


def _planner(settings: Settings, vgg: VGG19) -> Planner:
    regions = len(settings.regions or ()) or (1 if settings.mask else 0)
    regions = max(regions, len(settings.style_regions or ()))
    return Planner(vgg, texture_settings(settings), regions)


def _unplanned(content: Size, settings: Settings) -> Iterator[tuple[Size, Size, int, int]]:
    """Each scale's size, the same with its margin, bytes of pictures, and evaluations."""
    settings = texture_settings(settings)
    for (width, height), steps in scales_of(content, settings):
        margin = min(settings.margin, width - 1, height - 1)
        canvas = width + 2 * margin, height + 2 * margin
        held = 2 * 3 * content[0] * content[1] + 12 * canvas[0] * canvas[1]
        if method_of(settings) in ("luma", "luminance"):
            held += 12 * width * height
        held += BYTES_A_PIXEL * canvas[0] * canvas[1] if settings.grain else 0
        yield (width, height), canvas, held, steps


def timetable_of(
    content: Size,
    settings: Settings,
    vgg: VGG19,
    budget: int | None,
    now: Callable[[], float] | None,
) -> Timetable | None:
    """How `settings.seconds` are divided over the scales; None if they are not set.

    Args:
        now: tells the seconds that have passed, after the pace is measured, which takes some; None:
            the painting goes on, so that nothing is refused.

    Raises:
        TimeLimitError: what is left does not suffice for the shortest painting.
        BudgetError: nothing fits.
    """
    if settings.seconds is None:
        return None
    planner = _planner(settings, vgg)
    work = [
        _cost(planner, canvas, held, steps, budget) * canvas[0] * canvas[1]
        for _, canvas, held, steps in _unplanned(content, settings)
    ]
    width, height = scales_of(content, settings)[-1][0]
    writing = WRITING_AVIF if settings.format == "avif" else WRITING
    timetable = Timetable(
        settings.seconds,
        work,
        seconds_a_pixel(vgg),
        reserve=writing * width * height,
        warm_up=0 if vgg.device.type == "cpu" else WARM_UP + 1,
    )
    if settings.time_limit == "refuse" and now is not None:
        least = timetable.least(now())
        if least > settings.seconds:
            raise TimeLimitError(_too_little(settings.seconds, least, (width, height)))
    return timetable


def _cost(planner: Planner, canvas: Size, held: int, steps: int, budget: int | None) -> float:
    """Of an evaluation, relative to an untiled one."""
    plan = planner.plan_if_needed(canvas, held, steps, budget)
    return 1.0 if plan is None else plan.cost


def _too_little(seconds: float, least: float, size: Size) -> str:
    side = int(max(size) * math.sqrt(seconds / least)) // 16 * 16
    advice = f", or lower `size`: {side} px would fit" if side >= 64 else ""
    return (
        f"{seconds:g} s do not suffice for {size[0]} x {size[1]} px here, where the shortest "
        f"painting takes about {math.ceil(least)} s. Raise `seconds`{advice}."
    )
