"""Options that several commands share; `settings_options.py` has those that become settings."""

from pathlib import Path
from typing import Annotated, Any

import typer

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
    "MemoryOption",
    "StylesArgument",
    "hot_option",
]


ORDER = "Else IMPASTO_HOT_FOLDER, `hot_folder` of config.yaml, ./hot."


def hot_option(what: str, otherwise: str = ORDER) -> Any:
    """`--hot`: the same option in every command; the help says what the folder is for."""
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
ContentArgument = Annotated[Path, typer.Argument(metavar="CONTENT", help="The picture to paint.")]
StylesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="STYLE",
        help="Paintings: files, or names in the style library, such as `night`.",
    ),
]
InitialOption = Annotated[
    Path | None, typer.Option("--init", metavar="FILE", help="A picture to start from.")
]
ForceOption = Annotated[bool, typer.Option("--force", "-f", help="Replace OUT.")]
