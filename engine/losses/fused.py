"""The content's loss and the Gram loss of whole layers, with as few operations as they have sums.

The same losses as `content_loss` and `Gram.loss`, whose parts are taken together: matrices of
layers with as many channels in one product, and the elements of all of them in one sum. With
M = Q'(G - A)Q of `Gram`, its weighted loss is the sum of M o K^2 o M times v / C^2, and the
gradient in F is a product of F with Q (K^2 o M) Q'.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import groupby
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.losses.functional import (
    add_products,
    difference_of_products,
    products,
    rounds_sums,
    sums_in_float32,
)
from engine.losses.statistics import StyleStatistics

__all__ = ["FusedContentLoss", "FusedGramLoss", "GramTargets"]


FEWEST = 128
"""Channels of the matrices of layers that have fewer: with those that have as many in one product,
which costs less than another operation."""


class _Group:
    """Successive layers, k of them, whose matrices are C x C: padded with zeros, if need be."""

    def __init__(
        self, targets: Sequence[StyleStatistics], positions: Sequence[int], start: int
    ) -> None:
        self.grams = [target[0] for target in targets]
        self.positions = positions
        self._channels = _channels(targets[0])
        self.place = slice(start, start + len(targets) * self._channels**2)
        """Of the matrices among those of all groups."""
        self.differences = self.padded(self.grams) * 0
        self.directions = self.padded([target[1] for target in targets if len(target) > 1])
        """k x C x C, Q; without whitening none."""
        self.transposed = self.directions.mT.contiguous()

    @cached_property
    def halves(self) -> list[tuple[Tensor, Tensor]]:
        """The Gram matrices in bfloat16, and what that leaves out."""
        high = [gram.to(torch.bfloat16) for gram in self.grams]
        return [(each, gram - each) for gram, each in zip(self.grams, high, strict=True)]

    def compare(self, index: int, layer: Tensor) -> None:
        """Write n / 4 (G - A) of a layer's features to its `differences`."""
        gram, flat = self.grams[index], layer[0].flatten(1)
        beta, alpha = -self.positions[index] / 4, 1 / 4
        out = self.differences[index, : len(gram), : len(gram)]
        if sums_in_float32(layer):
            torch.addmm(gram, flat, flat.T, beta=beta, alpha=alpha, out_dtype=gram.dtype, out=out)
        elif rounds_sums(layer):
            difference_of_products(flat, *self.halves[index], beta=beta, alpha=alpha, out=out)
        else:
            add_products(gram, flat, beta=beta, alpha=alpha, out=out)

    def padded(self, matrices: Sequence[Tensor]) -> Tensor:
        """k x C x C."""
        sides = [(0, self._channels - len(each)) * 2 for each in matrices]
        padded = [F.pad(each, side) for each, side in zip(matrices, sides, strict=True)]
        return torch.stack(padded) if padded else self.grams[0].new_empty(0, 0, 0)

    def matrices(self, of_all: Tensor) -> Tensor:
        return of_all[self.place].view(-1, self._channels, self._channels)


class GramTargets:
    """What the Gram loss compares whole layers of one size with.

    Differences are kept times n / 4, n what a Gram matrix is divided by: then what is multiplied
    with the features in the end is the gradient, and needs no factor of its layer.
    """

    def __init__(
        self,
        targets: Sequence[StyleStatistics],
        weights: Sequence[float],
        positions: Sequence[int],
    ) -> None:
        """
        Args:
            targets: of `Gram.target`, a layer each.
            weights: of each layer's loss.
            positions: what each layer's Gram matrix is divided by.
        """
        self.groups: list[_Group] = []
        factors, end = [], 0
        layers = zip(targets, weights, positions, strict=True)
        for _, grouped in groupby(layers, key=lambda layer: _channels(layer[0])):
            of_group, of_weights, counts = zip(*grouped, strict=True)
            group = _Group(of_group, counts, end)
            end = group.place.stop
            self.groups.append(group)
            each = [
                (spectrum[1].square() if spectrum else torch.ones_like(gram))
                * (16 * weight / (gram.numel() * count**2))
                for (gram, *spectrum), weight, count in zip(
                    of_group, of_weights, counts, strict=True
                )
            ]
            factors.append(group.padded(each).flatten())
        self.factors = torch.cat(factors)


def _channels(target: StyleStatistics) -> int:
    return max(FEWEST, len(target[0]))


class FusedGramLoss(torch.autograd.Function):
    """The weighted sum of the layers' losses, of features 1 x C x H x W each."""

    @staticmethod
    def forward(ctx: Any, targets: GramTargets, *features: Tensor) -> Tensor:
        ctx.targets = targets
        differences = torch.empty_like(targets.factors)
        layers = iter(features)
        for group in targets.groups:
            whitened = group.directions.numel() > 0
            out = group.matrices(differences)
            for index in range(len(group.grams)):
                group.compare(index, next(layers))
            if whitened:
                turned = products(group.transposed, group.differences)  # which are symmetric
                products(turned, group.transposed, out=out)
            else:
                out.copy_(group.differences)
        weighted = differences * targets.factors
        ctx.save_for_backward(weighted, *features)
        return differences.mul_(weighted).sum()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        weighted, *features = ctx.saved_tensors
        returned = torch.empty_like(weighted)
        for group in ctx.targets.groups:
            if not group.directions.numel():
                returned[group.place] = weighted[group.place]
                continue
            turned = products(group.directions, group.matrices(weighted))
            products(turned, group.directions, out=group.matrices(returned))
        scaled = torch.empty_like(returned, dtype=features[0].dtype)
        torch.mul(returned, gradients[0], out=scaled)
        found, layers = [], iter(features)
        for group in ctx.targets.groups:
            for gram, matrix in zip(group.grams, group.matrices(scaled), strict=True):
                layer = next(layers)
                # Positions x channels, as features lie in memory in channels_last.
                product = layer[0].flatten(1).T @ matrix[: len(gram), : len(gram)]
                found.append(product.T.reshape(layer.shape))
        return None, *found


class FusedContentLoss(torch.autograd.Function):
    """`factor` times the squared differences of features and their target."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, target: Tensor, units: Tensor, factor: float) -> Tensor:
        """`units`: 1 and 0, each 1 x 1 x 1 x 1, float32 or better: the type of the sum, whatever
        the network's precision."""
        one, ctx.nothing = units
        # That type is the difference's, too, and `addmv` has a factor: an operation less.
        difference = torch.addcmul(target, features, one, value=-1)
        ctx.save_for_backward(difference)
        ctx.factor, ctx.dtype = factor, features.dtype
        flat = difference.permute(0, 2, 3, 1).reshape(-1)
        return torch.addmv(one.view(1), flat[None], flat, beta=0, alpha=factor)[0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (difference,) = ctx.saved_tensors
        grad = torch.empty_like(difference, dtype=ctx.dtype)
        # Less by an operation than the product of three.
        torch.addcmul(ctx.nothing, difference, gradients[0], value=-2 * ctx.factor, out=grad)
        return grad, None, None, None
