"""The dialog of Filters > Artistic > Neural Style (Impasto)..."""

import contextlib
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from choices import MAX_SEED, MAX_SIZE, MIN_SIZE, PRESETS, Choices, Refusal
from client import Client, ClientError
from gi.repository import Gimp, GimpUi, GLib, Gtk
from live import Live
from painting import refuse_unserved
from pictures import Region, refuse_output
from places import Installed, Memory
from preview import PreviewPane
from server_row import ServerRow
from style_list import StyleList

__all__ = ["ask"]

LOOK_MS = 200
SERVER_LOOKS = 5
"""Every so many looks, one at the server."""

ORIGINAL_SIDE = 640


def ask(
    image: Any, drawables: Any, choices: Choices, installed: Installed, memory: Memory, folder: Path
) -> Choices | None:
    """Let the artist choose; None if nothing is to be painted.

    Args:
        folder: a temporary one, for the preview's pictures.
    """
    GimpUi.init("impasto")
    dialog = _Dialog(image, drawables, choices, installed, memory, folder)
    try:
        return dialog.run()
    finally:
        dialog.close()


class _Dialog:
    def __init__(
        self,
        image: Any,
        drawables: Any,
        choices: Choices,
        installed: Installed,
        memory: Memory,
        folder: Path,
    ) -> None:
        self._image = image
        self._drawables = drawables
        self._installed = installed
        self._memory = memory
        self._folder = folder
        self._choices = choices
        self._looks = 0
        self._quiet = True
        self._live = Live(self._export, folder)
        self._window = GimpUi.Dialog(title="Neural Style (Impasto)", role="impasto")
        self._window.add_button("_Reset", Gtk.ResponseType.REJECT)
        self._window.add_button("_Cancel", Gtk.ResponseType.CANCEL)
        self._window.add_button("_Paint", Gtk.ResponseType.OK)
        self._window.set_default_response(Gtk.ResponseType.OK)
        GimpUi.window_set_transient(self._window)
        self._build()
        self._show(choices)
        self._quiet = False
        self._list_styles()
        self._window.show_all()
        self._look()
        self._changed()
        self._timer = GLib.timeout_add(LOOK_MS, self._look)

    def run(self) -> Choices | None:
        """The choices, once they can be painted; None if the artist thinks better of it."""
        while True:
            response = self._window.run()
            if response == Gtk.ResponseType.REJECT:
                self._reset()
            elif response != Gtk.ResponseType.OK:
                return None
            else:
                try:
                    self._refuse_what_fails()
                except (Refusal, ClientError) as error:
                    self._say(str(error))
                else:
                    return self._choices

    def close(self) -> None:
        """Take the dialog away, and whatever the preview left in the hot folder."""
        GLib.source_remove(self._timer)
        choices = self._choices
        if choices.hot_folder == self._installed.hot_folder:
            # Not remembered: a later installation may know another.
            choices = replace(choices, hot_folder="")
        self._memory.remember(choices)
        self._window.hide()
        while Gtk.events_pending():
            Gtk.main_iteration()
        self._live.close()
        self._window.destroy()

    # --- widgets -----------------------------------------------------------------------------

    def _build(self) -> None:
        self._styles = StyleList(lambda style: self._choose(style=style))
        self._preview = PreviewPane(self._live, self._original(), self._changed)
        self._server = ServerRow(self._installed.command, self._choose_folder, self._server_runs)
        self._note = Gtk.Label(xalign=0, wrap=True, max_width_chars=80, no_show_all=True)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12)
        left.pack_start(_titled("Style", self._styles), True, True, 0)
        left.pack_start(_titled("Painting", self._settings()), False, False, 0)
        middle = Gtk.Box(spacing=18)
        middle.pack_start(left, True, True, 0)
        middle.pack_start(self._preview, False, False, 0)
        content = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, border_width=12)
        content.pack_start(middle, True, True, 0)
        content.pack_start(self._note, False, False, 0)
        content.pack_start(Gtk.Separator(), False, False, 0)
        content.pack_start(self._server, False, False, 0)
        self._window.get_content_area().pack_start(content, True, True, 0)

    def _settings(self) -> Any:
        grid = Gtk.Grid(row_spacing=6, column_spacing=12)
        self._preset = Gtk.ComboBoxText()
        for name, label, explanation in PRESETS:
            self._preset.append(name, f"{label}: {explanation[:1].lower()}{explanation[1:]}")
        self._preset.connect("changed", lambda box: self._choose(preset=box.get_active_id()))
        _row(grid, 0, "Pr_eset", self._preset)

        self._strength = _slider(0, 100, 1)
        self._strength.add_mark(75, Gtk.PositionType.BOTTOM, None)
        self._strength.connect(
            "value-changed", lambda scale: self._choose(strength=round(scale.get_value(), 1))
        )
        self._strength.set_tooltip_text(
            "0 is nearly the picture, 100 nearly all style; at 75 the preset is as it is"
        )
        _row(grid, 1, "Stren_gth", self._strength)

        self._as_layer = Gtk.CheckButton.new_with_mnemonic("As the _layer")
        self._size = Gtk.SpinButton.new_with_range(MIN_SIZE, MAX_SIZE, 16)
        self._size.set_tooltip_text("Longest side to paint at, in pixels")
        self._as_layer.connect("toggled", self._sized)
        self._size.connect("value-changed", self._sized)
        sizes = Gtk.Box(spacing=12)
        sizes.pack_start(self._size, False, False, 0)
        sizes.pack_start(Gtk.Label(label="pixels"), False, False, 0)
        sizes.pack_start(self._as_layer, False, False, 0)
        _row(grid, 2, "Si_ze", sizes, self._size)

        # Logarithmic: half as large is as far from 1 as twice as large.
        self._scale = _slider(-2, 2, 0.01)
        self._scale.connect("format-value", lambda _, value: f"{_factor(value):g}")
        self._scale.connect(
            "value-changed", lambda scale: self._choose(style_scale=_factor(scale.get_value()))
        )
        self._scale.add_mark(0, Gtk.PositionType.BOTTOM, None)
        self._scale.set_tooltip_text("Size of the style picture: larger makes larger strokes")
        _row(grid, 3, "Stro_kes", self._scale)

        self._seed = Gtk.SpinButton.new_with_range(0, MAX_SEED, 1)
        self._seed.connect("value-changed", lambda spin: self._choose(seed=spin.get_value_as_int()))
        self._seed.set_tooltip_text("Of the white noise that some paintings start from")
        seeds = Gtk.Box()
        seeds.pack_start(self._seed, False, False, 0)
        _row(grid, 4, "See_d", seeds, self._seed)

        self._output = Gtk.ComboBoxText()
        self._output.append("layer", "New layer")
        self._output.append("image", "New image")
        self._output.connect("changed", lambda box: self._choose(output=box.get_active_id()))
        outputs = Gtk.Box()
        outputs.pack_start(self._output, False, False, 0)
        _row(grid, 5, "_Output", outputs, self._output)

        self._keep = Gtk.CheckButton.new_with_mnemonic("Keep _my colours")
        self._keep.set_tooltip_text("Take only light and shade from the painting")
        self._keep.connect("toggled", lambda box: self._choose(keep_colours=box.get_active()))
        grid.attach(self._keep, 1, 6, 1, 1)

        self._selected = Gtk.CheckButton.new_with_mnemonic("O_nly the selection")
        self._selected.connect("toggled", lambda box: self._choose(selection_only=box.get_active()))
        if Gimp.Selection.is_empty(self._image):
            self._selected.set_sensitive(False)
            self._selected.set_tooltip_text("Nothing is selected")
        grid.attach(self._selected, 1, 7, 1, 1)
        return grid

    def _show(self, choices: Choices) -> None:
        """Put the choices into the widgets."""
        self._quiet = True
        if choices.style:
            self._styles.choose(choices.style)
        self._preset.set_active_id(choices.preset)
        self._strength.set_value(choices.strength)
        self._as_layer.set_active(choices.size == 0)
        self._size.set_value(choices.size or min(MAX_SIZE, max(MIN_SIZE, self._longest_side())))
        self._size.set_sensitive(choices.size != 0)
        self._scale.set_value(_exponent(choices.style_scale))
        self._seed.set_value(choices.seed)
        self._output.set_active_id(choices.output)
        self._keep.set_active(choices.keep_colours)
        self._selected.set_active(choices.selection_only)
        self._quiet = False
        self._choices = choices

    # --- what happens ------------------------------------------------------------------------

    def _choose(self, **choice: Any) -> None:
        if self._quiet:
            return
        before, self._choices = self._choices, replace(self._choices, **choice)
        # What changes no stroke of it needs no new preview.
        if replace(before, output="", size=0, preset="") != replace(
            self._choices, output="", size=0, preset=""
        ):
            self._changed()
        self._note_what_is_to_be_known()

    def _changed(self) -> None:
        if not self._quiet:
            self._preview.want(self._choices, self._original())
            self._note_what_is_to_be_known()

    def _sized(self, _: Any) -> None:
        as_layer = self._as_layer.get_active()
        self._size.set_sensitive(not as_layer)
        self._choose(size=0 if as_layer else self._size.get_value_as_int())

    def _reset(self) -> None:
        usual = Choices(style=self._choices.style, hot_folder=self._choices.hot_folder)
        self._show(usual)
        self._changed()

    def _choose_folder(self, folder: str) -> None:
        self._choices = replace(self._choices, hot_folder=folder)
        self._list_styles()
        self._look_at_server()
        self._changed()

    def _server_runs(self) -> None:
        self._list_styles()
        self._changed()

    def _look(self) -> bool:
        self._preview.look()
        if self._looks % SERVER_LOOKS == 0:
            self._look_at_server()
        self._looks += 1
        return True

    def _look_at_server(self) -> None:
        self._server.look(self._choices.hot_folder)

    def _list_styles(self) -> None:
        library = []
        if self._choices.hot_folder:
            with contextlib.suppress(ClientError):  # the row about the server says what is wrong
                styles = Client(self._choices.hot_folder).styles()
                library = [(style.name, style.title, style.picture) for style in styles]
        self._quiet = True
        chosen = self._choices.style
        self._styles.show_styles(library, self._memory.recent_styles())
        self._styles.choose(chosen or next((name for name, *_ in library), ""))
        self._quiet = False
        if self._styles.style and self._styles.style != chosen:
            self._choices = replace(self._choices, style=self._styles.style)

    def _note_what_is_to_be_known(self) -> None:
        base = self._image.get_base_type()
        text = ""
        if self._choices.output == "layer":
            if base == Gimp.ImageBaseType.GRAY:
                text = "The image is grey, and so will the new layer be. A new image keeps colours."
            elif base == Gimp.ImageBaseType.INDEXED:
                text = (
                    "The image has a palette, into which a painting does not fit. Choose the "
                    "output New image, or Image > Mode > RGB first."
                )
        self._say(text)

    def _say(self, text: str) -> None:
        self._note.set_text(text)
        self._note.set_visible(bool(text))

    def _refuse_what_fails(self) -> None:
        """Raises what would end the painting at once, so that it is said here."""
        self._choices.check()
        refuse_output(self._image, self._choices)
        Region(self._image, self._drawables, selection_only=self._choices.selection_only).close()
        refuse_unserved(Client(self._choices.hot_folder))

    # --- pictures ----------------------------------------------------------------------------

    def _export(self, choices: Choices, path: Path, side: int) -> tuple[int, int]:
        region = Region(self._image, self._drawables, selection_only=choices.selection_only)
        try:
            return region.export(path, side)
        finally:
            region.close()

    def _original(self) -> Path:
        """A picture of what is painted; there is none where it cannot be."""
        path = self._folder / f"original-{self._choices.selection_only}.png"
        if not path.exists():
            with contextlib.suppress(Refusal):  # said when it is previewed or painted
                self._export(self._choices, path, ORIGINAL_SIDE)
        return path

    def _longest_side(self) -> int:
        layer = self._drawables[0]
        return max(layer.get_width(), layer.get_height())


def _titled(title: str, child: Any) -> Any:
    frame = GimpUi.Frame.new(title)
    frame.add(child)
    return frame


def _row(grid: Any, row: int, label: str, child: Any, named: Any = None) -> None:
    name = Gtk.Label.new_with_mnemonic(label)
    name.set_xalign(0)
    name.set_mnemonic_widget(named or child)
    (named or child).get_accessible().set_name(label.replace("_", ""))
    child.set_hexpand(True)
    grid.attach(name, 0, row, 1, 1)
    grid.attach(child, 1, row, 1, 1)


def _slider(least: float, most: float, step: float) -> Any:
    slider = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, least, most, step)
    slider.set_value_pos(Gtk.PositionType.RIGHT)
    return slider


def _factor(exponent: float) -> float:
    """The style scale at a place of the slider."""
    return float(f"{2**exponent:.2g}")


def _exponent(factor: float) -> float:
    return math.log2(factor)
