"""The pyramid of sizes that are painted, coarse to fine, and resizing between them."""

import math

import torch.nn.functional as F
from torch import Tensor

__all__ = ["crop", "enlarge", "extend", "pyramid_sizes", "resize", "style_size"]

SMALLEST_SIDE = 32  # relu5_1 still has 2 x 2 positions there.

COARSEST = 256
"""Longest side of the coarsest size. Below it relu4_2 has too few positions to hold a composition,
and the style's large shapes replace it: at 112 px a picture was lost that survives from 256."""

COARSEST_TEXTURE = 64
"""The same without a composition: the style's large shapes are found where they are small. The
style loss at the end is half that of a texture of 192 px that was painted at that size alone."""

Size = tuple[int, int]
"""Width, height in pixels."""


def pyramid_sizes(
    content: Size, size: int, scales: int, factor: float, coarsest: int = COARSEST
) -> list[Size]:
    """Sizes to paint, coarse to fine; the last is the result's.

    The longest side of the last is `size`; each side before is shorter by `factor`. A scale whose
    shorter side would be under 32 px is left out, except the last. The aspect is the content's,
    rounded to whole pixels at each scale.

    Args:
        scales: how many; 0 for as many as it takes to begin at `coarsest` or, by a factor 2, less
            than twice that.
    """
    width, height = content
    if scales == 0:
        scales = 1 + max(0, math.floor(math.log(size / coarsest, factor) + 1e-9))
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

    Equal areas rather than equal sides, so that strokes keep their size for every aspect. A style
    that is larger by one pixel at most stays as it is: all that scaling did would be to blur it.
    """
    width, height = style
    ratio = min(1.0, scale * math.sqrt(result[0] * result[1] / (width * height)))
    ratio = max(ratio, SMALLEST_SIDE / min(width, height))  # the network needs that much
    size = max(1, round(width * ratio)), max(1, round(height * ratio))
    return style if 0 <= width - size[0] <= 1 and 0 <= height - size[1] <= 1 else size


def resize(picture: Tensor, size: Size, *, clamp: bool = True) -> Tensor:
    """1 x C x H x W at (width, height): bicubic, antialiased when it shrinks.

    Args:
        clamp: to 0 to 1, beyond which the filter overshoots.
    """
    if (picture.shape[-1], picture.shape[-2]) == size:
        return picture
    resized = F.interpolate(picture, size=size[::-1], mode="bicubic", antialias=True)
    return resized.clamp(0, 1) if clamp else resized


def enlarge(
    picture: Tensor, coarser_content: Tensor, content: Tensor, share: float = 1.0
) -> Tensor:
    """A coarse painting enlarged to the next scale, with the content's fine structure added.

    The fine structure is a level of the content's Laplacian pyramid (P. Burt, E. Adelson, 1983).
    Without it the fine scale has to find every edge again, and needs several times the steps for
    the same style loss.

    Args:
        picture, coarser_content: 1 x 3 x h x w, painting and content at the coarse scale.
        content: 1 x 3 x H x W, the content at the next.
        share: of the fine structure that is added.

    Returns:
        1 x 3 x H x W, in 0 to 1.
    """
    size = (content.shape[-1], content.shape[-2])
    detail = content - resize(coarser_content, size)
    return (resize(picture, size) + share * detail).clamp(0, 1)


def extend(picture: Tensor, margin: int) -> Tensor:
    """1 x C x H x W with `margin` pixels mirrored beyond each edge (fewer on a tiny picture)."""
    margin = min(margin, picture.shape[-1] - 1, picture.shape[-2] - 1)
    return F.pad(picture, (margin,) * 4, mode="reflect")


def crop(picture: Tensor, size: Size) -> Tensor:
    """The middle (width, height) of 1 x C x H x W: the inverse of `extend`."""
    top = (picture.shape[-2] - size[1]) // 2
    left = (picture.shape[-1] - size[0]) // 2
    return picture[..., top : top + size[1], left : left + size[0]]
