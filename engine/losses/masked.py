"""Losses over the positions that a guide picks and weighs, which make no copy of the layer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from engine.losses.guides import Guide
from engine.losses.statistics import Statistic, StyleStatistics, TileableStatistic

__all__ = ["GuidedStyle", "masked_content_loss", "masked_style_loss"]

PARTS = 8
"""In which the positions of a layer are selected."""


@dataclass(frozen=True)
class GuidedStyle:
    """A style, and where in the picture it belongs."""

    targets: Mapping[str, StyleStatistics]
    """Of each layer."""
    guide: Guide | None = None
    """None: everywhere."""
    share: float = 1.0
    """Of the picture. The loss counts by it: then the loss of the whole is the mean of the regions'
    own, and each is painted as strongly as if it were a picture by itself."""


def masked_content_loss(features: Tensor, target: Tensor, guide: Guide, layer: str) -> Tensor:
    """`content_loss` over what counts.

    Args:
        features, target: 1 x C x h x w, whole layers.
    """
    squared = (features.float() - target.float()).square() * guide.at(layer)
    return squared.sum() / (features.shape[1] * guide.total(layer))


def masked_style_loss(
    features: Tensor, styles: Sequence[GuidedStyle], statistic: Statistic, layer: str
) -> Tensor:
    """A statistic's losses over what counts for each of the styles, by their shares.

    Args:
        features: 1 x C x h x w, a whole layer.
    """
    loss: Tensor
    if isinstance(statistic, TileableStatistic):
        loss = _InParts.apply(features, styles, statistic, layer)
        return loss
    ((style, guide),) = ((style, style.guide) for style in styles)
    assert guide is not None
    # Selected again for the gradient, so that the copy is not kept.
    loss = checkpoint(
        lambda whole: statistic.loss(guide.select(whole, layer), style.targets[layer]),
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
        styles: Sequence[GuidedStyle],
        statistic: TileableStatistic,
        layer: str,
    ) -> Tensor:
        losses, kept = [], []
        for style in styles:
            guide = style.guide
            assert guide is not None
            parts, shares = [], []
            for rows in _parts(features.shape[-2]):
                area = rows, slice(None)
                selected = guide.select(features[..., rows, :], layer, area)
                if selected.shape[-1]:
                    parts.append(statistic.compute(selected, guide.weights(layer, area)))
                    shares.append(guide.total(layer, area) / guide.total(layer))
            whole = statistic.combine(parts, shares)
            with torch.enable_grad():
                leaves = tuple(part.detach().requires_grad_() for part in whole)
                loss = statistic.compare(leaves, style.targets[layer]) * style.share
                kept += [*whole, *torch.autograd.grad(loss, leaves)]
            losses.append(loss.detach())
        ctx.save_for_backward(features, *kept)
        ctx.of = styles, statistic, layer, len(whole)
        return torch.stack(losses).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        features, *saved = ctx.saved_tensors
        styles, statistic, layer, count = ctx.of
        found = torch.zeros_like(features)
        for rows in _parts(features.shape[-2]):
            area = rows, slice(None)
            for number, style in enumerate(styles):
                selected = style.guide.select(features[..., rows, :], layer, area)
                if not selected.shape[-1]:
                    continue
                whole, grads = (
                    saved[start : start + count]
                    for start in (2 * count * number, (2 * number + 1) * count)
                )
                gradient = statistic.gradient(
                    selected,
                    style.guide.total(layer),
                    whole,
                    [gradients[0] * each for each in grads],
                    style.guide.weights(layer, area),
                )
                found[..., rows, :] += style.guide.spread(gradient, layer, area)
        return found, None, None, None


def _parts(height: int) -> Iterator[slice]:
    rows = -(-height // PARTS)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))
