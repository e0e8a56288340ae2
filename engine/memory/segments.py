"""Splits VGG19 into segments after poolings, and each segment into tiles. Does not import torch.

A layer's activations depend on a neighbourhood of each position, its receptive field. So a tile
reads a halo beyond its own positions. Where the tile ends and the picture does not, nothing is
padded: each convolution uses up a ring of the halo, and the last leaves just the tile's own
positions. In segments, the network needs narrow halos only: 6 pixels for conv1_1 to pool2, where
relu5_1 of the whole network sees 70 to each side.
"""

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass

from engine.network.layers import scale_of
from engine.settings import LAYERS

__all__ = ["Layout", "Segment", "Span", "Tile", "split_into_segments"]


@dataclass(frozen=True)
class Layout:
    """Where the network is split, and the size of the tiles."""

    cuts: tuple[str, ...] = ()
    """Poolings, in the network's order; a segment ends with each of them."""

    sides: tuple[int | None, ...] = (None,)
    """Longest side of each segment's tiles, without halo, in pixels of the picture; None for one
    tile that covers the segment. One more than there are cuts."""

    offloaded: bool = False
    """Whether the content's features are kept outside memory (`engine.memory.offload`)."""


@dataclass(frozen=True)
class Span:
    """A tile along one side, in positions of its segment's input.

    Its own are `start` to `stop`; with its halo it reads `first` to `last` (ends exclusive) of
    `length`.
    """

    start: int
    stop: int
    first: int
    last: int
    length: int

    @property
    def read(self) -> slice:
        return slice(self.first, self.last)

    @property
    def within(self) -> slice:
        """Its own positions, within those that it reads."""
        return slice(self.start - self.first, self.stop - self.first)

    @property
    def edges(self) -> tuple[int, int]:
        """1 at each end that is the picture's own, else 0: what is padded there."""
        return int(self.first == 0), int(self.last == self.length)

    def own(self, stride: int = 1) -> slice:
        """Its own positions, in a whole layer that is `stride` times narrower than the input."""
        return slice(self.start // stride, self.stop // stride)

    def computed(self, stride: int, remaining_halo: int) -> slice:
        """Positions that it computes of such a layer: its own and the remaining halo."""
        at_start, at_end = self.edges
        return slice(
            0 if at_start else self.start // stride - remaining_halo,
            self.length // stride if at_end else self.stop // stride + remaining_halo,
        )

    def inner(self, stride: int, remaining_halo: int) -> slice:
        """Its own positions, within those that it computes."""
        own, offset = self.own(stride), self.computed(stride, remaining_halo).start
        return slice(own.start - offset, own.stop - offset)


@dataclass(frozen=True)
class Tile:
    rows: Span
    columns: Span

    @property
    def read(self) -> tuple[slice, slice]:
        return self.rows.read, self.columns.read

    @property
    def within(self) -> tuple[slice, slice]:
        return self.rows.within, self.columns.within

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Left, right, top, bottom."""
        return *self.columns.edges, *self.rows.edges

    def own(self, stride: int = 1) -> tuple[slice, slice]:
        return self.rows.own(stride), self.columns.own(stride)

    def inner(self, stride: int, remaining_halo: int) -> tuple[slice, slice]:
        return self.rows.inner(stride, remaining_halo), self.columns.inner(stride, remaining_halo)


@dataclass(frozen=True)
class Segment:
    """Successive layers of the network, up to a pooling."""

    layers: tuple[str, ...]
    """Without the pooling that ends it."""

    pool: str | None
    """The pooling that ends it; None for the last segment."""

    side: int | None
    """Longest side of its tiles, as in `Layout.sides`."""

    @property
    def scale(self) -> int:
        """Pixels of the picture to a position of the segment's input."""
        return scale_of(self.layers[0])

    @property
    def halo(self) -> int:
        """Positions of the input that the last layer sees beyond its own, to each side."""
        return sum(self.stride(name) for name in self.layers if name.startswith("conv"))

    def remaining_halo(self, layer: str) -> int:
        """Positions of a layer that the last one sees beyond its own, to each side.

        Even where a pooling follows, so that a tile pools the same 2 x 2 blocks as the whole.
        """
        behind = self.layers[self.layers.index(layer) + 1 :]
        reach = sum(self.stride(name) for name in behind if name.startswith("conv"))
        return reach // self.stride(layer)

    def stride(self, layer: str) -> int:
        """Positions of the input to one of a layer."""
        return scale_of(layer) // self.scale

    def spans(self, length: int) -> list[Span]:
        """The tiles along a side of `length` positions: each position belongs to one."""
        cell = self.stride(self.pool or self.layers[-1])
        side = None if self.side is None else max(1, self.side // self.scale)
        return _spans(length, side, cell, self.halo)

    def tiles(self, height: int, width: int) -> list[Tile]:
        """The tiles, row by row, for an input of this size."""
        return [Tile(rows, columns) for rows in self.spans(height) for columns in self.spans(width)]


def split_into_segments(wanted: Collection[str], layout: Layout) -> list[Segment]:
    """The segments up to the deepest of the wanted layers; deeper cuts are ignored."""
    end = max(map(LAYERS.index, wanted)) + 1
    segments = []
    start = 0
    for cut, side in zip(layout.cuts, layout.sides, strict=False):
        stop = LAYERS.index(cut)
        if stop >= end - 1:
            break
        segments.append(Segment(LAYERS[start:stop], cut, side))
        start = stop + 1
    segments.append(Segment(LAYERS[start:end], None, layout.sides[len(segments)]))
    return segments


def _spans(length: int, side: int | None, cell: int, halo: int) -> list[Span]:
    """Spans as equal as whole cells allow. The last has the remainder, which poolings drop."""
    cells = max(1, length // cell)
    count = 1 if side is None else min(cells, math.ceil(cells * cell / max(side, cell)))
    ends = [cells * index // count * cell for index in range(count)] + [length]
    return [
        Span(start, stop, max(0, start - halo), min(length, stop + halo), length)
        for start, stop in itertools.pairwise(ends)
    ]
