"""The weighted sum of content loss, style loss and total variation, as the settings ask for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from engine.losses.functional import content_loss, total_variation
from engine.losses.gram import Gram
from engine.losses.histogram import Histogram
from engine.losses.masked import masked_content_loss, masked_style_loss
from engine.losses.moments import Covariance, Wasserstein
from engine.losses.statistics import Statistic, StyleStatistics
from engine.losses.visibility import Visibility
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
    style_targets: Mapping[str, StyleStatistics]
    visibility: Visibility | None = None
    """Of the content; None: all of it is visible."""

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

    def terms(self, features: Mapping[str, Tensor], zero: Tensor, picture: Tensor | None) -> Tensor:
        """Content, style and total variation, as 3 numbers.

        Args:
            features: of these layers, others are left out; whole layers, 1 x C x h x w.
            zero: a scalar 0 on the features' device, the value of a term without losses.
            picture: 1 x 3 x H x W; None leaves the total variation out.
        """
        content = [
            weight * self._content_loss(name, features[name])
            for name, weight in active_layers(self.settings.content_layers).items()
            if name in features
        ]
        style = [
            weight * self._style_loss(name, features[name])
            for name, weight in active_layers(self.settings.style_layers).items()
            if name in features
        ]
        smoothed = picture if self.settings.tv_weight else None
        return torch.stack(
            [
                self.settings.content_weight * sum(content, zero),
                self.settings.style_weight * sum(style, zero),
                zero if smoothed is None else self.settings.tv_weight * total_variation(smoothed),
            ]
        )

    def _content_loss(self, name: str, features: Tensor) -> Tensor:
        target = self.content_targets[name][...]
        if self.visibility is None:
            return content_loss(features, target)
        return masked_content_loss(features, target, self.visibility, name)

    def _style_loss(self, name: str, features: Tensor) -> Tensor:
        target = self.style_targets[name]
        if self.visibility is None:
            return self.statistic.loss(features, target)
        return masked_style_loss(features, target, self.statistic, self.visibility, name)


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
