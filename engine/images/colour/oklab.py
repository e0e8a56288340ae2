"""OkLab: lightness, and two axes of colour, in which equal distances look about equal.

B. Ottosson: A perceptual color space for image processing, 2020. Preferred to CIELAB because a
colour that is made paler keeps its hue there, where CIELAB turns blue to violet; its white is
sRGB's own, D65.
"""

import torch
from torch import Tensor

__all__ = ["from_oklab", "to_oklab"]

_LMS_OF_RGB = torch.tensor(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=torch.float64,
)
_LAB_OF_ROOTS = torch.tensor(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=torch.float64,
)
_RGB_OF_LMS = torch.linalg.inv(_LMS_OF_RGB)
_ROOTS_OF_LAB = torch.linalg.inv(_LAB_OF_ROOTS)

ROUNDING = 1e-6
"""How far beyond 0 and 1 a linear value may be that only rounding has put there."""

HALVINGS = 12
"""Of the interval in which the largest chroma of a gamut is sought: 1 / 4096 is left."""


def to_oklab(picture: Tensor) -> Tensor:
    """1 x 3 x H x W, sRGB-encoded in 0 to 1 -> L (0 to 1), a, b."""
    low = picture / 12.92
    linear = torch.where(picture <= 0.04045, low, ((picture + 0.055) / 1.055).clamp(min=0) ** 2.4)
    lms = _times(_LMS_OF_RGB, linear).clamp(min=0)
    return _times(_LAB_OF_ROOTS, lms ** (1 / 3))


def from_oklab(lab: Tensor) -> Tensor:
    """1 x 3 x H x W of L, a, b -> sRGB-encoded in 0 to 1.

    A colour outside the gamut is made paler, with its lightness and its hue, until it is inside: no
    stroke is lost to clipping.
    """
    lab = torch.cat([lab[:, :1].clamp(0, 1), lab[:, 1:]], dim=1)
    linear = _linear(lab)
    outside = ~_inside(linear)
    if outside.any():
        linear = torch.where(outside[:, None], _linear(_paler(lab)), linear)
    linear = linear.clamp(0, 1)
    return torch.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clamp(min=1e-12) ** (1 / 2.4) - 0.055
    ).clamp(0, 1)


def _paler(lab: Tensor) -> Tensor:
    """With the largest share of its chroma that is inside the gamut, by bisection."""
    light, chroma = lab[:, :1], lab[:, 1:]
    share, step = torch.zeros_like(light), 1.0
    for _ in range(HALVINGS):
        step /= 2
        more = torch.cat([light, (share + step) * chroma], dim=1)
        share = torch.where(_inside(_linear(more))[:, None], share + step, share)
    return torch.cat([light, share * chroma], dim=1)


def _inside(linear: Tensor) -> Tensor:
    return ((linear >= -ROUNDING) & (linear <= 1 + ROUNDING)).all(dim=1)


def _linear(lab: Tensor) -> Tensor:
    return _times(_RGB_OF_LMS, _times(_ROOTS_OF_LAB, lab) ** 3)


def _times(matrix: Tensor, planes: Tensor) -> Tensor:
    """The matrix times the colour of each pixel."""
    return (matrix.to(planes) @ planes[0].flatten(1)).view_as(planes[0])[None]
