"""Single operations on GIMP's images and layers: load, write, scale, attach settings, check."""

from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import Choices, Refusal
from gi.repository import Gimp, Gio

__all__ = [
    "attach_settings",
    "attached_settings",
    "has_8_bits",
    "image_name",
    "load_as_image",
    "load_as_layer",
    "refuse_output",
    "refuse_palette",
    "scale",
    "write_png",
]

PARASITE = "impasto-settings"

NONINTERACTIVE = Gimp.RunMode.NONINTERACTIVE


def load_as_layer(image: Any, picture: Path, name: str) -> Any:
    """A picture file as a layer for the image, not inserted yet, in the image's colours."""
    layer = Gimp.file_load_layer(NONINTERACTIVE, image, Gio.File.new_for_path(str(picture)))
    if layer is None:
        raise Refusal(f"GIMP cannot read the painting {picture}: {_pdb_error()}")
    layer.set_name(name)
    return layer


def load_as_image(picture: Path, name: str) -> Any:
    """A picture file as an image without a display; its layer."""
    image = Gimp.file_load(NONINTERACTIVE, Gio.File.new_for_path(str(picture)))
    if image is None:
        raise Refusal(f"GIMP cannot read the painting {picture}: {_pdb_error()}")
    layer = image.get_layers()[0]
    layer.set_name(name)
    return layer


def attach_settings(layer: Any, settings: str) -> None:
    """Keep the settings with the layer, through saving and undo."""
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    layer.attach_parasite(Gimp.Parasite.new(PARASITE, flags, settings.encode()))


def attached_settings(layer: Any) -> str | None:
    """The settings that a painted layer carries."""
    parasite = layer.get_parasite(PARASITE)
    return None if parasite is None else bytes(parasite.get_data()).decode(errors="replace")


def refuse_output(image: Any, choices: Choices) -> None:
    """Raises Refusal where the painting would not fit into the image as a layer."""
    if choices.output == "layer":
        refuse_palette(image)


def refuse_palette(image: Any) -> None:
    """Raises Refusal for an image that has a palette: a painting has more colours."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise Refusal(
            "This image has a palette, and a painting has more colours than fit into it. Choose "
            "the output `new image`, or turn the image into RGB first: Image > Mode > RGB."
        )


def image_name(image: Any) -> str:
    """What a person calls the image: its file's name without the ending."""
    file = image.get_file() or image.get_imported_file()
    return Path(file.get_basename()).stem if file is not None else "untitled"


def has_8_bits(image: Any) -> bool:
    """Whether a channel has no more than 8 bits."""
    return image.get_precision() in (
        Gimp.Precision.U8_LINEAR,
        Gimp.Precision.U8_NON_LINEAR,
        Gimp.Precision.U8_PERCEPTUAL,
    )


def scale(layer: Any, width: int, height: int) -> None:
    """Bring a layer to a size, its corner staying where it is."""
    Gimp.context_push()
    try:
        Gimp.context_set_interpolation(Gimp.InterpolationType.CUBIC)
        layer.scale(width, height, False)
    finally:
        Gimp.context_pop()


def write_png(image: Any, path: Path) -> None:
    """Write an image of one layer, with as many bits as it has.

    Quickly: the compression that GIMP proposes takes twenty times as long.
    """
    alpha = "a" if image.get_layers()[0].has_alpha() else ""
    bits = 8 if has_8_bits(image) else 16
    procedure = Gimp.get_pdb().lookup_procedure("file-png-export")
    config = procedure.create_config()
    for key, value in {
        "run-mode": NONINTERACTIVE,
        "image": image,
        "file": Gio.File.new_for_path(str(path)),
        "compression": 1,
        "format": f"rgb{alpha}{bits}",
        "bkgd": False,
        "phys": False,
        "time": False,
        "include-thumbnail": False,
    }.items():
        config.set_property(key, value)
    values = procedure.run(config)
    if values.index(0) != Gimp.PDBStatusType.SUCCESS or not path.is_file():
        raise OSError(f"GIMP could not write {path}: {_pdb_error()}")


def _pdb_error() -> str:
    return (Gimp.get_pdb().get_last_error() or "it does not say why").strip()
