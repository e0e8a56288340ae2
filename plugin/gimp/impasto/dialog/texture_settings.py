"""The settings of a texture."""

from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from choices import Choices
from gi.repository import Gtk
from i18n import _
from options import MAX_SIZE, MIN_SIZE, TEXTURE_COLOURS, TILE_STEP, tile_tip

from dialog.settings_grid import SettingsGrid, named

__all__ = ["TextureSettings"]


class TextureSettings(SettingsGrid):
    """With its sides, and whether opposite edges meet."""

    colours = TEXTURE_COLOURS

    def __init__(self, changed: Callable[[dict[str, Any]], None], *, has_image: bool) -> None:
        """`has_image`: whether there is one that the texture can go into."""
        super().__init__(changed)
        self._output.set_sensitive(has_image)

    def _add_own_rows(self) -> None:
        self._sides = {name: self._make_side(name) for name in ("width", "height")}
        self._tile = Gtk.CheckButton.new_with_mnemonic(_("Seam_less"))
        self._tile.set_tooltip_text(tile_tip())
        self._tile.connect("toggled", self._choose_tile)
        sides = Gtk.Box(spacing=12)
        sides.pack_start(self._sides["width"], False, False, 0)
        sides.pack_start(named(_("Hei_ght"), self._sides["height"]), False, False, 0)
        sides.pack_start(self._sides["height"], False, False, 0)
        sides.pack_start(self._tile, False, False, 0)
        self._row(_("_Width"), sides, self._sides["width"])

    def _make_side(self, name: str) -> Any:
        side = Gtk.SpinButton.new_with_range(MIN_SIZE, MAX_SIZE, TILE_STEP)
        side.set_activates_default(True)
        side.set_tooltip_text(_("In pixels"))
        side.connect("value-changed", lambda spin: self._emit(**{name: spin.get_value_as_int()}))
        return side

    def _choose_tile(self, box: Any) -> None:
        self._snap(box.get_active())
        self._emit(tile=box.get_active())

    def _snap(self, tile: bool) -> None:
        """Let the sides have no other values than those that a seamless texture can have."""
        for side in self._sides.values():
            side.set_snap_to_ticks(tile)

    def _show_own(self, choices: Choices) -> None:
        self._snap(False)
        self._tile.set_active(choices.tile)
        self._sides["width"].set_value(choices.width)
        self._sides["height"].set_value(choices.height)
        self._snap(choices.tile)
