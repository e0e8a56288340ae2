"""The part of a layer that is painted: out as a picture, back as a layer or an image.

The user's image is only read, until `Region.insert` puts one layer into it as one step that can
be undone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from choices import Refusal
from gi.repository import Gegl, Gimp

from images.layers import (
    attach_settings,
    has_8_bits,
    load_as_image,
    load_as_layer,
    scale,
    write_png,
)

__all__ = ["Region"]

CONTEXT = 0.125
"""Of the selection's longer side: what is exported around it, so that strokes have surroundings."""

MIN_CONTEXT = 16
"""Pixels."""


@dataclass(frozen=True)
class Rectangle:
    """Pixels of a layer, its upper left corner at 0, 0."""

    x: int
    y: int
    width: int
    height: int


class Region:
    """The part of one layer that is painted: the layer as it was, where it is, what was selected.

    Holds the selection as it was, in a hidden image, since the artist goes on working. `close` it.
    """

    def __init__(self, image: Any, drawables: Any, *, selection_only: bool) -> None:
        """Raises Refusal for what cannot be painted."""
        self.image = image
        self.layer = _only_layer(drawables)
        self._offsets = _offsets(self.layer)
        whole = Rectangle(0, 0, self.layer.get_width(), self.layer.get_height())
        selected = _selected(image, self.layer) if selection_only else None
        self.rectangle = whole if selected is None else _with_context(selected, whole)
        self._selection = None if selected is None else self._copy_of_selection()

    def close(self) -> None:
        """Delete the hidden image."""
        if self._selection is not None and self._selection.is_valid():
            self._selection.delete()
        self._selection = None

    def export(self, path: Path, longest_side: int | None = None) -> tuple[int, int]:
        """Write the region as a PNG in sRGB, 16 bits a channel if the image has more than 8.

        Args:
            longest_side: scaled down to it, if larger.

        Returns:
            Width and height of what was written.
        """
        draft = self._flattened_copy()
        try:
            width, height = self.rectangle.width, self.rectangle.height
            if longest_side is not None and max(width, height) > longest_side:
                factor = longest_side / max(width, height)
                width, height = max(1, round(width * factor)), max(1, round(height * factor))
                draft.scale(width, height)
            write_png(draft, path)
        finally:
            draft.delete()
        return width, height

    def insert(self, picture: Path, name: str, settings: str) -> Any:
        """Put a painting into the image, above the layer it was made from; the new layer.

        The artist may have moved or deleted that layer meanwhile: a painting follows one that was
        moved.

        Raises:
            Refusal: the image is gone.
        """
        image = self.image
        if not image.is_valid():
            raise Refusal(
                f"The image was closed while it was painted. The painting is {picture}; "
                "Filters > Artistic > Import finished Impasto results opens it."
            )
        layer = load_as_layer(image, picture, name)
        alive = self.layer.is_valid() and self.layer.get_image() == image
        left, top = _offsets(self.layer) if alive else self._offsets
        image.undo_group_start()
        try:
            parent = self.layer.get_parent() if alive else None
            position = image.get_item_position(self.layer) if alive else 0
            image.insert_layer(layer, parent, position)
            if (layer.get_width(), layer.get_height()) != self._size:
                scale(layer, *self._size)
            layer.set_offsets(left + self.rectangle.x, top + self.rectangle.y)
            self._mask(layer)
            attach_settings(layer, settings)
        finally:
            image.undo_group_end()
        return layer

    def open(self, picture: Path, name: str, settings: str) -> Any:
        """Open a painting as an image of its own; its layer."""
        layer = load_as_image(picture, name)
        layer.get_image().undo_disable()
        self._mask(layer)
        attach_settings(layer, settings)
        layer.get_image().undo_enable()
        return layer

    @property
    def _size(self) -> tuple[int, int]:
        return self.rectangle.width, self.rectangle.height

    def _flattened_copy(self) -> Any:
        """A hidden image of the region in sRGB, opaque as a whole, its layer's mask applied."""
        image, (x, y) = self.image, (self.rectangle.x, self.rectangle.y)
        grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
        base = Gimp.ImageBaseType.GRAY if grey else Gimp.ImageBaseType.RGB
        draft = Gimp.Image.new_with_precision(*self._size, base, image.get_precision())
        try:
            draft.undo_disable()
            profile = image.get_color_profile()
            if profile is not None:
                draft.set_color_profile(profile)
            layer = Gimp.Layer.new_from_drawable(self.layer, draft)
            draft.insert_layer(layer, None, 0)
            layer.set_offsets(-x, -y)
            layer.set_opacity(100)
            layer.set_mode(Gimp.LayerMode.NORMAL)
            layer.set_visible(True)
            plain = type(layer) is Gimp.Layer  # no group, no text
            if not plain or layer.get_mask() is not None or layer.get_filters():
                layer = draft.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
            left, top = _offsets(layer)
            layer.resize(*self._size, left, top)
            if grey:
                draft.convert_rgb()
            intent = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
            draft.convert_color_profile(Gimp.ColorProfile.new_rgb_srgb(), intent, True)
            precision = Gimp.Precision.U8_NON_LINEAR
            if not has_8_bits(image):
                precision = Gimp.Precision.U16_NON_LINEAR
            if draft.get_precision() != precision:
                draft.convert_precision(precision)
        except BaseException:
            draft.delete()
            raise
        return draft

    def _copy_of_selection(self) -> Any:
        """A hidden grey image, of the region's size: white where the image is selected."""
        copy = Gimp.Image.new(*self._size, Gimp.ImageBaseType.GRAY)
        copy.undo_disable()
        layer = Gimp.Layer.new_from_drawable(self.image.get_selection(), copy)
        copy.insert_layer(layer, None, 0)
        left, top = self._offsets
        layer.resize(*self._size, -left - self.rectangle.x, -top - self.rectangle.y)
        return copy

    def _mask(self, layer: Any) -> None:
        """Let the layer be seen only where the image was selected."""
        if self._selection is None:
            return
        selection = self._selection.duplicate()
        try:
            width, height = layer.get_width(), layer.get_height()
            source = selection.get_layers()[0]
            if (width, height) != self._size:
                scale(source, width, height)
            mask = layer.create_mask(Gimp.AddMaskType.WHITE)
            layer.add_mask(mask)
            whole = Gegl.Rectangle.new(0, 0, width, height)
            target = mask.get_buffer()
            source.get_buffer().copy(whole, Gegl.AbyssPolicy.NONE, target, whole)
            target.flush()
            mask.update(0, 0, width, height)
        finally:
            selection.delete()


def _only_layer(drawables: Any) -> Any:
    layers = list(drawables)
    if len(layers) != 1:
        raise Refusal(f"One layer can be painted at a time; {len(layers)} are selected.")
    if not layers[0].is_layer():
        raise Refusal(
            f"{layers[0].get_name()} is a mask or a channel. Select a layer: click its picture in "
            "the Layers dialog."
        )
    return layers[0]


def _selected(image: Any, layer: Any) -> Rectangle | None:
    """What is selected of the layer; None if nothing is selected at all.

    Raises Refusal if the selection lies beside the layer.
    """
    _, non_empty, x1, y1, x2, y2 = Gimp.Selection.bounds(image)
    if not non_empty:
        return None
    left, top = _offsets(layer)
    x1, x2 = (min(max(x - left, 0), layer.get_width()) for x in (x1, x2))
    y1, y2 = (min(max(y - top, 0), layer.get_height()) for y in (y1, y2))
    if x1 >= x2 or y1 >= y2:
        raise Refusal(
            f"The selection lies beside the layer {layer.get_name()}. Select a part of it, or "
            "nothing (Select > None) to paint it as a whole."
        )
    return Rectangle(x1, y1, x2 - x1, y2 - y1)


def _with_context(part: Rectangle, whole: Rectangle) -> Rectangle:
    around = max(MIN_CONTEXT, round(CONTEXT * max(part.width, part.height)))
    x, y = max(0, part.x - around), max(0, part.y - around)
    right = min(whole.width, part.x + part.width + around)
    bottom = min(whole.height, part.y + part.height + around)
    return Rectangle(x, y, right - x, bottom - y)


def _offsets(item: Any) -> tuple[int, int]:
    _, x, y = item.get_offsets()
    return x, y
