"""The files that a command writes which paints without a server."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hotfolder.errors import FolderError
from hotfolder.paths import in_plain_folder
from plugin.client.protocol import portable_name

if TYPE_CHECKING:
    from engine.images.picture import Picture
    from engine.settings import Settings

__all__ = [
    "check_output",
    "format_of",
    "progression_files",
    "write_file",
    "write_output",
]

FORMATS = {
    **{".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"},
    **{".tif": "tiff", ".tiff": "tiff"},
}


def format_of(output: Path) -> str:
    """`png`, `jpeg` or `tiff`, by the suffix.

    Raises:
        typer.BadParameter: none of these.
    """
    if output.suffix.lower() not in FORMATS:
        raise typer.BadParameter(
            f"{output}: the result is a .png, a .jpg or a .tif.", param_hint="--output"
        )
    return FORMATS[output.suffix.lower()]


def check_output(output: Path, *, force: bool) -> None:
    """Find out before the work, not after it.

    Raises:
        FolderError: there already, in a folder that cannot be written to, or of a name that not
            every platform can have.
    """
    if (name := portable_name(output.name)) != output.name:
        raise FolderError(f"{output}: Windows cannot have a file of that name. Call it {name}.")
    if output.exists() and not force:
        raise FolderError(f"{output} is there already. --force replaces it.")
    if not output.absolute().parent.is_dir():
        raise FolderError(f"{output.absolute().parent}: no such folder.")
    if not os.access(output.absolute().parent, os.W_OK):
        raise FolderError(f"{output.absolute().parent}: cannot be written to.")


def progression_files(output: Path) -> dict[str, Path]:
    """Where the files go that show how `output` came about: beside it, `out.losses.png`."""
    from engine.progression import FILES

    return {name: output.with_name(f"{output.stem}.{name}") for name in FILES}


def write_output(picture: "Picture", output: Path, settings: "Settings", *, force: bool) -> None:
    """The picture, whole or not at all, with its settings as text."""
    from engine.images.picture import write_picture
    from hotfolder.atomic_files import whole

    text = json.dumps(settings.model_dump(), ensure_ascii=False)
    check_output(output, force=force)
    with whole(in_plain_folder(output)) as file:
        write_picture(
            picture, file, format=settings.format, quality=settings.jpeg_quality, text=text
        )


def write_file(data: bytes, output: Path, *, force: bool) -> None:
    """Whole or not at all.

    Raises:
        FolderError: as `check_output`, which may have found nothing before the work.
    """
    from hotfolder.atomic_files import write_whole

    check_output(output, force=force)
    write_whole(in_plain_folder(output), data)
