"""Histograms of OkLab's channels, and the maps that give one picture those of another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.images.colour.linear import Chunk

__all__ = ["HistogramMap", "Histograms", "histograms_of"]

BINS = 4096
"""A bin of L is a sixteenth of a level of 8 bits."""

RANGES = ((0.0, 1.0), (-0.5, 0.5), (-0.5, 0.5))
"""Of L, a, b; sRGB's a and b are within 0.32."""


@dataclass(frozen=True)
class Histograms:
    """Of a picture's three channels: 3 x BINS, each adding up to 1."""

    shares: NDArray[np.float64]


@dataclass(frozen=True)
class HistogramMap:
    """1 x 3 x H x W in OkLab -> the same, each channel by a rising curve.

    Values that are equally far up in their channel's order replace each other, so that the sorted
    values become the target's: the only rising map that does it.
    """

    curves: Tensor
    """3 x (BINS + 1): what the borders of the bins become, linear in between."""

    @classmethod
    def between(cls, own: Histograms, wanted: Histograms, noise: Sequence[float]) -> "HistogramMap":
        """
        Args:
            noise: variance in each channel of what is no colour of the picture but noise. It is
                added before the map is made, so that it is not spread over all colours.
        """
        curves = [
            np.interp(_ranks(_smoothed(a, variance)), *_steps(b, bounds))
            for a, b, bounds, variance in zip(own.shares, wanted.shares, RANGES, noise, strict=True)
        ]
        return cls(torch.from_numpy(np.stack(curves)))

    def __call__(self, lab: Tensor) -> Tensor:
        curves = self.curves.to(lab)
        channels = []
        for channel, (low, high) in enumerate(RANGES):
            place = ((lab[:, channel] - low) * (BINS / (high - low))).clamp(0, BINS)
            before = place.floor().clamp(max=BINS - 1)
            index = before.long()
            curve = curves[channel]
            channels.append(torch.lerp(curve[index], curve[index + 1], place - before))
        return torch.stack(channels, dim=1)


def histograms_of(chunks: Iterable[Chunk]) -> Histograms:
    """The histograms of colours in OkLab, each counted with its weight."""
    counts = np.zeros((3, BINS))
    for colours, weights in chunks:
        for channel, (low, high) in enumerate(RANGES):
            place = (colours[:, channel] - low) * (BINS / (high - low))
            bins = place.clip(0, BINS - 1).astype(np.int64)
            counts[channel] += np.bincount(bins, weights, BINS)
    return Histograms(counts / counts.sum(axis=1, keepdims=True))


def _ranks(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much lies below each border of a bin."""
    ranks: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(shares)])
    return ranks


def _steps(
    shares: NDArray[np.float64], bounds: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Rising ranks, and the values at which they are reached, without the empty bins."""
    borders = np.linspace(*bounds, BINS + 1)
    filled = np.flatnonzero(shares)
    ranks = np.cumsum(shares[filled])
    # From the lower border of each bin to its upper one: what is between two is no value.
    below = np.concatenate([[0.0], ranks[:-1]])
    return (
        np.stack([below, ranks], axis=1).ravel(),
        np.stack([borders[filled], borders[filled + 1]], axis=1).ravel(),
    )


def _smoothed(shares: NDArray[np.float64], variance: float) -> NDArray[np.float64]:
    """With so much variance added: a convolution with a Gaussian. Every channel's range is 1."""
    deviation = variance**0.5 * BINS
    reach = min(int(4 * deviation) + 1, BINS)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    smooth = np.convolve(np.pad(shares, reach, mode="symmetric"), bell / bell.sum(), mode="valid")
    return np.asarray(smooth / smooth.sum())
