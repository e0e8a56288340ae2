"""A convolution of VGG19 with its padding and its ReLU, and the gradient of the three together.

Small pictures are painted at the rate at which a GPU's operations can be launched, so each layer
has as few as its arithmetic allows: forward padding, convolution, ReLU; backward ReLU, convolution
and two folds of the padding.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["ALL_EDGES", "Convolution", "Edges", "transposed_kernel"]

Edges = tuple[int, int, int, int]
"""Left, right, top, bottom: 1 where a position is padded, else 0. In the order of `F.pad`."""

ALL_EDGES: Edges = (1, 1, 1, 1)


class Convolution(torch.autograd.Function):
    """Pads x (N x C x H x W) by `edges`, convolves it with a 3 x 3 kernel, and rectifies it if
    `rectified`. Differentiable in x alone.

    The gradient of a convolution is one with the transposed kernel: the same sums as torch's own,
    which on CPUs is slower than its convolution and keeps the input in memory for the weights'
    gradient, which is not needed. The gradient of replicated edges adds up in a fixed order;
    torch's own adds up with atomics on CUDA.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        transposed: Tensor,
        padding: str,
        edges: Edges,
        rectified: bool,
    ) -> Tensor:
        ctx.edges = edges
        ctx.padding = padding
        ctx.within = padding == "zeros" and edges == ALL_EDGES  # the convolution itself pads
        if any(edges) and not ctx.within:
            x = F.pad(x, edges) if padding == "zeros" else F.pad(x, edges, mode=padding)
        y = F.conv2d(x, weight, bias, padding=int(ctx.within))
        if rectified:
            y.relu_()
        ctx.save_for_backward(transposed, *([y] if rectified else []))
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None, None, None]:
        (g,) = gradients
        transposed, *rectified = ctx.saved_tensors
        if rectified:
            g = torch.ops.aten.threshold_backward(g, rectified[0], 0)
        g = F.conv2d(g, transposed, padding=1 if ctx.within else 2)
        if not ctx.within:
            g = _without_padding(g, ctx.edges, ctx.padding)
        return g, None, None, None, None, None, None


def transposed_kernel(weight: Tensor) -> Tensor:
    """Out x in x 3 x 3 -> in x out x 3 x 3, each kernel rotated by 180 degrees."""
    return weight.flip(2, 3).transpose(0, 1).contiguous()


def _without_padding(g: Tensor, edges: Edges, padding: str) -> Tensor:
    """The positions of `g` that are no padding, with the gradient of the padding added to those
    that it repeats, in place: rows first, then columns, corners with both."""
    left, right, top, bottom = edges
    height, width = g.shape[-2] - top - bottom, g.shape[-1] - left - right
    folds = {"replicate": _folds, "circular": _opposite}.get(padding)
    if folds is not None:
        for onto, ring in folds(top, bottom, height):
            g[..., onto, :].add_(g[..., ring, :])
        for onto, ring in folds(left, right, width):
            g[..., onto].add_(g[..., ring])
    return g[..., top : top + height, left : left + width]


def _folds(before: int, after: int, length: int) -> list[tuple[slice, slice]]:
    """Which positions of a padded side the padding replicates, and those of the padding.

    Both ends at once where one slice reaches both: an operation less.

    Args:
        before, after: positions of padding, 0 or 1.
        length: of the side without them.
    """
    if before and after and length > 1:
        return [(slice(1, length + 1, length - 1), slice(None, None, length + 1))]
    ends = [(slice(1, 2), slice(0, 1))] if before else []
    if after:
        last = before + length
        ends.append((slice(last - 1, last), slice(last, last + 1)))
    return ends


def _opposite(before: int, after: int, length: int) -> list[tuple[slice, slice]]:
    """The same of a side that is padded at both ends with its other end."""
    assert before
    assert after
    return [
        (slice(length, length + 1), slice(0, 1)),
        (slice(1, 2), slice(length + 1, length + 2)),
    ]
