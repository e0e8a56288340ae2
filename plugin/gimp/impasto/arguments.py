"""The arguments of the procedures, as GIMP shows and checks them, and what they choose."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import (
    COLOURS,
    MAX_SCALE,
    MAX_SECONDS,
    MAX_SEED,
    MAX_SIZE,
    MIN_SCALE,
    PRESETS,
    Choices,
    Refusal,
    StyledRegion,
    strength_tip,
)
from gi.repository import Gimp, GObject
from i18n import _
from images.areas import region_named

__all__ = ["FLAGS", "add_choices", "add_hot_folder", "chosen", "outputs"]

FLAGS = GObject.ParamFlags.READWRITE


def add_choices(procedure: Any) -> None:
    """Everything that can be chosen of a painting."""
    usual = Choices()
    procedure.add_string_argument(
        "style",
        _("Style"),
        _("The whole path of a picture, or the name of one in the hot folder's style library"),
        usual.style,
        FLAGS,
    )
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
    procedure.add_choice_argument(
        "preset", _("Preset"), _("The recipe to paint by"), _named(PRESETS), usual.preset, FLAGS
    )
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
    procedure.add_int_argument(
        "seconds",
        _("Time"),
        _("Seconds to paint in: more make a finer painting; 0: as long as it takes"),
        0,
        MAX_SECONDS,
        usual.seconds,
        FLAGS,
    )
    procedure.add_choice_argument(
        "colours",
        _("Colours"),
        _("Whose colours the painting has"),
        _named(COLOURS),
        usual.colours,
        FLAGS,
    )
    procedure.add_double_argument(
        "colour-amount",
        _("Colour amount"),
        _("How far a blend goes: 0 is the painting's colours, 1 the layer's"),
        0,
        1,
        usual.colour_amount,
        FLAGS,
    )
    procedure.add_string_argument(
        "palette",
        _("Palette"),
        _("The picture whose colours are used: a whole path, or a name in the style library"),
        usual.palette,
        FLAGS,
    )
    procedure.add_double_argument(
        "style-scale",
        _("Strokes"),
        _("Size of the style picture: larger makes larger strokes"),
        MIN_SCALE,
        MAX_SCALE,
        usual.style_scale,
        FLAGS,
    )
    procedure.add_int_argument(
        "seed",
        _("Seed"),
        _("Of the white noise that some paintings start from"),
        0,
        MAX_SEED,
        usual.seed,
        FLAGS,
    )
    procedure.add_choice_argument(
        "output", _("Output"), _("Where the painting goes"), outputs(), usual.output, FLAGS
    )
    procedure.add_boolean_argument(
        "selection-only",
        _("Only the selection"),
        _("Paint what is selected, with a layer mask; without a selection, the layer"),
        usual.selection_only,
        FLAGS,
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
    names = [field.name for field in fields(Choices) if field.name != "regions"]
    values = {name: config.get_property(name.replace("_", "-")) for name in names}
    return Choices(**values, regions=_regions(image, config))


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
