"""The settings of a layer's painting."""

from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from choices import Choices
from gi.repository import Gtk
from i18n import _
from options import COLOURS, MAX_SIZE, MIN_SIZE, STRENGTH, strength_tip

from dialog.settings_grid import OpenNumber, SettingsGrid, slider

__all__ = ["LayerSettings"]


class LayerSettings(SettingsGrid):
    """With the strength, the size, and how far the colours are blended."""

    colours = COLOURS

    def __init__(self, changed: Callable[[dict[str, Any]], None], *, longest_side: int) -> None:
        """`longest_side`: the layer's, in pixels."""
        self._longest_side = longest_side
        super().__init__(changed)

    def _add_own_rows(self) -> None:
        self._strength = slider(0, 100, 1)
        self._strength.set_digits(1)
        self._strength.add_mark(STRENGTH, Gtk.PositionType.BOTTOM, None)
        self._strength.connect(
            "value-changed", lambda scale: self._emit(strength=round(scale.get_value(), 1))
        )
        self._strength.set_tooltip_text(strength_tip())
        self._row(_("Stren_gth"), self._strength)
        tip = _("Longest side to paint at, in pixels")
        self._size = OpenNumber((MIN_SIZE, MAX_SIZE, 16), _("pixels"), _("As the _layer"), tip)
        self._size.connect_changed(lambda size: self._emit(size=size))
        self._row(_("Si_ze"), self._size, self._size.number)

    def _show_own(self, choices: Choices) -> None:
        self._strength.set_value(choices.strength)
        self._size.show_value(choices.size, min(MAX_SIZE, max(MIN_SIZE, self._longest_side)))
        self._amount.set_value(choices.colour_amount)

    def _beside_colours(self) -> Any:
        self._amount = slider(0, 1, 0.01)
        self._amount.set_tooltip_text(
            _("How far a blend goes: 0 is the painting's colours, 1 the layer's")
        )
        self._amount.get_accessible().set_name(_("Colour amount"))
        self._amount.connect(
            "value-changed", lambda scale: self._emit(colour_amount=round(scale.get_value(), 2))
        )
        return self._amount

    def _show_beside(self, colours: str) -> None:
        super()._show_beside(colours)
        self._amount.set_sensitive(colours == "blend")
