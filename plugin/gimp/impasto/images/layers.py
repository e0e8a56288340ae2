"""Single operations on GIMP's images and layers: load, write, scale, attach settings, check."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
from choices import Choices, Refusal
from gi.repository import Gimp, Gio
from i18n import _

from images.calls import do, last_error, refused

__all__ = [
    "adapt",
    "attach_settings",
    "attached_settings",
    "family",
    "has_palette",
    "image_name",
    "load_as_image",
    "load_as_layer",
    "meant_layers",
    "needs_16_bits",
    "offsets",
    "refuse_output",
    "refuse_palette",
    "scale",
    "write_png",
]

PARASITE = "impasto-settings"

NONINTERACTIVE = Gimp.RunMode.NONINTERACTIVE


def load_as_layer(image: Any, picture: Path, name: str) -> Any:
    """A picture file as a layer for the image, not inserted yet, in the image's colours.

    `Gimp.file_load_layer` would clip them to sRGB on their way into an image of linear precision.
    """
    loaded = load_as_image(picture, name)
    draft = loaded.get_image()
    try:
        do(draft.undo_disable)
        if image.get_base_type() == Gimp.ImageBaseType.GRAY:
            do(draft.convert_grayscale)
        adapt(draft, image.get_precision(), image.get_color_profile())
        layer = do(Gimp.Layer.new_from_drawable, draft.get_layers()[0], image)
    finally:
        draft.delete()
    do(layer.set_name, name)
    return layer


def adapt(image: Any, precision: Any, profile: Any) -> None:
    """Convert an image to a precision and a profile; None: sRGB, or the grey that is like it."""
    if profile is None:
        grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
        make = Gimp.ColorProfile.new_d65_gray_srgb_trc if grey else Gimp.ColorProfile.new_rgb_srgb
        profile = make()
    if not image.get_effective_color_profile().is_equal(profile):
        if image.get_precision() != Gimp.Precision.FLOAT_NON_LINEAR:
            do(image.convert_precision, Gimp.Precision.FLOAT_NON_LINEAR)
        intent = Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC
        do(image.convert_color_profile, profile, intent, True)
    if image.get_precision() != precision:
        do(image.convert_precision, precision)


def load_as_image(picture: Path, name: str) -> Any:
    """A picture file as an image without a display; its layer."""
    image = Gimp.file_load(NONINTERACTIVE, Gio.File.new_for_path(str(picture)))
    if image is None:
        raise Refusal(_unreadable(picture))
    layer = image.get_layers()[0]
    do(layer.set_name, name)
    return layer


def _unreadable(picture: Path) -> str:
    # GIMP's own words have the whole path of it.
    reason = last_error().replace(str(picture), picture.name)
    return _("GIMP cannot read the painting {name}: {reason}").format(
        name=picture.name, reason=reason
    )


def attach_settings(layer: Any, settings: str) -> None:
    """Keep the settings with the layer, through saving and undo."""
    flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
    do(layer.attach_parasite, Gimp.Parasite.new(PARASITE, flags, settings.encode()))


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
    if has_palette(image):
        raise Refusal(
            _(
                "This image has a palette, and a painting has more colours than fit into it. "
                "Choose the output New image, or turn the image into RGB first: "
                "Image > Mode > RGB."
            )
        )


def has_palette(image: Any) -> bool:
    """Whether the image has no more colours than those of a palette."""
    return bool(image.get_base_type() == Gimp.ImageBaseType.INDEXED)


def image_name(image: Any) -> str:
    """What a person calls the image: its file's name without the ending."""
    file = image.get_file() or image.get_imported_file()
    return Path(file.get_basename()).stem if file is not None else "untitled"


def needs_16_bits(image: Any) -> bool:
    """Whether 8 bits, encoded as sRGB is, would lose something of the image."""
    return image.get_precision() not in (
        Gimp.Precision.U8_NON_LINEAR,
        Gimp.Precision.U8_PERCEPTUAL,
    )


def family(item: Any) -> Iterator[Any]:
    """The layer, and whatever a group has in it."""
    yield item
    for child in item.get_children():
        yield from family(child)


def meant_layers(image: Any, drawables: Any) -> list[Any]:
    """What the artist means to paint who has selected these: *Save to Channel* leaves the channel
    selected, and of a layer whose mask is edited it is the mask. With several layers a channel
    tells of none."""
    chosen = list(drawables)
    layers = list(image.get_layers())
    match chosen:
        case [Gimp.LayerMask() as mask]:
            return [Gimp.Layer.from_mask(mask)]
        case [Gimp.Channel()] if len(layers) == 1:
            return layers
    return chosen


def offsets(item: Any) -> tuple[int, int]:
    """Where a layer's upper left corner is in its image."""
    _ok, x, y = item.get_offsets()
    return x, y


def scale(item: Any, width: int, height: int) -> None:
    """Bring a layer (its corner staying where it is) or an image to a size."""
    Gimp.context_push()
    try:
        Gimp.context_set_interpolation(Gimp.InterpolationType.CUBIC)
        arguments = () if isinstance(item, Gimp.Image) else (True,)
        do(item.scale, width, height, *arguments)
    finally:
        Gimp.context_pop()


def write_png(image: Any, path: Path) -> None:
    """Write an image of one layer, in 16 bits a channel if it has them, else 8: in colours with its
    profile, or in grey without one.

    Quickly: the compression that GIMP proposes takes twenty times as long.
    """
    alpha = "a" if image.get_layers()[0].has_alpha() else ""
    bits = 16 if needs_16_bits(image) else 8
    grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
    procedure = Gimp.get_pdb().lookup_procedure("file-png-export")
    config = procedure.create_config()
    for key, value in {
        "run-mode": NONINTERACTIVE,
        "image": image,
        "file": Gio.File.new_for_path(str(path)),
        "compression": 1,
        "format": f"{'gray' if grey else 'rgb'}{alpha}{bits}",
        "bkgd": False,
        "phys": False,
        "time": False,
        "include-color-profile": not grey,
        "include-thumbnail": False,
    }.items():
        config.set_property(key, value)
    values = procedure.run(config)
    if values.index(0) != Gimp.PDBStatusType.SUCCESS or not path.is_file():
        raise refused("file-png-export")
