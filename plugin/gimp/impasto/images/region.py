"""The part of a layer that is painted, out as a picture. The user's image is only read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from choices import Refusal
from gi.repository import Gegl, Gimp
from i18n import _

from images.calls import do
from images.layers import needs_16_bits, scale, write_png
from images.reduced import reduced_copy

__all__ = ["Rectangle", "Region", "offsets"]

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
    """The part of one layer that is painted, and what was selected of it.

    Holds the selection as it was, in a hidden image, since the artist goes on working. `close` it.
    """

    def __init__(
        self, image: Any, drawables: Any, *, selection_only: bool, keep_selection: bool = True
    ) -> None:
        """Raises Refusal for what cannot be painted.

        Args:
            keep_selection: without, nothing of it can be inserted; copying it takes a moment.
        """
        self.image = image
        self.layer = _only_layer(drawables)
        self.offsets = offsets(self.layer)
        whole = Rectangle(0, 0, self.layer.get_width(), self.layer.get_height())
        selected = _selected(image, self.layer) if selection_only else None
        self.rectangle = whole if selected is None else _with_context(selected, whole)
        self._selection = None
        if selected is not None and keep_selection:
            self._selection = self._copy_of_selection()

    def close(self) -> None:
        """Delete the hidden image."""
        if self._selection is not None and self._selection.is_valid():
            self._selection.delete()
        self._selection = None

    def export(self, path: Path, longest_side: int | None = None) -> tuple[int, int]:
        """Write the region as a PNG with the image's profile (a grey image: in sRGB), 16 bits a
        channel unless the image has 8. Values above 1.0 become 1.0.

        However the layer is locked, masked, grouped and shown: its own pixels, opaque as a whole,
        with the transparency of its mask if that is applied.

        Args:
            longest_side: reduced to it (at most MAX_SIDE), if larger: for a preview, in a moment.

        Returns:
            Width and height of what was written.
        """
        draft = self.flattened_copy()
        try:
            width, height = self._size
            if longest_side is not None and max(width, height) > longest_side:
                factor = longest_side / max(width, height)
                width, height = max(1, round(width * factor)), max(1, round(height * factor))
                whole, draft = draft, reduced_copy(draft, width, height)
                whole.delete()
            if draft.get_base_type() == Gimp.ImageBaseType.GRAY:
                do(draft.convert_rgb)
                srgb = Gimp.ColorProfile.new_rgb_srgb()
                intent = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
                do(draft.convert_color_profile, srgb, intent, True)
            precision = Gimp.Precision.U8_NON_LINEAR
            if needs_16_bits(draft):
                precision = Gimp.Precision.U16_NON_LINEAR
            if draft.get_precision() != precision:
                do(draft.convert_precision, precision)
            write_png(draft, path)
        finally:
            draft.delete()
        return width, height

    def hide_unselected(self, layer: Any) -> None:
        """Let a painting of the region, of any size, be seen only where the image was selected."""
        if self._selection is None:
            return
        selection = do(self._selection.duplicate)
        try:
            width, height = layer.get_width(), layer.get_height()
            source = selection.get_layers()[0]
            if (width, height) != self._size:
                scale(source, width, height)
            mask = do(layer.create_mask, Gimp.AddMaskType.WHITE)
            do(layer.add_mask, mask)
            whole = Gegl.Rectangle.new(0, 0, width, height)
            target = mask.get_buffer()
            source.get_buffer().copy(whole, Gegl.AbyssPolicy.NONE, target, whole)
            target.flush()
            mask.update(0, 0, width, height)
        finally:
            selection.delete()

    @property
    def _size(self) -> tuple[int, int]:
        return self.rectangle.width, self.rectangle.height

    def flattened_copy(self) -> Any:
        """A hidden image of the region, in the image's colours; its layer's mask applied."""
        image, (x, y) = self.image, (self.rectangle.x, self.rectangle.y)
        grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
        base = Gimp.ImageBaseType.GRAY if grey else Gimp.ImageBaseType.RGB
        draft = Gimp.Image.new_with_precision(*self._size, base, image.get_precision())
        try:
            do(draft.undo_disable)
            profile = image.get_color_profile()
            if profile is not None:
                do(draft.set_color_profile, profile)
            layer = do(Gimp.Layer.new_from_drawable, self.layer, draft)
            do(draft.insert_layer, layer, None, 0)
            for each in _family(layer):
                _make_plain(each)
            do(layer.set_offsets, -x, -y)
            do(layer.set_opacity, 100)
            do(layer.set_mode, Gimp.LayerMode.NORMAL)
            do(layer.set_visible, True)
            plain = type(layer) is Gimp.Layer  # no group, no text
            if not plain or layer.get_mask() is not None or layer.get_filters():
                layer = do(draft.merge_visible_layers, Gimp.MergeType.CLIP_TO_IMAGE)
            do(layer.resize, *self._size, *offsets(layer))
        except BaseException:
            draft.delete()
            raise
        return draft

    def _copy_of_selection(self) -> Any:
        """A hidden grey image, of the region's size: white where the image is selected."""
        copy = Gimp.Image.new(*self._size, Gimp.ImageBaseType.GRAY)
        do(copy.undo_disable)
        layer = do(Gimp.Layer.new_from_drawable, self.image.get_selection(), copy)
        do(copy.insert_layer, layer, None, 0)
        left, top = self.offsets
        do(layer.resize, *self._size, -left - self.rectangle.x, -top - self.rectangle.y)
        return copy


def _family(item: Any) -> Iterator[Any]:
    """The layer, and whatever a group has in it."""
    yield item
    for child in item.get_children():
        yield from _family(child)


def _make_plain(layer: Any) -> None:
    """Without what is for working with a layer and not for seeing it: locks, the shown mask."""
    do(layer.set_lock_position, False)
    do(layer.set_lock_content, False)
    do(layer.set_lock_visibility, False)
    do(layer.set_lock_alpha, False)
    if layer.get_mask() is not None:
        do(layer.set_show_mask, False)


def _only_layer(drawables: Any) -> Any:
    layers = list(drawables)
    if len(layers) != 1:
        raise Refusal(
            _("One layer can be painted at a time; {count} are selected.").format(count=len(layers))
        )
    layer = layers[0]
    if not layer.is_valid():
        raise Refusal(
            _(
                "The layer is no longer in the image. Undo its removal, or begin again with "
                "another layer."
            )
        )
    if not layer.is_layer():
        raise Refusal(
            _(
                "{name} is a mask or a channel. Select a layer: click its picture in the Layers "
                "dialog."
            ).format(name=layer.get_name())
        )
    if layer.is_group() and all(each.is_group() for each in _family(layer)):
        raise Refusal(_("The group {name} is empty.").format(name=layer.get_name()))
    return layer


def _selected(image: Any, layer: Any) -> Rectangle | None:
    """What is selected of the layer; None if nothing is selected at all.

    Raises Refusal if the selection lies beside the layer.
    """
    _ok, non_empty, x1, y1, x2, y2 = Gimp.Selection.bounds(image)
    if not non_empty:
        return None
    left, top = offsets(layer)
    x1, x2 = (min(max(x - left, 0), layer.get_width()) for x in (x1, x2))
    y1, y2 = (min(max(y - top, 0), layer.get_height()) for y in (y1, y2))
    if x1 >= x2 or y1 >= y2:
        raise Refusal(
            _(
                "The selection lies beside the layer {name}. Select a part of it, or nothing "
                "(Select > None) to paint it as a whole."
            ).format(name=layer.get_name())
        )
    return Rectangle(x1, y1, x2 - x1, y2 - y1)


def _with_context(part: Rectangle, whole: Rectangle) -> Rectangle:
    around = max(MIN_CONTEXT, round(CONTEXT * max(part.width, part.height)))
    x, y = max(0, part.x - around), max(0, part.y - around)
    right = min(whole.width, part.x + part.width + around)
    bottom = min(whole.height, part.y + part.height + around)
    return Rectangle(x, y, right - x, bottom - y)


def offsets(item: Any) -> tuple[int, int]:
    """Where a layer's upper left corner is in its image."""
    _ok, x, y = item.get_offsets()
    return x, y
