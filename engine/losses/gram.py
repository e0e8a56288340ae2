"""The Gram statistic (Gatys et al. 2016), optionally whitened."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.losses.functional import gram_gradient, gram_matrix
from engine.losses.statistics import FAINTEST, StyleStatistics, in_float64, weigh, weighted_sum

__all__ = ["Gram"]

RANK = 1e-5
"""Eigenvalues below this share of the largest count as 0: a small picture has fewer positions than
channels."""


@dataclass(frozen=True)
class Gram:
    """Gatys et al. (2016): mean squared difference of Gram matrices G = E[f f'].

    With `whitening` p > 0 (the setting `style_evenness`) the difference is taken along the
    eigenvectors Q of the style's Gram matrix A, and weak directions count more:

        mean (K o Q'(G - A)Q)^2,    K_ij = (r / ((l_i + l_j) / 2 + r / 100))^(p / 2)

    l are A's eigenvalues, r the one that a sixteenth of them exceed. They span four orders of
    magnitude, and so do the rates at which a plain Gram loss falls along them: after some dozens of
    steps the remaining loss is in pairs with a weak direction. Minimising the whitened loss lowers
    the plain one faster than minimising the plain one does (docs/benchmarks.md). p = 0 is the plain
    loss, p = 1 approximates `Wasserstein`'s metric.
    """

    divisor: str = "positions"
    whitening: float = 0.0

    def compute(self, features: Tensor, weights: Tensor | None = None) -> StyleStatistics:
        gram = gram_matrix(
            weigh(features, None if weights is None else weights.sqrt()), self.divisor
        )
        return (gram if weights is None else gram * (len(weights) / weights.sum()),)

    def combine(self, parts: Sequence[StyleStatistics], shares: Sequence[float]) -> StyleStatistics:
        return (weighted_sum([gram for (gram,) in parts], shares),)

    def target(
        self, styles: Sequence[StyleStatistics], shares: Sequence[float], positions: int
    ) -> StyleStatistics:
        (gram,) = self.combine(styles, shares)
        return (gram, *_whitening(gram, self.whitening)) if self.whitening else (gram,)

    def count(self, features: Tensor) -> int:
        """What the Gram matrix of these features is divided by."""
        return features[0, 0].numel() * (features.shape[1] if self.divisor == "elements" else 1)

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
        divisor = total * (features.shape[1] if self.divisor == "elements" else 1)
        return weigh(gram_gradient(features, grad[0] / divisor), weights).to(features.dtype)

    def compare(self, statistics: StyleStatistics, target: StyleStatistics) -> Tensor:
        gram, *spectrum = target
        difference = statistics[0] - gram
        if spectrum:
            directions, factors = spectrum
            difference = (directions.T @ difference @ directions) * factors
        return difference.square().mean()


def _whitening(gram: Tensor, exponent: float) -> tuple[Tensor, Tensor]:
    """Q and K of `Gram`, from the style's Gram matrix."""
    values, vectors = torch.linalg.eigh(in_float64(gram))
    values = values.clamp(min=FAINTEST)
    rank = int((values > RANK * values[-1]).sum())
    reference = values[-1 - rank // 16]
    pairs = (values[:, None] + values[None]) / 2
    factors = (reference / (pairs + reference / 100)) ** (exponent / 2)
    return vectors.to(gram), factors.to(gram)
