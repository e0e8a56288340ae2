"""A list of thumbnails to choose from, which are loaded one by one.

Both dialogs have one: of styles, and of results.
"""

from pathlib import Path
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import GdkPixbuf, GLib, Gtk

__all__ = ["Thumbnails", "thumbnail"]

PICTURE, TITLE, KEY, TIP = range(4)
"""The model's columns."""


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
        return theme.load_icon("image-x-generic", self._side // 2, 0)

    def _load_one(self) -> bool:
        if self._waiting:
            row, path = self._waiting.pop(0)
            picture = thumbnail(path, self._side)
            if picture is not None and row.valid():
                self._model[row.get_path()][PICTURE] = picture
        return bool(self._waiting)
