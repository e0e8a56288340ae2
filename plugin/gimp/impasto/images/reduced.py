"""Small copies of layers, which GIMP makes of its own reductions.

Of a large layer it takes half a second, where scaling a copy of it takes ten."""

from dataclasses import dataclass
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from choices import Refusal
from gi.repository import Gegl, Gimp
from i18n import _

from images.calls import do
from images.change import Thumbnail

__all__ = ["MAX_SIDE", "look_of", "reduced_copy"]

MAX_SIDE = 1024
"""Longest side of what GIMP reduces, in pixels."""

LOOK_SIDE = 96

_MODELS = {"linear": ("RGB", "Y"), "non-linear": ("R'G'B'", "Y'"), "perceptual": ("R~G~B~", "Y~")}
"""Babl's names, by what GIMP calls the encoding."""


def look_of(source: Any) -> Thumbnail:
    """A layer's, or a whole image's, small copy to compare."""
    data = _data(*source.get_thumbnail_data(LOOK_SIDE, LOOK_SIDE))
    is_layer = isinstance(source, Gimp.Layer)
    image = source.get_image() if is_layer else source
    component, _encoding = _precision(image)
    return Thumbnail.of(data.width, data.height, data.pixels, component, has_shape=is_layer)


def reduced_copy(image: Any, width: int, height: int) -> Any:
    """A hidden image of the size, with the precision and the profile of `image`, and with its one
    layer, reduced."""
    layer = image.get_layers()[0]
    whole = 0, 0, layer.get_width(), layer.get_height()
    data = _data(*layer.get_sub_thumbnail_data(*whole, width, height))
    component, encoding = _precision(image)
    model = _MODELS[encoding][layer.is_gray()] + ("A" if layer.has_alpha() else "")
    size = data.width, data.height
    copy = Gimp.Image.new_with_precision(*size, image.get_base_type(), image.get_precision())
    try:
        do(copy.undo_disable)
        small = Gimp.Layer.new(copy, "", *size, layer.type(), 100, Gimp.LayerMode.NORMAL)
        do(copy.insert_layer, small, None, 0)
        buffer = small.get_buffer()
        buffer.set(Gegl.Rectangle.new(0, 0, *size), f"{model} {component}", data.pixels)
        buffer.flush()
        # Assigned last: without one the values are taken as they are.
        profile = image.get_color_profile()
        if profile is not None:
            do(copy.set_color_profile, profile)
    except BaseException:
        copy.delete()
        raise
    return copy


@dataclass(frozen=True)
class _Data:
    width: int
    height: int
    pixels: bytes


def _data(data: Any, width: int, height: int, _bytes_a_pixel: int) -> _Data:
    if data is None:
        raise Refusal(_("GIMP makes no thumbnail of the image."))
    return _Data(width, height, bytes(data.get_data()))


def _precision(image: Any) -> tuple[str, str]:
    """What a pixel's parts are, and how they are encoded: `u16`, `non-linear`."""
    component, _dash, encoding = image.get_precision().value_nick.partition("-")
    return component, encoding
