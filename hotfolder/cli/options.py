"""Options that several commands share, and the layer of settings that some of them make."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hotfolder.errors import ConfigError

__all__ = [
    "ORDER",
    "ConfigOption",
    "ContentArgument",
    "DeviceOption",
    "DevicesOption",
    "ForceOption",
    "HotOption",
    "HotsOption",
    "InitialOption",
    "LabelsOption",
    "MaskOption",
    "MemoryOption",
    "PaletteOption",
    "PresetOption",
    "RegionOption",
    "SecondsOption",
    "SetOption",
    "SizeOption",
    "StrengthOption",
    "StyleLabelsOption",
    "StylesArgument",
    "TaskOption",
    "TextureOption",
    "TileOption",
    "hot_option",
    "settings_layer",
]


ORDER = "Else IMPASTO_HOT_FOLDER, `hot_folder` of config.yaml, ./hot."


def hot_option(what: str, otherwise: str = ORDER) -> Any:
    """`--hot`: the same option in every command, with its own help."""
    return typer.Option(
        "--hot", "-H", metavar="HOT", help=f"{what} {otherwise}".rstrip(), show_default=False
    )


HotOption = Annotated[Path | None, hot_option("The hot folder.")]
HotsOption = Annotated[
    list[Path] | None,
    hot_option(
        "The hot folder; may be repeated.",
        ORDER.replace("`hot_folder`", "`hot_folders` or `hot_folder`"),
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The only config.yaml to read. Else ./config.yaml and your own.",
    ),
]
DeviceOption = Annotated[
    str,
    typer.Option(
        "--device", metavar="DEVICE", help="Paint on this device: cpu, cuda:0, mps or auto."
    ),
]
DevicesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="Paint on this device: cpu, cuda:0 or mps; may be repeated.",
    ),
]
MemoryOption = Annotated[
    str | None,
    typer.Option(
        "--memory", metavar="AMOUNT", help="The most to hold, such as 6GB; auto: what is free."
    ),
]
ContentArgument = Annotated[
    Path | None, typer.Argument(metavar="CONTENT", help="The picture to paint.")
]
StylesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="STYLE",
        help="Paintings: files, or names in the style library, such as `night`.",
    ),
]
InitialOption = Annotated[
    Path | None, typer.Option("--init", metavar="FILE", help="A picture to start from.")
]
PaletteOption = Annotated[
    str | None,
    typer.Option(
        "--palette",
        metavar="FILE",
        help="A picture whose colours are used: a file, or a name in the style library.",
    ),
]
MaskOption = Annotated[
    Path | None,
    typer.Option(
        "--mask",
        metavar="FILE",
        help="Where to paint: white is painted, black stays to the bit, grey blends.",
    ),
]
RegionOption = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="MASK=STYLE",
        help="Paint where a mask is white in a style of its own; may be repeated.",
    ),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="The content's regions, each in a colour of its own, and --style-labels the styles'.",
    ),
]
StyleLabelsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--style-labels",
        metavar="FILE",
        help="A style's regions, in the colours of --labels; once for each style.",
    ),
]
OutputOption = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="OUT", help="The result: .png, .jpg, .tif, .webp or .avif."
    ),
]
ResumeOption = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Write checkpoints into OUT.checkpoints, and go on from those that are there.",
    ),
]
TaskOption = Annotated[
    bool,
    typer.Option(
        "--task",
        help="Painted once, however often it is started: --resume, a record, and a lock.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace OUT.")]
TextureOption = Annotated[
    bool,
    typer.Option(
        "--texture", help="No content: the words are styles, painted alone. --size may be WxH."
    ),
]
TileOption = Annotated[
    bool, typer.Option("--tile", help="A texture whose opposite edges meet without a seam.")
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        "--preset", "-p", metavar="NAME", help="A named recipe; `impasto presets` lists them."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Any setting; may be repeated. `impasto settings` lists them.",
    ),
]
SizeOption = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="PIXELS|content",
        help="Longest side of the result, in pixels, or `content`: as large as the content.",
    ),
]

SecondsOption = Annotated[
    float | None,
    typer.Option(
        "--seconds",
        metavar="N",
        help="The best picture that this machine makes in so many seconds.",
    ),
]

VariationsOption = Annotated[
    int | None,
    typer.Option(
        "--variations", metavar="N", help="So many paintings that differ, and a sheet of them."
    ),
]
InterpolateOption = Annotated[
    int | None,
    typer.Option(
        "--interpolate",
        metavar="N",
        help="So many paintings from one style to another, or with "
        "--set interpolate_strength=[A,B] from strength A to B, and a strip of them.",
    ),
]

StrengthOption = Annotated[
    float | None,
    typer.Option(
        "--strength",
        metavar="0...100",
        help="0 is nearly the content, 100 nearly all style. Default: 75.",
    ),
]


_PICTURE_OPTIONS = {
    "init_file": "--init FILE",
    "palette": "--palette FILE",
    "mask": "--mask FILE",
    "regions": "--region MASK=STYLE, or --labels FILE",
    "style_regions": "--style-labels FILE",
}
"""With what a picture comes that a setting names."""


def settings_layer(
    preset: str | None,
    assignments: Sequence[str] | None,
    size: str | int | None,
    **named: Any,
) -> Mapping[str, Any]:
    """The options as a sidecar would give them. Values are YAML: `{relu4_2: 1}`, `true`, `1e3`.

    Args:
        named: options that are called as their setting; None: not given.

    Raises:
        ConfigError: not KEY=VALUE, not YAML, or a picture.
    """
    from hotfolder.yaml_document import parse_document

    layer: dict[str, Any] = {}
    if preset is not None:
        layer["preset"] = preset
    if size is not None:
        layer["size"] = int(size) if str(size).isdecimal() else size
    layer |= {key: value for key, value in named.items() if value is not None}
    for assignment in assignments or ():
        key, equals, value = assignment.partition("=")
        key = key.strip()
        if not equals or not key.isidentifier():
            raise ConfigError(f"--set {assignment}: expected KEY=VALUE, such as --set steps=200.")
        if key in _PICTURE_OPTIONS:
            raise ConfigError(
                f"--set {assignment}: names a picture, which comes with {_PICTURE_OPTIONS[key]}."
            )
        layer |= parse_document(f"{key}: {value}".encode(), f"--set {assignment}").values
    return layer
