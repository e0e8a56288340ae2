"""`--preset`, `--set`, `--size`, `--strength`: options that become a layer of settings."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from hotfolder.errors import ConfigError

__all__ = [
    "PresetOption",
    "SetOption",
    "SizeOption",
    "StrengthOption",
    "settings_layer",
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

StrengthOption = Annotated[
    float | None,
    typer.Option(
        "--strength",
        metavar="0...100",
        help="0 is nearly the content, 100 nearly all style. Default: 75.",
    ),
]


def settings_layer(
    preset: str | None,
    assignments: Sequence[str] | None,
    size: str | int | None,
    strength: float | None = None,
) -> Mapping[str, Any]:
    """The options as a sidecar would say them. Values are YAML: `{relu4_2: 1}`, `true`, `1e3`.

    Raises:
        ConfigError: not KEY=VALUE, or not YAML.
    """
    from hotfolder.yaml_document import DocumentError, parse_document

    layer: dict[str, Any] = {}
    if preset is not None:
        layer["preset"] = preset
    if size is not None:
        layer["size"] = int(size) if str(size).isdecimal() else size
    if strength is not None:
        layer["strength"] = strength
    for assignment in assignments or ():
        key, equals, value = assignment.partition("=")
        key = key.strip()
        if not equals or not key.isidentifier():
            raise ConfigError(f"--set {assignment}: expected KEY=VALUE, such as --set steps=200.")
        try:
            layer |= parse_document(f"{key}: {value}".encode(), f"--set {assignment}").values
        except DocumentError as error:
            raise ConfigError(str(error)) from None
    return layer
