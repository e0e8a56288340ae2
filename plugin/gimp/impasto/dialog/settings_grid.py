"""The settings of a painting, as widgets."""

import math
import re
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from choices import (
    MAX_SCALE,
    MAX_SECONDS,
    MAX_SEED,
    MAX_SIZE,
    MIN_SCALE,
    MIN_SIZE,
    PRESETS,
    STRENGTH,
    Choices,
    strength_tip,
)
from gi.repository import Gtk, Pango
from i18n import _

__all__ = ["SettingsGrid"]

SECONDS = 60
"""What the field of the time proposes."""


class SettingsGrid(Gtk.Grid):
    """One row for each setting; calls `changed` for every change."""

    def __init__(
        self, changed: Callable[[dict[str, Any]], None], *, longest_side: int, has_selection: bool
    ) -> None:
        """
        Args:
            changed: is called with the choice that was made, as `Choices` names it.
            longest_side: the layer's, in pixels.
        """
        super().__init__(row_spacing=6, column_spacing=12)
        self._changed = changed
        self._longest_side = longest_side
        self._ignore_changes = True
        self._preset = Gtk.ComboBoxText()
        for cell in self._preset.get_cells():
            # Long in some languages: the list that opens shows the whole of it.
            cell.set_property("ellipsize", Pango.EllipsizeMode.END)
            cell.set_property("width-chars", 24)
        for name, label, explanation in PRESETS:
            self._preset.append(name, f"{label}: {explanation}")
        self._preset.connect("changed", lambda box: self._emit(preset=box.get_active_id()))
        self._row(0, _("Pr_eset"), self._preset)

        self._strength = _slider(0, 100, 1)
        self._strength.set_digits(1)
        self._strength.add_mark(STRENGTH, Gtk.PositionType.BOTTOM, None)
        self._strength.connect(
            "value-changed", lambda scale: self._emit(strength=round(scale.get_value(), 1))
        )
        self._strength.set_tooltip_text(strength_tip())
        self._row(1, _("Stren_gth"), self._strength)

        self._as_layer = Gtk.CheckButton.new_with_mnemonic(_("As the _layer"))
        self._size = Gtk.SpinButton.new_with_range(MIN_SIZE, MAX_SIZE, 16)
        self._size.set_activates_default(True)
        self._size.set_tooltip_text(_("Longest side to paint at, in pixels"))
        self._as_layer.connect("toggled", self._sized)
        self._size.connect("value-changed", self._sized)
        sizes = Gtk.Box(spacing=12)
        sizes.pack_start(self._size, False, False, 0)
        sizes.pack_start(Gtk.Label(label=_("pixels")), False, False, 0)
        sizes.pack_start(self._as_layer, False, False, 0)
        self._row(2, _("Si_ze"), sizes, self._size)

        self._no_limit = Gtk.CheckButton.new_with_mnemonic(_("As long as it take_s"))
        self._seconds = Gtk.SpinButton.new_with_range(1, MAX_SECONDS, 5)
        self._seconds.set_activates_default(True)
        self._seconds.set_tooltip_text(_("Time to paint in: more makes a finer painting"))
        self._no_limit.connect("toggled", self._timed)
        self._seconds.connect("value-changed", self._timed)
        times = Gtk.Box(spacing=12)
        times.pack_start(self._seconds, False, False, 0)
        times.pack_start(Gtk.Label(label=_("seconds")), False, False, 0)
        times.pack_start(self._no_limit, False, False, 0)
        self._row(3, _("T_ime"), times, self._seconds)

        # Logarithmic: half as large is as far from 1 as twice as large.
        self._scale = _slider(_exponent(MIN_SCALE), _exponent(MAX_SCALE), 0.01)
        self._scale.connect("format-value", lambda _scale, value: f"{_factor(value):g}")
        self._scale.connect(
            "value-changed", lambda scale: self._emit(style_scale=_factor(scale.get_value()))
        )
        self._scale.add_mark(0, Gtk.PositionType.BOTTOM, None)
        self._scale.set_tooltip_text(_("Size of the style picture: larger makes larger strokes"))
        self._row(4, _("Stro_kes"), self._scale)

        self._seed = Gtk.SpinButton.new_with_range(0, MAX_SEED, 1)
        self._seed.connect("value-changed", lambda spin: self._emit(seed=spin.get_value_as_int()))
        self._seed.set_activates_default(True)
        self._seed.set_tooltip_text(_("Of the white noise that some paintings start from"))
        self._output = Gtk.ComboBoxText()
        self._output.append("layer", _("New layer"))
        self._output.append("image", _("New image"))
        self._output.connect("changed", lambda box: self._emit(output=box.get_active_id()))
        outputs = Gtk.Box(spacing=12)
        outputs.pack_start(self._output, False, False, 0)
        outputs.pack_end(self._seed, False, False, 0)
        outputs.pack_end(_named(_("See_d"), self._seed), False, False, 0)
        self._row(5, _("_Output"), outputs, self._output)

        self._keep = Gtk.CheckButton.new_with_mnemonic(_("Keep _my colours"))
        self._keep.set_tooltip_text(_("Take only light and shade from the painting"))
        self._keep.connect("toggled", lambda box: self._emit(keep_colours=box.get_active()))
        self._selected = Gtk.CheckButton.new_with_mnemonic(_("O_nly the selection"))
        self._selected.connect("toggled", lambda box: self._emit(selection_only=box.get_active()))
        self.show_selection(exists=has_selection)
        switches = Gtk.FlowBox(
            selection_mode=Gtk.SelectionMode.NONE, max_children_per_line=2, column_spacing=12
        )
        for switch in (self._keep, self._selected):
            child = Gtk.FlowBoxChild(can_focus=False)
            child.add(switch)
            switches.add(child)
        self.attach(switches, 1, 6, 1, 1)

    def show_choices(self, choices: Choices) -> None:
        """Put the choices into the widgets, without calling `changed`."""
        self._ignore_changes = True
        self._preset.set_active_id(choices.preset)
        self._strength.set_value(choices.strength)
        self._as_layer.set_active(choices.size == 0)
        self._size.set_value(choices.size or min(MAX_SIZE, max(MIN_SIZE, self._longest_side)))
        self._size.set_sensitive(choices.size != 0)
        self._no_limit.set_active(choices.seconds == 0)
        self._seconds.set_value(choices.seconds or SECONDS)
        self._seconds.set_sensitive(choices.seconds != 0)
        self._scale.set_value(_exponent(choices.style_scale))
        self._seed.set_value(choices.seed)
        self._output.set_active_id(choices.output)
        self._keep.set_active(choices.keep_colours)
        self._selected.set_active(choices.selection_only)
        self._ignore_changes = False

    def show_selection(self, *, exists: bool) -> None:
        """Whether something is selected, so that it can be painted alone."""
        self._selected.set_sensitive(exists)
        self._selected.set_tooltip_text(None if exists else _("Nothing is selected"))

    def _sized(self, *_args: Any) -> None:
        as_layer = self._as_layer.get_active()
        self._size.set_sensitive(not as_layer)
        self._emit(size=0 if as_layer else self._size.get_value_as_int())

    def _timed(self, *_args: Any) -> None:
        no_limit = self._no_limit.get_active()
        self._seconds.set_sensitive(not no_limit)
        self._emit(seconds=0 if no_limit else self._seconds.get_value_as_int())

    def _emit(self, **choice: Any) -> None:
        if not self._ignore_changes:
            self._changed(choice)

    def _row(self, row: int, label: str, child: Any, named: Any = None) -> None:
        child.set_hexpand(True)
        self.attach(_named(label, named or child), 0, row, 1, 1)
        self.attach(child, 1, row, 1, 1)


def _named(label: str, widget: Any) -> Any:
    """The label of a widget, with its key."""
    name = Gtk.Label.new_with_mnemonic(label)
    name.set_xalign(0)
    name.set_mnemonic_widget(widget)
    widget.get_accessible().set_name(plain(label))
    return name


def plain(label: str) -> str:
    """A label without its mnemonic: `Gr_oesse`, and as in Japanese `Size (_Z)` at its end."""
    return re.sub(r" ?\(_\w\)$", "", label).replace("_", "")


def _slider(least: float, most: float, step: float) -> Any:
    slider = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, least, most, step)
    slider.set_value_pos(Gtk.PositionType.RIGHT)
    return slider


def _factor(exponent: float) -> float:
    """The style scale at a place of the slider."""
    return float(f"{2**exponent:.2g}")


def _exponent(factor: float) -> float:
    return math.log2(factor)
