"""What the procedures do: ask the artist where there is a screen, paint, put the painting in place.

Each ends with a value, or raises what `run_function` turns into one message for a person.
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
from arguments import chosen
from choices import Choices, Refusal
from gi.repository import Gimp
from guard import guarded
from i18n import _
from images.areas import has_area
from images.insertion import NewLayer, insert_amid, open_as_image
from images.layers import (
    attached_settings,
    has_palette,
    image_name,
    meant_layers,
    needs_16_bits,
    refuse_output,
)
from images.open_pictures import OpenPictures
from images.placement import Placement
from images.region import Region
from painting.job import Exported, paint
from preferences import Installation, Preferences
from results.outbox import import_results
from run_function import progress_bar

__all__ = ["import_paintings", "paint_again", "paint_layer", "paint_texture"]

HERE = Path(__file__).resolve().parent

Show = Callable[[float | None, str], None]


def paint_layer(run_mode: Any, image: Any, drawables: Any, config: Any, folder: Path) -> Any:
    """The painting of a layer, as a layer."""
    if run_mode == Gimp.RunMode.NONINTERACTIVE:
        choices = chosen(image, config)
    else:
        choices = Preferences(folder).choices()
        if not any(has_area(image, region) for region in choices.regions):
            choices = replace(choices, regions=())  # they were another image's
    return _ask_and_paint(run_mode, image, drawables, choices, folder)


def paint_texture(run_mode: Any, image: Any, _drawables: Any, config: Any, folder: Path) -> Any:
    """A texture, as a layer."""
    if run_mode == Gimp.RunMode.NONINTERACTIVE:
        choices = replace(chosen(image, config), texture=True)
    else:
        choices = Preferences(folder).texture()
    return _ask_and_paint(run_mode, image, (), choices, folder)


def paint_again(run_mode: Any, image: Any, drawables: Any, config: Any, folder: Path) -> Any:
    """A painting by the settings that a layer carries."""
    layers = list(drawables)
    carried = attached_settings(layers[0]) if len(layers) == 1 and layers[0].is_layer() else None
    if carried is None or not _is_mapping(carried):
        raise Refusal(
            _("The selected layer carries no settings of Impasto. Select one that Impasto painted.")
        )
    choices = replace(Choices.from_json(carried), hot_folder=_hot_folder(config, folder))
    source = _source_of(image, carried) or layers[0]
    return _ask_and_paint(run_mode, image, [source], choices, folder)


def import_paintings(run_mode: Any, image: Any, __: Any, config: Any, folder: Path) -> Any:
    """How many results of the outbox were imported."""
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
    if choices.texture and image is None:
        choices = replace(choices, output="image")
    interactive = run_mode == Gimp.RunMode.INTERACTIVE
    if run_mode != Gimp.RunMode.NONINTERACTIVE and not choices.texture:
        drawables = meant_layers(image, drawables)
    with tempfile.TemporaryDirectory(prefix="impasto-") as name:
        temporary = Path(name)
        if interactive:
            asked = _ask(image, drawables, choices, installed, Preferences(folder), temporary)
            if asked is None:
                return None
            choices = asked
        choices.check()
        with progress_bar() as progress:
            if choices.texture:
                layer, remark = _paint_texture(image, choices, temporary, progress)
            else:
                layer, remark = _paint_layer(image, drawables, choices, temporary, progress)
    if run_mode != Gimp.RunMode.NONINTERACTIVE and layer.get_image() != image:
        Gimp.Display.new(layer.get_image())
    Gimp.displays_flush()
    if remark:
        Gimp.message(remark)
    return layer


def _ask(image: Any, drawables: Any, choices: Choices, *others: Any) -> Choices | None:
    """By a dialog, which needs a screen."""
    if choices.texture:
        from dialog.texture import ask_for_texture

        return ask_for_texture(image, choices, *others)
    from dialog.window import ask

    return ask(image, drawables, choices, *others)


def _paint_layer(
    image: Any, drawables: Any, choices: Choices, temporary: Path, progress: Show
) -> tuple[Any, str]:
    """Paint and insert; the new layer, and what the artist should know about where it is."""
    refuse_output(image, choices)
    region = Region(
        image, drawables, selection_only=choices.selection_only, regions=choices.regions
    )
    settings = _carried(
        choices, source={"tattoo": region.layer.get_tattoo(), "name": region.layer.get_name()}
    )
    name = f"{image_name(image)}-{choices.style_name}"
    placement = Placement(region)
    sent = OpenPictures(temporary).with_files(choices)
    editor = _LayerEditor(region, choices.size, progress)
    painted = paint(editor, sent, temporary, name=name, guard=guarded)
    progress(1.0, _("Inserting the painting"))
    if choices.output == "image":
        return placement.open(painted.picture, choices.layer_name, settings), ""
    return placement.insert(painted.picture, choices.layer_name, settings)


def _paint_texture(
    image: Any, choices: Choices, temporary: Path, progress: Show
) -> tuple[Any, str]:
    """The same for a texture."""
    as_layer = image is not None and choices.output == "layer"
    if as_layer:
        refuse_output(image, choices)
    sent = OpenPictures(temporary).with_files(choices)
    editor = _TextureEditor(choices, as_layer and needs_16_bits(image), progress)
    name = f"{choices.style_name}-texture"
    painted = paint(editor, sent, temporary, name=name, guard=guarded)
    progress(1.0, _("Inserting the painting"))
    new = NewLayer(painted.picture, choices.layer_name, _carried(choices))
    if not as_layer:
        return open_as_image(new), ""
    if not image.is_valid():
        remark = _("The image was closed while it was painted. The painting is opened by itself.")
        return open_as_image(new), remark
    if has_palette(image):
        remark = _(
            "The image got a palette while it was painted, and a painting has more colours than "
            "fit into it. The painting is opened as an image of its own."
        )
        return open_as_image(new), remark
    return insert_amid(image, [new])[0], ""


def _carried(choices: Choices, **more: Any) -> str:
    """The settings that the painting's layer carries."""
    # Where the hot folder is, is this machine's business.
    carried = replace(choices, hot_folder="").to_json()
    return json.dumps({**json.loads(carried), **more})


class _LayerEditor:
    """The `Editor` of a layer's painting."""

    def __init__(self, region: Region, size: int, progress: Show) -> None:
        self._region = region
        self._size = size
        self.progress = progress

    def export(self, folder: Path) -> Exported:
        content = folder / "content.png"
        width, height = self._region.export(content)
        mask, regions = self._region.export_masks(folder, size=self._size or None)
        return Exported(content, width, height, mask, regions)


class _TextureEditor:
    """The same for a texture, which is made of nothing that GIMP has."""

    def __init__(self, choices: Choices, deep: bool, progress: Show) -> None:
        self._exported = Exported(None, choices.width, choices.height, deep=deep)
        self.progress = progress

    def export(self, _folder: Path) -> Exported:
        return self._exported


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
