"""The procedures that GIMP's menus and scripts call, and their arguments.

Each ends with a value: a layer, or one message a person can read. Nothing is raised into GIMP,
which would show nothing at all.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import MAX_SEED, MAX_SIZE, PRESETS, STRENGTH, Choices
from gi.repository import Gimp, GLib, GObject
from log import message_for, open_log
from painting import paint
from pictures import Region, name_of, refuse_output
from places import Installed, Memory

__all__ = ["OFFERED"]

MENU = "<Image>/Filters/Artistic"
FLAGS = GObject.ParamFlags.READWRITE
HERE = Path(__file__).resolve().parent


def neural_style(plug_in: Any, name: str) -> Any:
    """Filters > Artistic > Neural Style (Impasto)..."""
    procedure = Gimp.ImageProcedure.new(
        plug_in, name, Gimp.PDBProcType.PLUGIN, _ending_in_a_value(_neural_style), None
    )
    procedure.set_image_types("*")
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
    procedure.set_menu_label("_Neural Style (Impasto)...")
    procedure.add_menu_path(MENU)
    procedure.set_documentation(
        "Paint the layer in the style of a painting",
        "Has the layer, or what is selected of it, painted by the server of an Impasto hot folder "
        "and adds the painting as a layer, or opens it as an image. The server must run, for "
        "instance by `impasto watch FOLDER`.",
        name,
    )
    procedure.set_attribution("Impasto", "Impasto, MIT licence", "2026")
    _add_choices(procedure)
    procedure.add_layer_return_value("layer", "Layer", "The painting", True, FLAGS)
    return procedure


def _add_choices(procedure: Any) -> None:
    presets = Gimp.Choice.new()
    for number, (nick, label, explanation) in enumerate(PRESETS):
        presets.add(nick, number, label, explanation)
    outputs = Gimp.Choice.new()
    outputs.add("layer", 0, "New layer", "Above the layer that is painted")
    outputs.add("image", 1, "New image", "")
    usual = Choices()
    procedure.add_string_argument(
        "style",
        "Style",
        "The whole path of a picture, or the name of one in the hot folder's style library",
        usual.style,
        FLAGS,
    )
    procedure.add_choice_argument(
        "preset", "Preset", "The recipe to paint by", presets, usual.preset, FLAGS
    )
    procedure.add_double_argument(
        "strength",
        "Strength",
        f"0 is nearly the picture, 100 nearly all style; at {STRENGTH:g} the preset is as it is",
        0,
        100,
        usual.strength,
        FLAGS,
    )
    procedure.add_int_argument(
        "size",
        "Size",
        "Longest side to paint at, in pixels, from 32; 0: that of the layer",
        0,
        MAX_SIZE,
        usual.size,
        FLAGS,
    )
    procedure.add_boolean_argument(
        "keep-colours",
        "Keep my colours",
        "Take only light and shade from the painting",
        usual.keep_colours,
        FLAGS,
    )
    procedure.add_double_argument(
        "style-scale",
        "Style scale",
        "Size of the style picture; larger makes larger strokes",
        0.05,
        20,
        usual.style_scale,
        FLAGS,
    )
    procedure.add_int_argument(
        "seed", "Seed", "Of the white noise, where there is any", 0, MAX_SEED, usual.seed, FLAGS
    )
    procedure.add_choice_argument(
        "output", "Output", "Where the painting goes", outputs, usual.output, FLAGS
    )
    procedure.add_boolean_argument(
        "selection-only",
        "Only the selection",
        "Paint what is selected, with a layer mask; without a selection, the layer",
        usual.selection_only,
        FLAGS,
    )
    procedure.add_string_argument(
        "hot-folder",
        "Hot folder",
        "The folder that the server watches; empty: the one the plug-in was installed for",
        usual.hot_folder,
        FLAGS,
    )


def _neural_style(
    procedure: Any, run_mode: Any, image: Any, drawables: Any, config: Any, log: Path
) -> list[Any] | None:
    installed = Installed(HERE)
    memory = Memory(log.parent)
    choices = Choices()
    if run_mode == Gimp.RunMode.NONINTERACTIVE:
        choices = choices.over(_arguments(config))
    else:
        choices = memory.choices(choices)
    if not choices.hot_folder:
        choices = replace(choices, hot_folder=installed.hot_folder)
    return [_paint(image, drawables, choices, interactive=False)]


def _paint(image: Any, drawables: Any, choices: Choices, *, interactive: bool) -> Any:
    """Paint and insert; the new layer."""
    choices.check()
    refuse_output(image, choices)
    region = Region(image, drawables, selection_only=choices.selection_only)
    with contextlib.closing(region), _workplace() as workplace, _progress() as progress:
        name = f"{name_of(image)}-{choices.style_name}"
        painted = paint(_GimpEditor(region, progress), choices, workplace, name=name)
        progress(1.0, "Inserting the painting")
        settings = choices.to_json()
        put = region.insert if choices.output == "layer" else region.open
        layer = put(painted.picture, choices.layer_name, settings)
    if interactive and choices.output == "image":
        Gimp.Display.new(layer.get_image())
    Gimp.displays_flush()
    return layer


class _GimpEditor:
    """The `Editor` of a painting."""

    def __init__(self, region: Region, progress: Callable[[float | None, str], None]) -> None:
        self.export = region.export
        self.progress = progress


@contextlib.contextmanager
def _workplace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[float | None, str], None]]:
    """GIMP's progress bar, where it shows one."""

    def show(fraction: float | None, text: str) -> None:
        Gimp.progress_set_text(text)
        if fraction is None:
            Gimp.progress_pulse()
        else:
            Gimp.progress_update(fraction)

    Gimp.progress_init("Impasto")
    try:
        yield show
    finally:
        Gimp.progress_end()


def _arguments(config: Any) -> dict[str, Any]:
    """The procedure's arguments as `Choices` names them."""
    names = [spec.name for spec in config.list_properties()]
    return {name.replace("-", "_"): config.get_property(name) for name in names}


def _ending_in_a_value(work: Callable[..., list[Any] | None]) -> Callable[..., Any]:
    """A procedure's run function: `work`'s values, or its error in words.

    `work` returns None where the artist has thought better of it.
    """

    def run(procedure: Any, run_mode: Any, *arguments: Any) -> Any:
        *subject, config, _ = arguments
        log = open_log(Path(Gimp.directory()) / "impasto")
        try:
            results = work(procedure, run_mode, *subject, config, log)
        except BaseException as error:
            message = message_for(error, log)
            failure = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0)
            return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, failure)
        if results is None:
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
        for number, result in enumerate(results, start=1):
            values.remove(number)
            value = GObject.Value(GObject.type_from_name("GimpLayer"), result)
            values.insert(number, value)
        return values

    return run


OFFERED = {"impasto-neural-style": neural_style}
"""Each procedure's maker, by its name."""
