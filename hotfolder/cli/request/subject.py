"""What is painted: a picture, or with `--texture` styles alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from hotfolder.cli.options import settings_layer

__all__ = ["asked_of", "painted"]


def painted(
    content: Path | None,
    styles: Sequence[str] | None,
    preset: str | None,
    assignments: Sequence[str] | None,
    size: str | None,
    *,
    texture: bool,
    tile: bool,
    styles_needed: bool = True,
    **named: float | None,
) -> tuple[Path | None, list[str], dict[str, Any]]:
    """The content, the styles and the layer of settings: of a picture, or with `--texture` of the
    styles that all words name.

    Raises:
        typer.BadParameter: no picture to paint, or no style of a texture.
        ConfigError: `settings_layer`'s.
    """
    words = [str(content)] if content is not None else []
    layer = asked_of(preset, assignments, size, texture=texture, tile=tile, **named)
    if texture:
        if styles_needed and not words:
            raise typer.BadParameter("a texture is of a style: name one, such as `night`.")
        return None, [*words, *(styles or ())], layer
    if content is None:
        raise typer.BadParameter("name the picture to paint, or --texture and a style.")
    return content, [*(styles or ())], layer


def asked_of(
    preset: str | None,
    assignments: Sequence[str] | None,
    size: str | None,
    *,
    texture: bool,
    tile: bool,
    **named: float | None,
) -> dict[str, Any]:
    """The layer of settings, of pictures or of textures.

    Raises:
        typer.BadParameter: a texture that `--texture` does not ask for.
        ConfigError: `settings_layer`'s.
    """
    if texture:
        side, sides = _sides_of(size)
        named |= {"texture": True, "tile": tile or None}
        layer = settings_layer(preset, assignments, side, texture_size=sides, **named)
        if layer["texture"] is not True:
            raise typer.BadParameter("a texture is asked for: leave out --set texture.")
        return dict(layer)
    layer = settings_layer(preset, assignments, size, tile=tile or None, **named)
    if layer.get("texture") is True or layer.get("texture_size"):
        raise typer.BadParameter("a texture has no content: --texture and styles alone.")
    return dict(layer)


def _sides_of(size: str | None) -> tuple[int | None, list[int] | None]:
    """A texture's `size` and `texture_size`, of which its `--size`, PIXELS or WxH, gives one.

    Raises:
        typer.BadParameter: neither a number nor two with an x between.
    """
    if size is None:
        return None, None
    sides = size.lower().split("x")
    if len(sides) > 2 or not all(side.strip().isdecimal() for side in sides):
        raise typer.BadParameter(
            f"{size}: pixels, such as 512, or width x height, such as 1024x512.",
            param_hint="--size",
        )
    width, *height = map(int, sides)
    return (None, [width, *height]) if height else (width, None)
