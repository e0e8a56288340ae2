"""Losses over the visible positions of a layer (`Visibility`), which make no copy of the layer."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from engine.losses.statistics import Statistic, StyleStatistics, TileableStatistic
from engine.losses.visibility import Visibility

__all__ = ["masked_content_loss", "masked_style_loss"]

PARTS = 8
"""In which the positions of a layer are selected."""


def masked_content_loss(
    features: Tensor, target: Tensor, visibility: Visibility, layer: str
) -> Tensor:
    """`content_loss` over what counts.

    Args:
        features, target: 1 x C x h x w, whole layers.
    """
    squared = (features.float() - target.float()).square() * visibility.at(layer)
    return squared.sum() / (features.shape[1] * visibility.positions(layer))


def masked_style_loss(
    features: Tensor,
    target: StyleStatistics,
    statistic: Statistic,
    visibility: Visibility,
    layer: str,
) -> Tensor:
    """A statistic's loss over what counts.

    Args:
        features: 1 x C x h x w, a whole layer.
    """
    loss: Tensor
    if isinstance(statistic, TileableStatistic):
        loss = _InParts.apply(features, target, statistic, visibility, layer)
        return loss
    # Selected again for the gradient, so that the copy is not kept.
    loss = checkpoint(
        lambda whole: statistic.loss(visibility.select(whole, layer), target),
        features,
        use_reentrant=False,
        preserve_rng_state=False,
    )
    return loss


class _InParts(torch.autograd.Function):
    """The statistics are combined from those of some rows at a time; so is the gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        target: StyleStatistics,
        statistic: TileableStatistic,
        visibility: Visibility,
        layer: str,
    ) -> Tensor:
        positions = visibility.positions(layer)
        parts, shares = [], []
        for rows in _parts(features.shape[-2]):
            selected = visibility.select(features[..., rows, :], layer, (rows, slice(None)))
            if selected.shape[-1]:
                parts.append(statistic.compute(selected))
                shares.append(selected.shape[-1] / positions)
        whole = statistic.combine(parts, shares)
        with torch.enable_grad():
            leaves = tuple(part.detach().requires_grad_() for part in whole)
            loss = statistic.compare(leaves, target)
            grads = torch.autograd.grad(loss, leaves)
        ctx.save_for_backward(features, *whole, *grads)
        ctx.of = statistic, visibility, layer, len(whole)
        return loss.detach()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        features, *saved = ctx.saved_tensors
        statistic, visibility, layer, count = ctx.of
        whole, grads = saved[:count], [gradients[0] * each for each in saved[count:]]
        positions = visibility.positions(layer)
        total = torch.zeros_like(features)
        for rows in _parts(features.shape[-2]):
            region = rows, slice(None)
            selected = visibility.select(features[..., rows, :], layer, region)
            if selected.shape[-1]:
                gradient = statistic.gradient(selected, positions, whole, grads)
                total[..., rows, :] = visibility.spread(gradient, layer, region)
        return total, None, None, None, None


def _parts(height: int) -> Iterator[slice]:
    rows = -(-height // PARTS)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
