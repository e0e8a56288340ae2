"""Holds down fine colour that neither the styles nor the content have.

The features hardly see colours that change from pixel to pixel: with a black and white style these
may grow with every evaluation.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["BYTES_A_PIXEL", "colour_grain", "guarded"]

SCALE = 1e11
"""Of `grain: 1` in the sum of the losses: a variance of 1e-5 too much costs a million."""

BYTES_A_PIXEL = 48
"""Of what the guard holds during an evaluation: twelve channels in float32."""

_LUMA = (0.299, 0.587, 0.114)
_BINOMIAL = (0.25, 0.5, 0.25)


def colour_grain(picture: Tensor, *, wrapped: bool = False) -> Tensor:
    """Mean squares of R - Y and of B - Y less their averages over 3 x 3 pixels (binomial): 2
    numbers.

    Args:
        picture: 1 x 3 x H x W in 0 to 1, of at least 3 x 3 pixels.
        wrapped: opposite edges are neighbours; else the outermost pixels are left out.

    >>> checkers = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(2, 2)
    >>> red = torch.stack([checkers, 0 * checkers, 0 * checkers])[None]
    >>> colour_grain(red, wrapped=True) * 4  # (1 - 0.299)^2, 0.299^2
    tensor([0.4914, 0.0894])
    """
    x = picture.float() if picture.dtype != torch.float64 else picture
    luma = sum(weight * x[:, at] for at, weight in enumerate(_LUMA))
    colours = torch.stack([x[0, :1] - luma, x[0, 2:] - luma])
    bell = x.new_tensor(_BINOMIAL)
    padded = F.pad(colours, (1, 1, 1, 1), mode="circular") if wrapped else colours
    own = colours if wrapped else colours[..., 1:-1, 1:-1]
    average = F.conv2d(padded, torch.outer(bell, bell)[None, None])
    return (own - average).square().mean(dim=(1, 2, 3))


def guarded(
    objective: Callable[[Tensor], Tensor], limits: Tensor, weight: float, *, wrapped: bool
) -> Callable[[Tensor], Tensor]:
    """The objective, whose third term has what `colour_grain` is above its limits, too.

    Args:
        limits: 2 numbers, on the picture's device.
        weight: `grain` of the settings.
    """
    third = limits.new_tensor((0.0, 0.0, weight * SCALE))

    def sum_of_both(picture: Tensor) -> Tensor:
        excess = F.relu(colour_grain(picture, wrapped=wrapped) - limits).sum()
        return objective(picture) + third * excess

    return sum_of_both
