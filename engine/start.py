"""The picture that optimisation starts from: the recoloured content, a style, noise or a file."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.images.colour_transfer import match_colours
from engine.images.picture import Picture
from engine.images.pyramid import resize
from engine.settings import Settings
from engine.strength import StrengthPreset

__all__ = ["initial_canvas", "recoloured_content"]


def recoloured_content(
    content: Tensor, styles: Sequence[Tensor], settings: Settings, strength: StrengthPreset
) -> Tensor:
    """The content in the colours that `init_colours` and the strength ask for."""
    if settings.init_colours == "content":
        return content
    matched = match_colours(content, styles, settings.style_blend or [1.0] * len(styles))
    return torch.lerp(content, matched, strength.colours)


def initial_canvas(
    settings: Settings,
    recoloured: Tensor,
    styles: Sequence[Tensor],
    initial: Picture | None,
    generator: torch.Generator,
) -> Tensor:
    """What `settings.init` names, at the size of the recoloured content (1 x 3 x H x W)."""
    size = (recoloured.shape[-1], recoloured.shape[-2])
    if settings.init == "style":
        return resize(styles[0], size)
    if settings.init == "file":
        assert initial is not None  # _check
        return resize(initial.to_tensor(recoloured.device), size)
    if settings.init == "noise":
        # White, drawn on the CPU: a seed means the same noise on every device.
        return torch.rand(recoloured.shape, generator=generator).to(recoloured.device)
    return recoloured
