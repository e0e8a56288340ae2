"""The areas of an image that can be painted in styles of their own: its channels and layer masks.

A saved selection is a channel.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from choices import Refusal, StyledRegion
from gi.repository import Gegl, Gimp
from i18n import _
from pictures import is_text

from images.layers import family, offsets

__all__ = [
    "area_title",
    "areas_of",
    "corner_of",
    "find_area",
    "has_area",
    "look_at",
    "looks_of",
    "missing",
    "region_named",
]

LOOK_SIDE = 96
"""Longest side at which two looks are compared, in pixels."""


def areas_of(image: Any) -> list[StyledRegion]:
    """The image's channels, then the masks of its layers, each from the top; without a style."""
    regions = [_region("channel", each, "") for each in image.get_channels()]
    regions += [_region("mask", each, "") for each in _layers(image) if each.get_mask()]
    return [region for region in regions if is_text(region.name)]


def region_named(image: Any, name: str, style: str) -> StyledRegion:
    """What a script means: a channel, or else the mask of a layer.

    Raises:
        Refusal: the image has no such area.
    """
    areas = areas_of(image)
    for area in areas:
        if area.name == name:
            return replace(area, style=style)
    raise Refusal(
        _(
            "The image has no channel, and no layer with a mask, named {name}. It has: {names}"
        ).format(name=name, names=", ".join(area.name for area in areas) or _("nothing"))
    )


def find_area(image: Any, region: StyledRegion) -> Any:
    """The channel or the mask.

    Raises:
        Refusal: it is no longer in the image.
    """
    found = _found(image, region)
    if found is None:
        raise Refusal(missing(region))
    return found


def missing(region: StyledRegion) -> str:
    """What is said of an area that the image does not have."""
    return _(
        "The region {name} is no longer in the image. Choose another channel or layer mask, or "
        "remove the region."
    ).format(name=area_title(region))


def has_area(image: Any, region: StyledRegion) -> bool:
    """Whether the image has the channel or the mask."""
    return _found(image, region) is not None


def looks_of(image: Any) -> list[tuple[StyledRegion, tuple[int, int], bytes]]:
    """All areas, where each lies and what it looks like: compared, they tell of any change."""
    found = [(region, find_area(image, region)) for region in areas_of(image)]
    return [(region, corner_of(source), look_at(source)) for region, source in found]


def look_at(source: Any) -> bytes:
    """What a channel, a mask or the selection looks like, small."""
    width, height = source.get_width(), source.get_height()
    factor = min(1.0, LOOK_SIDE / max(width, height))
    small = Gegl.Rectangle.new(0, 0, *(max(1, round(side * factor)) for side in (width, height)))
    return bytes(source.get_buffer().get(small, factor, "Y u8", Gegl.AbyssPolicy.CLAMP))


def corner_of(source: Any) -> tuple[int, int]:
    """Where a channel's or a mask's upper left corner is in the image."""
    return offsets(Gimp.Layer.from_mask(source)) if source.is_layer_mask() else (0, 0)


def area_title(region: StyledRegion) -> str:
    """What a person calls the area."""
    if region.kind == "mask":
        return _("Mask of {layer}").format(layer=region.name)
    return region.name


def _found(image: Any, region: StyledRegion) -> Any:
    # By the name too: in another image the number means another item.
    if region.kind == "channel":
        item = image.get_channel_by_tattoo(region.tattoo)
    else:
        item = image.get_layer_by_tattoo(region.tattoo)
    if item is None or item.get_name() != region.name:
        return None
    return item if region.kind == "channel" else item.get_mask()


def _region(kind: str, item: Any, style: str) -> StyledRegion:
    return StyledRegion(kind, item.get_name(), item.get_tattoo(), style)


def _layers(image: Any) -> Iterator[Any]:
    for layer in image.get_layers():
        yield from family(layer)
