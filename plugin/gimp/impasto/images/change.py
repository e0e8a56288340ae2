"""What has become of a picture, told from thumbnails of it before and after.

GIMP tells a plug-in nothing of what the artist does to an image. Sizes alone cannot tell a crop
from a scaling, nor a flipped picture from one that was left alone. Knows neither GIMP nor a screen.
"""

import math
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

__all__ = ["Change", "Thumbnail", "change_of_scaled", "change_of_size_kept", "grid"]

GRID = 32
"""Points a side at which two pictures are compared."""

SURE = 0.02
"""Mean difference of two pictures, of 1, up to which they are the same one."""

SCALED = 0.06
"""The same for pictures that were scaled: interpolation changes them a little."""


COMPONENTS = {
    "u8": ("B", 2**8 - 1),
    "u16": ("H", 2**16 - 1),
    "u32": ("I", 2**32 - 1),
    "half": ("e", 1),
    "float": ("f", 1),
    "double": ("d", 1),
}
"""`struct`'s code and the value of white, by what GIMP calls a precision."""

Pixel = tuple[float, float, float, float]
"""Red, green, blue (grey thrice) times alpha, and alpha: each 0 to 1."""


class Change(Enum):
    """What was done to the geometry of a picture."""

    NONE = "none"
    """Nothing, or it was scaled as a whole."""
    TURNED = "turned"
    """Flipped, or rotated by a right angle."""
    CUT = "cut"
    """Cropped, or extended."""
    OTHER = "other"


@dataclass(frozen=True)
class Thumbnail:
    """A small copy, row after row."""

    width: int
    height: int
    pixels: Sequence[Pixel]
    shows_shape: bool
    """Whether its transparency counts too. Not an image's, which ends when it is flattened."""

    @classmethod
    def of(
        cls, width: int, height: int, data: bytes, component: str = "u8", *, has_shape: bool
    ) -> "Thumbnail":
        """Of bytes as GIMP hands them out: one to four components a pixel, the alpha last if it has
        one, of the image's own precision."""
        code, most = COMPONENTS[component]
        channels = len(data) // (width * height * struct.calcsize(code))
        has_alpha = channels in (2, 4)
        pixels = []
        for pixel in struct.iter_unpack(f"={channels}{code}", data):
            # Brighter than white is white, as it is painted; NaN is black.
            values = [min(value / most, 1.0) if value > 0 else 0.0 for value in pixel]
            *colour, alpha = values if has_alpha else (*values, 1.0)
            red, green, blue = (value * alpha for value in (colour * 3)[:3])
            pixels.append((red, green, blue, alpha))
        return cls(width, height, pixels, has_shape and has_alpha)

    def at(self, x: int, y: int) -> Pixel:
        return self.pixels[y * self.width + x]

    def sample(self, u: float, v: float) -> Pixel:
        """The pixel at a place, both from 0 to 1."""
        x = min(self.width - 1, int(u * self.width))
        return self.at(x, min(self.height - 1, int(v * self.height)))

    def reduced(self, factor: float) -> "Thumbnail":
        """A smaller copy, whose pixels are the means of what they cover."""
        width, height = (max(1, round(side * factor)) for side in (self.width, self.height))
        rows = [self.pixels[y * self.width : (y + 1) * self.width] for y in range(self.height)]
        narrow = [[_mean(row, part) for part in _parts(self.width, width)] for row in rows]
        columns = list(zip(*narrow, strict=True))
        parts = list(_parts(self.height, height))
        pixels = [_mean(column, part) for part in parts for column in columns]
        return Thumbnail(width, height, pixels, self.shows_shape)


Turn = Callable[[float, float], tuple[float, float]]

_TURNS: tuple[Turn, ...] = (
    lambda u, v: (1 - u, v),
    lambda u, v: (u, 1 - v),
    lambda u, v: (1 - u, 1 - v),
    lambda u, v: (v, u),
    lambda u, v: (v, 1 - u),
    lambda u, v: (1 - v, u),
    lambda u, v: (1 - v, 1 - u),
)


def change_of_size_kept(before: Thumbnail, after: Thumbnail) -> Change:
    """Of a picture that still has its size: NONE, whatever was painted on it, or TURNED."""
    same = _distance(before, after)
    if same <= SURE:
        return Change.NONE
    turned = min(_distance(before, after, turn) for turn in _TURNS)
    return Change.TURNED if turned < same / 2 else Change.NONE


def change_of_scaled(before: Thumbnail, after: Thumbnail, growth: float) -> Change:
    """Of a picture of another size.

    Args:
        growth: how many pixels of the picture one of `after` stands for, over how many one of
            `before` does.
    """
    same = _distance(before, after)
    turned = min(_distance(before, after, turn) for turn in _TURNS)
    if turned < same and turned <= SCALED:
        return Change.TURNED
    # Neither is ever larger than a thumbnail, so that the search for the one in the other ends.
    if growth > 1:
        cut = _best_overlap(before.reduced(1 / growth), after)
    else:
        cut = _best_overlap(before, after.reduced(growth))
    if same <= SCALED and same <= cut:
        return Change.NONE
    return Change.CUT if cut <= SCALED else Change.OTHER


def _distance(one: Thumbnail, other: Thumbnail, turn: Turn | None = None) -> float:
    pairs = (
        (one.sample(u, v), other.sample(*(turn(u, v) if turn else (u, v)))) for u, v in grid(GRID)
    )
    return _mean_difference(pairs, one.shows_shape and other.shows_shape)


def _best_overlap(one: Thumbnail, other: Thumbnail) -> float:
    """The least mean difference of the smaller picture to a part of the larger, pixel on pixel."""
    small, large = sorted((one, other), key=lambda each: each.width * each.height)
    points = [(int(u * small.width), int(v * small.height)) for u, v in grid(8)]
    wanted = [(x, y, small.at(x, y)) for x, y in points]
    shape = small.shows_shape and large.shows_shape
    differences = (
        _mean_difference(((each, large.at(left + x, top + y)) for x, y, each in wanted), shape)
        for top in range(large.height - small.height + 1)
        for left in range(large.width - small.width + 1)
    )
    return min(differences, default=1.0)


def _parts(old: int, new: int) -> Iterator[list[tuple[int, float]]]:
    """For each of `new` equal parts of `old` pixels: which ones it covers, and how much of each."""
    for part in range(new):
        start, end = part * old / new, (part + 1) * old / new
        covered = range(int(start), min(old, math.ceil(end)))
        yield [(at, min(at + 1, end) - max(at, start)) for at in covered]


def _mean(pixels: Sequence[Pixel], part: list[tuple[int, float]]) -> Pixel:
    whole = sum(share for _, share in part)
    red, green, blue, alpha = (
        sum(pixels[at][channel] * share for at, share in part) / whole for channel in range(4)
    )
    return red, green, blue, alpha


def grid(side: int) -> Iterator[tuple[float, float]]:
    """Places spread evenly over a picture, so many a side; both parts from 0 to 1."""
    return (((x + 0.5) / side, (y + 0.5) / side) for y in range(side) for x in range(side))


def _mean_difference(pairs: Iterable[tuple[Pixel, Pixel]], shape: bool) -> float:
    """Of the colours, where both have one; with `shape`, of the transparency too."""
    colours = weight = shapes = 0.0
    count = 0
    for (r, g, b, alpha), (r2, g2, b2, alpha2) in pairs:
        count += 1
        weight += alpha * alpha2
        colours += abs(r * alpha2 - r2 * alpha)
        colours += abs(g * alpha2 - g2 * alpha) + abs(b * alpha2 - b2 * alpha)
        shapes += abs(alpha - alpha2)
    return (colours / 3 / weight if weight else 0.0) + (shapes / count if shape else 0.0)
