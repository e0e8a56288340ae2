"""Estimates of a painting before it starts: memory by its plans, time by a short measurement."""

import time
from dataclasses import dataclass

import torch

from engine.images.pyramid import Size
from engine.memory.plan import Plan
from engine.memory.planner import Planner
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.settings import Settings, resolve
from engine.stages import scales_of

__all__ = ["PlannedScale", "plan_painting", "seconds_a_pixel"]

PROBE = 192
"""Pixels of the measured picture's sides."""


@dataclass(frozen=True)
class PlannedScale:
    """A scale of a painting that has not started, and its plan."""

    size: Size
    steps: int
    plan: Plan

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
    planner = Planner(vgg, settings)
    scales = []
    for (width, height), steps in scales_of(content, settings):
        margin = min(settings.margin, width - 1, height - 1)
        size = width + 2 * margin, height + 2 * margin
        held = 2 * 3 * content[0] * content[1] + 12 * size[0] * size[1]
        if settings.keep_colours:
            held += 12 * width * height
        plan = planner.plan(size, held, steps, budget)
        scales.append(PlannedScale((width, height), steps, plan))
    return scales


def seconds_a_pixel(vgg: VGG19) -> float:
    """Measure the seconds a pixel of an untiled evaluation with its gradient, in about a second."""
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand((1, 3, PROBE, PROBE), generator=generator).to(vgg.device)
    objective = style_transfer_objective(vgg, picture, [picture], resolve({}))
    best = float("inf")
    for _ in range(3):  # the first loads and allocates
        started = time.perf_counter()
        variable = (picture + 0.01).requires_grad_()
        (gradient,) = torch.autograd.grad(objective(variable).sum(), variable)
        gradient.sum().item()  # waits for the device
        best = min(best, time.perf_counter() - started)
    return best / PROBE**2
