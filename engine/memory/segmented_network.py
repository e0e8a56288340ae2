"""VGG19 computed segment by segment and tile by tile (`segments.py` says how it is split)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from engine.errors import Problem, SettingsError
from engine.losses.guides import Area, Guide
from engine.losses.statistics import Statistic, StyleStatistics, TileableStatistic
from engine.memory.offload import OffloadedTensor
from engine.memory.segments import Segment, Tile
from engine.network.layers import scale_of
from engine.network.vgg import VGG19, pool

__all__ = [
    "SegmentedNetwork",
    "StatisticsAccumulator",
    "count_positions",
    "empty_layer",
    "place_tile",
    "read_tile",
]

Whole = TypeVar("Whole", bound=Tensor | OffloadedTensor)

WHOLE_LAYERS = Problem(
    ("style_statistic",),
    "histogram, which sorts each layer as a whole and cannot be taken in tiles",
    "gram, covariance or wasserstein at this size and within this memory",
)


class SegmentedNetwork:
    """VGG19 in segments, for the layers, pooling and padding of one objective."""

    def __init__(
        self,
        vgg: VGG19,
        segments: Sequence[Segment],
        wanted: Collection[str],
        pooling: str,
        padding: str,
    ) -> None:
        self.segments = list(segments)
        self._vgg = vgg
        self._wanted = wanted
        self._pooling = pooling
        self._padding = padding

    def tiles(self, segment: Segment, source: Tensor) -> list[Tile]:
        """The tiles of a segment, given its input."""
        return segment.tiles(source.shape[-2], source.shape[-1])

    def run(self, segment: Segment, tile: Tile, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute one tile of one segment.

        Args:
            x: the tile, with its halo, of the segment's input.

        Returns:
            The segment's output and the wanted layers, at the tile's own positions.
        """
        if segment is self.segments[0]:
            x = self._vgg.preprocess(x)
        x, found = self._vgg.through(
            x, segment.layers, self._wanted, self._pooling, self._padding, tile.edges
        )

        def inner(layer: str) -> tuple[slice, slice]:
            return tile.inner(segment.stride(layer), segment.remaining_halo(layer))

        found = {name: feature[..., *inner(name)] for name, feature in found.items()}
        if segment.pool:
            x = pool(x[..., *inner(segment.layers[-1])], self._pooling)
            if segment.pool in self._wanted:
                found[segment.pool] = x
        return x, found

    @torch.no_grad()
    def parts(self, picture: Tensor) -> Iterator[tuple[Segment, Tile, dict[str, Tensor]]]:
        """The wanted layers of a picture, tile by tile."""
        source = picture
        for segment in self.segments:
            output: Tensor | None = None
            for tile in self.tiles(segment, source):
                x, found = self.run(segment, tile, read_tile(source, tile))
                if segment.pool:
                    output = place_tile(
                        output, x, segment, tile, segment.pool, picture, empty_layer
                    )
                yield segment, tile, found
            if output is not None:
                source = output

    def features(
        self, picture: Tensor, *, offloaded: bool = False
    ) -> dict[str, Tensor | OffloadedTensor]:
        """The wanted layers, each as a whole; those in tiles offloaded, if asked."""
        wholes: dict[str, Tensor | OffloadedTensor] = {}
        make: Callable[..., Tensor | OffloadedTensor] = (
            OffloadedTensor if offloaded else empty_layer
        )
        for segment, tile, found in self.parts(picture):
            for name, feature in found.items():
                whole = wholes.get(name)
                wholes[name] = place_tile(whole, feature, segment, tile, name, picture, make)
        return wholes

    def statistics(
        self, picture: Tensor, statistic: Statistic, guide: Guide | None = None
    ) -> dict[str, StyleStatistics]:
        """A statistic of each of the wanted layers, over what counts.

        Raises:
            SettingsError: a layer in tiles, and the statistic needs it as a whole.
        """
        sums: dict[str, StatisticsAccumulator] = {}
        for segment, tile, found in self.parts(picture):
            for name, feature in found.items():
                own = tile.own(segment.stride(name))
                sums.setdefault(name, StatisticsAccumulator(statistic)).add(
                    feature, guide, name, own
                )
        return {name: each.statistics for name, each in sums.items()}


class StatisticsAccumulator:
    """The statistics of a layer, from tile to tile."""

    def __init__(self, statistic: Statistic) -> None:
        self._statistic = statistic
        self._total = 0.0
        self.statistics: StyleStatistics = ()

    def add(self, features: Tensor, guide: Guide | None, layer: str, area: Area) -> None:
        """Add what counts of an area of the layer.

        Args:
            features: 1 x C x h x w, of the area.
        """
        weights = None
        total: float = count_positions(features)
        if guide is not None:
            features = guide.select(features, layer, area)
            weights, total = guide.weights(layer, area), guide.total(layer, area)
        if not total:
            return
        statistics = (
            self._statistic.compute(features)
            if weights is None or not isinstance(self._statistic, TileableStatistic)
            else self._statistic.compute(features, weights)
        )
        if not self._total:
            self.statistics, self._total = statistics, total
            return
        if not isinstance(self._statistic, TileableStatistic):
            raise SettingsError([WHOLE_LAYERS])
        before, self._total = self._total, self._total + total
        shares = [before / self._total, total / self._total]
        self.statistics = self._statistic.combine([self.statistics, statistics], shares)


def read_tile(source: Tensor, tile: Tile) -> Tensor:
    """A tile with its halo; contiguous, since else every convolution would copy it."""
    part = source[..., *tile.read]
    return part.contiguous(memory_format=torch.channels_last)


def empty_layer(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=device, memory_format=torch.channels_last)


def place_tile(
    whole: Whole | None,
    part: Tensor,
    segment: Segment,
    tile: Tile,
    layer: str,
    picture: Tensor,
    make: Callable[[tuple[int, ...], torch.dtype, torch.device], Whole],
) -> Whole | Tensor:
    """Write a tile's part into the whole layer, made with the first part, and return that."""
    height, width = (side // scale_of(layer) for side in picture.shape[-2:])
    if part.shape[-2:] == (height, width):
        return part
    if whole is None:
        whole = make((1, part.shape[1], height, width), part.dtype, part.device)
    whole[..., *tile.own(segment.stride(layer))] = part
    return whole


def count_positions(features: Tensor) -> int:
    return features.shape[-2] * features.shape[-1]
