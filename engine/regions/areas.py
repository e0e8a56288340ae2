"""What of a picture is painted, and in which style: from masks, or from label pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from engine.errors import PictureError, Problem, SettingsError
from engine.images.picture import HALF_A_LEVEL, Picture
from engine.images.pyramid import Size, extend
from engine.losses.guides import RegionGuide
from engine.regions.cover import Cover, feathered, mask_cover
from engine.regions.labels import colour_name, labels_of
from engine.settings import Settings

__all__ = ["Areas", "MaskPictures", "PlacedRegion", "Region", "areas_of"]

FEWEST = 16 * 16
"""Pixels of a region: one position of relu5_1."""


@dataclass(frozen=True)
class MaskPictures:
    """The pictures that say where a content is painted, and in which style."""

    mask: Picture | None = None
    regions: Sequence[Picture] = ()
    """Masks, one for each style; or, with `style_regions`, one label picture of the content."""
    style_regions: Sequence[Picture] = ()
    """Label pictures, one for each style."""

    def __iter__(self) -> Iterator[Picture]:
        yield from (self.mask,) if self.mask is not None else ()
        yield from (*self.regions, *self.style_regions)

    @property
    def nbytes(self) -> int:
        return sum(picture.nbytes for picture in self)


@dataclass(frozen=True, eq=False)
class Region:
    """A region of the content, and the styles that it is painted in."""

    name: str
    cover: Cover | None
    """Where in the content; None: everywhere."""
    styles: Mapping[int, Cover | None]
    """The styles' numbers, and where in each; None: everywhere."""


@dataclass(frozen=True, eq=False)
class PlacedRegion:
    """A region as it is painted at one size."""

    region: Region
    guide: RegionGuide
    share: float
    """Of what is visible of the content."""


@dataclass(frozen=True, eq=False)
class Areas:
    """What of a content is painted. Covers overlap as they like: what several regions cover is
    painted in all of their styles, each as far as it covers."""

    regions: Sequence[Region]
    mask: Cover | None = None
    feather: float = 0.0
    """Width of the mask's soft edge, in pixels of the content."""
    content: Size = (1, 1)
    notes: Sequence[str] = field(default_factory=list)
    """What was made of the pictures, in words."""

    @property
    def nbytes(self) -> int:
        covers = [self.mask, *(region.cover for region in self.regions)]
        covers += [cover for region in self.regions for cover in region.styles.values()]
        return sum(cover.nbytes for cover in covers if cover is not None)

    def painted(self, size: Size) -> Tensor:
        """How much of each pixel is painted, the rest being the content's: 1 x 1 x H x W."""
        covers = self._covers(size)
        painted = torch.stack(covers).sum(0).clamp(max=1)
        if self.mask is not None:
            painted = painted * self.mask.at(size)
        return feathered(painted, self.feather * max(size) / max(self.content))

    def shares(self, size: Size) -> list[Tensor]:
        """How much of what is painted of each pixel each region has: 1 x 1 x H x W. They add up to
        1 where anything is painted, and to 0 elsewhere."""
        covers = self._covers(size)
        total = torch.stack(covers).sum(0)
        shares = [torch.where(total > 0, cover / total, 0.0) for cover in covers]
        if self.mask is None:
            return shares
        return [share * (self.mask.at(size) > 0) for share in shares]

    def placed(
        self, content: Picture, size: Size, margin: int, device: torch.device
    ) -> list[PlacedRegion]:
        """The regions at (width, height), with `margin` more pixels around, but for those that
        nothing is left of."""
        visible = torch.ones((1, 1, size[1], size[0]))
        if content.alpha is not None and content.alpha.any():
            visible = (Cover(content.alpha).at(size) >= HALF_A_LEVEL).float()
        placed = []
        for region, share in zip(self.regions, self.shares(size), strict=True):
            cover = share * visible
            if cover.any():
                guide = RegionGuide(extend(cover, margin).to(device))
                placed.append(PlacedRegion(region, guide, float(cover.sum() / visible.sum())))
        return placed

    def _covers(self, size: Size) -> list[Tensor]:
        everywhere = torch.ones((1, 1, size[1], size[0]))
        return [each.cover.at(size) if each.cover else everywhere for each in self.regions]


def areas_of(
    pictures: MaskPictures, content: Picture, styles: int, settings: Settings
) -> Areas | None:
    """What the masks of a content mean; None without any.

    Args:
        styles: how many styles there are.

    Raises:
        SettingsError: masks and settings, or masks and styles, do not fit together.
        PictureError: a mask or a region that means nothing.
    """
    _check(pictures, styles, settings)
    if not any(True for _ in pictures):
        return None
    notes = _notes_on_sizes(pictures, content, settings)
    mask = None
    if pictures.mask is not None:
        mask = mask_cover(pictures.mask)
        _check_mask(settings.mask or "mask", mask)
    if pictures.style_regions:
        regions = _labelled(pictures, settings, notes)
    elif pictures.regions:
        regions = []
        for number, picture in enumerate(pictures.regions):
            name = _name(settings.regions, number, "regions")
            cover = mask_cover(picture)
            _check_mask(name, cover)
            regions.append(Region(name, cover, {number: None}))
    else:
        regions = [Region(settings.mask or "the mask", None, dict.fromkeys(range(styles)))]
    areas = Areas(regions, mask, settings.mask_feather, content.size, notes)
    _check_areas(areas, content)
    return areas


def _check(pictures: MaskPictures, styles: int, settings: Settings) -> None:
    problems = []
    if settings.mask is not None and pictures.mask is None:
        problems.append(Problem(("mask",), "no picture", "one that says where to paint"))
    labels = bool(pictures.style_regions)
    if len(settings.regions or ()) > len(pictures.regions):
        problems.append(Problem(("regions",), "no picture", "one for each name"))
    elif pictures.regions and not labels and len(pictures.regions) != styles:
        given = _counted(len(pictures.regions), "mask")
        expected = f"one for each style, of which there {'is' if styles == 1 else 'are'} {styles}"
        problems.append(Problem(("regions",), given, expected))
    if labels and len(pictures.style_regions) != styles:
        given = _counted(len(pictures.style_regions), "label picture")
        problems.append(Problem(("style_regions",), given, f"one for each of {styles} styles"))
    elif labels and len(pictures.regions) != 1:
        problems.append(Problem(("regions",), "no label picture", "one of the content"))
    if problems:
        raise SettingsError(problems)


def _check_mask(name: str, cover: Cover) -> None:
    if cover.values.max() < HALF_A_LEVEL:
        raise PictureError(
            f"{name}: black or transparent everywhere, so nothing would be painted. White is "
            "painted, black stays as it is."
        )


def _check_areas(areas: Areas, content: Picture) -> None:
    for region, share in zip(areas.regions, areas.shares(content.size), strict=True):
        cover = share[0, 0].numpy()
        if content.alpha is not None and content.alpha.any():
            cover = cover * (content.alpha >= HALF_A_LEVEL)
        pixels = round(float(cover.sum(dtype=np.float64)))
        if pixels < FEWEST:
            raise PictureError(_too_small(region.name, pixels, "the content"))
        for number, part in region.styles.items():
            if part is not None and part.values.sum() < FEWEST:
                where = f"the label picture of style {number + 1}"
                raise PictureError(_too_small(region.name, round(float(part.values.sum())), where))


def _too_small(name: str, pixels: int, where: str) -> str:
    what = f"covers {_counted(pixels, 'pixel')} of {where}" if pixels else f"covers none of {where}"
    return (
        f"{name}: {what}; at least {FEWEST} pixels are needed to paint it in a style. Enlarge "
        "it, or leave it out."
    )


def _labelled(pictures: MaskPictures, settings: Settings, notes: list[str]) -> list[Region]:
    own = _name(settings.regions, 0, "regions")
    names = [
        _name(settings.style_regions, number, "style_regions")
        for number in range(len(pictures.style_regions))
    ]
    (content,) = pictures.regions
    found = labels_of((own, content), list(zip(names, pictures.style_regions, strict=True)))
    regions = []
    for colour, (cover, *covers) in found.items():
        styles = {number: each for number, each in enumerate(covers) if each is not None}
        name = f"{own}, {colour_name(colour)}"
        if cover is None:
            notes.append(f"{colour_name(colour)} is not in {own}: it is not used")
        elif not styles:
            notes.append(f"{name}: no style has this colour: it stays as it is")
        else:
            regions.append(Region(name, cover, styles))
    if not regions:
        raise PictureError(
            f"{own}: none of its colours is in {' or '.join(names)}, so nothing would be painted. "
            "Regions that belong together have the same colour."
        )
    return regions


def _notes_on_sizes(pictures: MaskPictures, content: Picture, settings: Settings) -> list[str]:
    named = [(settings.mask or "mask", pictures.mask)]
    named += [
        (_name(settings.regions, number, "regions"), each)
        for number, each in enumerate(pictures.regions)
    ]
    wanted = "{} x {} px".format(*content.size)
    return [
        "{} of {} x {} px is scaled to the content's {}".format(name, *picture.size, wanted)
        for name, picture in named
        if picture is not None and picture.size != content.size
    ]


def _name(names: Sequence[str] | None, number: int, otherwise: str) -> str:
    return names[number] if names and number < len(names) else f"{otherwise} {number + 1}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
