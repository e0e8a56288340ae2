"""A painting on its way out: in 8 bits, with the content's colours or alpha where wanted."""

import numpy as np
import torch
from torch import Tensor

from engine._colour import strips
from engine.colours import keep_colours
from engine.picture import Picture, resized_alpha
from engine.pyramid import Size, resize

__all__ = ["PREVIEW_SIDE", "delivered", "preview_of", "with_alpha_of"]

PREVIEW_SIDE = 1024
"""Pixels of a preview's longest side, at most."""


def delivered(painted: Tensor, colours: Tensor | None) -> Picture:
    """In 8 bits a channel, as a file will have it, strip by strip: no other copy is made.

    Args:
        colours: a content whose colours are kept.
    """
    height, width = painted.shape[-2:]
    samples = np.empty((height, width, 3), np.uint8)
    for rows in strips(width, height):
        strip = painted[..., rows, :]
        if colours is not None:
            strip = keep_colours(strip, colours[..., rows, :])
        levels = strip.detach().float().clamp(0, 1).mul(255).add(0.5).to(torch.uint8)
        samples[rows] = levels[0].permute(1, 2, 0).cpu().numpy()
    return Picture(samples)


def preview_of(painted: Tensor, colours: Tensor | None) -> Picture:
    """At most `PREVIEW_SIDE` long: nobody looks at every pixel of every step."""
    height, width = painted.shape[-2:]
    factor = min(1.0, PREVIEW_SIDE / max(width, height))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    shrunk = None if colours is None else _shrunk(colours, size)
    return delivered(_shrunk(painted, size), shrunk)


def _shrunk(picture: Tensor, size: Size) -> Tensor:
    """`resize` channel by channel, since a picture that is cropped is copied for it."""
    return torch.cat([resize(picture[:, c : c + 1], size) for c in range(3)], dim=1)


def with_alpha_of(content: Picture, painted: Picture) -> Picture:
    """The painting, as transparent as the content is, at its own size."""
    if content.alpha is None:
        return painted
    return Picture(painted.samples, resized_alpha(content, *painted.size))
