"""VGG19 as a feature extractor: named layers, computed up to the deepest one asked for.

K. Simonyan, A. Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition,
2014, table 1, column E, without the classifier.
"""

import itertools
from collections.abc import Callable, Collection, Container, Sequence
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import DeviceError
from engine.network.convolution import (
    ALL_EDGES,
    Convolution,
    Edges,
    Kernel,
    convolves_by_winograd,
)
from engine.network.devices import describe_device
from engine.network.precision import resolve_precision
from engine.network.quantised import can_quantise, dtype_of_features
from engine.network.weights import Weights, load_weights
from engine.settings import LAYERS

__all__ = ["VGG19", "load_vgg19", "pool"]

DTYPES = {
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,  # for tests: no setting selects it
    "int8": dtype_of_features(),
}
"""Of the features."""

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
        precision: of the convolutions: `float32`, `bfloat16`, `int8`, or `auto` for the fastest.

    Raises:
        WeightsError, DeviceError: in words.
    """
    precision = resolve_precision(precision, device)
    if precision == "int8" and not can_quantise(device):
        raise DeviceError(
            f"`precision: int8` is not for {describe_device(device)}: this torch has no "
            "convolutions in integers there, only on CPUs with oneDNN. Use `precision: auto`."
        )
    return VGG19(load_weights(weights), device, precision)


class VGG19:
    """The sixteen convolutions of VGG19 with their weights on one device.

    >>> vgg = load_vgg19("caffe", "cpu")
    >>> features = vgg.features(torch.rand(1, 3, 64, 64), ["relu1_1", "relu4_2"])
    >>> features["relu4_2"].shape
    torch.Size([1, 512, 8, 8])
    """

    def __init__(
        self,
        weights: Weights,
        device: str,
        precision: str = "float32",
        *,
        winograd: bool | None = None,
    ) -> None:
        """`winograd`: convolve wide layers by `engine.network.winograd`; by default where that is
        faster."""
        self.weights = weights
        self.device = torch.device(device)
        self.precision = precision
        self.on_layer: Callable[[], None] = lambda: None
        """Called before each layer is computed, of a whole picture or of a tile."""
        dtype = DTYPES[precision]
        if winograd is None:
            winograd = convolves_by_winograd(device, dtype)
        self.winograd = winograd
        self._mean, first = weights.for_rgb()
        exact = torch.float64 if dtype == torch.float64 else torch.float32
        self._mean = self._mean.to(self.device, exact)
        self._kernels = {
            name: Kernel(
                weight,
                bias,
                self.device,
                dtype,
                winograd=winograd,
                quantised=precision == "int8",
            )
            for name, (weight, bias) in {**weights.convolutions, "conv1_1": first}.items()
        }

    @cached_property
    def exact(self) -> "VGG19":
        """The same network convolved in the type of its features, where this one rounds to 8 bits;
        else this one."""
        if self.precision != "int8":
            return self
        name = str(DTYPES[self.precision]).removeprefix("torch.")
        exact = VGG19(self.weights, str(self.device), name)
        exact.on_layer = lambda: self.on_layer()
        return exact

    def kernel_bytes(self, layers: Collection[str]) -> int:
        """Bytes that the kernels of these layers and all before them take, once they are used."""
        deepest = max(map(LAYERS.index, layers), default=-1)
        kernels = [self._kernels.get(name) for name in LAYERS[: deepest + 1]]
        return sum(kernel.nbytes() for kernel in kernels if kernel is not None)

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
                trained, `replicate`, which shows it no frame around the picture, or `circular`: the
                picture's opposite edges meet (sides are multiples of 16, so that poolings do, too).

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
        """The input of `through`, in the network's precision and layout: RGB less its mean, since
        channel order and scale are in the kernels of `conv1_1`."""
        x: Tensor = _Centred.apply(picture, self._mean, DTYPES[self.precision])
        return x

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
        for name, following in itertools.pairwise([*layers, ""]):
            self.on_layer()
            if name.startswith("conv"):
                rectified = following.startswith("relu") and name not in wanted
                x = Convolution.apply(x, self._kernels[name], padding, edges, rectified)
            elif name.startswith("pool"):
                x = pool(x, pooling)
            elif name.replace("relu", "conv") in wanted:
                x = F.relu(x)
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


class _Centred(torch.autograd.Function):
    """A picture less its mean, in the network's type and layout; the gradient in the picture's."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, mean: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.dtype = picture.dtype
        x = torch.empty_like(picture, dtype=dtype, memory_format=torch.channels_last)
        return torch.sub(picture, mean, out=x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (g,) = gradients
        return g.to(ctx.dtype, memory_format=torch.contiguous_format), None, None
