"""The style transfer objective: targets computed once, then weighted losses of a picture."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from engine.images.picture import Picture
from engine.images.pyramid import Size, resize, style_size
from engine.images.scaling import scaled
from engine.losses.gram import Gram
from engine.losses.statistics import Statistic, StyleStatistics
from engine.losses.targets import LayerStatistics, StyleTargets
from engine.losses.visibility import Visibility, visibility_of
from engine.losses.weighted import WeightedLosses, active_layers, statistic_of
from engine.memory.segmented_network import SegmentedNetwork
from engine.memory.segments import Layout, split_into_segments
from engine.memory.tiled_objective import TiledObjective
from engine.network.layers import positions_of
from engine.network.vgg import VGG19
from engine.optimisers.minimise import Objective
from engine.settings import Settings

__all__ = ["style_transfer_objective"]


def style_transfer_objective(
    vgg: VGG19,
    content: Tensor,
    styles: Sequence[Tensor | Picture],
    settings: Settings,
    *,
    targets: StyleTargets | None = None,
    layout: Layout | None = None,
    visibility: Visibility | None = None,
) -> Objective:
    """The weighted losses as a function of the picture.

    content_weight * sum_l w_l mean (F_l - P_l)^2
    + style_weight * sum_l v_l mean (G_l - A_l)^2
    + tv_weight * total variation

    F and P are the features of the picture and of the content, G and A the Gram matrices of the
    picture and of the styles, blended; `style_evenness` whitens their difference, `style_statistic`
    replaces their loss by another.

    Args:
        content: 1 x 3 x H x W in 0 to 1, at the size that is painted.
        styles: at their own sizes: pictures, of which no tensor is made larger than needed, or
            1 x 3 x h x w each.
        targets: the cache of the statistics of styles that are pictures.
        layout: how the network is split to save memory; None: not at all.
        visibility: of the content; the means are over what is visible.

    Raises:
        SettingsError: a layout with tiles, for a statistic that needs a layer as a whole.
    """
    content_layers, style_layers = (
        active_layers(layers) for layers in (settings.content_layers, settings.style_layers)
    )

    def network(layers: Collection[str]) -> SegmentedNetwork:
        segments = split_into_segments(layers, layout or Layout())
        return SegmentedNetwork(vgg, segments, layers, settings.pooling, settings.padding)

    losses = WeightedLosses(
        settings,
        _statistic(settings),
        network(content_layers).features(content, offloaded=layout is not None and layout.offloaded)
        if content_layers
        else {},
        _style_targets(
            network(style_layers), vgg, content, styles, settings, targets, layout, visibility
        )
        if style_layers
        else {},
        visibility,
    )
    layers = content_layers.keys() | style_layers.keys()
    if layout is not None:
        return TiledObjective(network(layers), losses)

    zero = content.new_zeros(())

    def objective(picture: Tensor) -> Tensor:
        features = vgg.features(picture, layers, settings.pooling, settings.padding)
        return losses.terms(features, zero, picture)

    return objective


@torch.no_grad()
def _style_targets(
    network: SegmentedNetwork,
    vgg: VGG19,
    content: Tensor,
    styles: Sequence[Tensor | Picture],
    settings: Settings,
    targets: StyleTargets | None,
    layout: Layout | None,
    visibility: Visibility | None,
) -> dict[str, StyleStatistics]:
    """The targets of each layer's statistics: those of the styles, blended.

    With Gram matrices the gradient of a blend of style losses is that of one loss against the
    blended targets, since the shares add up to 1.
    """
    blend = settings.style_blend or [1.0] * len(styles)
    shares = [share / sum(blend) for share in blend]
    layers = list(active_layers(settings.style_layers))
    statistic = _statistic(settings)
    network_key = (vgg.weights.sha256, vgg.precision, str(vgg.device), layout)
    result_size = (content.shape[-1], content.shape[-2])

    def compute(style: Tensor | Picture, size: Size) -> LayerStatistics:
        if isinstance(style, Picture):
            small = scaled(style, size).to(vgg.device)
            return network.statistics(small, statistic, visibility_of(style, size, 0, small.device))
        return network.statistics(resize(style, size), statistic)

    statistics = []
    for style in styles:
        own = style.size if isinstance(style, Picture) else (style.shape[-1], style.shape[-2])
        size = style_size(own, result_size, settings.style_scale)
        if targets is None or isinstance(style, Tensor):
            statistics.append(compute(style, size))
            continue
        # Everything that `compute` depends on.
        request = (frozenset(layers), settings.pooling, settings.padding, _computed(statistic))
        key = (style.digest, size, request, network_key)
        statistics.append(targets.get(key, partial(compute, style, size)))
    return {
        name: statistic.target(
            [each[name] for each in statistics],
            shares,
            positions_of(name, result_size) if visibility is None else visibility.positions(name),
        )
        for name in layers
    }


def _computed(statistic: Statistic) -> Statistic:
    """The statistic without what only its loss depends on."""
    return replace(statistic, whitening=0.0) if isinstance(statistic, Gram) else statistic


def _statistic(settings: Settings) -> Statistic:
    return statistic_of(settings.style_statistic, settings.gram, settings.style_evenness)
