"""Coarse to fine: the sizes that are painted, and pictures brought to a size."""

import math

import torch.nn.functional as F
from torch import Tensor

__all__ = ["ladder", "resize", "style_size"]

SMALLEST_SIDE = 32  # relu5_1 still has 2 x 2 positions there.

Size = tuple[int, int]
"""Width, height in pixels."""


def ladder(content: Size, size: int, scales: int, factor: float) -> list[Size]:
    """Sizes to paint, coarse to fine; the last is the result's.

    The longest side of the last is `size`; each side before is shorter by `factor`. A scale whose
    shorter side would be under 32 px is left out, except the last. The aspect is the content's,
    rounded to whole pixels at each scale.
    """
    width, height = content
    sizes: list[Size] = []
    for scale in range(scales):
        ratio = size / factor ** (scales - 1 - scale) / max(width, height)
        candidate = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        last = scale == scales - 1
        if last or (min(candidate) >= SMALLEST_SIDE and candidate not in sizes):
            sizes.append(candidate)
    return sizes


def style_size(style: Size, result: Size, scale: float) -> Size:
    """Size of a style picture beside a result: `scale` times its area's side, never enlarged.

    Equal areas rather than equal sides, so that strokes keep their size for every aspect.
    """
    width, height = style
    ratio = min(1.0, scale * math.sqrt(result[0] * result[1] / (width * height)))
    ratio = max(ratio, SMALLEST_SIDE / min(width, height))  # the network needs that much
    return max(1, round(width * ratio)), max(1, round(height * ratio))


def resize(picture: Tensor, size: Size) -> Tensor:
    """1 x C x H x W brought to (width, height): bicubic, antialiased when it shrinks, in gamut."""
    if (picture.shape[-1], picture.shape[-2]) == size:
        return picture
    resized = F.interpolate(picture, size=size[::-1], mode="bicubic", antialias=True)
    return resized.clamp(0, 1)
