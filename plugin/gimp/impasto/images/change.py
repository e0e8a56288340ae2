"""What has become of a picture, told from thumbnails of it before and after.

GIMP tells a plug-in nothing of what the artist does to an image. Sizes alone cannot tell a crop
from a scaling, nor a flipped picture from one that was left alone. Knows neither GIMP nor a screen.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

__all__ = ["Change", "Thumbnail", "change_of_scaled", "change_of_size_kept"]

GRID = 32
"""Points a side at which two pictures are compared."""

SURE = 0.02
"""Mean difference of two pictures, of 1, up to which they are the same one."""

SCALED = 0.06
"""The same for pictures that were scaled: interpolation changes them a little."""


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
    """A small copy: `data` holds `channels` bytes a pixel, row after row."""

    width: int
    height: int
    channels: int
    data: bytes
    has_shape: bool = True
    """Whether its transparency counts too. Not an image's, which ends when it is flattened."""

    @property
    def has_alpha(self) -> bool:
        return self.channels in (2, 4)

    @property
    def shows_shape(self) -> bool:
        return self.has_shape and self.has_alpha

    def at(self, x: int, y: int) -> Pixel:
        start = (y * self.width + x) * self.channels
        *colour, alpha = self.data[start : start + self.channels]
        if not self.has_alpha:
            colour, alpha = [*colour, alpha], 255
        opacity = alpha / 255
        red, green, blue = (value / 255 * opacity for value in (colour * 3)[:3])
        return red, green, blue, opacity

    def sample(self, u: float, v: float) -> Pixel:
        """The pixel at a place, both from 0 to 1."""
        x = min(self.width - 1, int(u * self.width))
        return self.at(x, min(self.height - 1, int(v * self.height)))


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


def change_of_scaled(before: Thumbnail, after: Thumbnail, unscaled: Thumbnail) -> Change:
    """Of a picture of another size.

    Args:
        after: as it is now, scaled to about the size of `before`.
        unscaled: as it is now, by the factor at which `before` was made.
    """
    same = _distance(before, after)
    turned = min(_distance(before, after, turn) for turn in _TURNS)
    if turned < same and turned <= SCALED:
        return Change.TURNED
    cut = _best_overlap(before, unscaled)
    if same <= SCALED and same <= cut:
        return Change.NONE
    return Change.CUT if cut <= SCALED else Change.OTHER


def _distance(one: Thumbnail, other: Thumbnail, turn: Turn | None = None) -> float:
    pairs = (
        (one.sample(u, v), other.sample(*(turn(u, v) if turn else (u, v)))) for u, v in _grid(GRID)
    )
    return _mean_difference(pairs, one.shows_shape and other.shows_shape)


def _best_overlap(one: Thumbnail, other: Thumbnail) -> float:
    """The least mean difference of the smaller picture to a part of the larger, pixel on pixel."""
    small, large = sorted((one, other), key=lambda each: each.width * each.height)
    points = [(int(u * small.width), int(v * small.height)) for u, v in _grid(8)]
    wanted = [(x, y, small.at(x, y)) for x, y in points]
    shape = small.shows_shape and large.shows_shape
    differences = (
        _mean_difference(((each, large.at(left + x, top + y)) for x, y, each in wanted), shape)
        for top in range(large.height - small.height + 1)
        for left in range(large.width - small.width + 1)
    )
    return min(differences, default=1.0)


def _grid(side: int) -> Iterator[tuple[float, float]]:
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
