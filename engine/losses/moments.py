"""Statistics of means and covariances: `covariance` and `wasserstein`."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.losses.functional import gram_matrix, style_loss
from engine.losses.statistics import (
    FAINTEST,
    StyleStatistics,
    channel_matrix,
    gram_scale,
    in_float64,
    weigh,
    weighted_sum,
)

__all__ = ["Covariance", "Wasserstein", "moments", "wasserstein_loss"]

FAINT = 1e-4
"""This share of the style's mean variance is added to both pictures' variances in `Wasserstein`, as
a faint noise would. Smaller variances are not compared: float32 sums do not resolve them."""


@dataclass(frozen=True)
class _OfMoments(ABC):
    """What the statistics have in common that are compared by means and covariances."""

    divisor: str = "positions"

    def compute(self, features: Tensor, weights: Tensor | None = None) -> StyleStatistics:
        return moments(features, self.divisor, weights)

    def combine(self, parts: Sequence[StyleStatistics], shares: Sequence[float]) -> StyleStatistics:
        return _combined(parts, shares)

    def loss(self, features: Tensor, target: StyleStatistics) -> Tensor:
        return self.compare(self.compute(features), target)

    def gradient(
        self,
        features: Tensor,
        total: float,
        whole: StyleStatistics,
        grad: StyleStatistics,
        weights: Tensor | None = None,
    ) -> Tensor:
        return _gradient(features, self.divisor, total, whole, grad, weights)

    @abstractmethod
    def compare(self, statistics: StyleStatistics, target: StyleStatistics) -> Tensor: ...


@dataclass(frozen=True)
class Covariance(_OfMoments):
    """Means m and covariances S apart, where a Gram matrix G = S + m m' has their sum.

        mean (S - T)^2 + 2 |n|^2 / C * mean (m - n)^2            T, n: the style's

    Means over C^2 and C entries. To first order a difference d of the means adds
    2 |n|^2 |d|^2 + 2 (n'd)^2 to the sum of the squares of m m' - n n', so the second term is what
    the Gram loss makes of a difference across n (and half of it along n). The Gram loss can trade a
    larger mean of a channel for a larger variance; this one cannot. Moments as a style: Y. Li et
    al., Demystifying Neural Style Transfer, 2017.
    """

    def target(
        self, styles: Sequence[StyleStatistics], shares: Sequence[float], positions: int
    ) -> StyleStatistics:
        return self.combine(styles, shares)

    def compare(self, statistics: StyleStatistics, target: StyleStatistics) -> Tensor:
        mean, covariance = statistics
        wanted_mean, wanted_covariance = target
        of_means = 2 * wanted_mean.square().sum() * (mean - wanted_mean).square().mean()
        return style_loss(covariance, wanted_covariance) + of_means / len(mean)


@dataclass(frozen=True)
class Wasserstein(_OfMoments):
    """Distance of the Gaussians that have the features' means and covariances.

        2 tr A^2 / tr A * W^2 / C^2         W: `wasserstein_loss`; A: the style's Gram matrix

    The factor makes W^2 (features^2) what the Gram loss is: a step X f of the style's features, X a
    matrix of independent random entries, changes A by X A + A X', whose sum of squares is expected
    to be 2 (1 + 1/C) tr A^2 / tr A times |X f|^2, which is what W^2 makes of the step at most.
    In the Gram loss the strong directions count by far the most; here the weak ones count too.
    """

    def target(
        self, styles: Sequence[StyleStatistics], shares: Sequence[float], positions: int
    ) -> StyleStatistics:
        mean, covariance = self.combine(styles, shares)
        factor = gram_scale(covariance + torch.outer(mean, mean))
        covariance = in_float64(covariance)
        faint = FAINT * covariance.diagonal().mean() + FAINTEST
        covariance = _with_noise(covariance, faint)
        values, vectors = torch.linalg.eigh(covariance)
        root = (vectors * values.clamp(min=faint).sqrt()) @ vectors.T
        return mean, covariance, root, faint, factor

    def compare(self, statistics: StyleStatistics, target: StyleStatistics) -> Tensor:
        mean, covariance = statistics
        *gaussian, faint, factor = target
        covariance = _with_noise(in_float64(covariance), faint)
        return factor * wasserstein_loss(mean, covariance, *gaussian) / len(mean)


def moments(
    features: Tensor, divisor: str = "positions", weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Mean m = E[f] and covariance S = E[(f - m)(f - m)'] over the positions.

    Args:
        features: 1 x C x H x W.
        divisor: `elements` for those of f / sqrt(C).
        weights: of the positions in E, H*W numbers.

    Returns:
        C and C x C, float32 (float64 stays float64).

    >>> moments(torch.tensor([[1.0, 3.0], [2.0, 2.0]]).reshape(1, 2, 1, 2))
    (tensor([2., 2.]), tensor([[1., 0.],
            [0., 0.]]))
    """
    channels = channel_matrix(features, divisor)
    shares = None if weights is None else weights / weights.sum()
    mean = channels.mean(dim=1) if shares is None else channels @ shares.to(channels)
    # Centred first: in E[f f'] - m m' small variances would be lost to cancellation.
    centred = (channels - mean[:, None])[None, ..., None]
    if shares is None:
        return mean, gram_matrix(centred)
    return mean, gram_matrix(weigh(centred, shares.sqrt())) * len(shares)


def wasserstein_loss(
    mean: Tensor, covariance: Tensor, wanted_mean: Tensor, wanted_covariance: Tensor, root: Tensor
) -> Tensor:
    """Squared 2-Wasserstein distance of two Gaussians.

    W^2 = |m - n|^2 + tr S + tr T - 2 tr (T^1/2 S T^1/2)^1/2; C. Givens, R. Shortt: A Class of
    Wasserstein Metrics for Probability Distributions, 1984. As a style: Y. Mroueh, Wasserstein
    Style Transfer, 2019.

    One eigendecomposition of C x C each time. On CUDA it makes the host wait, since the solver
    reports whether it converged; nothing else here does.

    Args:
        mean, wanted_mean: C.
        covariance, wanted_covariance: C x C, symmetric, positive definite; float64.
        root: the symmetric root of `wanted_covariance`.
    """
    overlap: Tensor = _RootTrace.apply(covariance, root)
    of_covariances = covariance.trace() + wanted_covariance.trace() - 2 * overlap
    return (mean - wanted_mean).square().sum() + of_covariances.to(mean)


class _RootTrace(torch.autograd.Function):
    """tr (R S R)^1/2 with its gradient in S, 1/2 R (R S R)^-1/2 R.

    Autograd's gradient of the eigenvectors divides by differences of eigenvalues, which are nearly
    0 for most pairs; this one does not.
    """

    @staticmethod
    def forward(ctx: Any, covariance: Tensor, root: Tensor) -> Tensor:
        product = root @ covariance @ root
        try:
            values, vectors = torch.linalg.eigh(product)
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
            # Not finite: `minimise`, which reads the losses, raises NumericalError.
            values, vectors = product.diagonal() * math.nan, torch.full_like(product, math.nan)
        # Rounding can take the smallest below 0, or to it.
        values = values.clamp(min=torch.finfo(values.dtype).eps * values[-1])
        ctx.save_for_backward(root @ vectors, values)
        trace: Tensor = values.sqrt().sum()
        return trace

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        rotated, values = ctx.saved_tensors
        return gradient * 0.5 * (rotated * values.rsqrt()) @ rotated.T, None


def _combined(parts: Sequence[StyleStatistics], shares: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Moments of all parts' positions pooled: the variance within each part and between them."""
    mean = weighted_sum([mean for mean, _ in parts], shares)
    around = [covariance + torch.outer(own - mean, own - mean) for own, covariance in parts]
    return mean, weighted_sum(around, shares)


def _gradient(
    features: Tensor,
    divisor: str,
    total: float,
    whole: StyleStatistics,
    grad: StyleStatistics,
    weights: Tensor | None,
) -> Tensor:
    """`TileableStatistic.gradient` for statistics that are `moments`.

    A change of m in S = E[(f - m)(f - m)'] adds up to 0 over all positions: only f
    counts.
    """
    mean, _ = whole
    of_mean, of_covariance = grad
    centred = channel_matrix(features, divisor) - mean[:, None]
    gradient = (of_covariance + of_covariance.T) @ centred + of_mean[:, None]
    scale = math.sqrt(len(mean)) if divisor == "elements" else 1.0
    return weigh((gradient / (total * scale)).view(features.shape), weights).to(features)


def _with_noise(covariance: Tensor, variance: Tensor) -> Tensor:
    # Made on its device: a copy to a GPU would make the host wait.
    one = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    return covariance + variance * one
