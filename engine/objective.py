"""The style transfer objective: targets computed once, then weighted losses of a picture."""

from collections.abc import Collection, Sequence
from functools import partial

import torch
from torch import Tensor

from engine.optimise import Objective
from engine.pyramid import Size, resize, style_size
from engine.segments import Layout, scale_of, take_apart
from engine.settings import Settings
from engine.statistics import Description, Statistic, statistic_of
from engine.targets import Described, StyleTargets
from engine.terms import Terms, weighted
from engine.tiles import CutNetwork, TiledObjective
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
    layout: Layout | None = None,
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
        layout: how the network is taken apart to save memory; None: it is not.

    Raises:
        SettingsError: a layout with tiles, for a statistic that needs a layer as a whole.
    """
    content_layers, style_layers = (
        weighted(layers) for layers in (settings.content_layers, settings.style_layers)
    )

    def network(layers: Collection[str]) -> CutNetwork:
        segments = take_apart(layers, layout or Layout())
        return CutNetwork(vgg, segments, layers, settings.pooling, settings.padding)

    terms = Terms(
        settings,
        _statistic(settings),
        network(content_layers).features(content, shelved=layout is not None and layout.shelved)
        if content_layers
        else {},
        _style_targets(
            network(style_layers), vgg, content, styles, settings, targets, digests, layout
        )
        if style_layers
        else {},
    )
    layers = content_layers.keys() | style_layers.keys()
    if layout is not None:
        return TiledObjective(network(layers), terms)

    def objective(picture: Tensor) -> Tensor:
        features = vgg.features(picture, layers, settings.pooling, settings.padding)
        return terms.of(features, picture.new_zeros(()), picture)

    return objective


@torch.no_grad()
def _style_targets(
    network: CutNetwork,
    vgg: VGG19,
    content: Tensor,
    styles: Sequence[Tensor],
    settings: Settings,
    targets: StyleTargets | None,
    digests: Sequence[str],
    layout: Layout | None,
) -> dict[str, Description]:
    """What each layer's features are compared with: the styles', blended.

    With Gram matrices the gradient of a blend of style losses is that of one loss against the
    blended targets, since the shares add up to 1.
    """
    blend = settings.style_blend or [1.0] * len(styles)
    shares = [share / sum(blend) for share in blend]
    layers = list(weighted(settings.style_layers))
    statistic = _statistic(settings)
    seen_by_network = (vgg.weights.sha256, vgg.precision, str(vgg.device), layout)
    result_size = (content.shape[-1], content.shape[-2])

    def describe(style: Tensor, size: Size) -> Described:
        return network.described(resize(style, size), statistic)

    described = []
    for index, style in enumerate(styles):
        size = style_size((style.shape[-1], style.shape[-2]), result_size, settings.style_scale)
        if targets is None:
            described.append(describe(style, size))
            continue
        # Everything that `describe` depends on.
        seen_by = (
            frozenset(layers),
            settings.pooling,
            settings.padding,
            statistic,
            seen_by_network,
        )
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


def _positions(layer: str, size: Size) -> int:
    scale = scale_of(layer)
    return (size[0] // scale) * (size[1] // scale)
