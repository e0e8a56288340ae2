"""The losses as plain functions: content, style (Gram matrices) and total variation.

F is a feature map of one picture: 1 x C x H x W. Sums over positions run in float32 whatever the
network's precision, since a Gram entry adds up H*W products.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

__all__ = [
    "add_products",
    "content_gradient",
    "content_loss",
    "difference_of_products",
    "gram_gradient",
    "gram_matrix",
    "products",
    "rounds_sums",
    "style_loss",
    "sums_in_float32",
    "total_variation",
]

_SUMS_IN_FLOAT32 = hasattr(torch.ops.aten.addmm, "dtype_out")

_HAS_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]

# What oneDNN multiplies faster than torch does by itself.
_MULTIPLIES_BFLOAT16 = (
    _HAS_ONEDNN
    and hasattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported")
    and torch.ops.mkldnn._is_mkldnn_bf16_supported()
)

_MULTIPLIES_FLOAT32 = (
    _HAS_ONEDNN
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and torch.backends.cpu.get_cpu_capability().startswith("AVX")
)

FEWEST_BY_ONEDNN = 256
"""Channels of matrices that oneDNN multiplies faster: of fewer its calls take as long."""

PART = 2**20
"""Elements that are converted to float32 at a time: 4 MB, which stay in the processor's cache."""


def gram_matrix(features: Tensor, divisor: str = "positions") -> Tensor:
    """Inner products between channels: G = F F' / n, with F as C x (H W).

    n = H W (`positions`; Gatys et al., reference code) or C H W (`elements`; Johnson et al. 2016,
    and the PyTorch tutorial). Gatys et al. (2016), eq. 3, leave the division to the loss.

    Args:
        features: 1 x C x H x W.
        divisor: `positions` or `elements`.

    Returns:
        C x C, float32 (float64 stays float64), symmetric, positive semi-definite.

    >>> gram_matrix(torch.tensor([1.0, 3.0, 2.0, 0.0]).reshape(1, 2, 1, 2))
    tensor([[5., 1.],
            [1., 2.]])
    """
    _, channels, height, width = features.shape
    n = height * width * (channels if divisor == "elements" else 1)
    gram: Tensor = _Gram.apply(features, 1.0 / n)
    return gram


class _Gram(torch.autograd.Function):
    """F F' / n with the gradient (dG + dG') F / n in one product, where autograd would make two.

    The gradient's product runs in the features' own type, to which it would be rounded anyway: for
    bfloat16 it costs half, and no copy in float32 is kept.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor, factor: float) -> Tensor:
        ctx.save_for_backward(features)
        ctx.factor = factor
        flat = features[0].flatten(1)
        if sums_in_float32(features):
            return torch.mm(flat, flat.T, out_dtype=torch.float32) * factor
        if flat.dtype in (torch.float32, torch.float64):
            return (flat @ flat.T) * factor
        products = flat.new_empty(len(flat), len(flat), dtype=torch.float32)
        return add_products(products, flat, beta=0.0, alpha=factor, out=products)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (features,) = ctx.saved_tensors
        (gradient,) = gradients
        return gram_gradient(features, gradient * ctx.factor), None


def sums_in_float32(features: Tensor) -> bool:
    """Whether torch sums a product of these in float32 as they are, in bfloat16: on CUDA, since
    2.8. It takes an eighth of the time there, and no copy in float32."""
    return _SUMS_IN_FLOAT32 and features.is_cuda and features.dtype == torch.bfloat16


def rounds_sums(features: Tensor) -> bool:
    """Whether a CPU multiplies these as they are, in bfloat16, but rounds the sums to it: in half
    the time of `add_products`. Right for the difference from a target that is taken before."""
    return _MULTIPLIES_BFLOAT16 and features.is_cpu and features.dtype == torch.bfloat16


def difference_of_products(
    flat: Tensor, high: Tensor, low: Tensor, *, beta: float, alpha: float, out: Tensor
) -> Tensor:
    """beta (`high` + `low`) plus alpha F F', where `rounds_sums`.

    The sum with `high` is rounded to bfloat16 once: an element is off by 0.2 % of itself and of
    `low` at most, however small they are beside F F'.

    Args:
        flat: F, C x (H W), bfloat16.
        high, low: C x C, bfloat16, and what that leaves out, float32.
        out: C x C, float32.
    """
    rounded = torch.addmm(high, flat, flat.T, beta=beta, alpha=alpha)
    return torch.add(rounded, low, alpha=beta, out=out)


def add_products(onto: Tensor, flat: Tensor, *, beta: float, alpha: float, out: Tensor) -> Tensor:
    """beta times `onto` plus alpha F F': F in parts where it has fewer bits than the sum, so that
    no copy of it is made.

    Args:
        onto: C x C; not read if `beta` is 0.
        flat: F, C x (H W).
        out: C x C, of the type of the sum; may be `onto`.
    """
    size = flat.shape[1] if flat.dtype == out.dtype else max(1, PART // len(flat))
    count = 1 if flat.is_meta else -(-flat.shape[1] // size)  # one part shows the memory of all
    with _factors_are_bfloat16(flat.dtype == torch.bfloat16):
        for index in range(count):
            part = flat[:, index * size : (index + 1) * size].to(out.dtype)
            torch.addmm(onto, part, part.T, beta=beta, alpha=alpha, out=out)
            onto, beta = out, 1.0
    return out


@contextmanager
def _factors_are_bfloat16(true: bool) -> Iterator[None]:
    """Within, a CPU that multiplies bfloat16 faster may multiply float32 numbers so, summed in
    float32: numbers that were converted from it lose nothing. Before torch 2.9 nothing changes."""
    settings = getattr(torch.backends.mkldnn, "matmul", None)
    if not true or settings is None:
        yield
        return
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    try:
        yield
    finally:
        settings.fp32_precision = before


def products(one: Tensor, other: Tensor, out: Tensor | None = None) -> Tensor:
    """One times the transpose of the other: k x C x C each.

    On CPUs torch multiplies float32 with MKL, which uses half of what processors of AMD have with
    AVX-512; oneDNN multiplies matrices of 512 channels there in half the time.
    """
    if not _multiplies_by_onednn(one):
        return torch.bmm(one, other.mT, out=out)
    pairs = zip(one.unbind(), other.unbind(), strict=True)
    each = [torch.ops.mkldnn._linear_pointwise(x, y, None, "none", [], "") for x, y in pairs]
    return torch.stack(each, out=out)


def _multiplies_by_onednn(matrices: Tensor) -> bool:
    return (
        _MULTIPLIES_FLOAT32
        and matrices.is_cpu
        and matrices.dtype == torch.float32
        and matrices.shape[-1] >= FEWEST_BY_ONEDNN
    )


def gram_gradient(features: Tensor, gradient: Tensor) -> Tensor:
    """(D + D') F: the gradient in F, given the gradient D in F F'.

    Args:
        features: 1 x C x H x W.
        gradient: C x C.

    Returns:
        1 x C x H x W, in the features' type.
    """
    symmetric = (gradient + gradient.T).to(features.dtype)
    # Positions x channels, as features lie in memory in channels_last.
    product = features[0].flatten(1).T @ symmetric
    return product.T.reshape(features.shape)


def style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of two Gram matrices: 1/C^2 sum (G - A)^2.

    Gatys et al. (2016), eq. 4, is a quarter of this for Gram matrices divided by H W; the reference
    code, which we follow, uses the mean and puts constants into the layers' weights.

    Args:
        gram, target: C x C.

    >>> style_loss(torch.eye(2), torch.zeros(2, 2))
    tensor(0.5000)
    """
    return (gram - target).square().mean()


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """Mean squared difference of two feature maps.

    Gatys et al. (2016), eq. 1, is half the sum; their code, which we follow, uses the mean.

    Args:
        features, target: 1 x C x H x W.

    >>> content_loss(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    tensor(1.)
    """
    return (_at_least_float32(features) - _at_least_float32(target)).square().mean()


def content_gradient(features: Tensor, target: Tensor, positions: int, factor: Tensor) -> Tensor:
    """The gradient of `factor` times the content loss, in the features of a part of the picture.

    Args:
        features, target: 1 x C x h x w, of the part.
        positions: of the whole.
    """
    difference = _at_least_float32(features) - _at_least_float32(target)
    return (difference * (2 * factor / (features.shape[1] * positions))).to(features.dtype)


def total_variation(picture: Tensor, *, wrapped: bool = False) -> Tensor:
    """Mean squared difference of neighbouring pixels, down plus across.

    The squared form of Mahendran and Vedaldi (2015), beta = 2, as means so that its weight means
    the same at every size.

    Args:
        picture: 1 x 3 x H x W.
        wrapped: opposite edges are neighbours.

    >>> total_variation(torch.tensor([[0.0, 1.0], [0.0, 1.0]]).reshape(1, 1, 2, 2))
    tensor(1.)
    """
    if wrapped:
        down = (picture.roll(-1, -2) - picture).square().mean()
        return down + (picture.roll(-1, -1) - picture).square().mean()
    down = (picture[..., 1:, :] - picture[..., :-1, :]).square().mean()
    across = (picture[..., :, 1:] - picture[..., :, :-1]).square().mean()
    return down + across


def _at_least_float32(x: Tensor) -> Tensor:
    return x if x.dtype == torch.float64 else x.float()
