"""The part of a layer that is painted, out as a picture. The user's image is only read."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import Refusal, StyledRegion
from gi.repository import Gimp
from i18n import _

from images.areas import area_title, corner_of, find_area
from images.calls import do
from images.covers import Cover, all_of, spread
from images.layers import family, needs_16_bits, offsets, write_png
from images.reduced import reduced_copy

__all__ = ["Rectangle", "Region"]

CONTEXT = 0.125
"""Of the selection's longer side: what is exported around it, so that strokes have surroundings."""

MIN_CONTEXT = 16
"""Pixels."""

LEAST_COVER = 256
"""Pixels of a region that the server paints in a style."""

RIM = 2
"""Pixels of the painting around a mask that are painted too: scaled up, its edge would be blurred
with what is not painted."""


@dataclass(frozen=True)
class Rectangle:
    """Pixels of a layer, its upper left corner at 0, 0."""

    x: int
    y: int
    width: int
    height: int


class Region:
    """The part of one layer that is painted, what was selected of it, and the regions that are
    painted in styles of their own: all as they were, since the artist goes on working."""

    def __init__(
        self,
        image: Any,
        drawables: Any,
        *,
        selection_only: bool,
        regions: Sequence[StyledRegion] = (),
    ) -> None:
        """Raises Refusal for what cannot be painted."""
        self.image = image
        self.layer = _only_layer(drawables)
        self.offsets = offsets(self.layer)
        whole = Rectangle(0, 0, self.layer.get_width(), self.layer.get_height())
        selected = _selected(image, self.layer) if selection_only else None
        self.rectangle = whole if selected is None else _with_context(selected, whole)
        self._selection = None
        if selected is not None:
            self._selection = self._cover_of(image.get_selection(), (0, 0))
        self._regions = regions
        self._covers = [self._cover_of_area(region) for region in regions]

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

    def export_masks(
        self, folder: Path, *, size: int | None = None, soft_side: int | None = None
    ) -> tuple[Path | None, list[Path]]:
        """Write what is selected, and each region, as the masks of a job.

        What is covered in part is painted wholly: `mask_unpainted` then blends it with what is
        below, in the layer's own pixels.

        Args:
            size: longest side of the painting, in pixels; None: the region's.
            soft_side: for a preview: as they are, reduced to this side, and the server blends.

        Raises:
            Refusal: too little of a region would be painted.
        """
        covers, selected = self._covers, self._selection
        whole = selected and [selected]
        self._refuse_small_areas((soft_side or math.inf) / max(self._size))
        if soft_side is None:
            radius = math.ceil(RIM * max(1.0, max(self._size) / (size or max(self._size))))
            covers = spread(covers, radius) if covers else []
            whole = whole and spread(whole, radius)
        paths = [folder / f"region{number}.png" for number in range(1, len(covers) + 1)]
        for cover, path in zip(covers, paths, strict=True):
            cover.write(path, soft_side)
        if not whole:
            return None, paths
        whole[0].write(folder / "mask.png", soft_side)
        return folder / "mask.png", paths

    def mask_unpainted(self, layer: Any) -> None:
        """Let a painting of the region, of any size, be seen only where the image was selected, and
        where its regions are."""
        covers = [all_of(self._covers)] if self._covers else []
        if self._selection is not None:
            covers.append(self._selection)
        if covers:
            functools.reduce(Cover.times, covers).add_to(layer)

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
            for each in family(layer):
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

    def _cover_of(self, source: Any, corner: tuple[int, int]) -> Cover:
        """How far a channel or a mask, whose corner lies there in the image, covers the region."""
        left, top = (own - its for own, its in zip(self.offsets, corner, strict=True))
        return Cover.of(source, left + self.rectangle.x, top + self.rectangle.y, *self._size)

    def _cover_of_area(self, region: StyledRegion) -> Cover:
        source = find_area(self.image, region)
        return self._cover_of(source, corner_of(source))

    def _refuse_small_areas(self, factor: float) -> None:
        """`factor`: of the sides that they are painted at to their own, where they are reduced."""
        for region, cover in zip(self._regions, self._covers, strict=True):
            shown = cover if self._selection is None else cover.times(self._selection)
            name, pixels = area_title(region), shown.pixels
            if pixels < 1:
                raise Refusal(
                    _(
                        "The region {name} has nothing of what is painted: it is black there. "
                        "Choose another channel or layer mask, or remove the region."
                    ).format(name=name)
                )
            if pixels < LEAST_COVER:
                raise Refusal(
                    _(
                        "The region {name} has only {count} pixels of what is painted; at least "
                        "{least} are needed. Make it larger, or remove it."
                    ).format(name=name, count=round(pixels), least=LEAST_COVER)
                )
            if pixels * min(1.0, factor) ** 2 < LEAST_COVER:
                raise Refusal(
                    _(
                        "The region {name} is too small for a preview. It is painted all the same."
                    ).format(name=name)
                )


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
    if layer.is_group() and all(each.is_group() for each in family(layer)):
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
