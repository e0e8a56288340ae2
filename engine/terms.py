"""The weighted terms of the objective, of whatever features there are at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.losses import content_loss, total_variation
from engine.settings import Settings
from engine.shelf import Shelved
from engine.statistics import Description, Statistic

__all__ = ["Terms", "weighted"]


@dataclass(frozen=True)
class Terms:
    """What the features of a picture are compared with, and how much each difference weighs."""

    settings: Settings
    statistic: Statistic
    content_targets: Mapping[str, Tensor | Shelved]
    style_targets: Mapping[str, Description]

    @property
    def content_factors(self) -> dict[str, float]:
        """Of each layer's content loss in the sum of all terms."""
        layers = weighted(self.settings.content_layers)
        return {name: self.settings.content_weight * weight for name, weight in layers.items()}

    @property
    def style_factors(self) -> dict[str, float]:
        layers = weighted(self.settings.style_layers)
        return {name: self.settings.style_weight * weight for name, weight in layers.items()}

    def of(self, features: Mapping[str, Tensor], zero: Tensor, picture: Tensor | None) -> Tensor:
        """Content, style and total variation, as 3 numbers.

        Args:
            features: of these layers, others are left out; whole layers, 1 x C x h x w.
            zero: a term that nothing adds to.
            picture: 1 x 3 x H x W; None leaves the total variation out.
        """
        content = [
            weight * content_loss(features[name], self.content_targets[name][...])
            for name, weight in weighted(self.settings.content_layers).items()
            if name in features
        ]
        style = [
            weight * self.statistic.loss(features[name], self.style_targets[name])
            for name, weight in weighted(self.settings.style_layers).items()
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


def weighted(layers: Mapping[str, float]) -> dict[str, float]:
    """Those that count."""
    return {name: weight for name, weight in layers.items() if weight > 0}
