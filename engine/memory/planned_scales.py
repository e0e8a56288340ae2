"""Optimises each scale as planned, and with a smaller plan each time that memory runs out."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from engine.errors import BudgetError
from engine.images.pyramid import Size
from engine.memory.plan import Plan
from engine.memory.planner import Planner
from engine.memory.segments import Layout
from engine.network.allocator import freed_memory_kept, is_out_of_memory, release
from engine.network.vgg import VGG19
from engine.optimisers.minimise import Snapshot, Step
from engine.optimisers.replay import ScaleObjective
from engine.settings import Settings

__all__ = ["Descent", "PlannedScales"]

logger = logging.getLogger(__name__)


Descent = Callable[[ScaleObjective, Settings, Snapshot | None], Iterator[Step]]
"""Optimises one scale, with the settings of its plan, from its start or from a snapshot."""


class PlannedScales:
    """The scales of one painting."""

    def __init__(
        self, vgg: VGG19, settings: Settings, budget: int | None, regions: int = 0
    ) -> None:
        """
        Args:
            budget: bytes that the process (on a GPU: the device) may hold; None: no limit.
            regions: how many have a style of their own.
        """
        self._planner = Planner(vgg, settings, regions)
        self._settings = settings
        self._budget = budget
        self.plans: list[Plan] = []
        """Every plan that was tried."""

    def optimise(
        self,
        objective_in: Callable[[Layout | None], ScaleObjective],
        descent: Descent,
        size: Size,
        steps: int,
        *,
        held: int,
        resume: Snapshot | None = None,
        planned: Mapping[str, Any] | None = None,
    ) -> Iterator[Step]:
        """The steps of one scale.

        Args:
            objective_in: makes the objective in the layout of a plan.
            size: of what is painted, its margin included.
            steps: evaluations.
            held: bytes of the pictures.
            planned: `Plan.document` of an interrupted scale.

        Raises:
            BudgetError: nothing fits into the budget, or into what there is.
            NumericalError: the loss is no longer finite.
        """
        plan = self._first_plan(size, steps, held, planned)
        settings, latest = self._settings, None
        while True:
            if plan is not None:
                self.plans.append(plan)
                settings = settings.model_copy(update={"history": max(1, plan.history)})
            try:
                objective = objective_in(plan.layout if plan else None)
                keeps = self._planner.keeps_freed_memory(plan, self._budget)
                with freed_memory_kept() if keeps else nullcontext():
                    for step in descent(objective, settings, resume):
                        # An old state of the optimiser is not kept in memory.
                        resume, latest = None, step.snapshot
                        yield step
                return
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            # Only after the exception's block does nothing refer to the evaluation's tensors.
            objective = step = None  # type: ignore[assignment]
            release()
            plan = self._smaller(plan or self._planner.unplanned(size, held, steps), held)
            resume = latest() if latest else resume

    def _first_plan(
        self, size: Size, steps: int, held: int, planned: Mapping[str, Any] | None
    ) -> Plan | None:
        if planned is not None:
            return self._planner.from_document(size, held, planned)
        return self._planner.plan_if_needed(size, held, steps, self._budget)

    def _smaller(self, plan: Plan, held: int) -> Plan:
        """The plan after one that ran out of memory.

        Raises:
            BudgetError: there is none.
        """
        smaller = self._planner.smaller(plan, held)
        if smaller is None:
            raise BudgetError(self._planner.does_not_fit(plan, self._budget))
        logger.warning("out of memory with %s; trying %s", plan.describe(), smaller.describe())
        return replace(smaller, after_out_of_memory=True)
