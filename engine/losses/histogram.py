"""The `histogram` statistic: a Gram matrix and every channel's histogram."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.losses.functional import gram_matrix, style_loss
from engine.losses.statistics import StyleStatistics, channel_matrix, gram_scale, weighted_sum

__all__ = ["Histogram", "histogram_loss"]


@dataclass(frozen=True)
class Histogram:
    """The Gram loss, and every channel's histogram besides.

        mean (G - A)^2 + 2 tr A^2 / tr A * H / C         H: `histogram_loss`

    A Gram matrix has a channel's energy, not its distribution: many weak activations or few strong
    ones. Histograms alone have no correlations between channels, hence the sum, as in
    E. Risser, P. Wilmot, C. Barnes: Stable and Controllable Neural Texture Synthesis and Style
    Transfer Using Histogram Losses, 2017 (theirs remaps to 256 bins; this sorts). The factor is
    `Wasserstein`'s: C H is the part of the features' distance that the channels show one by one.

    The statistics hold C x H x W sorted numbers, as many as the features. Each loss sorts the
    picture's.
    """

    divisor: str = "positions"

    def compute(self, features: Tensor) -> StyleStatistics:
        sorted_channels = channel_matrix(features, self.divisor).sort(dim=1).values
        return gram_matrix(features, self.divisor), sorted_channels

    def target(
        self, styles: Sequence[StyleStatistics], shares: Sequence[float], positions: int
    ) -> StyleStatistics:
        """As many quantiles of each style as its share of the positions, sorted together."""
        gram = weighted_sum([gram for gram, _ in styles], shares)
        ends = [round(positions * share) for share in itertools.accumulate(shares, initial=0.0)]
        ends[-1] = positions  # whatever rounding made of the shares' sum
        quantiles = [
            _quantiles(sorted_channels, end - start)
            for (_, sorted_channels), (start, end) in zip(
                styles, itertools.pairwise(ends), strict=True
            )
            if end > start
        ]
        pooled = (
            quantiles[0] if len(quantiles) == 1 else torch.cat(quantiles, dim=1).sort(dim=1).values
        )
        return gram, pooled, gram_scale(gram)

    def loss(self, features: Tensor, target: StyleStatistics) -> Tensor:
        gram, sorted_channels, factor = target
        channels = channel_matrix(features, self.divisor)
        of_grams = style_loss(gram_matrix(features, self.divisor), gram)
        return of_grams + factor * histogram_loss(channels, sorted_channels)


def histogram_loss(channels: Tensor, sorted_channels: Tensor) -> Tensor:
    """Squared 2-Wasserstein distance of every channel's values, averaged over the channels.

    In one dimension the optimal transport keeps the order, so the k-th smallest value is compared
    with the k-th smallest wanted. Equal values are paired in any order: behind a ReLU these are the
    zeros, which have no gradient.

    Args:
        channels: C x N, any order.
        sorted_channels: C x N, each row ascending.

    >>> histogram_loss(torch.tensor([[3.0, 1.0]]), torch.tensor([[1.0, 2.0]]))
    tensor(0.5000)
    """
    order = channels.detach().argsort(dim=1)
    # The wanted values are scattered to the picture's order, rather than the picture's sorted: the
    # gradient is then that of a plain difference, and only the difference is kept for it.
    wanted = torch.empty_like(sorted_channels).scatter_(1, order, sorted_channels)
    return (channels - wanted).square().mean()


def _quantiles(sorted_channels: Tensor, count: int) -> Tensor:
    """C x N ascending -> C x `count` ascending: the values at (k + 1/2) / count of each row."""
    if sorted_channels.shape[1] == count:
        return sorted_channels
    return F.interpolate(sorted_channels[None], size=count, mode="linear")[0]
