"""A list of thumbnails to choose from, which are loaded one by one.

Both dialogs have one: of styles, and of results. On a screen of two pixels a point they have as
many pixels as are shown.
"""

from pathlib import Path
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, GdkPixbuf, GLib, Gtk

__all__ = ["Thumbnails", "pixels_a_point", "show_picture", "thumbnail"]

PICTURE, TITLE, KEY, TIP = range(4)
"""The model's columns."""


def pixels_a_point(widget: Any) -> int:
    """Of the screen; 1 where PyGObject comes without pycairo, by which alone it shows more."""
    try:
        gi.require_foreign("cairo")
    except ImportError:
        return 1
    return int(widget.get_scale_factor())


def show_picture(widget: Any, picture: Any, pixels: int) -> None:
    """Let an image, or a cell of a list, show a picture of so many pixels a point; or None."""
    if picture is None or pixels == 1:
        widget.set_property("pixbuf", picture)
    else:
        surface = Gdk.cairo_surface_create_from_pixbuf(picture, pixels, None)
        widget.set_property("surface", surface)


def thumbnail(path: Path, side: int) -> Any:
    """The picture with sides of at most `side`, or None if it cannot be shown."""
    try:
        picture = GdkPixbuf.Pixbuf.new_from_file_at_scale(str(path), side, side, True)
    except (GLib.Error, UnicodeEncodeError):
        return None
    return picture.apply_embedded_orientation()


class Thumbnails(Gtk.IconView):
    """Each has a key, by which it is chosen and told apart."""

    def __init__(self, name: str, side: int, **properties: Any) -> None:
        super().__init__(pixbuf_column=PICTURE, text_column=TITLE, tooltip_column=TIP, **properties)
        self._side = side
        self._waiting: list[tuple[Any, Path]] = []
        self._model = Gtk.ListStore(GdkPixbuf.Pixbuf, str, str, str)
        self._pixels = pixels_a_point(self)
        for cell in self.get_cells() if self._pixels > 1 else ():
            if isinstance(cell, Gtk.CellRendererPixbuf):
                self.set_cell_data_func(cell, self._show, None)
        self.set_model(self._model)
        self.get_accessible().set_name(name)

    @property
    def keys(self) -> list[str]:
        return [row[KEY] for row in self._model]

    @property
    def chosen(self) -> list[str]:
        """Keys."""
        return [self._model[path][KEY] for path in self.get_selected_items()]

    def clear(self) -> None:
        self._waiting.clear()
        self._model.clear()

    def add(self, key: str, title: str, tip: str, path: Path) -> None:
        """The picture itself comes later, so that hundreds, or large ones, hold nothing up."""
        row = self._model.append([self._blank(), title, key, GLib.markup_escape_text(tip)])
        if not self._waiting:
            GLib.idle_add(self._load_one)
        at = self._model.get_path(row)
        self._waiting.append((Gtk.TreeRowReference.new(self._model, at), path))

    def choose(self, key: str, *, scroll: bool = False) -> None:
        """Select it too."""
        path = Gtk.TreePath(self.keys.index(key))
        self.select_path(path)
        if scroll:
            self.scroll_to_path(path, False, 0, 0)

    def _blank(self) -> Any:
        theme = Gtk.IconTheme.get_default()
        if not theme.has_icon("image-x-generic"):
            return None
        return theme.load_icon("image-x-generic", self._pixels * self._side // 2, 0)

    def _show(self, _layout: Any, cell: Any, model: Any, row: Any, _data: Any) -> None:
        show_picture(cell, model[row][PICTURE], self._pixels)

    def _load_one(self) -> bool:
        if self._waiting:
            row, path = self._waiting.pop(0)
            picture = thumbnail(path, self._pixels * self._side)
            if picture is not None and row.valid():
                self._model[row.get_path()][PICTURE] = picture
        return bool(self._waiting)
