"""Chooses how each scale is computed so that it fits into the memory budget.

Candidates are the network untiled, checkpointed block by block, and in tiles of several sizes, with
as many L-BFGS pairs as the settings ask for or fewer. The fastest that fits is taken.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import BudgetError
from engine.images.pyramid import Size
from engine.losses.weighted import active_layers
from engine.memory.budget import format_bytes
from engine.memory.plan import Plan
from engine.memory.prediction import Predictor
from engine.memory.segments import Layout
from engine.network.layers import channels_of, scale_of
from engine.network.vgg import DTYPES, VGG19
from engine.settings import Settings

__all__ = ["Planner"]

# On a CPU larger blocks are given back to the system and taken again each time, which costs more
# than the halos of smaller tiles; on an accelerator small tiles do not fill it.
LARGEST_MAP = {"cpu": 10 << 20}
LARGEST_MAP_ELSEWHERE = 1 << 30

SIDES = (4096, 2048, 1024, 512, 256, 192, 96)
"""Sides of the first segment's tiles, in pixels."""

MOST_ELEMENTS = 2**31 - 1
"""Of a layer that a GPU computes as a whole. More are counted in 64 bits, by other kernels: on an
H200 a convolution of 2.2 billion took 0.5 to 5.6 s, a hundred times as long as usual."""

SMALLER = 0.85
"""Peak of the next smaller plan, relative to the plan that ran out of memory, at most."""

GAPS = 2.0
"""What an evaluation holds where freed memory is kept, relative to what it needs, at most."""

ROOM = 8000
"""Bytes a pixel: more than any evaluation takes, whatever its layers, statistic and precision."""

FEWEST_PAIRS = 1
"""L-BFGS with fewer pairs would be gradient descent."""

CUTS = (
    ("pool3",),
    ("pool3", "pool4"),
    ("pool2", "pool3"),
    ("pool2", "pool3", "pool4"),
)
EVERY_BLOCK = ("pool1", "pool2", "pool3", "pool4")


class Planner:
    """Plans for one network, settings, and so many regions, each with a style of its own."""

    def __init__(self, vgg: VGG19, settings: Settings, regions: int = 0) -> None:
        self._vgg = vgg
        self._settings = settings
        self.predictor = Predictor(vgg, settings, regions)

    def plan(self, size: Size, held: int, steps: int, budget: int | None) -> Plan:
        """The fastest plan within the budget. More L-BFGS pairs go before speed.

        Args:
            size: of what is painted, its margin included.
            held: bytes that the caller holds besides, and what it holds only before and after the
                evaluations.
            steps: evaluations at this scale: L-BFGS remembers no more pairs than it has made.

        Raises:
            BudgetError: nothing fits.
        """
        wanted = self._wanted_history(steps)
        histories = [wanted]
        while histories[-1] > FEWEST_PAIRS:
            histories.append(histories[-1] // 2)
        least: Plan | None = None
        for history in histories:
            if (
                budget
                and history > FEWEST_PAIRS
                and self.predictor.without_evaluations(size, held, history) > budget
            ):
                continue
            for layout in self._layouts(size):
                plan = self.predictor.predict(size, held, history, layout)
                if budget is None or plan.peak <= budget:
                    return plan
                if least is None or plan.peak < least.peak:
                    least = plan
        assert least is not None
        assert budget is not None
        advice = ""
        if self._settings.optimiser == "lbfgs":
            adam = self.predictor.with_optimiser("adam")
            plans = (adam.predict(size, held, 0, each) for each in self._layouts(size))
            if any(plan.peak <= budget for plan in plans):
                advice = " So would this size with `optimiser: adam`."
        raise BudgetError(self.does_not_fit(least, budget) + advice)

    def plan_if_needed(self, size: Size, held: int, steps: int, budget: int | None) -> Plan | None:
        """As `plan`, which can take a second; None, which is untiled with all pairs, where there is
        no budget or an ample one."""
        if self.fits_without_plan(size, held, steps, budget):
            return None
        return self.plan(size, held, steps, budget)

    def fits_without_plan(self, size: Size, held: int, steps: int, budget: int | None) -> bool:
        """Whether the picture needs no plan: there is no budget, or it is ample."""
        if self.has_to_be_tiled(size):
            return False
        if budget is None:
            return True
        pairs = 24 * self._wanted_history(steps)
        return self.predictor.fixed + held + (ROOM + pairs) * size[0] * size[1] < budget

    def keeps_freed_memory(self, plan: Plan | None, budget: int | None) -> bool:
        """Whether `freed_memory_kept` is for evaluations of this plan, or of a scale that needs
        none: on a CPU, where the gaps that it leaves fit into the budget."""
        if self._vgg.device.type != "cpu" or (plan is not None and plan.after_out_of_memory):
            return False
        return plan is None or budget is None or self._with_gaps(plan) < budget

    def most_held(self, plan: Plan, budget: int | None) -> int:
        """Bytes that the process may come to hold: more than it needs where it keeps what is
        freed."""
        return self._with_gaps(plan) if self.keeps_freed_memory(plan, budget) else plan.peak

    def _with_gaps(self, plan: Plan) -> int:
        fixed = self.predictor.fixed
        return fixed + int(GAPS * (plan.peak - fixed))

    def has_to_be_tiled(self, size: Size) -> bool:
        """Whether the first layers have too many elements for a GPU, and tiles are possible."""
        elements = channels_of("conv1_1") * size[0] * size[1]
        too_many = self._vgg.device.type != "cpu" and elements > MOST_ELEMENTS
        return too_many and self._can_be_tiled

    def choices(self, size: Size, held: int, steps: int) -> list[Plan]:
        """With all the pairs that the settings ask for, from the fastest to the slowest."""
        history = self._wanted_history(steps)
        return [
            self.predictor.predict(size, held, history, layout) for layout in self._layouts(size)
        ]

    def unplanned(self, size: Size, held: int, steps: int) -> Plan:
        """The plan of a painting without a budget."""
        return self.predictor.predict(size, held, self._wanted_history(steps), None)

    def from_document(self, size: Size, held: int, document: Mapping[str, Any]) -> Plan:
        """The plan that `Plan.document` describes, predicted again."""
        sides = tuple(document["sides"])
        offloaded = document.get("shelved", False)
        layout = Layout(tuple(document["cuts"]), sides, offloaded) if sides else None
        return self.predictor.predict(size, held, document["history"], layout)

    def does_not_fit(self, least: Plan, budget: int | None) -> str:
        """The message of `BudgetError`; `least` is the smallest plan that was tried."""
        width, height = least.size
        limit = budget or least.peak
        whole = " A texture with `tile` is not computed in parts." if self._settings.tile else ""
        spend = f"the budget is {format_bytes(budget)}" if budget else "there is less"
        return (
            f"{width} x {height} px need {format_bytes(least.peak)} of memory at least, and "
            f"{spend}.{whole} {self._advice(least, limit)}"
        )

    def smaller(self, plan: Plan, held: int) -> Plan | None:
        """The next smaller plan after one that ran out of memory; None if there is none."""
        for history in (plan.history, max(plan.history // 2, min(plan.history, FEWEST_PAIRS))):
            for layout in self._layouts(plan.size):
                other = self.predictor.predict(plan.size, held, history, layout)
                if other.peak - self.predictor.fixed < SMALLER * (plan.peak - self.predictor.fixed):
                    return other
        return None

    def _wanted_history(self, steps: int) -> int:
        if self._settings.optimiser != "lbfgs":
            return 0
        return max(FEWEST_PAIRS, min(self._settings.history, steps - 2))

    def _layouts(self, size: Size) -> list[Layout | None]:
        """From the fastest to the slowest."""
        layouts: list[Layout | None] = [None, Layout(EVERY_BLOCK, (None,) * 5)]
        if self.has_to_be_tiled(size):
            layouts = []
        if self._can_be_tiled:
            layouts += self._tiled(size)
        return sorted(layouts, key=lambda layout: self.predictor.cost(size, layout))

    @property
    def _can_be_tiled(self) -> bool:
        return self.predictor.tileable and not self._settings.tile

    def _tiled(self, size: Size) -> Iterator[Layout]:
        largest = LARGEST_MAP["cpu"] if self._vgg.device.type == "cpu" else LARGEST_MAP_ELSEWHERE
        width = DTYPES[self._vgg.precision].itemsize
        for side in SIDES:
            if side >= max(size) or side * side * 64 * width > largest:
                continue
            for cuts in CUTS:
                sides = [side]
                for cut in cuts:
                    # About as many bytes to a map of every segment, more to the few deep ones.
                    channels = min(512, 64 << int(cut[4]))
                    sides.append(int(1.5 * side * scale_of(cut) * math.sqrt(64 / channels)))
                yield Layout(cuts, tuple(sides))
                yield Layout(cuts, (*sides[:-1], None))
                if active_layers(self._settings.content_layers):
                    yield Layout(cuts, tuple(sides), offloaded=True)

    def _advice(self, least: Plan, budget: int) -> str:
        """The size that would fit, as memory is proportional to the number of pixels."""
        spare = 0.95 * (budget - self.predictor.fixed)
        share = math.sqrt(max(0.0, spare) / (least.peak - self.predictor.fixed))
        side = int(max(least.size) * min(share, 0.95)) // 16 * 16
        if side < 64:
            return "No size fits into that: raise `memory`."
        return f"{side} px on the longer side would fit."
