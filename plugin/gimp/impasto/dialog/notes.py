"""What will not be as the artist may expect, said before it is painted."""

from collections.abc import Iterator, Sequence
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import Choices
from gi.repository import Gimp
from i18n import _
from images.areas import has_area, missing
from images.open_pictures import closed
from pictures import open_picture, picture_title

__all__ = ["notes_on"]


def notes_on(image: Any, choices: Choices, gone: Sequence[str]) -> str:
    """A line for each.

    Args:
        image: None: the painting gets one of its own.
        gone: the pictures that are chosen and no longer there.
    """
    return "\n".join(_notes(image, choices, gone))


def _notes(image: Any, choices: Choices, gone: Sequence[str]) -> Iterator[str]:
    for style in gone:
        found = open_picture(style)
        if found is not None:
            yield closed(found)
            continue
        yield _("The style {style} is no longer there. Choose another one.").format(
            style=picture_title(style)
        )
    if image is None:
        return
    for region in () if choices.texture else choices.regions:
        if not has_area(image, region):
            yield missing(region)
    base = image.get_base_type()
    if choices.output == "layer" and base == Gimp.ImageBaseType.GRAY:
        yield _("The image is grey, and so will the new layer be. A new image keeps colours.")
    if choices.output == "layer" and base == Gimp.ImageBaseType.INDEXED:
        yield _(
            "The image has a palette, into which a painting does not fit. Choose the "
            "output New image, or Image > Mode > RGB first."
        )
    if choices.texture:
        return
    if image.get_precision().value_nick.partition("-")[0] in ("half", "float", "double"):
        yield _("What is brighter than white (values above 1.0) is painted white.")
    profile = image.get_color_profile()
    if profile is not None and profile.is_rgb() and "sRGB" not in profile.get_label():
        yield _("Colours outside of sRGB are painted as the nearest ones in it.")
    if image.get_simulation_profile() is not None:
        yield _("The image's own colours are painted, not those of its soft proof.")
