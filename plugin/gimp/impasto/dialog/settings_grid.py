"""The settings of a painting, as widgets."""

import math
import re
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from choices import (
    COLOURS,
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
    style_file,
)
from gi.repository import Gtk, Pango
from i18n import _

from dialog.style_list import picture_filter

__all__ = ["SettingsGrid"]

SECONDS = 60
"""What the field of the time proposes."""


class SettingsGrid(Gtk.Grid):
    """One row for each setting; calls `changed` for every change."""

    def __init__(self, changed: Callable[[dict[str, Any]], None], *, longest_side: int) -> None:
        """
        Args:
            changed: is called with the choice that was made, as `Choices` names it.
            longest_side: the layer's, in pixels.
        """
        super().__init__(row_spacing=3, column_spacing=12)
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

        size_tip = _("Longest side to paint at, in pixels")
        self._size = _OpenNumber(
            (MIN_SIZE, MAX_SIZE, 16), _("pixels"), _("As the _layer"), size_tip
        )
        self._size.connect_changed(lambda size: self._emit(size=size))
        self._row(2, _("Si_ze"), self._size, self._size.number)

        seconds_tip = _("Time to paint in: more makes a finer painting")
        self._seconds = _OpenNumber(
            (1, MAX_SECONDS, 5), _("seconds"), _("As long as it take_s"), seconds_tip
        )
        self._seconds.connect_changed(lambda seconds: self._emit(seconds=seconds))
        self._row(3, _("T_ime"), self._seconds, self._seconds.number)

        # Logarithmic: half as large is as far from 1 as twice as large.
        self._scale = _slider(_exponent(MIN_SCALE), _exponent(MAX_SCALE), 0.01)
        self._scale.connect("format-value", lambda _scale, value: f"{_factor(value):g}")
        self._scale.connect(
            "value-changed", lambda scale: self._emit(style_scale=_factor(scale.get_value()))
        )
        self._scale.add_mark(0, Gtk.PositionType.BOTTOM, None)
        self._scale.set_tooltip_text(_("Size of the style picture: larger makes larger strokes"))
        self._row(4, _("Stro_kes"), self._scale)

        self._colours = Gtk.ComboBoxText()
        for name, label, _explanation in COLOURS:
            self._colours.append(name, label)
        self._colours.set_tooltip_text(_("Whose colours the painting has"))
        self._colours.connect("changed", self._choose_colours)
        self._amount = _slider(0, 1, 0.01)
        self._amount.set_tooltip_text(
            _("How far a blend goes: 0 is the painting's colours, 1 the layer's")
        )
        self._amount.get_accessible().set_name(_("Colour amount"))
        self._amount.connect(
            "value-changed", lambda scale: self._emit(colour_amount=round(scale.get_value(), 2))
        )
        self._palette = Gtk.FileChooserButton.new(
            _("Choose a picture with the colours"), Gtk.FileChooserAction.OPEN
        )
        self._palette.add_filter(picture_filter())
        self._palette.get_accessible().set_name(_("Palette"))
        self._palette.connect(
            "file-set", lambda button: self._emit(palette=button.get_filename() or "")
        )
        self._beside_colours = Gtk.Stack()
        self._beside_colours.add_named(self._amount, "amount")
        self._beside_colours.add_named(self._palette, "palette")
        self._beside_colours.show_all()
        colours = Gtk.Box(spacing=12)
        colours.pack_start(self._colours, False, False, 0)
        colours.pack_start(self._beside_colours, True, True, 0)
        self._row(5, _("Colo_urs"), colours, self._colours)

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
        self._row(6, _("_Output"), outputs, self._output)

    def show_choices(self, choices: Choices) -> None:
        """Put the choices into the widgets, without calling `changed`."""
        self._ignore_changes = True
        self._preset.set_active_id(choices.preset)
        self._strength.set_value(choices.strength)
        self._size.show_value(choices.size, min(MAX_SIZE, max(MIN_SIZE, self._longest_side)))
        self._seconds.show_value(choices.seconds, SECONDS)
        self._scale.set_value(_exponent(choices.style_scale))
        self._seed.set_value(choices.seed)
        self._output.set_active_id(choices.output)
        self._colours.set_active_id(choices.colours)
        self._amount.set_value(choices.colour_amount)
        self._show_beside(choices.colours)
        file = style_file(choices.palette)
        if file is not None:
            self._palette.set_filename(str(file))
        else:
            self._palette.unselect_all()
        self._ignore_changes = False

    def _choose_colours(self, box: Any) -> None:
        self._show_beside(box.get_active_id())
        self._emit(colours=box.get_active_id())

    def _show_beside(self, colours: str) -> None:
        """What can be said of these colours."""
        self._amount.set_sensitive(colours == "blend")
        self._beside_colours.set_visible_child_name("palette" if colours == "palette" else "amount")

    def _emit(self, **choice: Any) -> None:
        if not self._ignore_changes:
            self._changed(choice)

    def _row(self, row: int, label: str, child: Any, named: Any = None) -> None:
        child.set_hexpand(True)
        self.attach(_named(label, named or child), 0, row, 1, 1)
        self.attach(child, 1, row, 1, 1)


class _OpenNumber(Gtk.Box):
    """A number, or a tick that leaves it open, which is 0."""

    def __init__(
        self, steps: tuple[float, float, float], unit: str, left_open: str, tip: str
    ) -> None:
        """`steps`: the least number, the most, and from one to the next."""
        super().__init__(spacing=12)
        self.number = Gtk.SpinButton.new_with_range(*steps)
        self.number.set_activates_default(True)
        self.number.set_tooltip_text(tip)
        self._is_open = Gtk.CheckButton.new_with_mnemonic(left_open)
        self.pack_start(self.number, False, False, 0)
        self.pack_start(Gtk.Label(label=unit), False, False, 0)
        self.pack_start(self._is_open, False, False, 0)

    def connect_changed(self, changed: Callable[[int], None]) -> None:
        """`changed` is called with the new value."""

        def tell(*_args: Any) -> None:
            is_open = self._is_open.get_active()
            self.number.set_sensitive(not is_open)
            changed(0 if is_open else self.number.get_value_as_int())

        self._is_open.connect("toggled", tell)
        self.number.connect("value-changed", tell)

    def show_value(self, value: int, proposed: int) -> None:
        """`proposed`: the number to begin with where it is open."""
        self._is_open.set_active(value == 0)
        self.number.set_value(value or proposed)
        self.number.set_sensitive(value != 0)


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
