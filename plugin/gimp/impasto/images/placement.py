"""Where a painting goes: into the image, if that is still as it was sent but for a move or a
scaling, else into an image of its own."""

from pathlib import Path
from typing import Any

import gi

gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")
from gi.repository import Gegl, Gimp, Gio
from i18n import _

from images.calls import do
from images.change import Change, change_of_scaled, change_of_size_kept
from images.layers import (
    adapt,
    attach_settings,
    has_palette,
    load_as_image,
    load_as_layer,
    offsets,
    scale,
)
from images.probes import Probes, Read
from images.reduced import look_of
from images.region import Rectangle, Region

__all__ = ["Placement"]


class _Picture:
    """A layer's, or a whole image's, size and look."""

    def __init__(self, source: Any) -> None:
        self.size = source.get_width(), source.get_height()
        self.look = look_of(source)

    def change_to(self, now: Any) -> Change:
        """What was done since to the same layer or image."""
        size = now.get_width(), now.get_height()
        after = look_of(now)
        if size == self.size:
            return change_of_size_kept(self.look, after)
        now_drawn, before_drawn = (
            max(shape) / max(look.width, look.height)
            for shape, look in ((size, after), (self.size, self.look))
        )
        return change_of_scaled(self.look, after, now_drawn / before_drawn)


class _LayersPicture(_Picture):
    """A layer's too has pixels by which it is known, exactly, what was cropped or extended."""

    def __init__(self, layer: Any) -> None:
        super().__init__(layer)
        self._offsets = offsets(layer)
        self._probes = Probes(*self.size, _reader(layer))

    def change_to(self, now: Any) -> Change:
        size = now.get_width(), now.get_height()
        moved = tuple(old - new for old, new in zip(self._offsets, offsets(now), strict=True))
        centred = tuple((new - old) // 2 for old, new in zip(self.size, size, strict=True))
        likely = [(0, 0), moved, centred]
        shift = self._probes.shift(*size, _reader(now), likely)
        if shift is None:  # scaled, turned, painted over, in other colours
            return super().change_to(now)
        return Change.NONE if size == self.size and shift == (0, 0) else Change.CUT


class Placement:
    """Remembers the image as it is when a region of it is sent."""

    def __init__(self, region: Region) -> None:
        image = region.image
        self._region = region
        self._image_before = _Picture(image)
        self._layer_before = _LayersPicture(region.layer)
        self._resolution = image.get_resolution()[1:]
        self._unit = image.get_unit()
        self._precision = image.get_precision()
        self._profile = image.get_color_profile()
        self._simulation = image.get_simulation_profile()
        self._is_rgb = image.get_base_type() == Gimp.ImageBaseType.RGB
        file = image.get_file() or image.get_imported_file()
        self._path = Path(file.get_path()) if file is not None and file.get_path() else None

    def insert(self, picture: Path, name: str, settings: str) -> tuple[Any, str]:
        """Put a painting into the image, above the layer it was made from, as one step that can be
        undone. It follows a layer that was moved or scaled meanwhile.

        Returns:
            The new layer, and why it is in an image of its own; empty if it is in the image.
        """
        reason = self._obstacle()
        if reason:
            return self.open(picture, name, settings), reason
        image, region = self._region.image, self._region
        (left, top), before, now = self._place()
        x, y, right, bottom = (
            round(edge * new / old)
            for edge, new, old in zip(_edges(region.rectangle), now * 2, before * 2, strict=True)
        )
        layer = load_as_layer(image, picture, name)
        alive = self._is_alive
        parent = region.layer.get_parent() if alive else None
        position = image.get_item_position(region.layer) if alive else 0
        do(image.undo_group_start)
        try:
            # Put in its place last: in a group that is locked GIMP refuses changes, or ends the
            # plug-in.
            do(image.insert_layer, layer, None, 0)
            size = max(1, right - x), max(1, bottom - y)
            if (layer.get_width(), layer.get_height()) != size:
                scale(layer, *size)
            do(layer.set_offsets, left + x, top + y)
            region.mask_unpainted(layer)
            attach_settings(layer, settings)
            do(image.reorder_item, layer, parent, position)
        finally:
            image.undo_group_end()
        return layer, ""

    def open(self, picture: Path, name: str, settings: str) -> Any:
        """Open a painting as an image of its own, with the name, the resolution, the precision and
        the profile of the image that it was made from; its layer."""
        layer = load_as_image(picture, name)
        image = layer.get_image()
        do(image.undo_disable)
        adapt(image, self._precision, self._profile if self._is_rgb else None)
        do(image.set_resolution, *self._resolution)
        do(image.set_unit, self._unit)
        if self._simulation is not None:
            do(image.set_simulation_profile, self._simulation)
        if self._path is not None:
            do(image.set_file, Gio.File.new_for_path(str(_free(self._path, name))))
        layer = image.get_layers()[0]
        self._region.mask_unpainted(layer)
        attach_settings(layer, settings)
        do(image.undo_enable)
        return layer

    @property
    def _is_alive(self) -> bool:
        """Whether the image still has the layer."""
        layer = self._region.layer
        return bool(layer.is_valid() and layer.get_image() == self._region.image)

    def _place(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Where the layer is, or would be; by what it was measured, and how large that is now."""
        if self._is_alive:
            layer = self._region.layer
            size = layer.get_width(), layer.get_height()
            return offsets(layer), self._layer_before.size, size
        image = self._region.image
        before, now = self._image_before.size, (image.get_width(), image.get_height())
        left, top = (
            round(offset * new / old)
            for offset, new, old in zip(self._region.offsets, now, before, strict=True)
        )
        return (left, top), before, now

    def _obstacle(self) -> str:
        """Why the painting has no place in the image any more; empty if it has."""
        image = self._region.image
        if not image.is_valid():
            return _("The image was closed while it was painted. The painting is opened by itself.")
        if has_palette(image):
            return _(
                "The image got a palette while it was painted, and a painting has more colours "
                "than fit into it. The painting is opened as an image of its own."
            )
        if self._is_alive:
            change = self._layer_before.change_to(self._region.layer)
        else:
            change = self._image_before.change_to(image)
        return {
            Change.NONE: "",
            Change.TURNED: _(
                "The layer was flipped or rotated while it was painted. The painting is opened as "
                "an image of its own."
            ),
            Change.CUT: _(
                "The layer was cropped or extended while it was painted. The painting is opened "
                "as an image of its own."
            ),
            Change.OTHER: _(
                "The layer was changed while it was painted, so that the painting does not fit "
                "any more. It is opened as an image of its own."
            ),
        }[change]


def _reader(layer: Any) -> Read:
    """The layer's pixels, in 16 bits, so that none is rounded that 8 or 16 bits have."""

    def read(x: int, y: int, width: int, height: int) -> bytes:
        rectangle = Gegl.Rectangle.new(x, y, width, height)
        return bytes(layer.get_buffer().get(rectangle, 1.0, "R'G'B'A u16", Gegl.AbyssPolicy.NONE))

    return read


def _edges(part: Rectangle) -> tuple[int, int, int, int]:
    return part.x, part.y, part.x + part.width, part.y + part.height


def _free(source: Path, name: str) -> Path:
    """A file's name beside the source's that nobody has: what Save proposes, and never replaces."""
    stem = f"{source.stem} ({name})".replace("/", "-")
    number, path = 1, source.with_name(f"{stem}.xcf")
    while path.exists():
        number += 1
        path = source.with_name(f"{stem} {number}.xcf")
    return path
