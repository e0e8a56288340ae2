"""Guides: how much each position of a layer counts, in the losses over a part of a picture.

What is fully transparent has no colours to keep, and none that belong to a style; a region has a
style of its own. L. Gatys, A. Ecker, M. Bethge, A. Hertzmann, E. Shechtman: Controlling Perceptual
Factors in Neural Style Transfer, CVPR 2017, section 4, weigh the features by guidance channels.
"""

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.picture import HALF_A_LEVEL, Picture
from engine.images.pyramid import Size, extend, resize
from engine.network.layers import positions_of, scale_of
from engine.settings import LAYERS

__all__ = ["Area", "Everywhere", "Guide", "RegionGuide", "Visibility", "visibility_of"]

HALF = 0.5

FAINTEST_WEIGHT = 0.01
"""Of a region: lighter positions are left out. They see a tenth of it or less."""

Area = tuple[slice, slice]
"""Rows and columns of a layer."""

EVERYWHERE: Area = (slice(None), slice(None))


class Guide(ABC):
    """The positions of one picture's layers that count. They are looked up when they are needed for
    the first time, which waits for the device; after that no number is read back from it."""

    def __init__(self) -> None:
        self._places: dict[tuple[object, ...], Tensor] = {}
        self._weights: dict[tuple[object, ...], Tensor] = {}
        self._totals: dict[tuple[object, ...], float] = {}

    @abstractmethod
    def at(self, layer: str) -> Tensor:
        """h x w, how much each position of the layer counts; of booleans, whether it does."""

    def total(self, layer: str, area: Area = EVERYWHERE) -> float:
        """The sum of the weights."""
        key = _key(layer, area)
        if key not in self._totals:
            weights = self.weights(layer, area)
            places = self._places_in(layer, area)
            self._totals[key] = len(places) if weights is None else float(weights.double().sum())
        return self._totals[key]

    def select(self, features: Tensor, layer: str, area: Area = EVERYWHERE) -> Tensor:
        """Of features 1 x C x h x w of an area of the layer those that count: 1 x C x 1 x n."""
        # A row a position, as the network lays features out: much faster than by channels.
        rows = features[0].permute(1, 2, 0).flatten(0, 1)
        return rows.index_select(0, self._places_in(layer, area)).T[None, :, None]

    def weights(self, layer: str, area: Area = EVERYWHERE) -> Tensor | None:
        """Of those that `select` finds: n numbers in float32; None if all count the same."""
        here = self.at(layer)
        if here.dtype == torch.bool:
            return None
        key = _key(layer, area)
        if key not in self._weights:
            places = self._places_in(layer, area)
            self._weights[key] = here[area].flatten().index_select(0, places)
        return self._weights[key]

    def spread(self, selected: Tensor, layer: str, area: Area = EVERYWHERE) -> Tensor:
        """1 x C x 1 x n in their places in an area of the layer, and 0 elsewhere: the gradient of
        `select`."""
        height, width = self.at(layer)[area].shape
        rows = selected.new_zeros((height * width, selected.shape[1]))
        rows[self._places_in(layer, area)] = selected[0, :, 0].T
        return rows.view(height, width, -1).permute(2, 0, 1)[None]

    def _places_in(self, layer: str, area: Area) -> Tensor:
        """The positions of the area that count, row by row: n numbers."""
        key = _key(layer, area)
        if key not in self._places:
            self._places[key] = self.at(layer)[area].flatten().nonzero()[:, 0].int()
        return self._places[key]


class Visibility(Guide):
    """What is visible. A position counts if at least half of its pixels are."""

    def __init__(self, cover: Tensor) -> None:
        """`cover`: 1 x 1 x H x W, 1 where the picture is visible, else 0."""
        super().__init__()
        self._cover = cover
        self._layers: dict[int, Tensor] = {}

    def at(self, layer: str) -> Tensor:
        scale = scale_of(layer)
        if scale not in self._layers:
            share = F.avg_pool2d(self._cover, scale)[0, 0]
            seen = share >= HALF
            # Of a picture of thin lines no position is half covered.
            self._layers[scale] = seen if seen.any() else share >= share.max()
        return self._layers[scale]


class RegionGuide(Guide):
    """A region with soft edges, whose positions count by how much of what they see lies in it.

    A position of relu5_1 sees some hundred pixels to each side, so what lies near the edge of a
    region says much of its neighbours. Its share of the region is taken as the network takes its
    picture: a mean of 3 x 3 at each convolution, of 2 x 2 at each pooling, which is the effective
    receptive field of even kernels (W. Luo, Y. Li, R. Urtasun, R. Zemel: Understanding the
    Effective Receptive Field, 2016). The share is the guidance channel of Gatys et al.; as features
    are multiplied by it, their products are by its square.
    """

    def __init__(self, cover: Tensor) -> None:
        """`cover`: 1 x 1 x H x W, 0 to 1."""
        super().__init__()
        self._cover = cover
        self._layers: dict[str, Tensor] = {}

    def at(self, layer: str) -> Tensor:
        if layer not in self._layers:
            share = self._cover
            for name in LAYERS[: LAYERS.index(layer) + 1]:
                share = _seen_by(name, share)
            weights = share[0, 0].square()
            weights = weights / weights.max()
            self._layers[layer] = weights * (weights >= FAINTEST_WEIGHT)
        return self._layers[layer]


class Everywhere(Guide):
    """A region that covers pictures of (width, height) as a whole, for predictions: it needs no
    data."""

    def __init__(self, size: Size, device: torch.device) -> None:
        super().__init__()
        self._size, self._device = size, device

    def at(self, layer: str) -> Tensor:
        width, height = (side // scale_of(layer) for side in self._size)
        return torch.ones((height, width), device=self._device)

    def total(self, layer: str, area: Area = EVERYWHERE) -> float:
        return positions_of(layer, self._size) if area == EVERYWHERE else self._count(layer, area)

    def _places_in(self, layer: str, area: Area) -> Tensor:
        key = _key(layer, area)
        if key not in self._places:
            count = self._count(layer, area)
            self._places[key] = torch.arange(count, dtype=torch.int32, device=self._device)
        return self._places[key]

    def _count(self, layer: str, area: Area) -> int:
        return self.at(layer)[area].numel()


def visibility_of(
    picture: Picture, size: Size, margin: int, device: torch.device
) -> Visibility | None:
    """That of a picture at (width, height), with `margin` more pixels around it; None if all of it
    is visible, or nothing."""
    if picture.alpha is None or picture.alpha.min() >= HALF_A_LEVEL:
        return None
    alpha = resize(torch.from_numpy(picture.alpha)[None, None], size)
    cover = (alpha >= HALF_A_LEVEL).float()
    if cover.all() or not cover.any():
        return None
    return Visibility(extend(cover, margin).to(device))


def _seen_by(layer: str, share: Tensor) -> Tensor:
    """The share of a region, 1 x 1 x h x w, after one more layer."""
    if layer.startswith("conv"):
        return F.avg_pool2d(F.pad(share, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return F.avg_pool2d(share, 2) if layer.startswith("pool") else share


def _key(layer: str, area: Area) -> tuple[object, ...]:
    vertical, horizontal = area
    return (layer, vertical.start, vertical.stop, horizontal.start, horizontal.stop)
