"""What is painted: a picture, or with `--texture` styles alone."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from engine.errors import SettingsError
from hotfolder.cli.options import settings_layer

__all__ = ["as_options", "asked_of", "painted", "texture_layer"]


def texture_layer(size: str | None, *, tile: bool) -> Mapping[str, Any]:
    """The settings of a texture whose `--size` is PIXELS or WxH.

    Raises:
        typer.BadParameter: neither a number nor two with an x between.
    """
    layer: dict[str, Any] = {"texture": True, **({"tile": True} if tile else {})}
    if size is None:
        return layer
    sides = size.lower().split("x")
    if len(sides) > 2 or not all(side.strip().isdecimal() for side in sides):
        raise typer.BadParameter(
            f"{size}: pixels, such as 512, or width x height, such as 1024x512.",
            param_hint="--size",
        )
    width, *height = map(int, sides)
    asked = {"texture_size": [width, *height]} if height else {"size": width, "texture_size": None}
    return layer | asked


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
        layer = settings_layer(preset, assignments, None, **named)
        return {**layer, **texture_layer(size, tile=tile)}
    layer = settings_layer(preset, assignments, size, tile=tile or None, **named)
    if layer.get("texture") is True or layer.get("texture_size"):
        raise typer.BadParameter("a texture has no content: --texture and styles alone.")
    return dict(layer)


@contextlib.contextmanager
def as_options(size: str | None) -> Iterator[None]:
    """A refusal of the sides that `--size WxH` has given names that option.

    Raises:
        SettingsError
    """
    try:
        yield
    except SettingsError as error:
        raise SettingsError(
            [
                replace(each, path=("--size",)) if size and each.path[0] == "texture_size" else each
                for each in error.problems
            ]
        ) from None
