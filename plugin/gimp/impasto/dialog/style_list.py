"""Choosing the style: the library's paintings and those chosen lately, as thumbnails."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gtk
from i18n import _
from images.open_pictures import OpenPictures
from pictures import is_text, open_picture
from thumbnails import Thumbnails, pixels_a_point, show_picture, thumbnail

from dialog.picture_button import open_menu, open_title, picture_filter, pop_up

__all__ = ["StyleList"]

SIDE = 88
FILE_PREVIEW_SIDE = 256


class StyleList(Gtk.Box):
    """Thumbnails to choose one of: `changed` is called with the style chosen, `refused` with what
    is wrong with a file."""

    def __init__(
        self,
        changed: Callable[[str], None],
        refused: Callable[[str], None],
        open_pictures: OpenPictures,
    ) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._changed = changed
        self._refused = refused
        self._open_pictures = open_pictures
        self._chosen_open: list[str] = []
        """Pictures open in GIMP that were chosen here."""
        self._icons = Thumbnails(
            _("Styles"),
            SIDE,
            item_width=SIDE + 8,
            item_padding=4,
            margin=2,
            column_spacing=2,
            row_spacing=2,
            selection_mode=Gtk.SelectionMode.SINGLE,
        )
        self._icons.connect("selection-changed", self._selected)
        scrolled = Gtk.ScrolledWindow(
            hscrollbar_policy=Gtk.PolicyType.NEVER, shadow_type=Gtk.ShadowType.IN
        )
        scrolled.set_min_content_height(SIDE + 36)
        scrolled.set_min_content_width(3 * (SIDE + 20))
        scrolled.add(self._icons)
        self.pack_start(scrolled, True, True, 0)
        choose = Gtk.Button.new_with_mnemonic(_("Choose a picture _file..."))
        choose.connect("clicked", self._choose)
        from_gimp = Gtk.Button.new_with_mnemonic(_("Fro_m GIMP..."))
        from_gimp.set_tooltip_text(_("Choose an open image, or a layer of one"))
        from_gimp.connect("clicked", lambda button: pop_up(open_menu(self.choose), button))
        buttons = Gtk.Box(spacing=6)
        buttons.pack_start(choose, True, True, 0)
        buttons.pack_start(from_gimp, True, True, 0)
        self.pack_start(buttons, False, False, 0)

    @property
    def style(self) -> str:
        """The style chosen: a path, or a name of the library; empty if none is."""
        return next(iter(self._icons.chosen), "")

    def show_styles(self, library: list[tuple[str, str, Path]], recent: list[Path]) -> None:
        """Show these: the library's names, titles and files, and files chosen lately."""
        chosen = self.style
        self._icons.clear()
        for name, title, path in filter(lambda style: is_text(style[0]), library):
            self._icons.add(
                name, title, _("{title}, of the style library").format(title=title), path
            )
        for path in filter(lambda path: is_text(str(path)), recent):
            self._icons.add(str(path), path.stem, str(path), path)
        for picture in self._chosen_open:
            self._add_open(picture)
        if chosen:
            self.choose(chosen)

    def choose(self, style: str) -> None:
        """Select a style, if it is there. A file, or a picture open in GIMP, is added where it is
        not in the list yet."""
        if not is_text(style):
            self._refused(_("GIMP cannot use a file whose name is no valid text. Rename it."))
            return
        for key in self._icons.keys:
            if key == style or key.rpartition(".")[0] == style:
                self._icons.choose(key, scroll=True)
                return
        if open_picture(style) is not None:
            if self._add_open(style):
                self._chosen_open.append(style)
                self.choose(style)
            return
        path = Path(style)
        if path.is_absolute() and path.is_file():
            self._icons.add(style, path.stem, style, path)
            self.choose(style)

    def _add_open(self, picture: str) -> bool:
        """Whether GIMP still has it."""
        found, path = open_picture(picture), self._open_pictures.file_shown(picture)
        if found is None or path is None:
            return False
        self._icons.add(picture, found.title, open_title(found), path)
        return True

    def _selected(self, *_args: Any) -> None:
        if self.style:
            self._changed(self.style)

    def _choose(self, button: Any) -> None:
        chooser = Gtk.FileChooserDialog(
            title=_("Choose a style picture"),
            transient_for=button.get_toplevel(),
            action=Gtk.FileChooserAction.OPEN,
            use_preview_label=False,
        )
        chooser.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        chooser.add_button(_("_Open"), Gtk.ResponseType.ACCEPT)
        chooser.set_default_response(Gtk.ResponseType.ACCEPT)
        chooser.add_filter(picture_filter())
        shown = Gtk.Image()
        chooser.set_preview_widget(shown)
        chooser.connect("update-preview", _show_preview, shown)
        if Path(self.style).is_absolute():
            chooser.set_current_folder(str(Path(self.style).parent))
        if chooser.run() == Gtk.ResponseType.ACCEPT and chooser.get_filename():
            self.choose(chooser.get_filename())
        chooser.destroy()


def _show_preview(chooser: Any, shown: Any) -> None:
    name = chooser.get_preview_filename()
    side = FILE_PREVIEW_SIDE * (pixels := pixels_a_point(chooser))
    picture = thumbnail(Path(name), side) if name and Path(name).is_file() else None
    show_picture(shown, picture, pixels)
    chooser.set_preview_widget_active(picture is not None)
