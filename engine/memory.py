"""The memory plan: what a painting will hold at most, and how it is computed within a budget.

Nothing is estimated by formulas that could differ from the code. The objective and the optimiser
themselves are run on tensors without data (`engine.meter`), in the layout in question, and what
they hold at most is counted. In tiles only two of each segment are run, the largest ones: the
others hold no more. What no tensor shows (libraries, what operations use inside, what the allocator
cannot give back) are three numbers, measured with `python -m benchmarks memory`.
"""

import contextlib
import gc
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from engine.allocator import trim
from engine.budget import format_bytes
from engine.cost import channels_of, relative_cost
from engine.errors import BudgetError
from engine.meter import Meter
from engine.optimise import Objective, optimiser_of
from engine.pyramid import Size
from engine.segments import Layout, Segment, Tile, scale_of, take_apart
from engine.settings import Settings
from engine.shelf import Shelved
from engine.statistics import Additive, Gram, statistic_of
from engine.terms import Terms, weighted
from engine.tiles import CutNetwork, TiledObjective
from engine.vgg import DTYPES, VGG19

__all__ = ["Mode", "Plan", "Planner", "is_out_of_memory", "release"]

Mode = Literal["untiled", "checkpointed", "tiled"]

BASE = {"cpu": 900_000_000}
"""Bytes of a process that has loaded torch and the network and made a plan; elsewhere what the
network takes on the device."""
BASE_ELSEWHERE = 200_000_000

SCRATCH = 190_000_000
"""Bytes that a few evaluations leave in the allocator's hands, whatever their size."""

OVERHEAD = 1.15
"""Of what operations use inside, and of gaps between blocks, to what tensors hold."""

# On a CPU larger blocks are given back to the system and taken again each time, which costs more
# than the halos of smaller tiles; on an accelerator small tiles do not fill it.
LARGEST_MAP = {"cpu": 10 << 20}
LARGEST_MAP_ELSEWHERE = 1 << 30

SIDES = (4096, 2048, 1024, 512, 256, 192, 96)
"""Of the first segment's tiles, in pixels."""

SMALLER = 0.85
"""What a plan may take of what the one took that did not fit after all."""

ROOM = 8000
"""Bytes a pixel that no evaluation takes, whatever its layers, statistic and precision."""

SHELVED = 1.01
"""What an evaluation costs with the content's features put aside, to one without."""

FEWEST_PAIRS = 1
"""L-BFGS with fewer would be gradient descent."""

CUTS = (
    ("pool3",),
    ("pool3", "pool4"),
    ("pool2", "pool3"),
    ("pool2", "pool3", "pool4"),
)
EVERY_BLOCK = ("pool1", "pool2", "pool3", "pool4")


@dataclass(frozen=True)
class Plan:
    """How one scale is computed."""

    size: Size
    """Width and height of what is painted, its margin included."""
    mode: Mode
    layout: Layout | None
    """None: nothing is taken apart."""
    tiles: int
    """Of all segments together; 1 if untiled."""
    history: int
    """Pairs that L-BFGS remembers, which may be fewer than the settings ask for; 0 for Adam."""
    peak: int
    """Bytes that the process (on a GPU: the device) is expected to hold at most."""
    cost: float
    """Multiplications of an evaluation with its gradient, to those of an untiled one."""

    after_out_of_memory: bool = False
    """It took the place of a plan that did not fit after all."""

    def document(self) -> dict[str, Any]:
        """As numbers, text and lists: for records, and for `Planner.chosen`."""
        return {
            "size": list(self.size),
            "mode": self.mode,
            "cuts": list(self.layout.cuts) if self.layout else [],
            "sides": list(self.layout.sides) if self.layout else [],
            "tiles": self.tiles,
            "shelved": bool(self.layout and self.layout.shelved),
            "history": self.history,
            "peak_bytes": self.peak,
            "after_out_of_memory": self.after_out_of_memory,
        }

    def describe(self) -> str:
        """In one line, for people."""
        pieces = {
            "untiled": "untiled",
            "checkpointed": "checkpointed, block by block",
            "tiled": f"{self.tiles} tiles",
        }
        text = f"{self.size[0]} x {self.size[1]} px: {pieces[self.mode]}"
        if self.history:
            text += f", {self.history} L-BFGS pairs"
        if self.layout and self.layout.shelved:
            text += ", the content's features put aside"
        return f"{text}, peak {format_bytes(self.peak)}"


class Planner:
    """Plans for one network and settings."""

    def __init__(self, vgg: VGG19, settings: Settings) -> None:
        self._vgg = vgg
        self._settings = settings
        self._style_layers = weighted(settings.style_layers)
        self._content_layers = weighted(settings.content_layers)
        self._layers = self._style_layers.keys() | self._content_layers.keys()
        statistic = statistic_of(settings.style_statistic, settings.gram, settings.style_evenness)
        self._divisible = isinstance(statistic, Additive) or not self._style_layers
        # Evenness takes no more memory than a few matrices, but has to look into them.
        self._statistic = Gram(settings.gram) if isinstance(statistic, Gram) else statistic
        self._costs: dict[tuple[Size, Layout | None], float] = {}
        self._evaluations: dict[tuple[Size, Layout | None], int] = {}
        self._moves: dict[Size, tuple[int, int]] = {}

    def plan(self, size: Size, held: int, steps: int, budget: int | None) -> Plan:
        """The fastest way within the budget. A longer memory of L-BFGS goes before speed.

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
            if budget and history > FEWEST_PAIRS and self._without(size, held, history) > budget:
                continue
            for layout in self._layouts(size):
                plan = self.predict(size, held, history, layout)
                if budget is None or plan.peak <= budget:
                    return plan
                if least is None or plan.peak < least.peak:
                    least = plan
        assert least is not None
        assert budget is not None
        advice = ""
        if self._settings.optimiser == "lbfgs":
            with contextlib.suppress(BudgetError):
                other = self._settings.model_copy(update={"optimiser": "adam"})
                Planner(self._vgg, other).plan(size, held, steps, budget)
                advice = " So would this size with `optimiser: adam` and `learning_rate: 0.02`."
        raise BudgetError(self.does_not_fit(least, budget) + advice)

    def roomy(self, size: Size, held: int, steps: int, budget: int) -> bool:
        """Whether a picture is so small for the budget that there is nothing to plan."""
        pairs = 24 * self._wanted_history(steps)
        return self._fixed + held + (ROOM + pairs) * size[0] * size[1] < budget

    def choices(self, size: Size, held: int, steps: int) -> list[Plan]:
        """With all the pairs that the settings ask for, from the fastest to the slowest."""
        history = self._wanted_history(steps)
        return [self.predict(size, held, history, layout) for layout in self._layouts(size)]

    def predict(self, size: Size, held: int, history: int, layout: Layout | None) -> Plan:
        """What a given layout takes."""
        evaluation = self._evaluation(size, layout)
        optimiser, move = self._optimiser(size, history)
        targets = self._targets_bytes(size, layout)
        # What is of the picture's size lies by itself, without gaps.
        evaluation += int((OVERHEAD - 1) * max(0, evaluation - 12 * size[0] * size[1]))
        mode: Mode = "untiled"
        if layout is not None:
            mode = "checkpointed" if all(side is None for side in layout.sides) else "tiled"
        return Plan(
            size=size,
            mode=mode,
            layout=layout,
            tiles=self._tiles(size, layout),
            history=history,
            peak=self._fixed + held + optimiser + targets + max(evaluation, move),
            cost=self._cost(size, layout),
        )

    def unplanned(self, size: Size, held: int, steps: int) -> Plan:
        """What is done where nobody set a budget."""
        return self.predict(size, held, self._wanted_history(steps), None)

    def chosen(self, size: Size, held: int, document: Mapping[str, Any]) -> Plan:
        """The plan that a document is of."""
        sides = tuple(document["sides"])
        shelved = document.get("shelved", False)
        layout = Layout(tuple(document["cuts"]), sides, shelved) if sides else None
        return self.predict(size, held, document["history"], layout)

    def does_not_fit(self, least: Plan, budget: int | None) -> str:
        """In words, for `BudgetError`; `least` is the least that was tried."""
        width, height = least.size
        limit = budget or least.peak
        spend = f"the budget is {format_bytes(budget)}" if budget else "there is less"
        return (
            f"{width} x {height} px need {format_bytes(least.peak)} of memory at least, and "
            f"{spend}. {self._advice(least, limit)}"
        )

    def smaller(self, plan: Plan, held: int) -> Plan | None:
        """One step down from a plan that did not fit after all: the next that takes less."""
        for history in (plan.history, max(plan.history // 2, min(plan.history, FEWEST_PAIRS))):
            for layout in self._layouts(plan.size):
                other = self.predict(plan.size, held, history, layout)
                if other.peak - self._fixed < SMALLER * (plan.peak - self._fixed):
                    return other
        return None

    def _without(self, size: Size, held: int, history: int) -> int:
        """Bytes, were evaluations to take none."""
        optimiser, move = self._optimiser(size, history)
        targets = self._targets_bytes(size, Layout(shelved=self._divisible))
        return self._fixed + held + optimiser + targets + move

    def _wanted_history(self, steps: int) -> int:
        if self._settings.optimiser != "lbfgs":
            return 0
        return max(FEWEST_PAIRS, min(self._settings.history, steps - 2))

    def _layouts(self, size: Size) -> list[Layout | None]:
        """From the fastest to the slowest."""
        layouts: list[Layout | None] = [None, Layout(EVERY_BLOCK, (None,) * 5)]
        if self._divisible:
            layouts += self._tiled(size)
        return sorted(layouts, key=lambda layout: self._cost(size, layout))

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
                if self._content_layers:
                    yield Layout(cuts, tuple(sides), shelved=True)

    def _segments(self, layout: Layout | None) -> list[Segment]:
        return take_apart(self._layers, layout or Layout())

    def _tiles(self, size: Size, layout: Layout | None) -> int:
        width, height = size
        return sum(
            len(segment.tiles(height // segment.scale, width // segment.scale))
            for segment in self._segments(layout)
        )

    def _cost(self, size: Size, layout: Layout | None) -> float:
        if (size, layout) not in self._costs:
            cost = relative_cost(self._segments(layout), size)
            self._costs[size, layout] = cost * (SHELVED if layout and layout.shelved else 1)
        return self._costs[size, layout]

    @property
    def _fixed(self) -> int:
        """Bytes, whatever is painted."""
        return SCRATCH + (BASE["cpu"] if self._vgg.device.type == "cpu" else BASE_ELSEWHERE)

    @cached_property
    def _meta(self) -> VGG19:
        return VGG19(self._vgg.weights, "meta", self._vgg.precision)

    def _evaluation(self, size: Size, layout: Layout | None) -> int:
        """Bytes at most while terms and gradient are computed, the gradient included."""
        if (size, layout) in self._evaluations:
            return self._evaluations[size, layout]
        picture = _empty((3, size[1], size[0]), torch.float32).requires_grad_()
        network = _Sketch(
            self._meta,
            self._segments(layout),
            self._layers,
            self._settings.pooling,
            self._settings.padding,
        )
        objective: Objective = TiledObjective(network, self._terms(size, layout))
        with Meter() as meter:
            terms = objective(picture)
            torch.autograd.grad(terms.sum(), picture)
        peak: int = meter.peak
        self._evaluations[size, layout] = peak
        return peak

    def _terms(self, size: Size, layout: Layout | None) -> Terms:
        shelved = layout is not None and layout.shelved
        contents: dict[str, Tensor | Shelved] = {}
        for name in self._content_layers:
            whole = self._layer(name, size)
            contents[name] = Shelved(whole.shape, whole.dtype, whole.device) if shelved else whole
        return Terms(
            self._settings,
            self._statistic,
            contents,
            {
                name: self._statistic.target(
                    [self._statistic.describe(self._layer(name, size))],
                    [1.0],
                    (size[0] // scale_of(name)) * (size[1] // scale_of(name)),
                )
                for name in self._style_layers
            },
        )

    def _layer(self, name: str, size: Size) -> Tensor:
        scale = scale_of(name)
        shape = (channels_of(name), size[1] // scale, size[0] // scale)
        return _empty(shape, DTYPES[self._vgg.precision])

    def _targets_bytes(self, size: Size, layout: Layout | None) -> int:
        """Of content and style, for as long as the scale is painted."""
        terms = self._terms(size, layout)
        tensors = [each for each in terms.content_targets.values() if isinstance(each, Tensor)]
        tensors += [tensor for target in terms.style_targets.values() for tensor in target]
        return sum(tensor.nbytes for tensor in tensors)

    def _optimiser(self, size: Size, history: int) -> tuple[int, int]:
        """Bytes that it keeps between moves, and how many more it takes to move, gradient
        included."""
        settings = self._settings
        pair = 2 * 12 * size[0] * size[1]
        if size in self._moves:
            kept, move = self._moves[size]
            return kept + pair * max(0, history - 1), move
        picture = _empty((3, size[1], size[0]), torch.float32)
        method = optimiser_of(
            settings.optimiser,
            picture,
            learning_rate=settings.learning_rate,
            history=1,
            first_move=settings.first_move,
            preconditioning=settings.preconditioning,
        )
        with Meter() as meter:
            for _ in range(3):  # from then on a pair comes and another goes
                kept = meter.live
                gradient = torch.empty_like(picture, memory_format=torch.contiguous_format)
                meter.peak = meter.live
                method.step(picture, gradient)
                del gradient
        self._moves[size] = kept, meter.peak - kept
        return kept + pair * max(0, history - 1), meter.peak - kept

    def _advice(self, least: Plan, budget: int) -> str:
        """What would fit, as memory goes with the number of pixels."""
        spare = 0.95 * (budget - self._fixed)
        share = math.sqrt(max(0.0, spare) / (least.peak - self._fixed))
        side = int(max(least.size) * min(share, 0.95)) // 16 * 16
        if side < 64:
            return "No size fits into that: raise `memory`."
        return f"{side} px on the longer side would fit."


class _Sketch(CutNetwork):
    """Of each segment the two tiles that read most: one more than any number holds less."""

    def tiles(self, segment: Segment, source: Tensor) -> list[Tile]:
        return sorted(super().tiles(segment, source), key=_read)[-2:]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says so; torch has several words for it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def release() -> None:
    """Give back what nothing refers to any more, on the host and on GPUs."""
    gc.collect()
    trim()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _read(tile: Tile) -> int:
    rows, columns = tile.read
    height: int = rows.stop - rows.start
    width: int = columns.stop - columns.start
    return height * width


def _empty(shape: tuple[int, int, int], dtype: torch.dtype) -> Tensor:
    return torch.empty((1, *shape), dtype=dtype, device="meta", memory_format=torch.channels_last)
