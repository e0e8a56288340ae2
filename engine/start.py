"""What a painting starts from, and is given back at each step up: the content, in colours."""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.colours import match_colours
from engine.picture import Picture
from engine.pyramid import resize
from engine.settings import Settings
from engine.strength import Dial

__all__ = ["draft_of", "start_of"]


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
    generator: torch.Generator,
) -> Tensor:
    """The picture to start from, at the size of `draft` (1 x 3 x H x W)."""
    size = (draft.shape[-1], draft.shape[-2])
    if settings.init == "style":
        return resize(styles[0], size)
    if settings.init == "file":
        assert initial is not None  # _check
        return resize(initial.to_tensor(draft.device), size)
    if settings.init == "noise":
        # White, drawn on the CPU: a seed means the same noise on every device.
        return torch.rand(draft.shape, generator=generator).to(draft.device)
    return draft
