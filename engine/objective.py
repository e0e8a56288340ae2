"""The style transfer objective: targets computed once, then weighted losses of a picture."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from engine.images.picture import Picture
from engine.images.pyramid import Size, resize, style_size
from engine.images.scaling import scaled
from engine.losses.grain import colour_grain, guarded
from engine.losses.gram import Gram
from engine.losses.guides import Guide, RegionGuide, Visibility, visibility_of
from engine.losses.masked import GuidedStyle
from engine.losses.statistics import Statistic
from engine.losses.targets import LayerStatistics, StyleTargets
from engine.losses.weighted import WeightedLosses, active_layers, statistic_of
from engine.memory.segmented_network import SegmentedNetwork
from engine.memory.segments import Layout, split_into_segments
from engine.memory.tiled_objective import TiledObjective
from engine.network.layers import positions_of
from engine.network.vgg import VGG19
from engine.optimisers.minimise import Objective
from engine.regions.areas import PlacedRegion
from engine.regions.cover import Cover
from engine.settings import LAYERS, Settings

__all__ = ["StyleTransferObjective", "style_transfer_objective"]


class StyleTransferObjective:
    """The weighted losses as a function of the picture: see `style_transfer_objective`."""

    def __init__(
        self,
        losses: WeightedLosses,
        objective_of: Callable[[WeightedLosses], Objective],
        *,
        tiled: bool,
        exact: "Callable[[], StyleTransferObjective] | None" = None,
    ) -> None:
        """
        Args:
            objective_of: computes the losses' features, and them.
            tiled: see `tiled`.
            exact: makes the same of `VGG19.exact`, where that is another network.
        """
        self.tiled = tiled
        """The picture is computed in parts, so that no step can be captured."""
        self._losses = losses
        self._objective_of = objective_of
        self._exact = exact
        self._objective = objective_of(losses)

    def __call__(self, picture: Tensor) -> Tensor:
        """1 x 3 x H x W, requires grad -> the terms content, style and total variation."""
        return self._objective(picture)

    def plain(self) -> "StyleTransferObjective":
        """The same with the plain Gram loss, of exact features: what it has left to gain is less
        than what rounding to 8 bits hides. Where the features were exact, the targets are those
        that there are."""
        if self._exact is not None:
            return self._exact().plain()
        return StyleTransferObjective(self._losses.plain(), self._objective_of, tiled=self.tiled)


def style_transfer_objective(
    vgg: VGG19,
    content: Tensor,
    styles: Sequence[Tensor | Picture],
    settings: Settings,
    *,
    targets: StyleTargets | None = None,
    layout: Layout | None = None,
    visibility: Visibility | None = None,
    regions: Sequence[PlacedRegion] | None = None,
) -> StyleTransferObjective:
    """The weighted losses as a function of the picture.

    content_weight * sum_l w_l mean (F_l - P_l)^2
    + style_weight * sum_l v_l mean (G_l - A_l)^2
    + tv_weight * total variation
    + grain * the colour grain that is too much

    F and P are the features of the picture and of the content, G and A the Gram matrices of the
    picture and of the styles, blended; `style_evenness` whitens their difference, `style_statistic`
    replaces their loss by another. With regions the style's term is the sum of those over each of
    them, by their shares of the picture.

    Args:
        content: 1 x 3 x H x W in 0 to 1, at the size that is painted.
        styles: at their own sizes: pictures, of which no tensor is made larger than needed, or
            1 x 3 x h x w each.
        targets: the cache of the statistics of styles that are pictures.
        layout: how the network is split to save memory; None: not at all.
        visibility: of the content; the means are over what is visible.
        regions: where the picture has which of the styles; None: all of them everywhere.

    Raises:
        SettingsError: a layout with tiles, for a statistic that needs a layer as a whole.
    """
    content_layers, style_layers = (
        active_layers(layers) for layers in (settings.content_layers, settings.style_layers)
    )

    painted_padding = "circular" if settings.tile else settings.padding

    def network(layers: Collection[str], padding: str = settings.padding) -> SegmentedNetwork:
        segments = split_into_segments(layers, layout or Layout())
        return SegmentedNetwork(vgg, segments, layers, settings.pooling, padding)

    losses = WeightedLosses(
        settings,
        _statistic(settings),
        network(content_layers).features(content, offloaded=layout is not None and layout.offloaded)
        if content_layers
        else {},
        _guided_styles(
            network(style_layers),
            vgg,
            (content.shape[-1], content.shape[-2]),
            styles,
            settings,
            targets,
            layout,
            visibility,
            regions,
        )
        if style_layers
        else (),
        visibility,
    )
    layers = content_layers.keys() | style_layers.keys()
    limits = _grain_limits(content, styles, settings) if settings.grain else None
    zero = content.new_zeros(())

    def objective_of(losses: WeightedLosses) -> Objective:
        def untiled(picture: Tensor) -> Tensor:
            features = vgg.features(picture, layers, settings.pooling, painted_padding)
            return losses.terms(features, zero, picture)

        objective: Objective = untiled
        if layout is not None:
            objective = TiledObjective(network(layers, painted_padding), losses)
        if limits is None:
            return objective
        return guarded(objective, limits, settings.grain, wrapped=settings.tile)

    def exact() -> StyleTransferObjective:
        return style_transfer_objective(
            vgg.exact,
            content,
            styles,
            settings,
            targets=targets,
            layout=layout,
            visibility=visibility,
            regions=regions,
        )

    return StyleTransferObjective(
        losses,
        objective_of,
        tiled=layout is not None,
        exact=None if vgg.exact is vgg else exact,
    )


@torch.no_grad()
def _grain_limits(
    content: Tensor, styles: Sequence[Tensor | Picture], settings: Settings
) -> Tensor:
    """The colour grain of the content or of a style, whichever has more: 2 numbers."""
    limits = colour_grain(content)
    for style in styles:
        own = style.size if isinstance(style, Picture) else (style.shape[-1], style.shape[-2])
        at = style_size(own, (content.shape[-1], content.shape[-2]), settings.style_scale)
        small = resize(style, at) if isinstance(style, Tensor) else scaled(style, at)
        limits = torch.maximum(limits, colour_grain(small.to(content.device)))
    return limits


@torch.no_grad()
def _guided_styles(
    network: SegmentedNetwork,
    vgg: VGG19,
    size: Size,
    styles: Sequence[Tensor | Picture],
    settings: Settings,
    targets: StyleTargets | None,
    layout: Layout | None,
    visibility: Visibility | None,
    regions: Sequence[PlacedRegion] | None,
) -> list[GuidedStyle]:
    """The targets of each layer's statistics, for each region: those of its styles, blended.

    With Gram matrices the gradient of a blend of style losses is that of one loss against the
    blended targets, since the shares add up to 1.

    Args:
        size: of what is painted.
    """
    blend = settings.style_blend or [1.0] * len(styles)
    layers = list(active_layers(settings.style_layers))
    statistic = _statistic(settings)
    # Everything that the statistics of a style depend on besides.
    request = (frozenset(layers), settings.pooling, settings.padding, _computed(statistic))
    key = (request, vgg.weights.sha256, vgg.precision, str(vgg.device), layout)

    def computed(style: Tensor | Picture, size: Size, cover: Cover | None) -> LayerStatistics:
        if isinstance(style, Tensor):
            return network.statistics(resize(style, size), statistic)
        small = scaled(style, size).to(vgg.device)
        guide = _guide_of_style(style, size, cover, small.device)
        return network.statistics(small, statistic, guide)

    def statistics_of(number: int, cover: Cover | None) -> LayerStatistics:
        style = styles[number]
        own = style.size if isinstance(style, Picture) else (style.shape[-1], style.shape[-2])
        at = style_size(own, size, settings.style_scale)
        if targets is None or isinstance(style, Tensor):
            return computed(style, at, cover)
        of_style = (style.digest, cover.digest if cover is not None else None, at)
        return targets.get((*of_style, key), partial(computed, style, at, cover))

    def guided(of: Mapping[int, Cover | None], guide: Guide | None, share: float) -> GuidedStyle:
        total = sum(blend[number] for number in of)
        shares = [blend[number] / total for number in of]
        found = [statistics_of(number, cover) for number, cover in of.items()]
        wanted = {
            name: statistic.target(
                [each[name] for each in found],
                shares,
                positions_of(name, size) if guide is None else round(guide.total(name)),
            )
            for name in layers
        }
        return GuidedStyle(wanted, guide, share)

    if regions is not None:
        return [guided(each.region.styles, each.guide, each.share) for each in regions]
    return [guided(dict.fromkeys(range(len(styles))), visibility, 1.0)]


def _guide_of_style(
    style: Picture, size: Size, cover: Cover | None, device: torch.device
) -> Guide | None:
    """What of a style's picture counts: what is visible, or what of that a cover means."""
    visibility = visibility_of(style, size, 0, device)
    if cover is None:
        return visibility
    covered = cover.at(size).to(device)
    return RegionGuide(covered if visibility is None else covered * visibility.at(LAYERS[0]))


def _computed(statistic: Statistic) -> Statistic:
    """The statistic without what only its loss depends on."""
    return replace(statistic, whitening=0.0) if isinstance(statistic, Gram) else statistic


def _statistic(settings: Settings) -> Statistic:
    return statistic_of(settings.style_statistic, settings.gram, settings.style_evenness)
