"""The blank picture that a texture is painted on, and what its optimisation starts from."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import Problem, SettingsError
from engine.images.picture import Picture
from engine.images.pyramid import Size, resize
from engine.images.scaling import scaled
from engine.settings import Settings

__all__ = ["resize_wrapped", "texture_canvas", "texture_settings", "texture_start"]

OCTAVES = 5
"""Of the noise, from pixels to shapes of 16."""

PALETTE_SIDE = 128
"""Longest side of the copy of a style whose colours are measured."""

KERNEL = 8
"""Pixels beyond an edge that resizing may read, at least."""


def texture_canvas(settings: Settings) -> Picture:
    """What takes the content's place: it has the texture's size, and nothing to keep.

    Raises:
        SettingsError: the size is a content's.
    """
    if settings.size == "content":
        raise SettingsError([Problem(("size",), "content", "pixels, since a texture has none")])
    width, height = settings.texture_sides
    return Picture(np.full((height, width, 3), 128, np.uint8))


def texture_settings(settings: Settings) -> Settings:
    """The settings as the optimisation needs them: unchanged unless a texture is painted."""
    if not settings.texture:
        return settings
    update: dict[str, object] = {"content_layers": {}, "content_boost": 1.0}
    if settings.tile:
        update["margin"] = 0  # nothing lies beyond edges that meet
    return settings.model_copy(update=update)


def texture_start(
    styles: Sequence[Picture], blend: Sequence[float], size: Size, generator: torch.Generator
) -> Tensor:
    """Noise of several octaves in the mean and covariance of the styles' colours, which wraps
    around: 1 x 3 x H x W in 0 to 1, on the host."""
    noise = torch.zeros((1, 3, size[1], size[0]))
    for octave in range(OCTAVES):
        grid = [max(1, side >> octave) for side in size]
        drawn = torch.randn((1, 3, *grid[::-1]), generator=generator)
        noise += resize_wrapped(drawn, size, clamp=False)
    noise /= noise.std()
    mean, root = _colours(styles, blend)
    return (mean + torch.einsum("ij,njhw->nihw", root, noise)).clamp(0, 1)


def resize_wrapped(picture: Tensor, size: Size, *, clamp: bool = True) -> Tensor:
    """`resize` of a picture whose opposite edges meet; 1 x C x H x W.

    Some of the other side is put beyond each edge, as much as is whole pixels at both sizes.
    """
    old = (picture.shape[-1], picture.shape[-2])
    beyond = [_beyond(before, after) for before, after in zip(old, size, strict=True)]
    (x, new_x), (y, new_y) = beyond
    padded = F.pad(picture, (x, x, y, y), mode="circular")
    larger = resize(padded, (size[0] + 2 * new_x, size[1] + 2 * new_y), clamp=clamp)
    return larger[..., new_y : new_y + size[1], new_x : new_x + size[0]]


def _beyond(before: int, after: int) -> tuple[int, int]:
    """Pixels at the old and at the new side, of the same width."""
    unit = math.gcd(before, after)
    count = min(unit, math.ceil(KERNEL * unit / before))
    return count * before // unit, count * after // unit


def _colours(styles: Sequence[Picture], blend: Sequence[float]) -> tuple[Tensor, Tensor]:
    """Mean (1 x 3 x 1 x 1) and the root of the covariance (3 x 3) of the styles' colours."""
    means, covariances = [], []
    for style in styles:
        ratio = PALETTE_SIDE / max(style.size)
        small = (max(1, round(style.width * ratio)), max(1, round(style.height * ratio)))
        colours = scaled(style, small)[0].flatten(1).double()
        means.append(colours.mean(dim=1))
        covariances.append(torch.cov(colours))
    shares = torch.tensor([share / sum(blend) for share in blend], dtype=torch.float64)
    mean = torch.einsum("s,sc->c", shares, torch.stack(means))
    covariance = torch.einsum("s,sij->ij", shares, torch.stack(covariances))
    values, vectors = torch.linalg.eigh(covariance)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    return mean.float().view(1, 3, 1, 1), root.float()
