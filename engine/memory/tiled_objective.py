"""The style transfer objective and its exact gradient, for layers that do not fit into memory.

The style loss depends on the picture only through small statistics, such as Gram matrices, and
these add up over positions. So an evaluation goes through the network twice. *Forward*, without a
gradient, tile by tile: the statistics are accumulated, and each segment's output is kept. The
losses and their gradients in the statistics are then known. *Backward*, from the deepest segment to
the picture: each tile is computed again, and its gradient taken from these and from that of the
next segment's input. Up to rounding, terms and gradient are those of the whole picture at once.

With one tile a segment this is activation checkpointing. A last segment in one tile is not computed
again: its graph is kept for the backward pass.

After B. Galerne, L. Raad, J. Lezama, J.-M. Morel: Scaling Painting Style Transfer, EGSR 2024, who
tile the whole network. In segments, halos are a few pixels wide and deep layers need no tiles.
"""

from dataclasses import InitVar, dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.losses.functional import content_gradient, content_loss
from engine.losses.statistics import StyleStatistics, TileableStatistic
from engine.losses.weighted import WeightedLosses
from engine.memory.segmented_network import (
    SegmentedNetwork,
    StatisticsAccumulator,
    count_positions,
    empty_layer,
    place_tile,
    read_tile,
)
from engine.memory.segments import Segment, Tile
from engine.network.allocator import trim
from engine.network.layers import positions_of

__all__ = ["TiledObjective"]


class TiledObjective:
    """An `engine.optimisers.minimise.Objective`: picture -> the weighted terms content, style, tv.

    Its gradient is taken in a second pass, not from a recorded graph, so it can be taken once.
    """

    def __init__(self, network: SegmentedNetwork, losses: WeightedLosses) -> None:
        self._network = network
        self._losses = losses
        self._tv_weight = losses.settings.tv_weight

    def __call__(self, picture: Tensor) -> Tensor:
        terms: Tensor = _Evaluation.apply(picture, self)
        return terms

    def forward(self, picture: Tensor) -> "ForwardState":
        """The losses, and what the backward pass needs."""
        state = ForwardState(picture, picture.new_zeros(3))
        for segment in self._network.segments:
            tiles = self._network.tiles(segment, state.sources[-1])
            output = (self._forward_in_tiles if len(tiles) > 1 else self._forward_whole)(
                segment, tiles, state
            )
            if output is not None:
                state.sources.append(output)
            trim()
        return state

    def backward(self, state: "ForwardState", factors: Tensor) -> Tensor:
        """The gradient in the picture, and of its shape.

        Args:
            factors: of the three terms, in the sum whose gradient this is.
        """
        grad: Tensor | None = None  # The gradient in the segment's output.
        for segment in reversed(self._network.segments):
            source = state.sources.pop()
            tiles = self._network.tiles(segment, source)
            if len(tiles) == 1:
                grad = self._backward_whole(segment, tiles[0], source, grad, state, factors)
                continue
            gradient = torch.zeros_like(source)
            for tile in tiles:
                part = self._backward_in_tile(segment, tile, source, grad, state, factors)
                gradient[..., *tile.read] += part
            grad = gradient
            trim()
        assert grad is not None
        return grad

    def _forward_whole(
        self, segment: Segment, tiles: list[Tile], state: "ForwardState"
    ) -> Tensor | None:
        last = segment.pool is None
        with torch.set_grad_enabled(last):
            source = state.sources[-1].detach().requires_grad_(last)
            x, terms = self._whole(segment, tiles[0], source, state)
        state.terms += terms.detach()
        if last:
            state.graph = source, terms
            return None
        return x

    def _backward_whole(
        self,
        segment: Segment,
        tile: Tile,
        source: Tensor,
        grad: Tensor | None,
        state: "ForwardState",
        factors: Tensor,
    ) -> Tensor:
        if grad is None:
            assert state.graph is not None
            leaf, terms = state.graph
            state.graph = None
            (gradient,) = torch.autograd.grad(terms, leaf, factors)
            return gradient
        with torch.enable_grad():
            leaf = source.detach().requires_grad_()
            x, terms = self._whole(segment, tile, leaf, state)
        ends, grads = ([x, terms], [grad, factors]) if terms.requires_grad else ([x], [grad])
        (gradient,) = torch.autograd.grad(ends, leaf, grads)
        return gradient

    def _whole(
        self, segment: Segment, tile: Tile, source: Tensor, state: "ForwardState"
    ) -> tuple[Tensor, Tensor]:
        x, found = self._network.run(segment, tile, source)
        first = segment is self._network.segments[0]
        return x, self._losses.terms(found, state.terms.new_zeros(()), source if first else None)

    def _forward_in_tiles(
        self, segment: Segment, tiles: list[Tile], state: "ForwardState"
    ) -> Tensor | None:
        source, picture = state.sources[-1], state.sources[0]
        statistic = self._losses.statistic
        style, content = self._losses.style_factors, self._losses.content_factors
        output: Tensor | None = None
        sums: dict[tuple[str, int], StatisticsAccumulator] = {}
        with torch.no_grad():
            for tile in tiles:
                x, found = self._network.run(segment, tile, read_tile(source, tile))
                if segment.pool:
                    output = place_tile(
                        output, x, segment, tile, segment.pool, picture, empty_layer
                    )
                for name, feature in found.items():
                    own = tile.own(segment.stride(name))
                    for number, each in enumerate(self._losses.styles if name in style else ()):
                        total = sums.setdefault((name, number), StatisticsAccumulator(statistic))
                        total.add(feature, each.guide, name, own)
                    if name not in content:
                        continue
                    visible = self._visible(feature, name, segment, tile)
                    if count := count_positions(visible):
                        share = count / self._positions(name, state)
                        target = self._target(name, segment, tile)
                        target = self._visible(target, name, segment, tile)
                        state.terms[0] += content[name] * share * content_loss(visible, target)
                if source is picture and self._tv_weight:
                    state.terms[2] += self._tv_weight * _variation(picture, tile, picture)
        for (name, number), total in sums.items():
            assert isinstance(statistic, TileableStatistic)
            wanted = self._losses.styles[number]
            with torch.enable_grad():
                whole = tuple(part.detach().requires_grad_() for part in total.statistics)
                factor = style[name] * wanted.share
                loss = factor * statistic.compare(whole, wanted.targets[name])
                grads = torch.autograd.grad(loss, whole)
            state.terms[1] += loss.detach()
            state.whole[name, number], state.grads[name, number] = total.statistics, grads
        return output

    def _backward_in_tile(
        self,
        segment: Segment,
        tile: Tile,
        source: Tensor,
        grad: Tensor | None,
        state: "ForwardState",
        factors: Tensor,
    ) -> Tensor:
        with torch.enable_grad():
            leaf = read_tile(source, tile).detach().requires_grad_()
            x, found = self._network.run(segment, tile, leaf)
            ends = list(found.values())
            grads = [
                self._layer_grad(segment, tile, name, feature.detach(), state, factors)
                for name, feature in found.items()
            ]
            if grad is not None:
                assert segment.pool
                ends.append(x)
                grads.append(grad[..., *tile.own(segment.stride(segment.pool))])
            if segment is self._network.segments[0] and self._tv_weight:
                ends.append(self._tv_weight * _variation(leaf, tile, source))
                grads.append(factors[2])
            (gradient,) = torch.autograd.grad(ends, leaf, grads)
        return gradient

    @torch.no_grad()
    def _layer_grad(
        self,
        segment: Segment,
        tile: Tile,
        name: str,
        feature: Tensor,
        state: "ForwardState",
        factors: Tensor,
    ) -> Tensor:
        """The gradient of a layer's own losses in a tile's part of the layer."""
        own = tile.own(segment.stride(name))
        total: Tensor | None = None
        for number, style in enumerate(self._losses.styles):
            if (name, number) not in state.grads:
                continue
            statistic = self._losses.statistic
            assert isinstance(statistic, TileableStatistic)
            grads = tuple(factors[1] * each for each in state.grads[name, number])
            whole, guide = state.whole[name, number], style.guide
            if guide is None:
                of_style = statistic.gradient(feature, state.positions(name), whole, grads)
            else:
                selected, weights = guide.select(feature, name, own), guide.weights(name, own)
                of_style = statistic.gradient(selected, guide.total(name), whole, grads, weights)
                of_style = guide.spread(of_style, name, own)
            total = of_style if total is None else total + of_style
        if name in self._losses.content_factors:
            factor = factors[0] * self._losses.content_factors[name]
            target = self._visible(self._target(name, segment, tile), name, segment, tile)
            visible = self._visible(feature, name, segment, tile)
            of_content = content_gradient(visible, target, self._positions(name, state), factor)
            if (visibility := self._losses.visibility) is not None:
                of_content = visibility.spread(of_content, name, own)
            total = of_content if total is None else total + of_content
        assert total is not None
        return total

    def _visible(self, part: Tensor, name: str, segment: Segment, tile: Tile) -> Tensor:
        """What counts of a tile's part of a layer."""
        if (visibility := self._losses.visibility) is None:
            return part
        return visibility.select(part, name, tile.own(segment.stride(name)))

    def _positions(self, name: str, state: "ForwardState") -> int:
        """How many positions of the layer are visible."""
        visibility = self._losses.visibility
        return state.positions(name) if visibility is None else int(visibility.total(name))

    def _target(self, name: str, segment: Segment, tile: Tile) -> Tensor:
        return self._losses.content_targets[name][..., *tile.own(segment.stride(name))]


@dataclass
class ForwardState:
    """What the forward pass keeps for the backward pass."""

    picture: InitVar[Tensor]
    terms: Tensor
    sources: list[Tensor] = field(default_factory=list)
    """The input of each segment; the first is the picture."""
    whole: dict[tuple[str, int], StyleStatistics] = field(default_factory=dict)
    """Statistics of each whole layer, for each style."""
    grads: dict[tuple[str, int], StyleStatistics] = field(default_factory=dict)
    """The style term's gradient in `whole`."""
    graph: tuple[Tensor, Tensor] | None = None
    """The input and the terms of a last segment in one tile."""

    def __post_init__(self, picture: Tensor) -> None:
        self.sources.append(picture)
        self._size = (picture.shape[-1], picture.shape[-2])

    def positions(self, layer: str) -> int:
        return positions_of(layer, self._size)


class _Evaluation(torch.autograd.Function):
    """Both passes, as one function of the picture."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, objective: TiledObjective) -> Tensor:
        ctx.objective = objective
        ctx.state = objective.forward(picture)
        terms: Tensor = ctx.state.terms
        return terms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (factors,) = gradients
        return ctx.objective.backward(ctx.state, factors), None


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
