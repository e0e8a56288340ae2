"""Covers: how much of each pixel a mask or a region means, 0 to 1."""

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.picture import HALF_A_LEVEL, Picture
from engine.images.pyramid import Size, resize
from engine.images.strips import Floats, in_unit, strips

__all__ = ["Cover", "feathered", "mask_cover"]

# Luma of sRGB-encoded values, as Pillow has it: they add up to 1 without rounding.
LUMA = (19595 / 65536, 38470 / 65536, 7471 / 65536)

WIDEST = 32
"""Pixels of the radius with which an edge is feathered; wider ones at a smaller size."""


@dataclass(frozen=True, eq=False)
class Cover:
    """`values` is H x W, float32, 0 to 1. It lies over its picture from edge to edge, whatever the
    size of either."""

    values: Floats

    @property
    def size(self) -> Size:
        return int(self.values.shape[1]), int(self.values.shape[0])

    @property
    def nbytes(self) -> int:
        return int(self.values.nbytes)

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of size and values."""
        state = hashlib.blake2b(b"%d x %d" % self.size, digest_size=20)
        state.update(np.ascontiguousarray(self.values).data)
        return state.hexdigest()

    def at(self, size: Size) -> Tensor:
        """1 x 1 x H x W at (width, height), on the host."""
        values = resize(torch.from_numpy(self.values)[None, None], size)
        values = torch.where(values < HALF_A_LEVEL, 0.0, values)  # less is rounding
        return torch.where(values > 1 - HALF_A_LEVEL, 1.0, values)

    def alpha_of(self, picture: Picture) -> Floats:
        """Its values, weighed by the picture's alpha, at the picture's size."""
        values: Floats = self.at(picture.size)[0, 0].numpy()
        return values if picture.alpha is None else values * picture.alpha


def mask_cover(mask: Picture) -> Cover:
    """What a mask means: white is 1, black and what is transparent is 0."""
    values = np.empty((mask.height, mask.width), np.float32)
    luma = np.array(LUMA)
    for rows in strips(*mask.size):
        values[rows] = (in_unit(mask.samples[rows]).astype(np.float64) @ luma).clip(0, 1)
    if mask.alpha is not None:
        values *= mask.alpha
    return Cover(values)


def feathered(cover: Tensor, width: float) -> Tensor:
    """A cover whose edges rise over so many pixels, inwards: nowhere is it more than it was.

    Each pixel first gets the least of the pixels around it, then a mean over the same ones. So
    what was 0 stays 0, and what is even stays as it is.

    Args:
        cover: 1 x 1 x H x W.
        width: pixels from 0 to 1.
    """
    factor = min(1.0, 2 * WIDEST / width) if width > 0 else 1.0
    size = (cover.shape[-1], cover.shape[-2])
    small = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    radius = round(width * factor / 2)
    if radius < 1:
        return cover
    soft = -_around(-resize(cover, small), radius, F.max_pool2d)
    # Twice a box is a tent, whose reach is that of both together.
    for reach in (math.ceil(radius / 2), radius // 2):
        soft = _around(soft, reach, F.avg_pool2d)
    return torch.minimum(resize(soft, size), cover)


def _around(cover: Tensor, radius: int, pool: object) -> Tensor:
    """A pooling of the square of this radius around each pixel; one side after the other."""
    side = 2 * radius + 1
    for kernel, pad in (((1, side), (radius, radius, 0, 0)), ((side, 1), (0, 0, radius, radius))):
        cover = pool(F.pad(cover, pad, mode="replicate"), kernel, stride=1)  # type: ignore[operator]
    return cover
