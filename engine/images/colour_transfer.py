"""Colour transfer: the colours of one picture given to another, or kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.images.picture import Picture
from engine.images.strips import strips, white_of

__all__ = ["ColourMap", "colour_map", "keep_colours"]

# Luma of sRGB-encoded values: ITU-R BT.601, as in the YIQ space of Gatys et al. (2016).
LUMA = (0.299, 0.587, 0.114)

# Added to the variances, about one level of 8 bits: keeps the map from amplifying the noise of a
# picture without colour in some direction, such as a grey photograph.
VARIANCE_FLOOR = 1e-5


@dataclass(frozen=True)
class ColourMap:
    """1 x 3 x H x W in 0 to 1 -> the same, clamped: a linear map about the mean colour."""

    mean: Tensor  # 3 x 1
    linear: Tensor  # 3 x 3
    wanted_mean: Tensor

    def __call__(self, picture: Tensor) -> Tensor:
        flat = picture[0].flatten(1)
        mapped = self.linear.to(flat) @ (flat - self.mean.to(flat)) + self.wanted_mean.to(flat)
        return mapped.view_as(picture).clamp(0, 1)


def colour_map(picture: Picture, palettes: Sequence[Picture], shares: Sequence[float]) -> ColourMap:
    """The map that gives a picture the mean and covariance of the palettes' colours.

    The linear Monge-Kantorovich map, the one of all such maps that moves the colours least:
    F. Pitié, A. Kokaram: The linear Monge-Kantorovitch linear colour mapping for example-based
    colour transfer, 2007, eq. 11.

    Args:
        shares: of each palette in the mean and the covariance; they need not add up to 1.
    """
    mean, covariance = _statistics(picture)
    wanted = [_statistics(palette) for palette in palettes]
    total = sum(shares)
    wanted_mean = sum(m * (share / total) for (m, _), share in zip(wanted, shares, strict=True))
    wanted_covariance = sum(
        c * (share / total) for (_, c), share in zip(wanted, shares, strict=True)
    )
    root, inverse = _power(covariance, 0.5), _power(covariance, -0.5)
    between = _power(root @ wanted_covariance @ root, 0.5)
    return ColourMap(mean, inverse @ between @ inverse, torch.as_tensor(wanted_mean))


def keep_colours(painted: Tensor, content: Tensor) -> Tensor:
    """The painting's light and shade in the content's colours.

    Luminance-only transfer: L. Gatys, M. Bethge, A. Hertzmann, E. Shechtman: Preserving Color in
    Neural Artistic Style Transfer, 2016, section 4. Where the content's chroma would leave the
    gamut at the painting's luma it is made paler instead, so that no stroke is lost to clipping.

    Args:
        painted, content: 1 x 3 x H x W in 0 to 1.

    Returns:
        1 x 3 x H x W in 0 to 1, with the luma of `painted`.
    """
    weights = painted.new_tensor(LUMA).view(1, 3, 1, 1)
    light = (painted * weights).sum(1, keepdim=True)
    chroma = content - (content * weights).sum(1, keepdim=True)
    up, down = chroma.amax(1, keepdim=True), -chroma.amin(1, keepdim=True)
    tiny = torch.finfo(chroma.dtype).eps
    room = torch.minimum((1 - light) / up.clamp(min=tiny), light / down.clamp(min=tiny))
    return (light + chroma * room.clamp(max=1)).clamp(0, 1)


def _statistics(picture: Picture) -> tuple[Tensor, Tensor]:
    """Mean (3 x 1) and covariance (3 x 3) of the colours, in float64, summed strip by strip; each
    pixel counts as much as it is visible."""
    alpha = picture.alpha if picture.alpha is not None and picture.alpha.any() else None
    total, products, pixels = np.zeros(3), np.zeros((3, 3)), 0.0
    for rows in strips(*picture.size):
        colours = picture.samples[rows].reshape(-1, 3).astype(np.float64)
        weighed = colours if alpha is None else colours * alpha[rows].reshape(-1, 1)
        total += weighed.sum(axis=0)
        products += weighed.T @ colours
        pixels += len(colours) if alpha is None else float(alpha[rows].sum(dtype=np.float64))
    unit = float(white_of(picture.samples))
    mean = total / pixels
    covariance = (products / pixels - np.outer(mean, mean)) / unit**2
    floor = VARIANCE_FLOOR * np.eye(3)
    return torch.from_numpy(mean / unit)[:, None], torch.from_numpy(covariance + floor)


def _power(symmetric: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(symmetric)
    power: Tensor = vectors @ torch.diag(values.clamp(min=1e-12) ** exponent) @ vectors.T
    return power
