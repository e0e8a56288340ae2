"""Convolutions with 3 x 3 kernels in integers of 8 bits, for CPUs.

Processors multiply and add two to four times as many integers of 8 bits as numbers of bfloat16 or
float32 at a time (AVX-VNNI, AVX512-VNNI, AMX), and oneDNN has such convolutions for every x86
processor with AVX2. Activations and gradients are quantised by one scale each, found anew every
time, kernels by one for each channel of the result (B. Jacob et al.: Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR 2018). The products are summed
exactly, in 32 bits, so the result does not depend on the number of threads. The relative error of a
layer is about 0.8 % forward and 1.3 % of the gradient, rounding to 255 steps without a bias: a
painting goes on as with exact features until little is left to gain (docs/benchmarks.md).
"""

import math
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from engine.network.winograd import Edges

__all__ = ["QuantisedKernel", "can_quantise", "dtype_of_features", "transposed_kernel"]

NO_EDGES: Edges = (0, 0, 0, 0)
RING: Edges = (1, 1, 1, 1)

PART = 1 << 20
"""Numbers that a thread quantises at a time: what they are on the way takes 4 MB, and starting the
threads little of the time."""

ZEROS = {False: 1, True: 128}
"""The byte that stands for 0, in activations and, which have both signs, in gradients. With byte 0
for it oneDNN takes 1.6 times as long for 64 channels."""

STEPS = {False: 254, True: 127}
"""From 0 to the largest number."""

SIGN_BIT = 128
"""Turned, it makes a signed byte an unsigned one that is larger by as much."""

SMALLEST = 1e-30
"""Tensors without a larger number are all zeros."""


class _Packed(NamedTuple):
    """A kernel as oneDNN convolves with it; it knows its layout alone."""

    weight: Tensor
    scales: Tensor
    zeros: Tensor


class QuantisedKernel:
    """The kernel and bias of a layer, for both directions.

    Args:
        weight: out x in x 3 x 3, float32.
        bias: out.
        device: `cpu`, or `meta`, where nothing is computed.
    """

    def __init__(self, weight: Tensor, bias: Tensor, device: torch.device) -> None:
        self._weight = weight
        self._bias = bias.to(device, torch.float32)
        # Packed as first needed: the gradient's kernel is the transposed one.
        self._packed: dict[bool, _Packed] = {}

    def nbytes(self) -> int:
        """Bytes of the forms that a painting needs."""
        return 2 * self._weight.numel() + 12 * sum(self._weight.shape[:2])

    def convolve(self, x: Tensor, padding: str, edges: Edges, *, rectified: bool) -> Tensor:
        """Pad N x C x H x W, none of it negative, convolve it, add the bias, and rectify it if
        `rectified`."""
        within = padding == "zeros" and all(edges)  # the convolution itself pads
        quantised, scale = _quantised(x, NO_EDGES if within else edges, padding, signed=False)
        return self._convolved(quantised, scale, x.dtype, int(within), rectified, signed=False)

    def gradient(self, g: Tensor, padding: int) -> Tensor:
        """Convolve a gradient, with so many zeros around it, with the transposed kernel."""
        # With two positions of padding of its own oneDNN takes 1.8 times as long.
        quantised, scale = _quantised(g, RING if padding == 2 else NO_EDGES, "zeros", signed=True)
        return self._convolved(quantised, scale, g.dtype, min(padding, 1), False, signed=True)

    def _convolved(
        self,
        x: Tensor,
        scale: float,
        dtype: torch.dtype,
        padding: int,
        rectified: bool,
        *,
        signed: bool,
    ) -> Tensor:
        if x.is_meta:
            count, _, height, width = x.shape
            lost = 2 - 2 * padding
            outputs = self._weight.shape[1 if signed else 0]
            shape = (count, outputs, height - lost, width - lost)
            return torch.empty(shape, device="meta", dtype=dtype, memory_format=torch.channels_last)
        zero = ZEROS[signed]
        if signed not in self._packed:
            weight = transposed_kernel(self._weight) if signed else self._weight
            self._packed[signed] = _packed(weight, x, scale, zero, padding)
        kernel = self._packed[signed]
        y: Tensor = torch.ops.onednn.qconv2d_pointwise(
            x,
            scale,
            zero,
            *kernel,
            None if signed else self._bias,
            *_geometry(padding),
            1.0,
            0,
            dtype,
            "relu" if rectified else "none",
            [],
            "",
        )
        # Rectified, what is not a number would be 0.
        return y if math.isfinite(scale) else y.fill_(math.nan)


@cache
def can_quantise(device: str) -> bool:
    """Whether a device has such convolutions: CPUs for which torch is built with oneDNN."""
    if torch.device(device).type not in ("cpu", "meta"):
        return False
    weight = torch.ones(8, 8, 3, 3)
    x = torch.ones(1, 8, 4, 4).to(memory_format=torch.channels_last)
    try:
        kernel = QuantisedKernel(weight, weight[:, 0, 0, 0], torch.device("cpu"))
        kernel.convolve(x, "zeros", (1, 1, 1, 1), rectified=True)
    except (AttributeError, RuntimeError):  # Raised by torch where it lacks them.
        return False
    return True


def dtype_of_features() -> torch.dtype:
    """What the convolutions read and write: bfloat16 where the processor converts it fast."""
    fast = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return torch.bfloat16 if fast else torch.float32


def transposed_kernel(weight: Tensor) -> Tensor:
    """Out x in x 3 x 3 -> in x out x 3 x 3, each kernel rotated by 180 degrees."""
    return weight.flip(2, 3).transpose(0, 1).contiguous()


def _quantised(x: Tensor, edges: Edges, padding: str, *, signed: bool) -> tuple[Tensor, float]:
    """N x C x H x W with its padding as bytes, channels last, and what a step of them is worth.

    The step is not finite where a number is not.
    """
    positions = x.permute(0, 2, 3, 1).contiguous()
    count, height, width, channels = positions.shape
    left, right, top, bottom = edges
    shape = (count, top + height + bottom, left + width + right, channels)
    values = torch.empty(shape, device=x.device, dtype=torch.int8)
    within = values[:, top : top + height, left : left + width]
    scale = _largest(positions) / STEPS[signed]
    zero = ZEROS[signed] - SIGN_BIT
    rows = max(1, PART * torch.get_num_threads() // (width * channels))
    exact = torch.empty(min(rows, height), width, channels, device=x.device, dtype=torch.float32)
    offset = exact.new_tensor(zero)
    for picture, onto in zip(positions, within, strict=True):
        # Every part works in the same memory, so without data one shows what all of them hold.
        for first in range(0, 1 if x.is_meta else height, rows):
            part = exact[: min(rows, height - first)]
            part.copy_(picture[first : first + rows])
            torch.add(offset, part, alpha=1 / scale, out=part)
            onto[first : first + rows].copy_(part.round_())
    _pad(values, edges, padding, zero)
    # torch converts to signed bytes fast; oneDNN takes unsigned ones.
    return values.view(torch.uint8).bitwise_xor_(SIGN_BIT).permute(0, 3, 1, 2), scale


def _largest(values: Tensor) -> float:
    """The largest of the absolute values; 1 without data."""
    if values.is_meta:
        return 1.0
    # Of one dimension: of several torch takes many times as long.
    least, most = torch.aminmax(values.view(-1))
    return torch.maximum(most, -least).clamp_(min=SMALLEST).item()


def _pad(values: Tensor, edges: Edges, padding: str, zero: int) -> None:
    """Fill the edges of N x H x W x C in place, `zeros` with `zero`: rows first, then columns,
    corners with both."""
    left, right, top, bottom = edges
    for axis, before, after in ((1, top, bottom), (2, left, right)):
        length = values.shape[axis]
        ends = []
        if before:
            ends.append((0, 1, length - 1 - after))
        if after:
            ends.append((length - 1, length - 2, before))
        for edge, nearest, opposite in ends:
            onto = values.narrow(axis, edge, 1)
            if padding == "zeros":
                onto.fill_(zero)
            else:
                source = nearest if padding == "replicate" else opposite
                onto.copy_(values.narrow(axis, source, 1))


def _packed(weight: Tensor, x: Tensor, scale: float, zero: int, padding: int) -> _Packed:
    scales = weight.abs().amax((1, 2, 3)).clamp_(min=SMALLEST) / 127
    rounded = (weight / scales[:, None, None, None]).round_().to(torch.int8)
    packed = torch.ops.onednn.qconv_prepack(
        rounded, scales, scale, zero, *_geometry(padding), list(x.shape)
    )
    return _Packed(packed, scales, torch.zeros(len(weight), dtype=torch.int64))


def _geometry(padding: int) -> tuple[list[int], list[int], list[int], int]:
    """Stride, padding, dilation, groups."""
    return [1, 1], [padding, padding], [1, 1], 1
