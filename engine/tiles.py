"""The objective and its exact gradient, for pictures whose activations do not fit into memory.

The style loss depends on the picture through a few small descriptions alone, such as Gram matrices,
and these add up over positions. So an evaluation goes through the network twice. Down, without a
gradient, tile by tile: descriptions are added up, and what each segment ends with is kept
(`engine.segments`). With all of it seen, the losses and their gradients in the descriptions are
known. Back, from the deepest segment to the picture: each tile is computed again, and its gradient
taken from these and from that of the segment behind it. Nothing is left out: up to rounding, terms
and gradient are those of the whole picture at once.

With one tile a segment this is activation checkpointing. A last segment in one tile is not computed
again: its graph waits for the way back.

After B. Galerne, L. Raad, J. Lezama, J.-M. Morel: Scaling Painting Style Transfer, EGSR 2024, who
tile the uncut network. Cut, halos are a few pixels wide and deep layers need not be tiled.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.allocator import trim
from engine.errors import Problem, SettingsError
from engine.losses import content_gradient, content_loss
from engine.segments import Segment, Tile, scale_of
from engine.shelf import Shelved
from engine.statistics import Additive, Description, Statistic
from engine.terms import Terms
from engine.vgg import VGG19, pool

__all__ = ["WHOLE_LAYERS", "CutNetwork", "TiledObjective"]

Whole = TypeVar("Whole", bound=Tensor | Shelved)

WHOLE_LAYERS = Problem(
    ("style_statistic",),
    "histogram, which sorts each layer as a whole and cannot be taken in tiles",
    "gram, covariance or wasserstein at this size and within this memory",
)


class CutNetwork:
    """VGG19 in segments, and what an objective has chosen about it."""

    def __init__(
        self,
        vgg: VGG19,
        segments: Sequence[Segment],
        wanted: Collection[str],
        pooling: str,
        padding: str,
    ) -> None:
        self.segments = list(segments)
        self._vgg = vgg
        self._wanted = wanted
        self._pooling = pooling
        self._padding = padding

    def tiles(self, segment: Segment, source: Tensor) -> list[Tile]:
        """Of a segment, whose input this is."""
        return segment.tiles(source.shape[-2], source.shape[-1])

    def run(self, segment: Segment, tile: Tile, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """One tile through one segment.

        Args:
            x: what the tile reads of the segment's input.

        Returns:
            What the segment ends with and the wanted layers, at the tile's own positions.
        """
        if segment is self.segments[0]:
            x = self._vgg.preprocess(x)
        x, found = self._vgg.through(
            x, segment.layers, self._wanted, self._pooling, self._padding, tile.edges
        )

        def inner(layer: str) -> tuple[slice, slice]:
            return tile.inner(segment.stride(layer), segment.rest(layer))

        found = {name: feature[..., *inner(name)] for name, feature in found.items()}
        if segment.pool:
            x = pool(x[..., *inner(segment.layers[-1])], self._pooling)
            if segment.pool in self._wanted:
                found[segment.pool] = x
        return x, found

    @torch.no_grad()
    def parts(self, picture: Tensor) -> Iterator[tuple[Segment, Tile, dict[str, Tensor]]]:
        """The wanted layers of a picture, part by part."""
        source = picture
        for segment in self.segments:
            behind: Tensor | None = None
            for tile in self.tiles(segment, source):
                x, found = self.run(segment, tile, _read(source, tile))
                if segment.pool:
                    behind = _placed(behind, x, segment, tile, segment.pool, picture, _empty)
                yield segment, tile, found
            if behind is not None:
                source = behind

    def features(self, picture: Tensor, *, shelved: bool = False) -> dict[str, Tensor | Shelved]:
        """The wanted layers, each as a whole; those in tiles kept outside memory, if asked."""
        wholes: dict[str, Tensor | Shelved] = {}
        make: Callable[..., Tensor | Shelved] = Shelved if shelved else _empty
        for segment, tile, found in self.parts(picture):
            for name, feature in found.items():
                whole = wholes.get(name)
                wholes[name] = _placed(whole, feature, segment, tile, name, picture, make)
        return wholes

    def described(self, picture: Tensor, statistic: Statistic) -> dict[str, Description]:
        """The wanted layers, each as the statistic describes it.

        Raises:
            SettingsError: a layer in tiles, and the statistic needs it as a whole.
        """
        sums: dict[str, _Sum] = {}
        for _, _, found in self.parts(picture):
            for name, feature in found.items():
                sums.setdefault(name, _Sum(statistic)).add(feature)
        return {name: each.description for name, each in sums.items()}


class TiledObjective:
    """An `engine.optimise.Objective`: picture -> the weighted terms content, style, tv.

    Its gradient is taken in a second pass, not from a recorded graph, so it can be taken once.
    """

    def __init__(self, network: CutNetwork, terms: Terms) -> None:
        self._network = network
        self._terms = terms
        self._tv_weight = terms.settings.tv_weight

    def __call__(self, picture: Tensor) -> Tensor:
        terms: Tensor = _Evaluation.apply(picture, self)
        return terms

    def down(self, picture: Tensor) -> "_Seen":
        """The first pass."""
        seen = _Seen(picture, picture.new_zeros(3))
        for segment in self._network.segments:
            tiles = self._network.tiles(segment, seen.sources[-1])
            behind = (self._down_in_tiles if len(tiles) > 1 else self._down_at_once)(
                segment, tiles, seen
            )
            if behind is not None:
                seen.sources.append(behind)
            trim()
        return seen

    def back(self, seen: "_Seen", factors: Tensor) -> Tensor:
        """The second pass.

        Args:
            factors: of the three terms, in the sum whose gradient this is.

        Returns:
            Like the picture.
        """
        slope: Tensor | None = None  # The gradient in what the segment ends with.
        for segment in reversed(self._network.segments):
            source = seen.sources.pop()
            tiles = self._network.tiles(segment, source)
            if len(tiles) == 1:
                slope = self._back_at_once(segment, tiles[0], source, slope, seen, factors)
                continue
            gradient = torch.zeros_like(source)
            for tile in tiles:
                part = self._back_in_tile(segment, tile, source, slope, seen, factors)
                gradient[..., *tile.read] += part
            slope = gradient
            trim()
        assert slope is not None
        return slope

    def _down_at_once(self, segment: Segment, tiles: list[Tile], seen: "_Seen") -> Tensor | None:
        last = segment.pool is None
        with torch.set_grad_enabled(last):
            source = seen.sources[-1].detach().requires_grad_(last)
            x, terms = self._at_once(segment, tiles[0], source, seen)
        seen.terms += terms.detach()
        if last:
            seen.graph = source, terms
            return None
        return x

    def _back_at_once(
        self,
        segment: Segment,
        tile: Tile,
        source: Tensor,
        slope: Tensor | None,
        seen: "_Seen",
        factors: Tensor,
    ) -> Tensor:
        if slope is None:
            assert seen.graph is not None
            leaf, terms = seen.graph
            seen.graph = None
            (gradient,) = torch.autograd.grad(terms, leaf, factors)
            return gradient
        with torch.enable_grad():
            leaf = source.detach().requires_grad_()
            x, terms = self._at_once(segment, tile, leaf, seen)
        ends, slopes = ([x, terms], [slope, factors]) if terms.requires_grad else ([x], [slope])
        (gradient,) = torch.autograd.grad(ends, leaf, slopes)
        return gradient

    def _at_once(
        self, segment: Segment, tile: Tile, source: Tensor, seen: "_Seen"
    ) -> tuple[Tensor, Tensor]:
        x, found = self._network.run(segment, tile, source)
        first = segment is self._network.segments[0]
        return x, self._terms.of(found, seen.terms.new_zeros(()), source if first else None)

    def _down_in_tiles(self, segment: Segment, tiles: list[Tile], seen: "_Seen") -> Tensor | None:
        source, picture = seen.sources[-1], seen.sources[0]
        statistic = self._terms.statistic
        style, content = self._terms.style_factors, self._terms.content_factors
        behind: Tensor | None = None
        sums: dict[str, _Sum] = {}
        with torch.no_grad():
            for tile in tiles:
                x, found = self._network.run(segment, tile, _read(source, tile))
                if segment.pool:
                    behind = _placed(behind, x, segment, tile, segment.pool, picture, _empty)
                for name, feature in found.items():
                    if name in style:
                        sums.setdefault(name, _Sum(statistic)).add(feature)
                    if name in content:
                        share = _positions(feature) / seen.positions(name)
                        target = self._target(name, segment, tile)
                        seen.terms[0] += content[name] * share * content_loss(feature, target)
                if source is picture and self._tv_weight:
                    seen.terms[2] += self._tv_weight * _variation(picture, tile, picture)
        for name, each in sums.items():
            assert isinstance(statistic, Additive)
            with torch.enable_grad():
                whole = tuple(part.detach().requires_grad_() for part in each.description)
                loss = style[name] * statistic.compare(whole, self._terms.style_targets[name])
                slopes = torch.autograd.grad(loss, whole)
            seen.terms[1] += loss.detach()
            seen.whole[name], seen.slopes[name] = each.description, slopes
        return behind

    def _back_in_tile(
        self,
        segment: Segment,
        tile: Tile,
        source: Tensor,
        slope: Tensor | None,
        seen: "_Seen",
        factors: Tensor,
    ) -> Tensor:
        with torch.enable_grad():
            leaf = _read(source, tile).detach().requires_grad_()
            x, found = self._network.run(segment, tile, leaf)
            ends = list(found.values())
            slopes = [
                self._slope(segment, tile, name, feature.detach(), seen, factors)
                for name, feature in found.items()
            ]
            if slope is not None:
                assert segment.pool
                ends.append(x)
                slopes.append(slope[..., *tile.own(segment.stride(segment.pool))])
            if segment is self._network.segments[0] and self._tv_weight:
                ends.append(self._tv_weight * _variation(leaf, tile, source))
                slopes.append(factors[2])
            (gradient,) = torch.autograd.grad(ends, leaf, slopes)
        return gradient

    @torch.no_grad()
    def _slope(
        self,
        segment: Segment,
        tile: Tile,
        name: str,
        feature: Tensor,
        seen: "_Seen",
        factors: Tensor,
    ) -> Tensor:
        """The gradient in a tile's part of a layer, of what is asked of that layer itself."""
        positions = seen.positions(name)
        total: Tensor | None = None
        if name in seen.slopes:
            statistic = self._terms.statistic
            assert isinstance(statistic, Additive)
            slopes = tuple(factors[1] * each for each in seen.slopes[name])
            total = statistic.gradient(feature, positions, seen.whole[name], slopes)
        if name in self._terms.content_factors:
            factor = factors[0] * self._terms.content_factors[name]
            of_content = content_gradient(
                feature, self._target(name, segment, tile), positions, factor
            )
            total = of_content if total is None else total + of_content
        assert total is not None
        return total

    def _target(self, name: str, segment: Segment, tile: Tile) -> Tensor:
        return self._terms.content_targets[name][..., *tile.own(segment.stride(name))]


@dataclass
class _Seen:
    """What the way down leaves for the way back."""

    picture: InitVar[Tensor]
    terms: Tensor
    sources: list[Tensor] = field(default_factory=list)
    """The picture, and each segment's input behind it."""
    whole: dict[str, Description] = field(default_factory=dict)
    slopes: dict[str, Description] = field(default_factory=dict)
    """Of the style's term in `whole`."""
    graph: tuple[Tensor, Tensor] | None = None
    """A last segment in one tile: its input and its terms."""

    def __post_init__(self, picture: Tensor) -> None:
        self.sources.append(picture)
        self._height, self._width = picture.shape[-2:]

    def positions(self, layer: str) -> int:
        scale = scale_of(layer)
        return (self._height // scale) * (self._width // scale)


class _Evaluation(torch.autograd.Function):
    """Both passes, as one function of the picture."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, objective: TiledObjective) -> Tensor:
        ctx.objective = objective
        ctx.seen = objective.down(picture)
        terms: Tensor = ctx.seen.terms
        return terms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (factors,) = gradients
        return ctx.objective.back(ctx.seen, factors), None


class _Sum:
    """A layer's description, from part to part."""

    def __init__(self, statistic: Statistic) -> None:
        self._statistic = statistic
        self._positions = 0
        self.description: Description = ()

    def add(self, features: Tensor) -> None:
        described, positions = self._statistic.describe(features), _positions(features)
        if not self._positions:
            self.description, self._positions = described, positions
            return
        if not isinstance(self._statistic, Additive):
            raise SettingsError([WHOLE_LAYERS])
        before, self._positions = self._positions, self._positions + positions
        shares = [before / self._positions, positions / self._positions]
        self.description = self._statistic.together([self.description, described], shares)


def _read(source: Tensor, tile: Tile) -> Tensor:
    """What a tile sees; dense, for convolutions that would copy it each."""
    part = source[..., *tile.read]
    return part.contiguous(memory_format=torch.channels_last)


def _empty(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.empty(shape, dtype=dtype, device=device, memory_format=torch.channels_last)


def _placed(
    whole: Whole | None,
    part: Tensor,
    segment: Segment,
    tile: Tile,
    layer: str,
    picture: Tensor,
    make: Callable[[tuple[int, ...], torch.dtype, torch.device], Whole],
) -> Whole | Tensor:
    """A layer of the picture with a tile's part of it; the first part makes the whole."""
    height, width = (side // scale_of(layer) for side in picture.shape[-2:])
    if part.shape[-2:] == (height, width):
        return part
    if whole is None:
        whole = make((1, part.shape[1], height, width), part.dtype, part.device)
    whole[..., *tile.own(segment.stride(layer))] = part
    return whole


def _positions(features: Tensor) -> int:
    return features.shape[-2] * features.shape[-1]


def _variation(read: Tensor, tile: Tile, picture: Tensor) -> Tensor:
    """A tile's part of `total_variation`: the pairs whose upper or left pixel is the tile's own.

    Args:
        read: what the tile reads of the picture, or the picture itself.
    """
    height, width = picture.shape[-2:]
    rows, columns = tile.own() if read is picture else tile.within
    right = min(columns.stop + 1, read.shape[-1])
    below = min(rows.stop + 1, read.shape[-2])
    high, wide = read[..., rows.start : below, columns], read[..., rows, columns.start : right]
    down = (high[..., 1:, :] - high[..., :-1, :]).square().sum() / (3 * (height - 1) * width)
    across = (wide[..., 1:] - wide[..., :-1]).square().sum() / (3 * height * (width - 1))
    return down + across
