"""What a painting starts from, and is given back at each step up: the content, in colours."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.colours import match_colours
from engine.picture import Picture
from engine.pyramid import Size, resize
from engine.settings import Settings
from engine.strength import Dial

__all__ = ["draft_of", "start_of"]

BLOTCH = 8
"""Pixels across, of the noise that a strength beyond the standard starts from."""


def draft_of(
    content: Tensor, styles: Sequence[Tensor], settings: Settings, strength: Dial
) -> Tensor:
    if settings.init_colours == "content":
        return content
    matched = match_colours(content, styles, settings.style_blend or [1.0] * len(styles))
    return torch.lerp(content, matched, strength.colours)


def start_of(
    settings: Settings,
    draft: Tensor,
    styles: Sequence[Tensor],
    initial: Picture | None,
    strength: Dial,
    generator: torch.Generator,
) -> Tensor:
    """The picture to start from, at the size of `draft` (1 x 3 x H x W)."""
    size = (draft.shape[-1], draft.shape[-2])
    if settings.init == "style":
        return resize(styles[0], size)
    if settings.init == "file":
        assert initial is not None  # _check
        return resize(initial.to_tensor(draft.device), size)
    if settings.init == "content" and not strength.noise:
        return draft
    if settings.init == "noise":
        return _noise(generator, size).to(draft.device)
    # Broad blotches: of white noise too much would be left, which no layer minds as much as we do.
    width, height = (max(1, side // BLOTCH) for side in size)
    blotches = resize(_noise(generator, (width, height)), size).to(draft.device)
    coloured = match_colours(blotches, styles, settings.style_blend or [1.0] * len(styles))
    return torch.lerp(draft, coloured, strength.noise)


def _noise(generator: torch.Generator, size: Size) -> Tensor:
    """White, 1 x 3 x H x W. Drawn on the CPU: a seed means the same noise on every device."""
    return torch.rand((1, 3, size[1], size[0]), generator=generator)
