"""Gives a painting or a picture the colours of a target picture, by one of several methods.

Strip by strip: of a large picture no more than a strip is in OkLab at a time. What a method needs
to know of a picture as a whole (moments, histograms) is added up beforehand.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.images.colour.histogram import HistogramMap, Histograms, histograms_of
from engine.images.colour.linear import VARIANCE_FLOOR, Chunk, ColourMap, Moments, moments_of
from engine.images.colour.luminance import keep_lightness, keep_luma
from engine.images.colour.oklab import from_oklab, to_oklab
from engine.images.picture import Picture
from engine.images.scaling import tensor_of
from engine.images.strips import Floats, strips, white_of

__all__ = ["ColourTransfer", "Method", "StripMap", "recoloured"]

Method = Literal["luma", "luminance", "linear", "histogram"]

StripMap = Callable[[Tensor, slice], Tensor]
"""A strip, 1 x 3 x h x W in 0 to 1, and its rows in the picture -> the strip in other colours."""

Colours = Callable[[], Iterator[Chunk]]
"""All colours of a picture in OkLab, as often as they are asked for."""


@dataclass(frozen=True)
class ColourTransfer:
    """From any picture to the colours of `target`.

    `luminance` keeps the lightness (L) of each pixel and takes a and b of the target at the same
    place; `luma` is the same in YIQ. `linear` gives the mean and covariance of the target's
    colours, in OkLab; `histogram` after that the histogram of each channel.
    """

    method: Method
    target: Picture
    amount: float = 1.0
    """Of the way from a picture's own colours to the target's, in OkLab."""

    @property
    def pixel_by_pixel(self) -> bool:
        """Whether the target is needed at the size of what is recoloured."""
        return self.method in ("luma", "luminance")

    def map_of(
        self, picture: Tensor, target: Tensor | None = None, alpha: Floats | None = None
    ) -> StripMap:
        """The map for a picture.

        Args:
            picture: 1 x 3 x H x W in 0 to 1.
            target: of the same shape, where it goes pixel by pixel.
            alpha: H x W, by which its pixels count; None: all alike.
        """
        if self.pixel_by_pixel:
            assert target is not None
            return lambda strip, rows: self._like(strip, target[..., rows, :])
        height, width = picture.shape[-2:]

        def colours() -> Iterator[Chunk]:
            for rows in strips(width, height):
                strip = picture.detach()[..., rows, :].float().clamp(0, 1)
                yield _chunk(strip, None if alpha is None else alpha[rows])

        return self._global_map(colours)

    def map_of_picture(self, picture: Picture) -> StripMap:
        """The map for a picture, of the methods that do not go pixel by pixel."""
        assert not self.pixel_by_pixel
        return self._global_map(lambda: _colours_of(picture))

    def _like(self, strip: Tensor, target: Tensor) -> Tensor:
        if self.method == "luma":
            return keep_luma(strip, target)
        own = to_oklab(strip)
        return from_oklab(torch.lerp(own, keep_lightness(own, to_oklab(target)), self.amount))

    def _global_map(self, colours: Colours) -> StripMap:
        linear = ColourMap.between(moments_of(colours()), self._moments)
        curves: HistogramMap | None = None
        if self.method == "histogram":
            moved = ((_linearly(c, linear), weights) for c, weights in colours())
            noise = VARIANCE_FLOOR * (linear.linear @ linear.linear.T).diagonal()
            curves = HistogramMap.between(histograms_of(moved), self._histograms, noise.tolist())

        def strip_map(strip: Tensor, rows: slice) -> Tensor:
            own = to_oklab(strip)
            mapped = linear.unclamped(own)
            if curves is not None:
                mapped = curves(mapped)
            return from_oklab(torch.lerp(own, mapped, self.amount))

        return strip_map

    @cached_property
    def _moments(self) -> Moments:
        return moments_of(_colours_of(self.target))

    @cached_property
    def _histograms(self) -> Histograms:
        return histograms_of(_colours_of(self.target))


def recoloured(picture: Picture, transfer: ColourTransfer) -> Picture:
    """The picture in other colours, with its depth and alpha; of the methods that do not go pixel
    by pixel."""
    strip_map = transfer.map_of_picture(picture)
    samples, white = np.empty_like(picture.samples), white_of(picture.samples)
    for rows in strips(*picture.size):
        strip = strip_map(tensor_of(picture.samples[rows]), rows)[0].permute(1, 2, 0).numpy()
        samples[rows] = strip if samples.dtype.kind == "f" else np.rint(strip * np.float32(white))
    return Picture(samples, picture.alpha, picture.origin)


def _colours_of(picture: Picture) -> Iterator[Chunk]:
    alpha = picture.visible_alpha
    for rows in strips(*picture.size):
        yield _chunk(tensor_of(picture.samples[rows]), None if alpha is None else alpha[rows])


def _chunk(strip: Tensor, alpha: Floats | None) -> Chunk:
    colours = to_oklab(strip)[0].flatten(1).T.double().cpu().numpy()
    return colours, None if alpha is None else alpha.reshape(-1)


def _linearly(colours: NDArray[np.float64], linear: ColourMap) -> NDArray[np.float64]:
    planes = torch.from_numpy(colours).T[None, :, None]
    mapped: NDArray[np.float64] = linear.unclamped(planes)[0, :, 0].T.numpy()
    return mapped
