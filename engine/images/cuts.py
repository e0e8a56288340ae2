"""Parts of pictures: cropped, and turned without blank corners. Does not import torch."""

import math

import numpy as np
from PIL import Image

from engine.images.picture import Picture
from engine.images.strips import Samples, white_of

__all__ = ["cropped", "inner_rectangle", "rotated"]


def cropped(picture: Picture, box: tuple[int, int, int, int]) -> Picture:
    """A copy of (left, top, width, height)."""
    left, top, width, height = box
    rows, columns = slice(top, top + height), slice(left, left + width)
    alpha = None if picture.alpha is None else picture.alpha[rows, columns].copy()
    return Picture(picture.samples[rows, columns].copy(), alpha, picture.origin)


def rotated(picture: Picture, degrees: float) -> Picture:
    """Turned counter-clockwise, and of that the largest upright rectangle inside the picture.

    Corners filled by reflection would have the strokes of the other direction.
    """
    quarters, rest = divmod(degrees % 360, 90)
    alpha = picture.alpha
    samples = np.rot90(picture.samples, int(quarters))
    alpha = None if alpha is None else np.ascontiguousarray(np.rot90(alpha, int(quarters)))
    if rest == 0:
        return Picture(np.ascontiguousarray(samples), alpha, picture.origin)
    height, width = samples.shape[:2]
    inner = inner_rectangle(width, height, rest)
    turned = np.empty((inner[1], inner[0], 3), samples.dtype)
    for channel in range(3):
        turned[..., channel] = _turned(samples[..., channel], rest, inner)
    return Picture(turned, None if alpha is None else _turned(alpha, rest, inner), picture.origin)


def inner_rectangle(width: int, height: int, degrees: float) -> tuple[int, int]:
    """Width and height of the largest upright rectangle in one that is turned by 0 to 90 degrees.

    It touches the long sides with two corners, where the short side is short enough for that, else
    all four sides.
    """
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    long, short = max(width, height), min(width, height)
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-9:
        half = short / 2
        inner = (half / sine, half / cosine)
        if width < height:
            inner = inner[::-1]
    else:
        double = cosine**2 - sine**2
        inner = (
            (width * cosine - height * sine) / double,
            (height * cosine - width * sine) / double,
        )
    # A pixel less, since the filter reads the neighbours.
    return max(1, math.floor(inner[0]) - 1), max(1, math.floor(inner[1]) - 1)


def _turned(plane: Samples, degrees: float, inner: tuple[int, int]) -> Samples:
    image = Image.fromarray(np.ascontiguousarray(plane)).convert("F")
    width, height = inner
    left, top = (image.width - width) / 2, (image.height - height) / 2
    # From a pixel of the result back to one of the picture, about the middles of both.
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    middle = (image.width / 2, image.height / 2)
    x = middle[0] - cosine * (middle[0] - left) + sine * (middle[1] - top)
    y = middle[1] - sine * (middle[0] - left) - cosine * (middle[1] - top)
    matrix = (cosine, -sine, x, sine, cosine, y)
    turned = np.array(
        image.transform(inner, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    )
    limited: Samples = turned.clip(0, white_of(plane))
    return np.rint(limited).astype(plane.dtype) if plane.dtype.kind == "u" else limited
