"""How VGG19 is taken apart: cut behind poolings into segments, and each segment into tiles.

A layer's activations depend on a neighbourhood of each position, its receptive field. So a tile
reads a halo beyond the positions that it stands for. Where the tile ends and the picture does not,
nothing is padded: each convolution uses up a ring of the halo, and the last leaves just the tile's
own positions. Cut into segments, the network needs narrow halos only: 6 pixels for conv1_1 to
pool2, where relu5_1 by itself sees 70 to each side.
"""

import itertools
import math
from collections.abc import Collection
from dataclasses import dataclass

from engine.settings import LAYERS

__all__ = ["Layout", "Segment", "Span", "Tile", "scale_of", "take_apart"]


@dataclass(frozen=True)
class Layout:
    """Where the network is cut, and into tiles of which size."""

    cuts: tuple[str, ...] = ()
    """Poolings, in the network's order; a segment ends with each of them."""

    sides: tuple[int | None, ...] = (None,)
    """Of each segment's tiles at most, halo excluded, in pixels of the picture; None for one tile
    that is everything. One more than there are cuts."""

    shelved: bool = False
    """Whether the content's features are kept outside memory (`engine.shelf`)."""


@dataclass(frozen=True)
class Span:
    """What a tile is along one side, in positions of its segment's input.

    It stands for `start` to `stop` and reads `first` to `last`, each exclusive of the end, of
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
        """What it stands for, in what it reads."""
        return slice(self.start - self.first, self.stop - self.first)

    @property
    def edges(self) -> tuple[int, int]:
        """1 at each end that is the picture's own, else 0: what is padded there."""
        return int(self.first == 0), int(self.last == self.length)

    def own(self, stride: int = 1) -> slice:
        """What it stands for, in a whole layer so many times narrower than the input."""
        return slice(self.start // stride, self.stop // stride)

    def computed(self, stride: int, rest: int) -> slice:
        """What it computes of such a layer, of whose halo `rest` positions are not used up."""
        at_start, at_end = self.edges
        return slice(
            0 if at_start else self.start // stride - rest,
            self.length // stride if at_end else self.stop // stride + rest,
        )

    def inner(self, stride: int, rest: int) -> slice:
        """What it stands for, in what it computes."""
        own, offset = self.own(stride), self.computed(stride, rest).start
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

    def inner(self, stride: int, rest: int) -> tuple[slice, slice]:
        return self.rows.inner(stride, rest), self.columns.inner(stride, rest)


@dataclass(frozen=True)
class Segment:
    """A stretch of the network."""

    layers: tuple[str, ...]
    """Without the pooling that ends it."""

    pool: str | None
    """What ends it; None at the network's end."""

    side: int | None
    """As in `Layout`."""

    @property
    def scale(self) -> int:
        """Pixels of the picture to a position of the segment's input."""
        return scale_of(self.layers[0])

    @property
    def halo(self) -> int:
        """Positions of the input that the last layer sees beyond its own, to each side."""
        return sum(self.stride(name) for name in self.layers if name.startswith("conv"))

    def rest(self, layer: str) -> int:
        """Positions of a layer that the last one sees beyond its own: the halo as it is there.

        It is even where a pooling follows, so that a tile's fours are the whole picture's.
        """
        behind = self.layers[self.layers.index(layer) + 1 :]
        reach = sum(self.stride(name) for name in behind if name.startswith("conv"))
        return reach // self.stride(layer)

    def stride(self, layer: str) -> int:
        """Positions of the input to one of a layer."""
        return scale_of(layer) // self.scale

    def spans(self, length: int) -> list[Span]:
        """What the tiles are along a side of so many positions: each position is in one."""
        cell = self.stride(self.pool or self.layers[-1])
        side = None if self.side is None else max(1, self.side // self.scale)
        return _spans(length, side, cell, self.halo)

    def tiles(self, height: int, width: int) -> list[Tile]:
        """All of them, row by row, for an input of this size."""
        return [Tile(rows, columns) for rows in self.spans(height) for columns in self.spans(width)]


def take_apart(wanted: Collection[str], layout: Layout) -> list[Segment]:
    """The segments up to the deepest of the wanted layers.

    Cuts that this depth has no use for are ignored.
    """
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


def scale_of(layer: str) -> int:
    """Pixels of the picture to a position of the layer: each pooling halves the sides.

    >>> scale_of("relu1_2"), scale_of("pool1"), scale_of("relu5_1")
    (1, 2, 16)
    """
    return 1 << (int(layer[4]) - 1 + layer.startswith("pool"))


def _spans(length: int, side: int | None, cell: int, halo: int) -> list[Span]:
    """As equal as whole cells allow. What is left over belongs to the last, as poolings drop it."""
    cells = max(1, length // cell)
    count = 1 if side is None else min(cells, math.ceil(cells * cell / max(side, cell)))
    ends = [cells * index // count * cell for index in range(count)] + [length]
    return [
        Span(start, stop, max(0, start - halo), min(length, stop + halo), length)
        for start, stop in itertools.pairwise(ends)
    ]
