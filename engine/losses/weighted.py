"""The weighted sum of content loss, style loss and total variation, as the settings ask for it."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from engine.losses.functional import total_variation
from engine.losses.fused import FusedContentLoss, FusedGramLoss, GramTargets
from engine.losses.gram import Gram
from engine.losses.guides import Guide
from engine.losses.histogram import Histogram
from engine.losses.masked import GuidedStyle, masked_content_loss, masked_style_loss
from engine.losses.moments import Covariance, Wasserstein
from engine.losses.statistics import Statistic
from engine.settings import Settings

__all__ = ["WeightedLosses", "active_layers", "statistic_of"]


class ContentTarget(Protocol):
    """A layer's features, in memory (a tensor) or outside it (`engine.memory.offload`)."""

    def __getitem__(self, region: Any, /) -> Tensor: ...


@dataclass(frozen=True)
class WeightedLosses:
    """The targets that a picture's features are compared with, and the weight of each loss."""

    settings: Settings
    statistic: Statistic
    content_targets: Mapping[str, ContentTarget]
    styles: Sequence[GuidedStyle]
    visibility: Guide | None = None
    """Of the content; None: all of it is visible."""
    _units: dict[torch.dtype, Tensor] = field(default_factory=dict, init=False)
    _grams: dict[tuple[str, ...], GramTargets] = field(default_factory=dict, init=False)
    """What the fused losses need besides, computed for the first picture."""

    @property
    def content_factors(self) -> dict[str, float]:
        """The factor of each layer's content loss in the sum of all terms."""
        layers = active_layers(self.settings.content_layers)
        return {name: self.settings.content_weight * weight for name, weight in layers.items()}

    @property
    def style_factors(self) -> dict[str, float]:
        """The factor of each layer's style loss in the sum of all terms."""
        layers = active_layers(self.settings.style_layers)
        return {name: self.settings.style_weight * weight for name, weight in layers.items()}

    def plain(self) -> "WeightedLosses":
        """The same with the plain Gram loss: as if `style_evenness` were 0."""
        if not isinstance(self.statistic, Gram):
            return self
        styles = [
            replace(style, targets={name: of[:1] for name, of in style.targets.items()})
            for style in self.styles
        ]
        return replace(self, statistic=replace(self.statistic, whitening=0.0), styles=styles)

    def terms(self, features: Mapping[str, Tensor], zero: Tensor, picture: Tensor | None) -> Tensor:
        """Content, style and total variation, as 3 numbers.

        Args:
            features: of these layers, others are left out; whole layers, 1 x C x h x w.
            zero: a scalar 0 on the features' device, the value of a term without losses.
            picture: 1 x 3 x H x W; None leaves the total variation out.
        """
        content = [
            self._content_loss(name, features[name], factor)
            for name, factor in self.content_factors.items()
            if name in features
        ]
        style = self._style_losses({n: features[n] for n in self.style_factors if n in features})
        if picture is not None and self.settings.tv_weight:
            wrapped = self.settings.tile
            smooth = [self.settings.tv_weight * total_variation(picture, wrapped=wrapped)]
        else:
            smooth = []
        return torch.stack([_sum(terms, zero) for terms in (content, style, smooth)])

    def _content_loss(self, name: str, features: Tensor, factor: float) -> Tensor:
        target = self.content_targets[name][...]
        if self.visibility is not None:
            return factor * masked_content_loss(features, target, self.visibility, name)
        dtype = features.dtype
        if dtype not in self._units:
            exact = torch.promote_types(dtype, torch.float32)
            units = torch.tensor([1, 0], dtype=exact, device=features.device)
            self._units[dtype] = units.view(2, 1, 1, 1, 1)
        share = factor / features.numel()
        loss: Tensor = FusedContentLoss.apply(features, target, self._units[dtype], share)
        return loss

    def _style_losses(self, features: Mapping[str, Tensor]) -> list[Tensor]:
        factors = self.style_factors
        if not features or not self.styles:
            return []
        if any(style.guide is not None for style in self.styles):
            return [
                factors[name] * masked_style_loss(feature, self.styles, self.statistic, name)
                for name, feature in features.items()
            ]
        (style,) = self.styles
        if not isinstance(self.statistic, Gram):
            return [
                factors[name] * self.statistic.loss(feature, style.targets[name])
                for name, feature in features.items()
            ]
        names = tuple(features)
        if names not in self._grams:
            self._grams[names] = GramTargets(
                [style.targets[name] for name in names],
                [factors[name] for name in names],
                [self.statistic.count(feature) for feature in features.values()],
            )
        return [FusedGramLoss.apply(self._grams[names], *features.values())]


def _sum(terms: Sequence[Tensor], zero: Tensor) -> Tensor:
    return functools.reduce(torch.add, terms) if terms else zero


def statistic_of(name: str, divisor: str = "positions", whitening: float = 0.0) -> Statistic:
    """The statistic that `style_statistic` names; `gram` is the divisor, `style_evenness` the
    whitening."""
    kinds: dict[str, Callable[[str], Statistic]] = {
        "gram": partial(Gram, whitening=whitening),
        "covariance": Covariance,
        "wasserstein": Wasserstein,
        "histogram": Histogram,
    }
    return kinds[name](divisor)


def active_layers(layers: Mapping[str, float]) -> dict[str, float]:
    """The layers with a weight above 0."""
    return {name: weight for name, weight in layers.items() if weight > 0}
