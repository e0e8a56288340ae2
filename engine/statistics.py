"""What a layer's features tell of a style: statistics over its positions, which know no place.

f is the activations of a layer at one position, C numbers; E is the mean over the positions of one
picture. A statistic describes a style's features once, makes of one or more descriptions what the
picture is compared with, and is then a loss of the picture's features.

Two things hold for all of them. *Styles are blended* by taking their positions together, each style
with its share: the Gram matrix of such a crowd is the mean of the styles' Gram matrices, and the
other statistics follow it. *Losses are in features^4*, as the mean squared difference of Gram
matrices is, and of its order, so that a layer's weight means much the same whichever is chosen.
`gram: elements` (a Gram matrix over C as well) is the same as features over sqrt(C), for each.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.losses import gram_gradient, gram_matrix, style_loss

__all__ = [
    "Additive",
    "Covariance",
    "Description",
    "Gram",
    "Histogram",
    "Statistic",
    "Wasserstein",
    "histogram_loss",
    "moments",
    "statistic_of",
    "wasserstein_loss",
]

Description = tuple[Tensor, ...]
"""What a statistic keeps; which tensors these are is its own affair."""

# Wasserstein: this share of the style's mean variance is added to both pictures' variances, as a
# faint noise would. What varies less is not asked after: float32 sums do not resolve it.
FAINT = 1e-4
FAINTEST = 1e-12  # of a style that does not vary at all

# Gram: eigenvalues below this share of the largest are none, since a small picture has fewer
# positions than channels.
RANK = 1e-5


class Statistic(Protocol):
    """One way to see a style in the features of a layer."""

    def describe(self, features: Tensor) -> Description:
        """What is to be known of one style: 1 x C x H x W, any precision -> float32 or better."""

    def target(
        self, descriptions: Sequence[Description], shares: Sequence[float], positions: int
    ) -> Description:
        """What `loss` compares a picture of so many positions with. The shares add up to 1."""

    def loss(self, features: Tensor, target: Description) -> Tensor:
        """A scalar, 0 for features like the target's, differentiable in the features."""


@runtime_checkable
class Additive(Statistic, Protocol):
    """A statistic whose description of a picture follows from those of the picture's parts.

    So a loss of it can be had without all of a layer's features being in memory at once, and so can
    its gradient: that in the description first, then that in the features of each part.
    """

    def together(self, descriptions: Sequence[Description], shares: Sequence[float]) -> Description:
        """Of all positions as one crowd. The shares add up to 1."""

    def compare(self, description: Description, target: Description) -> Tensor:
        """The loss of the features that are so described, differentiable in the description."""

    def gradient(
        self, features: Tensor, positions: int, whole: Description, slope: Description
    ) -> Tensor:
        """The loss's gradient in the features of a part.

        Args:
            features: 1 x C x H x W, of the part.
            positions: of the whole.
            whole: its description.
            slope: the loss's gradient in that, tensor for tensor.

        Returns:
            1 x C x H x W, in the features' type.
        """


def statistic_of(name: str, divisor: str = "positions", evenness: float = 0.0) -> Statistic:
    """The statistic that `style_statistic` names, with `gram` as the divisor."""
    kinds: dict[str, Callable[[str], Statistic]] = {
        "gram": partial(Gram, evenness=evenness),
        "covariance": Covariance,
        "wasserstein": Wasserstein,
        "histogram": Histogram,
    }
    return kinds[name](divisor)


@dataclass(frozen=True)
class Gram:
    """Gatys et al. (2016): mean squared difference of Gram matrices G = E[f f'].

    With `evenness` p > 0 the difference is seen in the style's own directions, the eigenvectors Q
    of its Gram matrix A, and the weak ones count more:

        mean (K o Q'(G - A)Q)^2,    K_ij = (r / ((l_i + l_j) / 2 + r / 100))^(p / 2)

    l are A's eigenvalues, r the one that a sixteenth of them exceed. They lie four orders of
    magnitude apart, and so do the rates at which a plain Gram loss falls along them: what is left
    after some dozens of steps are pairs with a weak direction. Evened out, the plain loss itself
    falls faster than when it is what is minimised (docs/benchmarks.md). 0 is the plain loss, 1 an
    approach to `Wasserstein`'s metric.
    """

    divisor: str = "positions"
    evenness: float = 0.0

    def describe(self, features: Tensor) -> Description:
        return (gram_matrix(features, self.divisor),)

    def together(self, descriptions: Sequence[Description], shares: Sequence[float]) -> Description:
        return (_weighted([gram for (gram,) in descriptions], shares),)

    def target(
        self, descriptions: Sequence[Description], shares: Sequence[float], positions: int
    ) -> Description:
        (gram,) = self.together(descriptions, shares)
        return (gram, *_even(gram, self.evenness)) if self.evenness else (gram,)

    def loss(self, features: Tensor, target: Description) -> Tensor:
        return self.compare(self.describe(features), target)

    def gradient(
        self, features: Tensor, positions: int, whole: Description, slope: Description
    ) -> Tensor:
        divisor = positions * (features.shape[1] if self.divisor == "elements" else 1)
        return gram_gradient(features, slope[0] / divisor)

    def compare(self, description: Description, target: Description) -> Tensor:
        gram, *spectrum = target
        difference = description[0] - gram
        if spectrum:
            directions, factors = spectrum
            difference = (directions.T @ difference @ directions) * factors
        return difference.square().mean()


@dataclass(frozen=True)
class Covariance:
    """Means m and covariances S apart, where a Gram matrix G = S + m m' has their sum.

        mean (S - T)^2 + 2 |n|^2 / C * mean (m - n)^2            T, n: the style's

    Means over C^2 and C entries. To first order a difference d of the means adds
    2 |n|^2 |d|^2 + 2 (n'd)^2 to the sum of the squares of m m' - n n', so the second term is what
    the Gram loss makes of a difference across n (and half of it along n). What the Gram loss can
    trade, a brighter channel for one that varies more, this cannot. Moments as a style: Y. Li et
    al., Demystifying Neural Style Transfer, 2017.
    """

    divisor: str = "positions"

    def describe(self, features: Tensor) -> Description:
        return moments(features, self.divisor)

    def together(self, descriptions: Sequence[Description], shares: Sequence[float]) -> Description:
        return _moments_together(descriptions, shares)

    def target(
        self, descriptions: Sequence[Description], shares: Sequence[float], positions: int
    ) -> Description:
        return self.together(descriptions, shares)

    def loss(self, features: Tensor, target: Description) -> Tensor:
        return self.compare(self.describe(features), target)

    def gradient(
        self, features: Tensor, positions: int, whole: Description, slope: Description
    ) -> Tensor:
        return _moments_gradient(features, self.divisor, positions, whole, slope)

    def compare(self, description: Description, target: Description) -> Tensor:
        mean, covariance = description
        wanted_mean, wanted_covariance = target
        of_means = 2 * wanted_mean.square().sum() * (mean - wanted_mean).square().mean()
        return style_loss(covariance, wanted_covariance) + of_means / len(mean)


@dataclass(frozen=True)
class Wasserstein:
    """Distance of the Gaussians that have the features' means and covariances.

        2 tr A^2 / tr A * W^2 / C^2         W: `wasserstein_loss`; A: the style's Gram matrix

    The factor makes W^2 (features^2) what the Gram loss is: a step X f of the style's features, X a
    matrix of independent random entries, changes A by X A + A X', whose sum of squares is expected
    to be 2 (1 + 1/C) tr A^2 / tr A times |X f|^2, which is what W^2 makes of the step at most.
    Beside the Gram loss, in which the strong directions count by far the most, this one asks for
    the weak ones too.
    """

    divisor: str = "positions"

    def describe(self, features: Tensor) -> Description:
        return moments(features, self.divisor)

    def together(self, descriptions: Sequence[Description], shares: Sequence[float]) -> Description:
        return _moments_together(descriptions, shares)

    def target(
        self, descriptions: Sequence[Description], shares: Sequence[float], positions: int
    ) -> Description:
        mean, covariance = self.together(descriptions, shares)
        factor = _squared_to_gram(covariance + torch.outer(mean, mean))
        covariance = _double(covariance)
        faint = FAINT * covariance.diagonal().mean() + FAINTEST
        covariance = _with_noise(covariance, faint)
        values, vectors = torch.linalg.eigh(covariance)
        root = (vectors * values.clamp(min=faint).sqrt()) @ vectors.T
        return mean, covariance, root, faint, factor

    def loss(self, features: Tensor, target: Description) -> Tensor:
        return self.compare(self.describe(features), target)

    def gradient(
        self, features: Tensor, positions: int, whole: Description, slope: Description
    ) -> Tensor:
        return _moments_gradient(features, self.divisor, positions, whole, slope)

    def compare(self, description: Description, target: Description) -> Tensor:
        mean, covariance = description
        *gaussian, faint, factor = target
        covariance = _with_noise(_double(covariance), faint)
        return factor * wasserstein_loss(mean, covariance, *gaussian) / len(mean)


@dataclass(frozen=True)
class Histogram:
    """The Gram loss, and every channel's histogram besides.

        mean (G - A)^2 + 2 tr A^2 / tr A * H / C         H: `histogram_loss`

    A Gram matrix knows how much of a channel there is, not how it is spread: many weak activations
    or few strong ones. Histograms alone know nothing of what goes together, hence the sum, as in
    E. Risser, P. Wilmot, C. Barnes: Stable and Controllable Neural Texture Synthesis and Style
    Transfer Using Histogram Losses, 2017 (theirs remaps to 256 bins; this sorts). The factor is
    `Wasserstein`'s: C H is the part of the features' distance that the channels show one by one.

    A description has C x H x W numbers, sorted: as much as the features themselves. Each loss sorts
    the picture's.
    """

    divisor: str = "positions"

    def describe(self, features: Tensor) -> Description:
        sorted_channels = _channels(features, self.divisor).sort(dim=1).values
        return gram_matrix(features, self.divisor), sorted_channels

    def target(
        self, descriptions: Sequence[Description], shares: Sequence[float], positions: int
    ) -> Description:
        """Of each style as many quantiles as its share of the positions, together in order."""
        gram = _weighted([gram for gram, _ in descriptions], shares)
        ends = [round(positions * share) for share in itertools.accumulate(shares, initial=0.0)]
        ends[-1] = positions  # whatever rounding made of the shares' sum
        crowd = [
            _quantiles(sorted_channels, end - start)
            for (_, sorted_channels), (start, end) in zip(
                descriptions, itertools.pairwise(ends), strict=True
            )
            if end > start
        ]
        together = crowd[0] if len(crowd) == 1 else torch.cat(crowd, dim=1).sort(dim=1).values
        return gram, together, _squared_to_gram(gram)

    def loss(self, features: Tensor, target: Description) -> Tensor:
        gram, sorted_channels, factor = target
        channels = _channels(features, self.divisor)
        of_grams = style_loss(gram_matrix(features, self.divisor), gram)
        return of_grams + factor * histogram_loss(channels, sorted_channels)


def moments(features: Tensor, divisor: str = "positions") -> tuple[Tensor, Tensor]:
    """Mean m = E[f] and covariance S = E[(f - m)(f - m)'] over the positions.

    Args:
        features: 1 x C x H x W.
        divisor: `elements` for those of f / sqrt(C).

    Returns:
        C and C x C, float32 (float64 stays float64).

    >>> moments(torch.tensor([[1.0, 3.0], [2.0, 2.0]]).reshape(1, 2, 1, 2))
    (tensor([2., 2.]), tensor([[1., 0.],
            [0., 0.]]))
    """
    channels = _channels(features, divisor)
    mean = channels.mean(dim=1)
    # Centred first: E[f f'] - m m' would cancel what small variances are made of.
    return mean, gram_matrix((channels - mean[:, None])[None, ..., None])


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

    Autograd's way through the eigenvectors divides by differences of eigenvalues, which are as
    good as 0 for most pairs; here no difference occurs.
    """

    @staticmethod
    def forward(ctx: Any, covariance: Tensor, root: Tensor) -> Tensor:
        product = root @ covariance @ root
        try:
            values, vectors = torch.linalg.eigh(product)
        except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
            # Not finite. The optimiser, which reads the losses, says so in words.
            values, vectors = product.diagonal() * math.nan, torch.full_like(product, math.nan)
        # Rounding can take the smallest below 0, or to it.
        values = values.clamp(min=torch.finfo(values.dtype).eps * values[-1])
        ctx.save_for_backward(root @ vectors, values)
        trace: Tensor = values.sqrt().sum()
        return trace

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        turned, values = ctx.saved_tensors
        return gradient * 0.5 * (turned * values.rsqrt()) @ turned.T, None


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
    # The wanted values are brought to the places, rather than the picture's into order: then the
    # gradient is that of a plain difference, and nothing but the difference is kept for it.
    wanted = torch.empty_like(sorted_channels).scatter_(1, order, sorted_channels)
    return (channels - wanted).square().mean()


def _channels(features: Tensor, divisor: str) -> Tensor:
    """C x (H W), float32 or better."""
    channels = features[0].flatten(1)
    channels = channels if channels.dtype == torch.float64 else channels.float()
    return channels / math.sqrt(len(channels)) if divisor == "elements" else channels


def _squared_to_gram(gram: Tensor) -> Tensor:
    """2 tr A^2 / (C tr A): from a mean squared distance of features to a Gram loss (`Wasserstein`).

    A mean over C entries there, over C^2 here.
    """
    tiny = torch.finfo(gram.dtype).tiny
    return 2 * gram.square().sum() / gram.trace().clamp(min=tiny) / len(gram)


def _weighted(tensors: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    total = tensors[0] * shares[0]
    for tensor, share in zip(tensors[1:], shares[1:], strict=True):
        total = total + tensor * share
    return total


def _moments_together(
    descriptions: Sequence[Description], shares: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """Of all styles' positions as one crowd: what varies within each style and between them."""
    mean = _weighted([mean for mean, _ in descriptions], shares)
    around = [covariance + torch.outer(own - mean, own - mean) for own, covariance in descriptions]
    return mean, _weighted(around, shares)


def _moments_gradient(
    features: Tensor, divisor: str, positions: int, whole: Description, slope: Description
) -> Tensor:
    """`Additive.gradient` for descriptions by `moments`.

    S = E[(f - m)(f - m)'] changes with f alone: what a change of m adds is 0 over all positions.
    """
    mean, _ = whole
    of_mean, of_covariance = slope
    centred = _channels(features, divisor) - mean[:, None]
    gradient = (of_covariance + of_covariance.T) @ centred + of_mean[:, None]
    scale = math.sqrt(len(mean)) if divisor == "elements" else 1.0
    return (gradient / (positions * scale)).view(features.shape).to(features)


def _quantiles(sorted_channels: Tensor, count: int) -> Tensor:
    """C x N ascending -> C x `count` ascending: the values at (k + 1/2) / count of each row."""
    if sorted_channels.shape[1] == count:
        return sorted_channels
    return F.interpolate(sorted_channels[None], size=count, mode="linear")[0]


def _even(gram: Tensor, evenness: float) -> tuple[Tensor, Tensor]:
    """Q and K of `Gram`, from the style's Gram matrix."""
    values, vectors = torch.linalg.eigh(_double(gram))
    values = values.clamp(min=FAINTEST)
    rank = int((values > RANK * values[-1]).sum())
    reference = values[-1 - rank // 16]
    pairs = (values[:, None] + values[None]) / 2
    factors = (reference / (pairs + reference / 100)) ** (evenness / 2)
    return vectors.to(gram), factors.to(gram)


def _double(matrix: Tensor) -> Tensor:
    """Roots lose half the digits. Apple's GPU has neither float64 nor eigh: there the CPU does."""
    return matrix.to("cpu", torch.float64) if matrix.device.type == "mps" else matrix.double()


def _with_noise(covariance: Tensor, variance: Tensor) -> Tensor:
    # Made where it is used: what is copied to a GPU makes the host wait.
    one = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    return covariance + variance * one
