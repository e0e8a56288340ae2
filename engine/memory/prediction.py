"""Predicts what a plan takes: bytes at most, and multiplications.

No formula estimates the memory, so the prediction cannot differ from the code: the objective and
the optimiser themselves are run on tensors without data (`engine.memory.peak_memory`), in the
layout in question, and what they hold at most is counted. Of each segment only the two largest
tiles are run: the others hold no more. What no tensor shows (libraries, workspaces of operations,
what the allocator cannot give back) are three numbers, measured with `python -m benchmarks memory`.
"""

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from engine.images.pyramid import Size
from engine.losses.gram import Gram
from engine.losses.guides import Everywhere
from engine.losses.masked import GuidedStyle
from engine.losses.statistics import TileableStatistic
from engine.losses.weighted import ContentTarget, WeightedLosses, active_layers, statistic_of
from engine.memory.offload import OffloadedTensor
from engine.memory.peak_memory import PeakMemoryCounter
from engine.memory.plan import Plan
from engine.memory.segmented_network import SegmentedNetwork
from engine.memory.segments import Layout, Segment, Span, Tile, split_into_segments
from engine.memory.tiled_objective import TiledObjective
from engine.network.layers import channels_of, multiplications_of, positions_of, scale_of
from engine.network.vgg import DTYPES, VGG19
from engine.optimisers.minimise import Objective
from engine.optimisers.selection import optimiser_of
from engine.settings import Settings

__all__ = ["Predictor", "relative_cost"]

BASE = {"cpu": 860_000_000}
"""Bytes of a process that has loaded torch and the network's weights and made a plan."""
BASE_ELSEWHERE = 100_000_000
"""Bytes on any other device, besides the kernels."""

SCRATCH = 190_000_000
"""Bytes that a few evaluations leave in the allocator's hands, whatever their size."""

OVERHEAD = 1.15
"""Factor for the workspaces of operations and for gaps between blocks of memory."""
OVERHEAD_OF_GRAPHS = {"bfloat16": 1.25, "float32": 1.5}
"""The same where the evaluation is captured: 1.07 to 1.21 and 1.37 to 1.46 on an H200, at 512 and
1,024 px."""

OFFLOADED = 1.01
"""Cost of an evaluation with the content's features offloaded, relative to one without."""


class Predictor:
    """Predictions for one network, settings, and so many regions, each with a style of its own."""

    def __init__(self, vgg: VGG19, settings: Settings, regions: int = 0) -> None:
        self._vgg = vgg
        self._settings = settings
        self._regions = regions
        self._style_layers = active_layers(settings.style_layers)
        self._content_layers = active_layers(settings.content_layers)
        self._layers = self._style_layers.keys() | self._content_layers.keys()
        statistic = statistic_of(settings.style_statistic, settings.gram, settings.style_evenness)
        self.tileable = isinstance(statistic, TileableStatistic) or not self._style_layers
        """Whether the style's loss can be taken in tiles."""
        # Whitening takes no more memory than a few matrices, but has to look into them.
        self._statistic = Gram(settings.gram) if isinstance(statistic, Gram) else statistic
        self._costs: dict[tuple[Size, Layout | None], float] = {}
        self._evaluations: dict[tuple[Size, Layout | None], int] = {}
        self._moves: dict[Size, tuple[int, int]] = {}

    def with_optimiser(self, optimiser: str) -> Self:
        """The same with another optimiser; what evaluations hold, which is the same, is shared."""
        other = copy.copy(self)
        other._settings = self._settings.model_copy(update={"optimiser": optimiser})
        other._moves = {}
        return other

    @cached_property
    def fixed(self) -> int:
        """Bytes that every painting takes."""
        base = BASE["cpu"] if self._vgg.device.type == "cpu" else BASE_ELSEWHERE
        return SCRATCH + base + sum(vgg.kernel_bytes(self._layers) for vgg in self._networks)

    def predict(self, size: Size, held: int, history: int, layout: Layout | None) -> Plan:
        """The plan that a layout makes.

        Args:
            held: bytes of pictures that the caller holds besides.
            history: pairs that L-BFGS remembers; 0 for Adam.
        """
        evaluation = self._evaluation(size, layout)
        optimiser, move = self._optimiser(size, history)
        targets = self._targets_bytes(size, layout)
        # Captured as CUDA graphs, evaluation and move keep their memory.
        captured = self._vgg.device.type == "cuda" and layout is None
        overhead = OVERHEAD_OF_GRAPHS.get(self._vgg.precision, OVERHEAD) if captured else OVERHEAD
        # Tensors of the picture's size are allocated by themselves, without gaps.
        evaluation += int((overhead - 1) * max(0, evaluation - 12 * size[0] * size[1]))
        return Plan(
            size=size,
            layout=layout,
            tiles=self._tiles(size, layout),
            history=history,
            peak=self.fixed
            + held
            + optimiser
            + targets
            + (evaluation + move if captured else max(evaluation, move)),
            cost=self.cost(size, layout),
        )

    def without_evaluations(self, size: Size, held: int, history: int) -> int:
        """The peak in bytes if evaluations took none: a lower bound for every layout."""
        optimiser, move = self._optimiser(size, history)
        targets = self._targets_bytes(size, Layout(offloaded=self.tileable))
        return self.fixed + held + optimiser + targets + move

    def cost(self, size: Size, layout: Layout | None) -> float:
        if (size, layout) not in self._costs:
            cost = relative_cost(self._segments(layout), size)
            self._costs[size, layout] = cost * (OFFLOADED if layout and layout.offloaded else 1)
        return self._costs[size, layout]

    def _segments(self, layout: Layout | None) -> list[Segment]:
        return split_into_segments(self._layers, layout or Layout())

    def _tiles(self, size: Size, layout: Layout | None) -> int:
        width, height = size
        return sum(
            len(segment.tiles(height // segment.scale, width // segment.scale))
            for segment in self._segments(layout)
        )

    @cached_property
    def _networks(self) -> list[VGG19]:
        """What the picture is computed with, without data: at the end perhaps by another."""
        used = [self._vgg]
        if self._settings.may_end_plain and self._vgg.exact is not self._vgg:
            used.append(self._vgg.exact)
        networks = [VGG19(v.weights, "meta", v.precision, winograd=v.winograd) for v in used]
        for network in networks:
            network.kernel_bytes(self._layers)  # makes them, so that no evaluation is charged
        return networks

    def _evaluation(self, size: Size, layout: Layout | None) -> int:
        """Bytes at most while terms and gradient are computed, the gradient included."""
        if (size, layout) in self._evaluations:
            return self._evaluations[size, layout]
        peak = 0
        for vgg in self._networks:
            picture = _empty((3, size[1], size[0]), torch.float32).requires_grad_()
            network = _LargestTiles(
                vgg,
                self._segments(layout),
                self._layers,
                self._settings.pooling,
                self._settings.padding,
            )
            objective: Objective = TiledObjective(network, self._losses(size, layout))
            with PeakMemoryCounter() as counter:
                terms = objective(picture)
                torch.autograd.grad(terms.sum(), picture)
            peak = max(peak, counter.peak)
        self._evaluations[size, layout] = peak
        return peak

    def _losses(self, size: Size, layout: Layout | None) -> WeightedLosses:
        offloaded = layout is not None and layout.offloaded
        contents: dict[str, ContentTarget] = {}
        for name in self._content_layers:
            whole = self._layer(name, size)
            contents[name] = (
                OffloadedTensor(whole.shape, whole.dtype, whole.device) if offloaded else whole
            )
        anywhere = Everywhere(size, torch.device("meta"))
        guides = [anywhere] * self._regions if self._regions else [None]
        styles = [
            GuidedStyle(
                {
                    name: self._statistic.target(
                        [self._statistic.compute(self._layer(name, size))],
                        [1.0],
                        positions_of(name, size),
                    )
                    for name in self._style_layers
                },
                guide,
            )
            for guide in guides
        ]
        return WeightedLosses(self._settings, self._statistic, contents, styles)

    def _layer(self, name: str, size: Size) -> Tensor:
        scale = scale_of(name)
        shape = (channels_of(name), size[1] // scale, size[0] // scale)
        return _empty(shape, DTYPES[self._vgg.precision])

    def _targets_bytes(self, size: Size, layout: Layout | None) -> int:
        """Bytes of the targets of content and style, held while the scale is painted, for each of
        the networks."""
        losses = self._losses(size, layout)
        tensors = [each for each in losses.content_targets.values() if isinstance(each, Tensor)]
        targets = [target for style in losses.styles for target in style.targets.values()]
        tensors += [tensor for target in targets for tensor in target]
        return len(self._networks) * sum(tensor.nbytes for tensor in tensors)

    def _optimiser(self, size: Size, history: int) -> tuple[int, int]:
        """Bytes that it keeps between moves, and the additional bytes of a move, gradient
        included."""
        pair = 2 * 12 * size[0] * size[1]
        if size in self._moves:
            kept, move = self._moves[size]
            return kept + pair * max(0, history - 1), move
        picture = _empty((3, size[1], size[0]), torch.float32)
        settings = self._settings.model_copy(update={"history": 1})
        method = optimiser_of(settings, size, self._vgg.device.type)
        with PeakMemoryCounter() as counter:
            for _ in range(3):  # from the third on a pair replaces another
                kept = counter.live
                gradient = torch.empty_like(picture, memory_format=torch.contiguous_format)
                counter.peak = counter.live
                method.step(picture, gradient, torch.empty(3, device="meta"), settings.clamp)
                del gradient
        self._moves[size] = kept, counter.peak - kept
        return kept + pair * max(0, history - 1), counter.peak - kept


class _LargestTiles(SegmentedNetwork):
    """The two tiles of each segment that read most: more tiles hold no more at a time."""

    def tiles(self, segment: Segment, source: Tensor) -> list[Tile]:
        return sorted(super().tiles(segment, source), key=_positions_read)[-2:]


def relative_cost(segments: Sequence[Segment], size: Size) -> float:
    """Multiplications of an evaluation with its gradient, relative to those without segments.

    Each tile computes its halo too. Each segment runs forward, forward again and backward; a last
    segment in one tile runs forward once.
    """
    width, height = size
    total = sum(multiplications_of(layer) for each in segments for layer in _convolutions(each))
    cost = 0.0
    for segment in segments:
        rows = segment.spans(height // segment.scale)
        columns = segment.spans(width // segment.scale)
        once = segment is segments[-1] and len(rows) == len(columns) == 1
        for layer in _convolutions(segment):
            share = _overlap(segment, layer, rows) * _overlap(segment, layer, columns)
            cost += (2 if once else 3) * share * multiplications_of(layer) / total
    return cost / 2


def _convolutions(segment: Segment) -> list[str]:
    return [name for name in segment.layers if name.startswith("conv")]


def _overlap(segment: Segment, layer: str, spans: Sequence[Span]) -> float:
    """Positions that all tiles compute of a layer, along one side, relative to its own."""
    stride, halo = segment.stride(layer), segment.remaining_halo(layer)
    parts = [span.computed(stride, halo) for span in spans]
    computed: int = sum(part.stop - part.start for part in parts)
    return computed / (spans[0].length // stride)


def _positions_read(tile: Tile) -> int:
    rows, columns = tile.read
    height: int = rows.stop - rows.start
    width: int = columns.stop - columns.start
    return height * width


def _empty(shape: tuple[int, int, int], dtype: torch.dtype) -> Tensor:
    return torch.empty((1, *shape), dtype=dtype, device="meta", memory_format=torch.channels_last)
