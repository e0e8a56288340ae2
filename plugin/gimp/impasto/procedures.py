"""The procedures that GIMP's menus and scripts call, and their arguments.

Each ends with a value, or with one message that a person can read. Nothing is raised into GIMP,
which would show nothing at all.
"""

import contextlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from arguments import FLAGS, add_choices, add_hot_folder, chosen, outputs
from choices import Choices, Refusal
from gi.repository import Gimp
from guard import guarded
from i18n import _
from images.areas import has_area
from images.layers import attached_settings, image_name, meant_layers, refuse_output
from images.placement import Placement
from images.region import Region
from painting.job import Exported, paint
from preferences import Installation, Preferences
from results.outbox import import_results
from run_function import make_run_function, progress_bar

__all__ = ["OFFERED"]

MENU = "<Image>/Filters/Artistic"
HERE = Path(__file__).resolve().parent


def neural_style(plug_in: Any, name: str) -> Any:
    """Filters > Artistic > Neural Style (Impasto)..."""
    procedure = _procedure(
        plug_in,
        name,
        _neural_style,
        "GimpLayer",
        _("_Neural Style (Impasto)..."),
        _("Paint the layer in the style of a painting"),
        _(
            "Has the layer, or what is selected of it, painted by the server of an Impasto hot "
            "folder, and adds the painting as a layer or opens it as an image. The server must run."
        ),
    )
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
    add_choices(procedure)
    add_hot_folder(procedure)
    procedure.add_layer_return_value("layer", _("Layer"), _("The painting"), True, FLAGS)
    return procedure


def repeat(plug_in: Any, name: str) -> Any:
    """Filters > Artistic > Repeat Impasto with the settings of this layer..."""
    procedure = _procedure(
        plug_in,
        name,
        _repeat,
        "GimpLayer",
        _("Re_peat Impasto with the settings of this layer..."),
        _("Paint again with the settings that a painted layer carries"),
        _(
            "Paints the layer that the selected one was painted from, if it is still there, else "
            "the selected one itself, with the settings that the selected one carries."
        ),
    )
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
    add_hot_folder(procedure)
    procedure.add_layer_return_value("layer", _("Layer"), _("The painting"), True, FLAGS)
    return procedure


def import_finished(plug_in: Any, name: str) -> Any:
    """Filters > Artistic > Import finished Impasto results..."""
    procedure = _procedure(
        plug_in,
        name,
        _import_finished,
        "gint",
        _("_Import finished Impasto results..."),
        _("Insert finished paintings as layers, or open them"),
        _(
            "Lists what was painted in an Impasto hot folder, whoever had it painted: batches, "
            "files dropped into the folder, other programs."
        ),
    )
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
    procedure.add_string_array_argument(
        "names", _("Names"), _("Of results, without the ending; none: the newest one"), FLAGS
    )
    procedure.add_choice_argument(
        "output", _("Output"), _("Where the results go"), outputs(), "layer", FLAGS
    )
    add_hot_folder(procedure)
    procedure.add_int_return_value(
        "count", _("Count"), _("Of results imported"), 0, 10_000, 0, FLAGS
    )
    return procedure


OFFERED = {
    "impasto-neural-style": neural_style,
    "impasto-repeat": repeat,
    "impasto-import": import_finished,
}
"""Each procedure's maker, by its name."""


def _procedure(
    plug_in: Any, name: str, work: Any, result: str, label: str, blurb: str, help_text: str
) -> Any:
    procedure = Gimp.ImageProcedure.new(
        plug_in, name, Gimp.PDBProcType.PLUGIN, make_run_function(work, result), None
    )
    procedure.set_image_types("*")
    procedure.set_menu_label(label)
    procedure.add_menu_path(MENU)
    procedure.set_documentation(blurb, help_text, name)
    procedure.set_attribution("Impasto", "Impasto, MIT licence", "2026")
    return procedure


# --- their work ----------------------------------------------------------------------------------


def _neural_style(run_mode: Any, image: Any, drawables: Any, config: Any, folder: Path) -> Any:
    if run_mode == Gimp.RunMode.NONINTERACTIVE:
        choices = chosen(image, config)
    else:
        choices = Preferences(folder).choices()
        if not any(has_area(image, region) for region in choices.regions):
            choices = replace(choices, regions=())  # they were another image's
    return _ask_and_paint(run_mode, image, drawables, choices, folder)


def _repeat(run_mode: Any, image: Any, drawables: Any, config: Any, folder: Path) -> Any:
    layers = list(drawables)
    carried = attached_settings(layers[0]) if len(layers) == 1 and layers[0].is_layer() else None
    if carried is None or not _is_mapping(carried):
        raise Refusal(
            _("The selected layer carries no settings of Impasto. Select one that Impasto painted.")
        )
    choices = replace(Choices.from_json(carried), hot_folder=_hot_folder(config, folder))
    source = _source_of(image, carried) or layers[0]
    return _ask_and_paint(run_mode, image, [source], choices, folder)


def _import_finished(run_mode: Any, image: Any, __: Any, config: Any, folder: Path) -> Any:
    hot_folder = _hot_folder(config, folder) or Installation(HERE).hot_folder
    if run_mode == Gimp.RunMode.NONINTERACTIVE:
        names = config.get_property("names") or []
        return import_results(hot_folder, names, image, config.get_property("output"))
    from results.dialog import choose_and_import  # needs a screen

    return choose_and_import(hot_folder, image)


def _ask_and_paint(
    run_mode: Any, image: Any, drawables: Any, choices: Choices, folder: Path
) -> Any:
    installed = Installation(HERE)
    if not choices.hot_folder:
        choices = replace(choices, hot_folder=installed.hot_folder)
    interactive = run_mode == Gimp.RunMode.INTERACTIVE
    if run_mode != Gimp.RunMode.NONINTERACTIVE:
        drawables = meant_layers(image, drawables)
    with tempfile.TemporaryDirectory(prefix="impasto-") as name:
        temporary = Path(name)
        if interactive:
            from dialog.window import ask  # needs a screen

            asked = ask(image, drawables, choices, installed, Preferences(folder), temporary)
            if asked is None:
                return None
            choices = asked
        layer, remark = _paint(image, drawables, choices, temporary)
    if run_mode != Gimp.RunMode.NONINTERACTIVE and layer.get_image() != image:
        Gimp.Display.new(layer.get_image())
    Gimp.displays_flush()
    if remark:
        Gimp.message(remark)
    return layer


def _paint(image: Any, drawables: Any, choices: Choices, temporary: Path) -> tuple[Any, str]:
    """Paint and insert; the new layer, and what the artist should know about where it is."""
    choices.check()
    refuse_output(image, choices)
    region = Region(
        image, drawables, selection_only=choices.selection_only, regions=choices.regions
    )
    with progress_bar() as progress:
        source = {"tattoo": region.layer.get_tattoo(), "name": region.layer.get_name()}
        # Where the hot folder is, is this machine's business.
        carried = replace(choices, hot_folder="").to_json()
        settings = json.dumps({**json.loads(carried), "source": source})
        name = f"{image_name(image)}-{choices.style_name}"
        placement = Placement(region)
        editor = _GimpEditor(region, choices.size, progress)
        painted = paint(editor, choices, temporary, name=name, guard=guarded)
        progress(1.0, _("Inserting the painting"))
        if choices.output == "image":
            return placement.open(painted.picture, choices.layer_name, settings), ""
        return placement.insert(painted.picture, choices.layer_name, settings)


class _GimpEditor:
    """The `Editor` of a painting."""

    def __init__(
        self, region: Region, size: int, progress: Callable[[float | None, str], None]
    ) -> None:
        self._region = region
        self._size = size
        self.progress = progress

    def export(self, folder: Path) -> Exported:
        content = folder / "content.png"
        width, height = self._region.export(content)
        mask, regions = self._region.export_masks(folder, size=self._size or None)
        return Exported(content, width, height, mask, regions)


def _is_mapping(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _source_of(image: Any, carried: str) -> Any:
    """The layer that a painted one was made from, if this image still has it."""
    with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError, OverflowError):
        source = json.loads(carried)["source"]
        layer = image.get_layer_by_tattoo(source["tattoo"])
        # A copy in another image carries a number that means another layer there.
        return layer if layer is not None and layer.get_name() == source["name"] else None
    return None  # The text came with a file, from anywhere.


def _hot_folder(config: Any, folder: Path) -> str:
    """The argument, else that of the last run; empty if there is neither."""
    chosen = config.get_property("hot-folder")
    return str(chosen or Preferences(folder).choices().hot_folder)
