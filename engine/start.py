"""The picture that optimisation starts from: the recoloured content, a style, noise or a file."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from engine.images.colour.linear import colour_map
from engine.images.picture import Picture
from engine.images.pyramid import Size, resize
from engine.images.scaling import scaled
from engine.regions.areas import Areas
from engine.regions.cover import Cover
from engine.settings import Settings
from engine.strength import StrengthPreset

__all__ = ["Recolouring", "initial_canvas"]

NOISE_CELLS = 16
"""Of `init_noise`, along the longest side: large enough to survive as shapes, not as grain."""


class Recolouring:
    """The content in the colours that `init_colours` and the strength ask for, each region in those
    of its own styles."""

    def __init__(
        self,
        content: Picture,
        styles: Sequence[Picture],
        settings: Settings,
        strength: StrengthPreset,
        areas: Areas | None = None,
    ) -> None:
        self._content = content
        self._areas = areas
        self._maps: list[Callable[[Tensor], Tensor]] = []
        if settings.init_colours == "content":
            return
        blend = settings.style_blend or [1.0] * len(styles)
        parts: list[tuple[Picture, Mapping[int, Cover | None]]] = []
        if areas is None:
            parts = [(content, dict.fromkeys(range(len(styles))))]
        else:
            for region, share in zip(areas.regions, areas.shares(content.size), strict=True):
                alpha = Cover(share[0, 0].numpy()).alpha_of(content)
                parts.append((Picture(content.samples, alpha), region.styles))
        for part, of in parts:
            palettes = [_part_of(styles[number], cover) for number, cover in of.items()]
            matched = colour_map(part, palettes, [blend[number] for number in of])
            self._maps.append(partial(_partly, matched, strength.colours))

    def at(self, size: Size) -> Tensor:
        """1 x 3 x H x W at (width, height), on the host."""
        if self._areas is None:
            return scaled(self._content, size, self._maps[0] if self._maps else None)
        recoloured = [scaled(self._content, size, each) for each in self._maps]
        return _mixed(scaled(self._content, size), recoloured, self._areas)


def initial_canvas(
    settings: Settings,
    recoloured: Tensor,
    styles: Sequence[Picture],
    initial: Picture | None,
    generator: torch.Generator,
    areas: Areas | None = None,
) -> Tensor:
    """What `settings.init` names, at the size of the recoloured content (1 x 3 x H x W)."""
    canvas = _named_start(settings, recoloured, styles, initial, generator, areas)
    if settings.init_noise:
        noise = _soft_noise((canvas.shape[-1], canvas.shape[-2]), generator).to(canvas.device)
        canvas = (canvas + settings.init_noise * noise).clamp(0, 1)
    return canvas


def _named_start(
    settings: Settings,
    recoloured: Tensor,
    styles: Sequence[Picture],
    initial: Picture | None,
    generator: torch.Generator,
    areas: Areas | None,
) -> Tensor:
    size = (recoloured.shape[-1], recoloured.shape[-2])
    if settings.init == "style" and areas is not None:
        firsts = [scaled(styles[min(each.styles)], size) for each in areas.regions]
        return _mixed(recoloured.cpu(), firsts, areas).to(recoloured.device)
    if settings.init == "style":
        return scaled(styles[0], size).to(recoloured.device)
    if settings.init == "file":
        assert initial is not None  # _check
        return scaled(initial, size).to(recoloured.device)
    if settings.init == "noise":
        # White, drawn on the CPU: a seed means the same noise on every device.
        return torch.rand(recoloured.shape, generator=generator).to(recoloured.device)
    return recoloured


def _soft_noise(size: Size, generator: torch.Generator) -> Tensor:
    """1 x 3 x H x W, normal deviates on a grid and smooth between them; drawn on the CPU."""
    cell = max(size) / NOISE_CELLS
    grid = (math.ceil(size[1] / cell), math.ceil(size[0] / cell))
    return resize(torch.randn((1, 3, *grid), generator=generator), size, clamp=False)


def _partly(matched: Callable[[Tensor], Tensor], share: float, strip: Tensor) -> Tensor:
    return torch.lerp(strip, matched(strip), share)


def _part_of(style: Picture, cover: Cover | None) -> Picture:
    """A style's picture, of which only what a cover means is visible."""
    return style if cover is None else Picture(style.samples, cover.alpha_of(style))


def _mixed(content: Tensor, regions: Sequence[Tensor], areas: Areas) -> Tensor:
    """Each region as it is painted, and the content elsewhere; 1 x 3 x H x W each."""
    mixed = content
    shares = areas.shares((content.shape[-1], content.shape[-2]))
    for region, share in zip(regions, shares, strict=bool(regions)):
        mixed = mixed + share * (region - content)
    return mixed
