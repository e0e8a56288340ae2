"""Paintings that were made of no layer: put amid an image, or opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from gi.repository import Gimp

from images.calls import do
from images.layers import attach_settings, load_as_image, load_as_layer, refuse_palette

__all__ = ["NewLayer", "insert_amid", "open_as_image"]


@dataclass(frozen=True)
class NewLayer:
    """A picture file that becomes a layer."""

    picture: Path
    name: str
    settings: str
    """What the layer carries: see `attach_settings`."""


def insert_amid(image: Any, pictures: Sequence[NewLayer]) -> list[Any]:
    """Insert the pictures amid the image, above the selected layer, as one step.

    Returns:
        The layers.

    Raises:
        Refusal: the image has a palette, or GIMP cannot read a picture. Nothing was inserted.
    """
    refuse_palette(image)
    # All are read before the first is put in.
    layers = [load_as_layer(image, each.picture, each.name) for each in pictures]
    selected = image.get_selected_layers()
    parent = selected[0].get_parent() if selected else None
    position = image.get_item_position(selected[0]) if selected else 0
    do(image.undo_group_start)
    try:
        for each, layer in zip(pictures, layers, strict=True):
            left = (image.get_width() - layer.get_width()) // 2
            top = (image.get_height() - layer.get_height()) // 2
            do(layer.set_offsets, left, top)
            do(image.insert_layer, layer, parent, position)
            attach_settings(layer, each.settings)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return layers


def open_as_image(new: NewLayer) -> Any:
    """Open the picture as an image without a display; its layer."""
    layer = load_as_image(new.picture, new.name)
    attach_settings(layer, new.settings)
    return layer
