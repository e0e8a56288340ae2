"""Whose colours the result has: what the settings ask for, as a transfer of colours."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.images.colour.transfer import ColourTransfer, Method, StripMap, recoloured
from engine.images.picture import Picture, resized_alpha
from engine.images.pyramid import Size, resize
from engine.settings import Settings

__all__ = ["ColourMatch", "method_of", "recoloured_styles", "resize_by_channel", "transfer_of"]


@dataclass(frozen=True)
class ColourMatch:
    """The transfer for paintings of one size."""

    transfer: ColourTransfer
    content: Picture
    """Whose alpha says which pixels of a painting count."""
    target: Tensor | None
    """1 x 3 x H x W at the painting's size, where the transfer goes pixel by pixel."""

    @property
    def nbytes(self) -> int:
        return 0 if self.target is None else self.target.nbytes

    def map_of(self, painted: Tensor) -> StripMap:
        """The map for a painting, 1 x 3 x H x W."""
        height, width = painted.shape[-2:]
        alpha = None
        if self.target is None and self.content.visible_alpha is not None:
            alpha = resized_alpha(self.content, width, height)
        return self.transfer.map_of(painted, self.target, alpha)

    def shrunk(self, size: Size) -> "ColourMatch":
        """For paintings of a smaller size."""
        target = None if self.target is None else resize_by_channel(self.target, size)
        return ColourMatch(self.transfer, self.content, target)


def method_of(settings: Settings) -> Method | None:
    """How the painting gets other colours once it is done; None: it keeps its own."""
    if settings.keep_colours:
        return "luma"
    if settings.colours == "painting" or settings.recolour == "styles":
        return None
    return _method(settings)


def transfer_of(
    content: Picture, settings: Settings, palette: Picture | None
) -> ColourTransfer | None:
    """What is applied to the painting; None: nothing."""
    method = method_of(settings)
    return None if method is None else _transfer(method, content, settings, palette)


def recoloured_styles(
    styles: Sequence[Picture], content: Picture, settings: Settings, palette: Picture | None
) -> Sequence[Picture]:
    """The styles as they are painted from: with `recolour: styles` in the colours that are asked
    for."""
    if settings.colours == "painting" or settings.recolour == "painting":
        return styles
    transfer = _transfer(_method(settings), content, settings, palette)
    return [recoloured(style, transfer) for style in styles]


def resize_by_channel(picture: Tensor, size: Size) -> Tensor:
    """`resize` channel by channel, since it copies a cropped picture."""
    return torch.cat([resize(picture[:, c : c + 1], size) for c in range(3)], dim=1)


def _method(settings: Settings) -> Method:
    if settings.colour_method != "auto":
        return settings.colour_method
    at_places = settings.recolour == "painting" and not settings.takes_palette
    return "luminance" if at_places else "linear"


def _transfer(
    method: Method, content: Picture, settings: Settings, palette: Picture | None
) -> ColourTransfer:
    target = content
    if settings.takes_palette:
        assert palette is not None  # checked before
        target = palette
    amount = settings.colour_amount if settings.colours == "blend" else 1.0
    return ColourTransfer(method, target, amount)
