"""The style transfer objective: targets computed once, then weighted losses of a picture."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.losses import content_loss, gram_matrix, style_loss, total_variation
from engine.optimise import Objective
from engine.pyramid import resize, style_size
from engine.settings import Settings
from engine.vgg import VGG19

__all__ = ["style_transfer_objective"]


def style_transfer_objective(
    vgg: VGG19, content: Tensor, styles: Sequence[Tensor], settings: Settings
) -> Objective:
    """The weighted losses as a function of the picture.

    content_weight * sum_l w_l mean (F_l - P_l)^2
    + style_weight * sum_l v_l mean (G_l - A_l)^2
    + tv_weight * total variation

    F and P are the features of the picture and of the content, G and A the Gram matrices of the
    picture and of the styles, blended.

    Args:
        content: 1 x 3 x H x W in 0 to 1, at the size that is painted.
        styles: 1 x 3 x h x w each, at their own sizes.
    """
    content_layers = {name: w for name, w in settings.content_layers.items() if w > 0}
    style_layers = {name: w for name, w in settings.style_layers.items() if w > 0}
    with torch.no_grad():
        content_targets = vgg.features(content, content_layers, settings.pooling, settings.padding)
        style_targets = _style_targets(vgg, content, styles, settings, list(style_layers))
    layers = content_layers.keys() | style_layers.keys()

    def objective(picture: Tensor) -> Tensor:
        features = vgg.features(picture, layers, settings.pooling, settings.padding)
        zero = picture.new_zeros(())
        content_terms = [
            weight * content_loss(features[name], content_targets[name])
            for name, weight in content_layers.items()
        ]
        style_terms = [
            weight * style_loss(gram_matrix(features[name], settings.gram), style_targets[name])
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
    vgg: VGG19, content: Tensor, styles: Sequence[Tensor], settings: Settings, layers: list[str]
) -> dict[str, Tensor]:
    """Blended Gram matrices of the styles.

    The gradient of a blend of style losses is that of one loss against the blended targets, since
    the shares add up to 1.
    """
    blend = settings.style_blend or [1.0] * len(styles)
    result_size = (content.shape[-1], content.shape[-2])
    targets: dict[str, Tensor] = {}
    for style, share in zip(styles, blend, strict=True):
        size = style_size((style.shape[-1], style.shape[-2]), result_size, settings.style_scale)
        features = vgg.features(resize(style, size), layers, settings.pooling, settings.padding)
        for name, feature in features.items():
            gram = gram_matrix(feature, settings.gram) * (share / sum(blend))
            targets[name] = targets[name] + gram if name in targets else gram
    return targets
