"""Choosing a picture: a file, or one that is open in GIMP."""

from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from client.protocol import PICTURE_SUFFIXES
from gi.repository import Gdk, Gtk, Pango
from i18n import _
from images.open_pictures import all_open
from pictures import OpenPicture, open_picture, picture_title, style_file

__all__ = ["PictureButton", "open_menu", "open_title", "picture_filter", "pop_up"]


class PictureButton(Gtk.Button):
    """Shows which picture is chosen, and a menu of others when it is pressed."""

    def __init__(self, name: str, chooser_title: str, changed: Callable[[str], None]) -> None:
        """
        Args:
            name: what the picture is for.
            chooser_title: of the dialog in which a file is chosen.
            changed: is called with the picture that was chosen.
        """
        super().__init__()
        self._name = name
        self._chooser_title = chooser_title
        self._changed = changed
        self._picture = ""
        self._label = Gtk.Label(xalign=0, ellipsize=Pango.EllipsizeMode.MIDDLE, width_chars=12)
        content = Gtk.Box(spacing=6)
        content.pack_start(self._label, True, True, 0)
        content.pack_end(Gtk.Image.new_from_icon_name("pan-down-symbolic", 1), False, False, 0)
        self.add(content)
        self.connect("clicked", self._open)
        self.show_picture("")

    def show_picture(self, picture: str) -> None:
        """Show this one as chosen; empty: none is."""
        self._picture = picture
        found, title = open_picture(picture), picture_title(picture)
        self._label.set_text(title or _("Choose..."))
        self.set_tooltip_text(picture if found is None else open_title(found))
        self.get_accessible().set_name(f"{self._name}: {title}" if title else self._name)

    def _open(self, _button: Any) -> None:
        menu = open_menu(self._choose)
        file = Gtk.MenuItem.new_with_mnemonic(_("Choose a picture _file..."))
        file.connect("activate", self._choose_file)
        menu.append(Gtk.SeparatorMenuItem())
        menu.append(file)
        pop_up(menu, self)

    def _choose(self, picture: str) -> None:
        self.show_picture(picture)
        self._changed(picture)

    def _choose_file(self, _item: Any) -> None:
        chooser = Gtk.FileChooserDialog(
            title=self._chooser_title,
            transient_for=self.get_toplevel(),
            action=Gtk.FileChooserAction.OPEN,
        )
        chooser.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        chooser.add_button(_("_Open"), Gtk.ResponseType.ACCEPT)
        chooser.set_default_response(Gtk.ResponseType.ACCEPT)
        chooser.add_filter(picture_filter())
        file = style_file(self._picture)
        if file is not None:
            chooser.set_filename(str(file))
        if chooser.run() == Gtk.ResponseType.ACCEPT and chooser.get_filename():
            self._choose(chooser.get_filename())
        chooser.destroy()


def open_menu(choose: Callable[[str], None]) -> Any:
    """A menu of the images that are open in GIMP, and of their layers."""
    menu = Gtk.Menu()
    for picture in all_open():
        # Layers below their image, and set in.
        item = Gtk.MenuItem(label=f"    {picture.layer}" if picture.tattoo else picture.image_name)
        item.connect("activate", lambda _item, chosen: choose(chosen), str(picture))
        menu.append(item)
    if not menu.get_children():
        menu.append(Gtk.MenuItem(label=_("No image is open"), sensitive=False))
    return menu


def pop_up(menu: Any, button: Any) -> None:
    """Show a menu below a button."""
    menu.attach_to_widget(button)
    menu.show_all()
    south, north = Gdk.Gravity.SOUTH_WEST, Gdk.Gravity.NORTH_WEST
    menu.popup_at_widget(button, south, north, None)


def open_title(picture: OpenPicture) -> str:
    """Where a picture that is open in GIMP comes from."""
    if not picture.tattoo:
        return picture.image_name
    return _("{layer}, a layer of {image}").format(layer=picture.layer, image=picture.image_name)


def picture_filter() -> Any:
    """For file choosers."""
    pictures = Gtk.FileFilter()
    pictures.set_name(_("Pictures that Impasto reads"))
    for suffix in PICTURE_SUFFIXES:
        pictures.add_pattern(f"*{suffix}")
        pictures.add_pattern(f"*{suffix.upper()}")
    return pictures
