"""The light of one picture in the colours of another, pixel by pixel.

Luminance-only transfer: L. Gatys, M. Bethge, A. Hertzmann, E. Shechtman: Preserving Color in Neural
Artistic Style Transfer, 2016, section 4.
"""

import torch
from torch import Tensor

__all__ = ["keep_lightness", "keep_luma"]

# Luma of sRGB-encoded values: ITU-R BT.601, as in the YIQ space of Gatys et al. (2016).
LUMA = (0.299, 0.587, 0.114)


def keep_luma(painted: Tensor, content: Tensor) -> Tensor:
    """The painting's luma in the content's colours, in YIQ as in the paper.

    Where the content's chroma would leave the gamut at the painting's luma it is made paler
    instead, so that no stroke is lost to clipping.

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


def keep_lightness(painted: Tensor, content: Tensor) -> Tensor:
    """L of the painting with a and b of the content, each 1 x 3 x H x W in OkLab."""
    return torch.cat([painted[:, :1], content[:, 1:]], dim=1)
