"""Results and previews: 16 bits a channel, in other colours or with alpha where asked."""

import numpy as np
import torch
from torch import Tensor

from engine.colours import ColourMatch, resize_by_channel
from engine.images.picture import Picture, resized_alpha
from engine.images.scaling import scaled
from engine.images.strips import in_unit, strips
from engine.regions.areas import Areas

__all__ = ["PREVIEW_SIDE", "delivered", "laid_over", "preview_of", "with_alpha_of"]

WHITE = 65535

PREVIEW_SIDE = 1024
"""Pixels of a preview's longest side, at most."""


def delivered(painted: Tensor, colours: ColourMatch | None) -> Picture:
    """The painting in 16 bits a channel; converted strip by strip.

    Args:
        colours: what gives it other colours, if any.
    """
    height, width = painted.shape[-2:]
    strip_map = None if colours is None else colours.map_of(painted)
    samples = np.empty((height, width, 3), np.uint16)
    for rows in strips(width, height):
        strip = painted[..., rows, :]
        if strip_map is not None:
            strip = strip_map(strip, rows)
        levels = strip.detach().float().clamp(0, 1).mul(WHITE).add(0.5).to(torch.int32)
        samples[rows] = levels[0].permute(1, 2, 0).cpu().numpy()
    return Picture(samples)


def preview_of(painted: Tensor, colours: ColourMatch | None) -> Picture:
    """The painting with sides of at most `PREVIEW_SIDE`."""
    height, width = painted.shape[-2:]
    factor = min(1.0, PREVIEW_SIDE / max(width, height))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    shrunk = None if colours is None else colours.shrunk(size)
    return delivered(resize_by_channel(painted, size), shrunk)


def laid_over(content: Picture, painted: Picture, areas: Areas) -> Picture:
    """The painting where the areas say so, else the content: to the bit as it would be delivered if
    nothing were painted.

    Args:
        painted: of any size, 16 bits a channel; its samples are changed.
    """
    cover = areas.painted(painted.size)[0, 0].numpy()[..., None]
    same = content.size == painted.size
    original = content if same else delivered(scaled(content, painted.size), None)
    for rows in strips(*painted.size):
        kept = np.rint(in_unit(original.samples[rows]) * np.float32(WHITE))
        blend = kept + cover[rows] * (painted.samples[rows] - kept)
        painted.samples[rows] = np.rint(blend)
    return painted


def with_alpha_of(content: Picture, painted: Picture) -> Picture:
    """The painting with the content's alpha, resized to the painting; where that is 0, the content
    as it was."""
    alpha = resized_alpha(content, *painted.size)
    if alpha is None:
        return painted
    across, down = (
        ((np.arange(count) + 0.5) * of / count).astype(int)  # nearest, so that nothing is mixed
        for count, of in zip(painted.size, content.size, strict=True)
    )
    for rows in strips(*painted.size):
        unseen = alpha[rows] == 0
        if unseen.any():
            hidden = in_unit(content.samples[down[rows, None], across][unseen])
            painted.samples[rows][unseen] = np.rint(hidden * np.float32(WHITE))
    return Picture(painted.samples, alpha)
