"""What the programs share: a canvas with coordinates and noise, colours, shapes, light.

All lengths are in heights of the picture and all colours from 0 to 1, so that a small picture is
the large one seen from further away.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from scipy.interpolate import CubicSpline
from scipy.ndimage import distance_transform_edt, gaussian_filter

__all__ = [
    "ASPECT",
    "LAMP",
    "Canvas",
    "Field",
    "coloured",
    "curve",
    "image_of",
    "lit",
    "mix",
    "outlines",
    "rgb",
    "step",
]

# An array of float32. numpy's annotations widen it to float64 and Any at every step.
Field = Any

ASPECT = 4 / 3
LAMP = (-0.6, -0.8)
"""Where the light comes from, in x and y: the upper left."""


class Canvas:
    """The pixels of a picture, 4:3, and the random numbers that it is drawn with."""

    def __init__(self, height: int, seed: int) -> None:
        self.height, self.width = height, round(height * ASPECT)
        self.random = np.random.default_rng(seed)
        y, x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32) / height
        self.x, self.y = x, y
        """H x W, from the upper left."""

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def border(self) -> Field:
        """H x W, the distance from the picture's edge."""
        wide = self.width / self.height
        return np.minimum(np.minimum(self.x, wide - self.x), np.minimum(self.y, 1 - self.y))

    def scattered(self, cell: float) -> Iterator[tuple[float, float, int, int]]:
        """A point somewhere in each cell of a grid, so that no ground shows, in any order: its x
        and y, and the row and column of its pixel. `cell` is the side of a cell."""
        rows, columns = int(1 / cell) + 1, int(self.width / self.height / cell) + 1
        for number in self.random.permutation(rows * columns):
            row, column = divmod(int(number), columns)
            x, y = (column + self.random.random()) * cell, (row + self.random.random()) * cell
            py, px = min(int(y * self.height), self.height - 1), int(x * self.height)
            yield x, y, py, min(px, self.width - 1)

    def noise(self, cells: float, octaves: int = 1, *, stretch: float = 1.0) -> Field:
        """H x W, smooth, of about -1 to 1.

        Args:
            cells: bumps to the height.
            octaves: how many scales, each twice as fine and half as strong as the one before.
            stretch: how much longer the bumps are than high.
        """
        total = np.zeros(self.shape, np.float32)
        for octave in range(octaves):
            down = cells * 2**octave
            across = down * ASPECT / stretch
            knots = self.random.uniform(-1, 1, (int(down) + 4, int(across) + 4))
            box = (1, 1, 1 + across, 1 + down)
            size = (self.width, self.height)
            smooth = Image.fromarray(knots.astype(np.float32)).resize(
                size, Image.Resampling.BICUBIC, box
            )
            total += np.asarray(smooth) * 0.5**octave
        return total * 1.4

    def grain(self, size: float = 1 / 768) -> Field:
        """H x W, noise with a standard deviation of 1, whose bumps are `size` wide."""
        rough = self.random.normal(size=self.shape).astype(np.float32)
        rough = gaussian_filter(rough, max(0.4, size * self.height / 2))
        return rough / (rough.std() + 1e-9)

    def blurred(self, field: Field, radius: float) -> Field:
        """`field`, each pixel with its neighbours; `radius` is the Gaussian's deviation."""
        spread = radius * self.height
        return gaussian_filter(field, (spread, spread, 0)[: field.ndim])

    def inside(self, outline: Any) -> Field:
        """H x W, 1 within a polygon (N x 2: x, y), 0 outside, smooth at its edge."""
        mask = Image.new("L", (2 * self.width, 2 * self.height))
        points = (np.asarray(outline) * 2 * self.height).tolist()
        ImageDraw.Draw(mask).polygon([tuple(point) for point in points], fill=255)
        small = mask.resize((self.width, self.height), Image.Resampling.BOX)
        return np.asarray(small, np.float32) / 255

    def distance(self, outline: Any) -> Field:
        """H x W, the distance from a polygon (N x 2: x, y): positive inside. Far outside it is -1,
        for less work."""
        mask = self.inside(outline) > 0.5
        far = np.full(self.shape, -1.0, np.float32)
        points = np.asarray(outline) * self.height
        left, top = np.maximum(points.min(0).astype(int) - self.height // 12, 0)
        right, bottom = np.maximum(points.max(0).astype(int) + self.height // 12, 1)
        part = np.s_[top:bottom, left:right]
        if mask[part].size:
            stairs = self.depth(mask[part]) - self.depth(~mask[part])
            far[part] = gaussian_filter(stairs, self.height / 1400)
        return far

    def along(self, path: Any) -> Field:
        """H x W, the distance from a line (N x 2: x, y)."""
        mask = Image.new("L", (self.width, self.height), 255)
        points = (np.asarray(path) * self.height).tolist()
        ImageDraw.Draw(mask).line([tuple(point) for point in points], fill=0)
        return self.depth(np.asarray(mask) > 0)

    def depth(self, region: Field) -> Field:
        """H x W, of a pixel where `region` holds its distance from the rest; elsewhere 0."""
        return distance_transform_edt(region).astype(np.float32) / self.height

    def swath(self, path: Any, widths: Any) -> tuple[Field, Field, Field, Field]:
        """The pixels that a brush passes over.

        Args:
            path: N x 2 (x, y), its way.
            widths: its width at each point, or everywhere.

        Returns:
            row and column of each, where along the path (0 to 1) and where across (-1 to 1).
        """
        points = np.asarray(path, float) * self.height
        half = np.broadcast_to(np.asarray(widths, float), len(points)) * self.height / 2
        pieces = np.hypot(*np.diff(points, axis=0).T)
        at = np.concatenate([[0], np.cumsum(pieces)])
        fine = np.linspace(0, at[-1], max(4, int(at[-1] * 1.6)))
        points = np.stack([np.interp(fine, at, points[:, i]) for i in (0, 1)], 1)
        half = np.interp(fine, at, half)
        tangent = np.gradient(points, axis=0)
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1)
        across = np.linspace(-1, 1, max(3, int(half.max() * 3.2)))
        where = points[:, None] + normal[:, None] * (across[None, :, None] * half[:, None, None])
        column, row = np.rint(where[..., 0]).astype(int), np.rint(where[..., 1]).astype(int)
        seen = (column >= 0) & (column < self.width) & (row >= 0) & (row < self.height)
        along = np.broadcast_to(np.linspace(0, 1, len(points))[:, None], seen.shape)
        return row[seen], column[seen], along[seen], np.broadcast_to(across, seen.shape)[seen]


def rgb(hues: str) -> Field:
    """N x 3, 0 to 1, of colours in hexadecimal with spaces between."""
    colours = [[int(hue[i : i + 2], 16) / 255 for i in (0, 2, 4)] for hue in hues.split()]
    return np.array(colours, np.float32)


def coloured(t: Field, hues: str) -> Field:
    """`t`'s shape x 3: the colours of `rgb(hues)` for t from 0 to 1, mixed between them."""
    colours = rgb(hues)
    stops = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(t, stops, colours[:, c]) for c in range(3)], -1).astype(np.float32)


def mix(one: Field, other: Field, share: Field) -> Field:
    """`one` where `share` is 0, `other` where it is 1; colours or a colour each."""
    return one + (other - one) * np.asarray(share)[..., None]


def step(t: Field, low: float | Field, high: float | Field) -> Field:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((t - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def curve(points: Any, *, closed: bool = True, count: int = 200) -> Field:
    """`count` x 2: a smooth line through points (N x 2: x, y)."""
    knots = np.array([*points, points[0]] if closed else points, float)
    kind = "periodic" if closed else "natural"
    at = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(knots, axis=0).T) ** 0.5)])
    return CubicSpline(at, knots, bc_type=kind)(np.linspace(0, at[-1], count))


def outlines(labels: Field) -> Field:
    """H x W, whether a pixel's label is another than that of the pixel above it or left of it."""
    edge = np.zeros(labels.shape, bool)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    return edge


def lit(colour: Field, relief: Field, strength: float, gloss: float = 0.0) -> Field:
    """A coloured surface under the lamp; `relief` is its height in pixels."""
    down, right = np.gradient(relief)
    slope = np.tanh(right * LAMP[0] + down * LAMP[1])[..., None]
    return colour * (1 + strength * slope) + gloss * np.clip(slope - 0.5, 0, 1) ** 2


def image_of(pixels: Field) -> Image.Image:
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
