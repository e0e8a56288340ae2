"""Style statistics: what the features of a layer say of a style, whatever their positions.

f is the activations of a layer at one position, C numbers; E is the mean over the positions of one
picture. A statistic is computed once from each style's features, gives a target for the picture
from those of one or more styles, and is then a loss of the picture's features.

Two rules hold for all of them. *Styles are blended* by pooling their positions, each style with its
share: the Gram matrix of the pooled positions is the mean of the styles' Gram matrices, and the
other statistics follow it. *Losses are in features^4*, as the mean squared difference of Gram
matrices is, and of its order, so that a layer's weight means much the same whichever is chosen.
`gram: elements` (a Gram matrix over C as well) is the same as features over sqrt(C), for each.

`gram.py`, `moments.py` (`covariance`, `wasserstein`) and `histogram.py` have the statistics.
"""

import math
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

__all__ = [
    "FAINTEST",
    "Statistic",
    "StyleStatistics",
    "TileableStatistic",
    "channel_matrix",
    "gram_scale",
    "in_float64",
    "weigh",
    "weighted_sum",
]

StyleStatistics = tuple[Tensor, ...]
"""Computed by a `Statistic` from one layer's features; which tensors depends on the statistic."""

FAINTEST = 1e-12
"""Variance or eigenvalue of a style that does not vary at all."""


class Statistic(Protocol):
    """A loss of a layer's features that compares statistics over their positions."""

    def compute(self, features: Tensor) -> StyleStatistics:
        """The statistics, float32 or better, of features 1 x C x H x W in any precision."""

    def target(
        self, styles: Sequence[StyleStatistics], shares: Sequence[float], positions: int
    ) -> StyleStatistics:
        """The blended statistics that `loss` compares a picture's with.

        Args:
            styles: statistics of each style.
            shares: of each style in the blend; they add up to 1.
            positions: of the picture's layer.
        """

    def loss(self, features: Tensor, target: StyleStatistics) -> Tensor:
        """A scalar, 0 for features like the target's, differentiable in the features."""


@runtime_checkable
class TileableStatistic(Statistic, Protocol):
    """A statistic that can be combined from those of a picture's tiles.

    Its loss needs no whole layer in memory, nor does the gradient: it is taken in the statistics
    first, then in the features of each tile. Positions can be weighed (`engine.losses.guides`):
    then a mean over the positions is one by their weights.
    """

    def compute(self, features: Tensor, weights: Tensor | None = None) -> StyleStatistics:
        """`Statistic.compute`, by the weights of the positions, H*W numbers."""

    def combine(self, parts: Sequence[StyleStatistics], shares: Sequence[float]) -> StyleStatistics:
        """The statistics of all parts' positions pooled. The shares add up to 1."""

    def compare(self, statistics: StyleStatistics, target: StyleStatistics) -> Tensor:
        """The loss of features with these statistics, differentiable in the statistics."""

    def gradient(
        self,
        features: Tensor,
        total: float,
        whole: StyleStatistics,
        grad: StyleStatistics,
        weights: Tensor | None = None,
    ) -> Tensor:
        """The loss's gradient in the features of a tile.

        Args:
            features: 1 x C x H x W, of the tile.
            total: positions of the whole layer, or the sum of their weights.
            whole: statistics of the whole layer.
            grad: the loss's gradient in these, tensor for tensor.
            weights: of the tile's positions, H*W numbers.

        Returns:
            1 x C x H x W, in the features' type.
        """


def weigh(features: Tensor, weights: Tensor | None) -> Tensor:
    """Features 1 x C x H x W times their positions' weights, H*W numbers; float32 or better."""
    if weights is None:
        return features
    return features * weights.view(1, 1, *features.shape[2:])


def channel_matrix(features: Tensor, divisor: str) -> Tensor:
    """C x (H W), float32 or better."""
    channels = features[0].flatten(1)
    channels = channels if channels.dtype == torch.float64 else channels.float()
    return channels / math.sqrt(len(channels)) if divisor == "elements" else channels


def gram_scale(gram: Tensor) -> Tensor:
    """2 tr A^2 / (C tr A): scales a squared distance of features, averaged over C channels, to a
    Gram loss, averaged over C^2 entries. `Wasserstein` derives it."""
    tiny = torch.finfo(gram.dtype).tiny
    return 2 * gram.square().sum() / gram.trace().clamp(min=tiny) / len(gram)


def weighted_sum(tensors: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    total = tensors[0] * shares[0]
    for tensor, share in zip(tensors[1:], shares[1:], strict=True):
        total = total + tensor * share
    return total


def in_float64(matrix: Tensor) -> Tensor:
    """For matrix roots, which lose half the digits. On the CPU for Apple's GPU, which has neither
    float64 nor eigh."""
    return matrix.to("cpu", torch.float64) if matrix.device.type == "mps" else matrix.double()
