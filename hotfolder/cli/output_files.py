"""The files that a command writes which paints without a server."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hotfolder.errors import FolderError
from hotfolder.file_names import free_name_in
from hotfolder.paths import in_plain_folder
from plugin.client.protocol import portable_name

if TYPE_CHECKING:
    from engine.images.picture import Encoding, Picture
    from engine.settings import Settings

__all__ = [
    "check_output",
    "check_room",
    "format_of",
    "progression_files",
    "write_file",
    "write_output",
]

FORMATS = {
    **{".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".tif": "tiff", ".tiff": "tiff"},
    **{".webp": "webp", ".avif": "avif"},
}

LOSSY_SHARE = 1 / 4
"""Of the samples' bytes, what a JPEG, WebP or AVIF takes at most in practice."""


def format_of(output: Path) -> str:
    """The `format` of the settings, by the suffix.

    Raises:
        typer.BadParameter: none of these.
    """
    if output.suffix.lower() not in FORMATS:
        raise typer.BadParameter(
            f"{output}: the result is a .png, .jpg, .tif, .webp or .avif.", param_hint="--output"
        )
    return FORMATS[output.suffix.lower()]


def check_output(output: Path, *, force: bool) -> None:
    """Find out before the work, not after it.

    Raises:
        FolderError: there already, a folder, in a folder that cannot be written to, or of a name
            that not every platform can have.
    """
    folder = output.absolute().parent
    if (name := portable_name(output.name)) != output.name:
        raise FolderError(f"{output}: Windows cannot have a file of that name. Call it {name}.")
    if not folder.is_dir():
        raise FolderError(f"{folder}: no such folder.")
    try:
        if output.is_dir():
            raise FolderError(f"{output} is a folder. Name a file.")
        if os.path.lexists(output) and not force:
            raise FolderError(f"{output} is there already. --force replaces it.")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FolderError(f"{output}: cannot be written ({error.strerror or error}).") from None


def check_room(output: Path, content: "Picture", settings: "Settings", *, count: int = 1) -> None:
    """
    Args:
        count: how many such files there will be.

    Raises:
        FolderError: less room on the disk than the result may take.
        SettingsError, PictureError: it cannot be written as asked.
    """
    from engine.output import output_of
    from engine.scheduling.stages import scales_of

    size = scales_of(content.size, settings)[-1][0]
    encoding = output_of(settings, content, size).encoding
    needed = size[0] * size[1] * (3 if content.alpha is None else 4) * encoding.bits // 8
    if encoding.format not in ("png", "tiff"):
        needed = round(needed * LOSSY_SHARE)
    needed *= count
    free = shutil.disk_usage(output.absolute().parent).free
    if free < needed:
        raise FolderError(
            f"{output}: it may take {needed / 1e6:.0f} MB, and its disk has {free / 1e6:.0f} MB "
            "free. Make room, or write to another disk."
        )


def progression_files(output: Path) -> dict[str, Path]:
    """Where the files go that show how `output` came about: beside it, `out.losses.png`."""
    from engine.progression import FILES

    return {name: output.with_name(f"{output.stem}.{name}") for name in FILES}


def write_output(
    picture: "Picture",
    output: Path,
    settings: "Settings",
    *,
    content: "Picture | None" = None,
    force: bool,
    planned: Callable[[dict[str, Any]], None] | None = None,
) -> list[str]:
    """The picture, whole or not at all, with its settings as text. Returns what there is to say of
    the file: what its format could not hold.

    Args:
        content: whose depth, profile and metadata are given back.
        planned: called before the picture is there, with what a record says of how it is written.

    Raises:
        FolderError: it could not be written; the message names the file in which it is instead.
    """
    from engine.images.picture import Encoding
    from engine.output import output_of

    text = json.dumps(settings.model_dump(), ensure_ascii=False)
    try:
        check_output(output, force=force)
        written = output_of(settings, content or picture, picture.size, text)
        if planned is not None:
            planned(written.record)
        _write(picture, output, written.encoding)
        return list(written.record.get("notes", ()))
    except Exception as error:
        for folder in (output.absolute().parent, Path(tempfile.gettempdir())):
            with contextlib.suppress(Exception):
                name = free_name_in(folder, f"{output.stem}-painted", (".png",))
                _write(picture, folder / f"{name}.png", Encoding(bits=16, text=text))
                rescued = folder / f"{name}.png"
                break
        else:
            raise
        raise FolderError(f"{error} The painting is in {rescued}.") from error


def _write(picture: "Picture", path: Path, encoding: "Encoding") -> None:
    from engine.images.picture import write_picture
    from hotfolder.atomic_files import whole

    with whole(in_plain_folder(path)) as file:
        write_picture(picture, file, encoding)


def write_file(data: bytes, output: Path, *, force: bool) -> None:
    """Whole or not at all.

    Raises:
        FolderError: as `check_output`, which may have found nothing before the work.
    """
    from hotfolder.atomic_files import write_whole

    check_output(output, force=force)
    write_whole(in_plain_folder(output), data)
