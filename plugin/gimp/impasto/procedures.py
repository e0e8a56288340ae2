"""The procedures that GIMP's menus and scripts call: their names, labels and arguments."""

from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from arguments import FLAGS, add_choices, add_hot_folder, add_texture_choices, outputs
from gi.repository import Gimp
from i18n import _
from run_function import make_run_function
from work import import_paintings, paint_again, paint_layer, paint_texture

__all__ = ["OFFERED"]

MENU = "<Image>/Filters/Artistic"


def neural_style(plug_in: Any, name: str) -> Any:
    """Filters > Artistic > Neural Style (Impasto)..."""
    procedure = _procedure(
        plug_in,
        name,
        paint_layer,
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
        paint_again,
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
        import_paintings,
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


def texture(plug_in: Any, name: str) -> Any:
    """Filters > Artistic > Texture (Impasto)..., and File > Create."""
    procedure = _procedure(
        plug_in,
        name,
        paint_texture,
        "GimpLayer",
        _("Te_xture (Impasto)..."),
        _("Paint a texture in the style of a painting"),
        _(
            "Has a texture of any size painted by the server of an Impasto hot folder, from a "
            "style alone, and adds it as a layer or opens it as an image. The server must run."
        ),
    )
    procedure.add_menu_path("<Image>/File/Create")
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
    add_texture_choices(procedure)
    add_hot_folder(procedure)
    procedure.add_layer_return_value("layer", _("Layer"), _("The painting"), True, FLAGS)
    return procedure


OFFERED = {
    "impasto-neural-style": neural_style,
    "impasto-texture": texture,
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
