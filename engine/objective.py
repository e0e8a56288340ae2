"""The style transfer objective: targets computed once, then weighted losses of a picture."""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from engine.losses import content_loss, total_variation
from engine.optimise import Objective
from engine.pyramid import Size, resize, style_size
from engine.settings import Settings
from engine.statistics import Description, Statistic, statistic_of
from engine.targets import Described, StyleTargets
from engine.vgg import VGG19

__all__ = ["style_transfer_objective"]


def style_transfer_objective(
    vgg: VGG19,
    content: Tensor,
    styles: Sequence[Tensor],
    settings: Settings,
    *,
    targets: StyleTargets | None = None,
    digests: Sequence[str] = (),
) -> Objective:
    """The weighted losses as a function of the picture.

    content_weight * sum_l w_l mean (F_l - P_l)^2
    + style_weight * sum_l v_l mean (G_l - A_l)^2
    + tv_weight * total variation

    F and P are the features of the picture and of the content, G and A the Gram matrices of the
    picture and of the styles, blended; `style_evenness` weighs their directions, `style_statistic`
    puts another loss in the place of theirs.

    Args:
        content: 1 x 3 x H x W in 0 to 1, at the size that is painted.
        styles: 1 x 3 x h x w each, at their own sizes.
        targets: what is known of styles from earlier calls, and is to be remembered of these.
        digests: with `targets`, what tells each of the styles from every other picture.
    """
    content_layers = _weighted(settings.content_layers)
    style_layers = _weighted(settings.style_layers)
    statistic = _statistic(settings)
    with torch.no_grad():
        content_targets = vgg.features(content, content_layers, settings.pooling, settings.padding)
        style_targets = _style_targets(vgg, content, styles, settings, targets, digests)
    layers = content_layers.keys() | style_layers.keys()

    def objective(picture: Tensor) -> Tensor:
        features = vgg.features(picture, layers, settings.pooling, settings.padding)
        zero = picture.new_zeros(())
        content_terms = [
            weight * content_loss(features[name], content_targets[name])
            for name, weight in content_layers.items()
        ]
        style_terms = [
            weight * statistic.loss(features[name], style_targets[name])
            for name, weight in style_layers.items()
        ]
        return torch.stack(
            [
                settings.content_weight * sum(content_terms, zero),
                settings.style_weight * sum(style_terms, zero),
                settings.tv_weight * total_variation(picture) if settings.tv_weight else zero,
            ]
        )

    return objective


def _style_targets(
    vgg: VGG19,
    content: Tensor,
    styles: Sequence[Tensor],
    settings: Settings,
    targets: StyleTargets | None,
    digests: Sequence[str],
) -> dict[str, Description]:
    """What each layer's features are compared with: the styles', blended.

    With Gram matrices the gradient of a blend of style losses is that of one loss against the
    blended targets, since the shares add up to 1.
    """
    blend = settings.style_blend or [1.0] * len(styles)
    shares = [share / sum(blend) for share in blend]
    layers = list(_weighted(settings.style_layers))
    statistic = _statistic(settings)
    network = (vgg.weights.sha256, vgg.precision, str(vgg.device))
    result_size = (content.shape[-1], content.shape[-2])

    def describe(style: Tensor, size: Size) -> Described:
        features = vgg.features(resize(style, size), layers, settings.pooling, settings.padding)
        return {name: statistic.describe(feature) for name, feature in features.items()}

    described = []
    for index, style in enumerate(styles):
        size = style_size((style.shape[-1], style.shape[-2]), result_size, settings.style_scale)
        if targets is None:
            described.append(describe(style, size))
            continue
        # Everything that `describe` depends on.
        seen_by = (frozenset(layers), settings.pooling, settings.padding, statistic, network)
        key = (digests[index], size, seen_by)
        described.append(targets.get(key, partial(describe, style, size)))
    return {
        name: statistic.target(
            [each[name] for each in described], shares, _positions(name, result_size)
        )
        for name in layers
    }


def _statistic(settings: Settings) -> Statistic:
    return statistic_of(settings.style_statistic, settings.gram, settings.style_evenness)


def _weighted(layers: Mapping[str, float]) -> dict[str, float]:
    return {name: weight for name, weight in layers.items() if weight > 0}


def _positions(layer: str, size: tuple[int, int]) -> int:
    """How many positions a layer has for a picture of (width, height): each pool halves."""
    halvings = int(layer[4]) - 1 + layer.startswith("pool")
    return (size[0] >> halvings) * (size[1] >> halvings)
