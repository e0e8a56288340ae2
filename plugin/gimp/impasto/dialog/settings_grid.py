"""The settings of a painting, as widgets: those that a layer's and a texture's have in common."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
from choices import Choices
from gi.repository import Gtk, Pango
from i18n import _
from options import MAX_SCALE, MAX_SECONDS, MAX_SEED, MIN_SCALE, PRESETS

from dialog.picture_button import PictureButton

__all__ = ["OpenNumber", "SettingsGrid", "named", "slider"]

SECONDS = 60
"""What the field of the time proposes."""


class SettingsGrid(Gtk.Grid):
    """One row for each setting; calls `changed` for every change."""

    colours: Sequence[tuple[str, str, str]]
    """Whose colours can be chosen."""

    def __init__(self, changed: Callable[[dict[str, Any]], None]) -> None:
        """`changed` is called with the choice that was made, as `Choices` names it."""
        super().__init__(row_spacing=3, column_spacing=12)
        self._changed = changed
        self._rows = 0
        self._ignore_changes = True
        self._preset = Gtk.ComboBoxText()
        for cell in self._preset.get_cells():
            # Long in some languages: the list that opens shows the whole of it.
            cell.set_property("ellipsize", Pango.EllipsizeMode.END)
            cell.set_property("width-chars", 24)
        for name, label, explanation in PRESETS:
            self._preset.append(name, f"{label}: {explanation}")
        self._preset.connect("changed", lambda box: self._emit(preset=box.get_active_id()))
        self._row(_("Pr_eset"), self._preset)
        self._add_own_rows()
        self._add_time()
        self._add_strokes()
        self._add_colours()
        self._add_output()

    def show_choices(self, choices: Choices) -> None:
        """Put the choices into the widgets, without calling `changed`."""
        self._ignore_changes = True
        self._preset.set_active_id(choices.preset)
        self._show_own(choices)
        self._seconds.show_value(choices.seconds, SECONDS)
        self._scale.set_value(_exponent(choices.style_scale))
        self._seed.set_value(choices.seed)
        self._output.set_active_id(choices.output)
        self._colours.set_active_id(choices.colours)
        self._palette.show_picture(choices.palette)
        self._show_beside(choices.colours)
        self._ignore_changes = False

    def _add_own_rows(self) -> None:
        """Those of this kind of painting."""
        raise NotImplementedError

    def _show_own(self, choices: Choices) -> None:
        raise NotImplementedError

    def _beside_colours(self) -> Any:
        """What can be said of some of the colours besides their palette; an empty box otherwise."""
        return Gtk.Box()

    def _add_time(self) -> None:
        tip = _("Time to paint in: more makes a finer painting")
        self._seconds = OpenNumber(
            (1, MAX_SECONDS, 5), _("seconds"), _("As long as it take_s"), tip
        )
        self._seconds.connect_changed(lambda seconds: self._emit(seconds=seconds))
        self._row(_("T_ime"), self._seconds, self._seconds.number)

    def _add_strokes(self) -> None:
        # Logarithmic: half as large is as far from 1 as twice as large.
        self._scale = slider(_exponent(MIN_SCALE), _exponent(MAX_SCALE), 0.01)
        self._scale.connect("format-value", lambda _scale, value: f"{_factor(value):g}")
        self._scale.connect(
            "value-changed", lambda scale: self._emit(style_scale=_factor(scale.get_value()))
        )
        self._scale.add_mark(0, Gtk.PositionType.BOTTOM, None)
        self._scale.set_tooltip_text(_("Size of the style picture: larger makes larger strokes"))
        self._row(_("Stro_kes"), self._scale)

    def _add_colours(self) -> None:
        self._colours = Gtk.ComboBoxText()
        for name, label, _explanation in self.colours:
            self._colours.append(name, label)
        self._colours.set_tooltip_text(_("Whose colours the painting has"))
        self._colours.connect("changed", self._choose_colours)
        self._palette = PictureButton(
            _("Palette"),
            _("Choose a picture with the colours"),
            lambda picture: self._emit(palette=picture),
        )
        self._beside = Gtk.Stack()
        self._beside.add_named(self._beside_colours(), "other")
        self._beside.add_named(self._palette, "palette")
        self._beside.show_all()
        colours = Gtk.Box(spacing=12)
        colours.pack_start(self._colours, False, False, 0)
        colours.pack_start(self._beside, True, True, 0)
        self._row(_("Colo_urs"), colours, self._colours)

    def _add_output(self) -> None:
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
        outputs.pack_end(named(_("See_d"), self._seed), False, False, 0)
        self._row(_("_Output"), outputs, self._output)

    def _choose_colours(self, box: Any) -> None:
        self._show_beside(box.get_active_id())
        self._emit(colours=box.get_active_id())

    def _show_beside(self, colours: str) -> None:
        """What can be said of these colours."""
        self._beside.set_visible_child_name("palette" if colours == "palette" else "other")

    def _emit(self, **choice: Any) -> None:
        if not self._ignore_changes:
            self._changed(choice)

    def _row(self, label: str, child: Any, labelled: Any = None) -> None:
        child.set_hexpand(True)
        self.attach(named(label, labelled or child), 0, self._rows, 1, 1)
        self.attach(child, 1, self._rows, 1, 1)
        self._rows += 1


class OpenNumber(Gtk.Box):
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


def named(label: str, widget: Any) -> Any:
    """The label of a widget, with its key."""
    name = Gtk.Label.new_with_mnemonic(label)
    name.set_xalign(0)
    name.set_mnemonic_widget(widget)
    widget.get_accessible().set_name(plain(label))
    return name


def plain(label: str) -> str:
    """A label without its mnemonic: `Gr_oesse`, and as in Japanese `Size (_Z)` at its end."""
    return re.sub(r" ?\(_\w\)$", "", label).replace("_", "")


def slider(least: float, most: float, step: float) -> Any:
    slider = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, least, most, step)
    slider.set_value_pos(Gtk.PositionType.RIGHT)
    return slider


def _factor(exponent: float) -> float:
    """The style scale at a place of the slider."""
    return float(f"{2**exponent:.2g}")


def _exponent(factor: float) -> float:
    return math.log2(factor)
