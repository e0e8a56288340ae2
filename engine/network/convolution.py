"""A convolution of VGG19 with its padding and its ReLU, and the gradient of the three together.

Small pictures are painted at the rate at which a GPU's operations can be launched, large ones at
that of its memory, so each layer has as few operations as its arithmetic allows: forward padding
and a convolution that adds the bias and rectifies, where the device has such a one; backward ReLU,
convolution and two folds of the padding.
"""

from functools import cache, cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.network import winograd
from engine.network.allocator import is_out_of_memory
from engine.network.quantised import QuantisedKernel, transposed_kernel
from engine.network.winograd import FEWEST_CHANNELS, Edges, transformed_kernel

__all__ = [
    "ALL_EDGES",
    "Convolution",
    "Edges",
    "Kernel",
    "convolves_by_winograd",
    "pad",
]

ALL_EDGES: Edges = (1, 1, 1, 1)
"""A position is padded at every edge; 0 where the edge is not the picture's."""

COLOURS = 3

WIDE = torch.complex128
"""The widest type: 16 bytes are copied at a time. Nothing is computed in it."""


class Kernel:
    """The kernel and bias of a layer on a device, for both directions.

    Args:
        weight: out x in x 3 x 3.
        bias: out.
        dtype: of the convolution.
        winograd: convolve by `engine.network.winograd` where that is faster.
        quantised: convolve by `engine.network.quantised` instead; a picture's three colours, which
            have both signs and cost little, are not.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        device: torch.device,
        dtype: torch.dtype,
        *,
        winograd: bool = False,
        quantised: bool = False,
    ) -> None:
        self.bias = bias.to(device, dtype)
        self._source = weight
        self._device = device
        self._dtype = dtype
        self._winograd = winograd and sum(weight.shape[:2]) >= FEWEST_CHANNELS
        self._quantises = quantised and weight.shape[1] > COLOURS
        self._rectifies = _convolution_rectifies(device, dtype)

    # Each form is made when it is first needed: few layers need all three.

    @cached_property
    def weight(self) -> Tensor:
        # channels_last is the layout that oneDNN and cuDNN convolve fastest.
        return self._source.to(self._device, self._dtype, memory_format=torch.channels_last)

    @cached_property
    def turned(self) -> Tensor:
        turned = transposed_kernel(self._source)
        return turned.to(self._device, self._dtype, memory_format=torch.channels_last)

    @cached_property
    def transformed(self) -> Tensor | None:
        """For `engine.network.winograd`: four times the weights."""
        if not self._winograd:
            return None
        return transformed_kernel(self._source.to(self._device, self._dtype))

    @cached_property
    def quantised(self) -> QuantisedKernel | None:
        """For `engine.network.quantised`."""
        if not self._quantises:
            return None
        return QuantisedKernel(self._source, self.bias, self._device)

    def nbytes(self) -> int:
        """Bytes of the forms that a painting needs."""
        if self.quantised is not None:
            return self.quantised.nbytes()
        forms = (self.weight, self.turned) if self.transformed is None else (self.transformed,)
        return sum(form.nbytes for form in forms)

    def convolve(self, x: Tensor, padding: str, edges: Edges, *, rectified: bool) -> Tensor:
        """Pad N x C x H x W, convolve it, add the bias, and rectify it if `rectified`."""
        if self.quantised is not None:
            return self.quantised.convolve(x, padding, edges, rectified=rectified)
        if self.transformed is not None and len(x) == 1:
            return winograd.convolve(x, self.transformed, self.bias, edges, padding, rectified)
        within = padding == "zeros" and edges == ALL_EDGES  # the convolution itself pads
        if not within:
            x = pad(x, edges, padding)
        if rectified and self._rectifies:
            return _rectified_convolution(x, self.weight, self.bias, padding=int(within))
        y = F.conv2d(x, self.weight, self.bias, padding=int(within))
        return y.relu_() if rectified else y

    def gradient(self, g: Tensor, padding: int) -> Tensor:
        """Convolve a gradient, with so many zeros around it, with the transposed kernel."""
        if self.quantised is not None:
            return self.quantised.gradient(g, padding)
        if self.transformed is not None and len(g) == 1:
            return winograd.gradient(g, self.transformed, padding)
        return F.conv2d(g, self.turned, padding=padding)


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
        ctx: Any, x: Tensor, kernel: Kernel, padding: str, edges: Edges, rectified: bool
    ) -> Tensor:
        ctx.kernel = kernel
        ctx.edges = edges
        ctx.padding = padding
        y = kernel.convolve(x, padding, edges, rectified=rectified)
        ctx.save_for_backward(*([y] if rectified else []))
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (g,) = gradients
        if ctx.saved_tensors:
            g = torch.ops.aten.threshold_backward(g, ctx.saved_tensors[0], 0)
        within = ctx.padding == "zeros" and ctx.edges == ALL_EDGES
        g = ctx.kernel.gradient(g, padding=1 if within else 2)
        if not within:
            g = _without_padding(g, ctx.edges, ctx.padding)
        return g, None, None, None, None


def convolves_by_winograd(device: str, dtype: torch.dtype) -> bool:
    """Whether wide layers are convolved by `engine.network.winograd` there. The libraries of other
    devices have such algorithms of their own, and bfloat16 has too few digits for it."""
    return torch.device(device).type == "cpu" and dtype == torch.float32


def pad(x: Tensor, edges: Edges, padding: str) -> Tensor:
    """Pad N x C x H x W, in its layout.

    torch replicates edges plane by plane. In channels_last it takes 1.16 ms on an H200 for 64
    channels of 1024 x 1024 in bfloat16, and convolutions copy what it gives; with the channels of a
    position as few wide elements it takes 0.08 ms.
    """
    if not any(edges):
        return x
    if padding == "zeros":
        return F.pad(x, edges)
    if padding != "replicate" or not x.is_contiguous(memory_format=torch.channels_last):
        return F.pad(x, edges, mode=padding)
    positions = x.permute(0, 2, 3, 1)
    steps = (x.shape[1], *positions.stride()[:-1])
    whole = all(step * x.element_size() % WIDE.itemsize == 0 for step in steps)
    if whole and x.device.type != "mps":
        positions = positions.view(WIDE)
    padded = F.pad(positions, (0, 0, *edges), mode="replicate")
    return padded.view(x.dtype).permute(0, 3, 1, 2)


@cache
def _convolution_rectifies(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether `_rectified_convolution` is there: cuDNN has it for most cards and types."""
    if device.type != "cuda" or torch.version.cuda is None:
        return False
    x, weight = (
        torch.zeros(shape, device=device, dtype=dtype) for shape in ((1, 8, 4, 4), (8, 8, 3, 3))
    )
    try:
        _rectified_convolution(x, weight, weight[:, 0, 0, 0], padding=1)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        return False
    return True


def _rectified_convolution(x: Tensor, weight: Tensor, bias: Tensor, padding: int) -> Tensor:
    """In one operation: by themselves bias and ReLU take as long as the convolution of 64 channels
    on an H200."""
    one = (1, 1)
    return torch.cudnn_convolution_relu(x, weight, bias, one, (padding, padding), one, 1)


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
