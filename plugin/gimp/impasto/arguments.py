"""The arguments of the procedures, as GIMP shows and checks them, and what they choose."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import Choices, Refusal, StyledRegion
from gi.repository import Gimp, GObject
from i18n import _
from images.areas import region_named
from images.open_pictures import picture_of
from options import (
    COLOURS,
    MAX_SCALE,
    MAX_SECONDS,
    MAX_SEED,
    MAX_SIZE,
    MIN_SCALE,
    MIN_SIZE,
    PRESETS,
    TEXTURE_COLOURS,
    strength_tip,
    tile_tip,
)

__all__ = [
    "FLAGS",
    "add_choices",
    "add_hot_folder",
    "add_texture_choices",
    "chosen",
    "outputs",
]

FLAGS = GObject.ParamFlags.READWRITE


def add_choices(procedure: Any) -> None:
    """Everything that can be chosen of a layer's painting."""
    usual = Choices()
    _add_style(procedure)
    # No array of objects: GIMP refuses one that is empty, as it is where there are no regions.
    procedure.add_string_array_argument(
        "regions",
        _("Regions"),
        _(
            "Names of channels, or of layers with masks: where they are white is painted, each in "
            "a style of its own, and the rest stays as it is. None: all is painted in one style"
        ),
        FLAGS,
    )
    procedure.add_string_array_argument(
        "region-styles",
        _("Styles of the regions"),
        _("One for each region, as the style is named"),
        FLAGS,
    )
    _add_preset(procedure)
    procedure.add_double_argument(
        "strength",
        _("Strength"),
        strength_tip(),
        0,
        100,
        usual.strength,
        FLAGS,
    )
    procedure.add_int_argument(
        "size",
        _("Size"),
        _("Longest side to paint at, in pixels, from 32; 0: that of the layer"),
        0,
        MAX_SIZE,
        usual.size,
        FLAGS,
    )
    _add_seconds(procedure)
    _add_colours(procedure, COLOURS)
    procedure.add_double_argument(
        "colour-amount",
        _("Colour amount"),
        _("How far a blend goes: 0 is the painting's colours, 1 the layer's"),
        0,
        1,
        usual.colour_amount,
        FLAGS,
    )
    _add_strokes_and_output(procedure)
    procedure.add_boolean_argument(
        "selection-only",
        _("Only the selection"),
        _("Paint what is selected, with a layer mask; without a selection, the layer"),
        usual.selection_only,
        FLAGS,
    )


def add_texture_choices(procedure: Any) -> None:
    """Everything that can be chosen of a texture."""
    usual = Choices(texture=True)
    _add_style(procedure)
    for name, label, value in (
        ("width", _("Width"), usual.width),
        ("height", _("Height"), usual.height),
    ):
        procedure.add_int_argument(name, label, _("In pixels"), MIN_SIZE, MAX_SIZE, value, FLAGS)
    procedure.add_boolean_argument("tile", _("Seamless"), tile_tip(), usual.tile, FLAGS)
    _add_preset(procedure)
    _add_seconds(procedure)
    _add_colours(procedure, TEXTURE_COLOURS)
    _add_strokes_and_output(procedure)


def _add_style(procedure: Any) -> None:
    procedure.add_string_argument(
        "style",
        _("Style"),
        _("The whole path of a picture, or the name of one in the hot folder's style library"),
        Choices.style,
        FLAGS,
    )
    procedure.add_layer_argument(
        "style-layer",
        _("Style layer"),
        _("A layer for the style, of any image"),
        True,
        FLAGS,
    )


def _add_preset(procedure: Any) -> None:
    recipes = _named(PRESETS)
    procedure.add_choice_argument(
        "preset", _("Preset"), _("The recipe to paint by"), recipes, Choices.preset, FLAGS
    )


def _add_seconds(procedure: Any) -> None:
    procedure.add_int_argument(
        "seconds",
        _("Time"),
        _("Seconds to paint in: more make a finer painting; 0: as long as it takes"),
        0,
        MAX_SECONDS,
        Choices.seconds,
        FLAGS,
    )


def _add_colours(procedure: Any, colours: Sequence[tuple[str, str, str]]) -> None:
    procedure.add_choice_argument(
        "colours",
        _("Colours"),
        _("Whose colours the painting has"),
        _named(colours),
        Choices.colours,
        FLAGS,
    )
    procedure.add_string_argument(
        "palette",
        _("Palette"),
        _("The picture whose colours are used: a whole path, or a name in the style library"),
        Choices.palette,
        FLAGS,
    )
    procedure.add_layer_argument(
        "palette-layer",
        _("Palette layer"),
        _("A layer whose colours are used, of any image"),
        True,
        FLAGS,
    )


def _add_strokes_and_output(procedure: Any) -> None:
    procedure.add_double_argument(
        "style-scale",
        _("Strokes"),
        _("Size of the style picture: larger makes larger strokes"),
        MIN_SCALE,
        MAX_SCALE,
        Choices.style_scale,
        FLAGS,
    )
    procedure.add_int_argument(
        "seed",
        _("Seed"),
        _("Of the white noise that some paintings start from"),
        0,
        MAX_SEED,
        Choices.seed,
        FLAGS,
    )
    procedure.add_choice_argument(
        "output", _("Output"), _("Where the painting goes"), outputs(), Choices.output, FLAGS
    )


def _named(values: Sequence[tuple[str, str, str]]) -> Any:
    choice = Gimp.Choice.new()
    for number, (nick, label, explanation) in enumerate(values):
        choice.add(nick, number, label, explanation)
    return choice


def outputs() -> Any:
    """The places that a painting can go to."""
    places = Gimp.Choice.new()
    places.add("layer", 0, _("New layer"), _("In the image, above the layer"))
    places.add("image", 1, _("New image"), _("An image of its own"))
    return places


def add_hot_folder(procedure: Any) -> None:
    # No file argument: where nothing is, GIMP would refuse it in words that nobody understands.
    procedure.add_string_argument(
        "hot-folder",
        _("Hot folder"),
        _("The folder that the server watches; empty: the one the plug-in was installed for"),
        "",
        FLAGS,
    )


def chosen(image: Any, config: Any) -> Choices:
    """What the arguments of a call choose.

    Raises:
        Refusal: regions and styles do not belong together.
    """
    offered = {each.name for each in config.list_properties()}
    names = {field.name: field.name.replace("_", "-") for field in fields(Choices)}
    values = {
        name: config.get_property(argument)
        for name, argument in names.items()
        if argument in offered and name != "regions"
    }
    for name in ("style", "palette"):
        layer = config.get_property(f"{name}-layer")
        if layer is not None:
            values[name] = str(picture_of(layer))
    if "regions" in offered:
        values["regions"] = _regions(image, config)
    return Choices(**values)


def _regions(image: Any, config: Any) -> tuple[StyledRegion, ...]:
    names = config.get_property("regions") or []
    styles = config.get_property("region-styles") or []
    if len(names) != len(styles):
        raise Refusal(
            _(
                "There are {regions} regions and {styles} region-styles. Each region needs a style "
                "of its own, in the same order."
            ).format(regions=len(names), styles=len(styles))
        )
    pairs = zip(names, styles, strict=True)
    return tuple(region_named(image, name, style) for name, style in pairs)
