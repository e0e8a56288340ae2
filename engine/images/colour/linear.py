"""The linear map that gives a picture the mean and covariance of other pictures' colours.

F. Pitié, A. Kokaram: The linear Monge-Kantorovitch linear colour mapping for example-based colour
transfer, 2007, eq. 11: of all linear maps that do it, the one that moves the colours least.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.images.picture import Picture
from engine.images.strips import strips, white_of

__all__ = ["VARIANCE_FLOOR", "Chunk", "ColourMap", "Moments", "colour_map", "moments_of"]

Chunk = tuple[NDArray[np.float64], NDArray[np.float32] | None]
"""n x 3 colours, and the weight of each; None: 1."""

Moments = tuple[Tensor, Tensor]
"""Mean (3 x 1) and covariance (3 x 3), in float64."""

# Added to the variances, about one level of 8 bits: keeps the map from amplifying the noise of a
# picture without colour in some direction, such as a grey photograph.
VARIANCE_FLOOR = 1e-5


@dataclass(frozen=True)
class ColourMap:
    """1 x 3 x H x W in 0 to 1 -> the same, clamped: a linear map about the mean colour."""

    mean: Tensor  # 3 x 1
    linear: Tensor  # 3 x 3
    wanted_mean: Tensor

    @classmethod
    def between(cls, own: Moments, wanted: Moments) -> "ColourMap":
        root, inverse = _power(own[1], 0.5), _power(own[1], -0.5)
        between = _power(root @ wanted[1] @ root, 0.5)
        return cls(own[0], inverse @ between @ inverse, torch.as_tensor(wanted[0]))

    def __call__(self, picture: Tensor) -> Tensor:
        return self.unclamped(picture).clamp(0, 1)

    def unclamped(self, picture: Tensor) -> Tensor:
        flat = picture[0].flatten(1)
        mapped = self.linear.to(flat) @ (flat - self.mean.to(flat)) + self.wanted_mean.to(flat)
        return mapped.view_as(picture)


def colour_map(picture: Picture, palettes: Sequence[Picture], shares: Sequence[float]) -> ColourMap:
    """The map that gives a picture the mean and covariance of the palettes' colours, in sRGB.

    Args:
        shares: of each palette in the mean and the covariance; they need not add up to 1.
    """
    own = _moments(picture)
    wanted = [_moments(palette) for palette in palettes]
    total = sum(shares)
    wanted_mean = sum(m * (share / total) for (m, _), share in zip(wanted, shares, strict=True))
    wanted_covariance = sum(
        c * (share / total) for (_, c), share in zip(wanted, shares, strict=True)
    )
    return ColourMap.between(
        own, (torch.as_tensor(wanted_mean), torch.as_tensor(wanted_covariance))
    )


def moments_of(chunks: Iterable[Chunk], unit: float = 1.0) -> Moments:
    """The moments of colours that come in chunks.

    Args:
        unit: what is 1 in the moments' units.
    """
    total, products, pixels = np.zeros(3), np.zeros((3, 3)), 0.0
    for colours, weights in chunks:
        weighed = colours if weights is None else colours * weights[:, None]
        total += weighed.sum(axis=0)
        products += weighed.T @ colours
        pixels += len(colours) if weights is None else float(weights.sum(dtype=np.float64))
    mean = total / pixels
    covariance = (products / pixels - np.outer(mean, mean)) / unit**2
    floor = VARIANCE_FLOOR * np.eye(3)
    return torch.from_numpy(mean / unit)[:, None], torch.from_numpy(covariance + floor)


def _moments(picture: Picture) -> Moments:
    """Of a picture's sRGB values; each pixel counts as much as it is visible."""

    def chunks() -> Iterator[Chunk]:
        alpha = picture.visible_alpha
        for rows in strips(*picture.size):
            colours = picture.samples[rows].reshape(-1, 3).astype(np.float64)
            yield colours, None if alpha is None else alpha[rows].reshape(-1)

    return moments_of(chunks(), float(white_of(picture.samples)))


def _power(symmetric: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(symmetric)
    power: Tensor = vectors @ torch.diag(values.clamp(min=1e-12) ** exponent) @ vectors.T
    return power
