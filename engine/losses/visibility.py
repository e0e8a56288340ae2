"""Which positions of each layer belong to visible pixels: the terms of the others are left out.

What is fully transparent has no colours to keep, and none that belong to a style. A position counts
if at least half of its pixels are visible.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.images.picture import HALF_A_LEVEL, Picture
from engine.images.pyramid import Size, extend, resize
from engine.network.layers import scale_of

__all__ = ["Visibility", "visibility_of"]

HALF = 0.5

Region = tuple[slice, slice]
"""Rows and columns of a layer."""

EVERYWHERE: Region = (slice(None), slice(None))


class Visibility:
    """The visible positions of one picture's layers. They are looked up when they are needed for
    the first time, which waits for the device; after that no number is read back from it."""

    def __init__(self, cover: Tensor) -> None:
        """`cover`: 1 x 1 x H x W, 1 where the picture is visible, else 0."""
        self._cover = cover
        self._layers: dict[int, Tensor] = {}
        self._places: dict[tuple[int | None, ...], Tensor] = {}

    def at(self, layer: str) -> Tensor:
        """h x w, whether each position of the layer counts."""
        scale = scale_of(layer)
        if scale not in self._layers:
            share = F.avg_pool2d(self._cover, scale)[0, 0]
            seen = share >= HALF
            # Of a picture of thin lines no position is half covered.
            self._layers[scale] = seen if seen.any() else share >= share.max()
        return self._layers[scale]

    def positions(self, layer: str) -> int:
        """How many count."""
        return len(self._places_in(layer, EVERYWHERE))

    def select(self, features: Tensor, layer: str, region: Region = EVERYWHERE) -> Tensor:
        """Of features 1 x C x h x w of a region of the layer those that count: 1 x C x 1 x n."""
        # A row a position, as the network lays features out: much faster than by channels.
        rows = features[0].permute(1, 2, 0).flatten(0, 1)
        return rows.index_select(0, self._places_in(layer, region)).T[None, :, None]

    def spread(self, selected: Tensor, layer: str, region: Region = EVERYWHERE) -> Tensor:
        """1 x C x 1 x n in their places in a region of the layer, and 0 elsewhere: the gradient of
        `select`."""
        height, width = self.at(layer)[region].shape
        rows = selected.new_zeros((height * width, selected.shape[1]))
        rows[self._places_in(layer, region)] = selected[0, :, 0].T
        return rows.view(height, width, -1).permute(2, 0, 1)[None]

    def _places_in(self, layer: str, region: Region) -> Tensor:
        """The positions of the region that count, row by row: n numbers."""
        vertical, horizontal = region
        key = (scale_of(layer), vertical.start, vertical.stop, horizontal.start, horizontal.stop)
        if key not in self._places:
            self._places[key] = self.at(layer)[region].flatten().nonzero()[:, 0].int()
        return self._places[key]


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
