"""VGG19 as a feature extractor: named layers, computed up to the deepest one asked for.

K. Simonyan, A. Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition,
2014, table 1, column E, without the classifier.
"""

import itertools
from collections.abc import Callable, Collection, Container, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.network.precision import resolve_precision
from engine.network.weights import Weights, load_weights
from engine.settings import LAYERS

__all__ = ["VGG19", "load_vgg19", "pool"]

DTYPES = {
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,  # for tests: no setting selects it
}

Edges = tuple[int, int, int, int]
"""Left, right, top, bottom: 1 where a position is padded, else 0. In the order of `F.pad`."""

ALL_EDGES: Edges = (1, 1, 1, 1)

# Average and L2 pooling (square root of the sum of the four squares) by themselves give deeper
# layers smaller and larger activations than the max pooling that VGG19 was trained with. With these
# gains the root mean squares of relu2_1, relu3_1, relu4_1 and relu5_1 are those with max pooling:
# their ratio is 1 in the geometric mean, from 0.79 to 1.12 for average and from 0.87 to 1.08 for
# L2. Measured with Oxford's weights and replicate padding on scikit-image's astronaut and chelsea
# at 256 px. K. Crowson's style-transfer-pytorch has 2 and 0.78, which suit pool4 alone (1.87 and
# 0.78 here); at all four poolings they make relu5_1 3.6 and 1.9 times as large.
AVERAGE_GAIN = 1.37
L2_GAIN = 0.64

SMALLEST_SQUARE = 1e-12
"""Keeps the square root's gradient finite where ReLU left four zeros; far below any activation."""


def load_vgg19(weights: str, device: str, precision: str = "auto") -> "VGG19":
    """The network on a device, ready for many pictures.

    Args:
        weights: `caffe`, `torchvision` or a file (see `engine.network.weights.load_weights`).
        device: such as `cpu`, `cuda:0`, `mps`.
        precision: of the convolutions: `float32`, `bfloat16`, or `auto` for the faster of both.

    Raises:
        WeightsError, DeviceError: in words.
    """
    return VGG19(load_weights(weights), device, resolve_precision(precision, device))


class VGG19:
    """The sixteen convolutions of VGG19 with their weights on one device.

    >>> vgg = load_vgg19("caffe", "cpu")
    >>> features = vgg.features(torch.rand(1, 3, 64, 64), ["relu1_1", "relu4_2"])
    >>> features["relu4_2"].shape
    torch.Size([1, 512, 8, 8])
    """

    def __init__(self, weights: Weights, device: str, precision: str = "float32") -> None:
        self.weights = weights
        self.device = torch.device(device)
        self.precision = precision
        self.on_layer: Callable[[], None] = lambda: None
        """Called before each layer is computed, of a whole picture or of a tile."""
        # channels_last is the layout that oneDNN and cuDNN convolve fastest.
        self._convolutions = {
            name: (
                weight.to(self.device, DTYPES[precision], memory_format=torch.channels_last),
                bias.to(self.device, DTYPES[precision]),
                _transposed_kernel(weight).to(
                    self.device, DTYPES[precision], memory_format=torch.channels_last
                ),
            )
            for name, (weight, bias) in weights.convolutions.items()
        }

    def features(
        self,
        picture: Tensor,
        layers: Collection[str],
        pooling: str = "max",
        padding: str = "zeros",
    ) -> dict[str, Tensor]:
        """Activations of the named layers.

        Args:
            picture: 1 x 3 x H x W, sRGB in 0 to 1, float32; each side at least 16 for `relu5_*`.
            layers: names from `engine.settings.LAYERS`; `convB_I` is before its ReLU.
            pooling: 2 x 2 with stride 2: `max`, `average` or `l2`, the last two with a gain.
            padding: around every convolution's input, one position: `zeros`, as the network was
                trained, or `replicate`, which shows it no frame around the picture.

        Returns:
            name -> 1 x C x h x w in the network's precision, differentiable in `picture`.
        """
        wanted = set(layers)
        if not wanted:
            return {}
        deepest = max(map(LAYERS.index, wanted))
        x = self.preprocess(picture)
        return self.through(x, LAYERS[: deepest + 1], wanted, pooling, padding)[1]

    def preprocess(self, picture: Tensor) -> Tensor:
        """The input of `through`, in the network's precision and layout."""
        x = self.weights.preprocess(picture)
        return x.to(DTYPES[self.precision], memory_format=torch.channels_last)

    def through(
        self,
        x: Tensor,
        layers: Sequence[str],
        wanted: Container[str],
        pooling: str = "max",
        padding: str = "zeros",
        edges: Edges = ALL_EDGES,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Run successive layers of the network, the first of them no ReLU.

        Args:
            x: what the layer before the first gave; for `conv1_1`, what `preprocess` did.
            edges: where `x` ends as the picture does. Elsewhere nothing is padded, and every
                convolution gives a position less.

        Returns:
            What the last layer gives, and the activations of the wanted ones among them.
        """
        found: dict[str, Tensor] = {}
        for name in layers:
            self.on_layer()
            if name.startswith("conv"):
                if padding == "zeros" and edges == ALL_EDGES:
                    x = _Convolution.apply(x, *self._convolutions[name], 1)
                else:
                    if any(edges):
                        x = (
                            _Replicate.apply(x, edges)
                            if padding == "replicate"
                            else F.pad(x, edges)
                        )
                    x = _Convolution.apply(x, *self._convolutions[name], 0)
            elif name.startswith("relu"):
                # In place where the convolution itself is not wanted: a third less memory.
                x = F.relu(x, inplace=name.replace("relu", "conv") not in wanted)
            else:
                x = pool(x, pooling)
            if name in wanted:
                found[name] = x
        return x, found


def pool(x: Tensor, pooling: str) -> Tensor:
    """Halves the sides of N x C x H x W; an odd last row or column is left out."""
    if pooling == "average":
        return AVERAGE_GAIN * F.avg_pool2d(x, 2)
    if pooling == "l2":
        squares = F.avg_pool2d(x.square(), 2, divisor_override=1)
        return L2_GAIN * (squares + SMALLEST_SQUARE).sqrt()
    return F.max_pool2d(x, 2)


def _transposed_kernel(weight: Tensor) -> Tensor:
    """Out x in x 3 x 3 -> in x out x 3 x 3, each kernel rotated by 180 degrees."""
    return weight.flip(2, 3).transpose(0, 1).contiguous()


class _Convolution(torch.autograd.Function):
    """A 3 x 3 convolution whose gradient is a convolution with the transposed kernel.

    The same sums as torch's own gradient, which on CPUs is slower than its convolution and keeps
    the input in memory for the weights' gradient, which is not needed.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, transposed: Tensor, padding: int
    ) -> Tensor:
        ctx.save_for_backward(transposed)
        ctx.padding = 2 - padding
        return F.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        (transposed,) = ctx.saved_tensors
        (g,) = gradients
        return F.conv2d(g, transposed, padding=ctx.padding), None, None, None, None


class _Replicate(torch.autograd.Function):
    """`F.pad(x, edges, mode="replicate")`, with a gradient that is the same in every run.

    torch's own adds up with atomics on CUDA, in no fixed order.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, edges: Edges) -> Tensor:
        ctx.edges = edges
        return F.pad(x, edges, mode="replicate")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (g,) = gradients
        left, right, top, bottom = ctx.edges
        height, width = g.shape[-2] - top - bottom, g.shape[-1] - left - right
        rows, columns = slice(top, top + height), slice(left, left + width)
        inner = g[..., rows, columns].clone(memory_format=torch.channels_last)
        down, across = _folds(top, bottom, height), _folds(left, right, width)
        for onto, ring in down:
            inner[..., onto, :].add_(g[..., ring, columns])
        for onto, ring in across:
            inner[..., :, onto].add_(g[..., rows, ring])
        for (row, outer_row), (column, outer_column) in itertools.product(down, across):
            inner[..., row, column].add_(g[..., outer_row, outer_column])
        return inner, None


def _folds(before: int, after: int, length: int) -> list[tuple[slice, slice]]:
    """Which positions of a side of `length` a padded ring falls back onto, and those of the ring
    in the padded side. Both ends at once where one slice reaches both: an operation less."""
    if before and after and length > 1:
        return [(slice(None, None, length - 1), slice(None, None, length + 1))]
    ends = [(slice(0, 1), slice(0, 1))] if before else []
    if after:
        ends.append((slice(length - 1, length), slice(length + before, length + before + 1)))
    return ends
