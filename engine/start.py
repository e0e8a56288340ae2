"""The picture that optimisation starts from: the recoloured content, a style, noise or a file."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from engine.images.colour.linear import colour_map
from engine.images.picture import Picture
from engine.images.scaling import scaled
from engine.settings import Settings
from engine.strength import StrengthPreset

__all__ = ["initial_canvas", "recolouring"]


def recolouring(
    content: Picture, styles: Sequence[Picture], settings: Settings, strength: StrengthPreset
) -> Callable[[Tensor], Tensor] | None:
    """The map to the colours that `init_colours` and the strength ask for, of strips of the
    content; None: its own."""
    if settings.init_colours == "content":
        return None
    matched = colour_map(content, styles, settings.style_blend or [1.0] * len(styles))
    return lambda strip: torch.lerp(strip, matched(strip), strength.colours)


def initial_canvas(
    settings: Settings,
    recoloured: Tensor,
    styles: Sequence[Picture],
    initial: Picture | None,
    generator: torch.Generator,
) -> Tensor:
    """What `settings.init` names, at the size of the recoloured content (1 x 3 x H x W)."""
    size = (recoloured.shape[-1], recoloured.shape[-2])
    if settings.init == "style":
        return scaled(styles[0], size).to(recoloured.device)
    if settings.init == "file":
        assert initial is not None  # _check
        return scaled(initial, size).to(recoloured.device)
    if settings.init == "noise":
        # White, drawn on the CPU: a seed means the same noise on every device.
        return torch.rand(recoloured.shape, generator=generator).to(recoloured.device)
    return recoloured
