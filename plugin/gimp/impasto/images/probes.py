"""Where a picture's own pixels are after a change, told exactly from short runs of them.

Cropping, extending and moving keep the pixels; scaling, rotating and painting do not. Knows neither
GIMP nor a screen.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from images.change import grid

__all__ = ["PROBE_LENGTH", "Probe", "Probes", "Shift"]

PROBE_LENGTH = 32
"""Pixels of a probe, in one row."""

GRID = 6
"""Probes a side, spread over the picture."""

TELLING = 8
"""Different pixels that a probe has at least: one of a plain area is found anywhere."""

FOUND = 0.5
"""Of the probes that must be there, the part that is: the others may have been painted over."""

MAX_AREA = 50_000_000
"""Pixels that are read in all to look for them wherever they may be."""

BAND = 4_000_000
"""Pixels that are read at once."""

Read = Callable[[int, int, int, int], bytes]
"""`read(x, y, width, height)`: the pixels of a rectangle that lies within the picture."""

Shift = tuple[int, int]
"""Where the pixel that was at 0, 0 is now."""


@dataclass(frozen=True)
class Probe:
    """Pixels side by side, the first of them at x, y."""

    x: int
    y: int
    pixels: bytes


class Probes:
    """Remembers a picture by some of its pixels."""

    def __init__(self, width: int, height: int, read: Read) -> None:
        self.size = width, height
        length = min(PROBE_LENGTH, width)
        places = [(round(u * (width - length)), round(v * (height - 1))) for u, v in grid(GRID)]
        # Whatever part is left, one of the first is in it.
        random.Random(1).shuffle(places)
        probes = [Probe(x, y, read(x, y, length, 1)) for x, y in dict.fromkeys(places)]
        self._probes = [each for each in probes if _is_telling(each.pixels, length)]
        self._length = length

    def shift(self, width: int, height: int, read: Read, likely: Sequence[Shift]) -> Shift | None:
        """Where the picture's pixels are in one of another (or the same) size; None if they are
        not there as they were, or cannot be told from one another.

        Args:
            likely: where they may be, looked at first.
        """
        if not self._probes:
            return None
        now = _Now(width, height, read)
        for shift in dict.fromkeys(likely):
            if self._are_at(shift, now):
                return shift
        return next((each for each in self._searched(now) if self._are_at(each, now)), None)

    def _are_at(self, shift: Shift, now: "_Now") -> bool:
        inside = [each for each in self._probes if now.has(each, shift, self._length)]
        found = sum(
            now.read(each.x + shift[0], each.y + shift[1], self._length, 1) == each.pixels
            for each in inside
        )
        return bool(inside) and found >= FOUND * len(inside)

    def _searched(self, now: "_Now") -> Iterator[Shift]:
        """Where one of the probes is found."""
        (least_x, most_x), (least_y, most_y) = (
            (min(0, new - old), max(0, new - old))
            for old, new in zip(self.size, (now.width, now.height), strict=True)
        )
        left = MAX_AREA
        for probe in self._probes:
            x, right = max(0, probe.x + least_x), min(now.width, probe.x + most_x + self._length)
            y, bottom = max(0, probe.y + least_y), min(now.height, probe.y + most_y + 1)
            left -= max(0, right - x) * max(0, bottom - y)
            if left < 0:
                return
            for found_x, found_y in now.find(probe.pixels, x, y, right, bottom):
                yield found_x - probe.x, found_y - probe.y


class _Now:
    """The picture as it is now."""

    def __init__(self, width: int, height: int, read: Read) -> None:
        self.width, self.height, self.read = width, height, read

    def has(self, probe: Probe, shift: Shift, length: int) -> bool:
        x, y = probe.x + shift[0], probe.y + shift[1]
        return 0 <= x <= self.width - length and 0 <= y < self.height

    def find(
        self, pixels: bytes, x: int, y: int, right: int, bottom: int
    ) -> Iterator[tuple[int, int]]:
        """Every place of these pixels within a rectangle."""
        width = right - x
        if width < 1:
            return
        rows = max(1, BAND // width)
        for top in range(y, bottom, rows):
            height = min(rows, bottom - top)
            data = self.read(x, top, width, height)
            stride = len(data) // height
            size = stride // width
            at = data.find(pixels)
            while at >= 0:
                row, column = divmod(at, stride)
                # Neither between two pixels nor around the end of a row.
                if column % size == 0 and column + len(pixels) <= stride:
                    yield x + column // size, top + row
                at = data.find(pixels, at + 1)


def _is_telling(pixels: bytes, length: int) -> bool:
    size = len(pixels) // length
    return len({pixels[at : at + size] for at in range(0, len(pixels), size)}) >= TELLING
