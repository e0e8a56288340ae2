"""Uploads: pictures that a form brings, as files under safe names. Nothing is decoded here."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import UploadFile

from hotfolder import folder_access
from hotfolder.errors import InputError
from plugin.client.protocol import PICTURE_SUFFIXES, usable_name

__all__ = ["Staging"]

CHUNK = 1 << 20


class Staging:
    """A folder for what is on its way into the hot folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def uploads(self, parts: Sequence[object]) -> list[Path]:
        """
        Raises:
            InputError: one of them is no picture, by its name, or is empty.
        """
        files = [part for part in parts if isinstance(part, UploadFile) and part.filename]
        return [self._written(file) for file in files]

    def original(self, path: Path) -> Path:
        """
        Raises:
            OSError: it is not there any more.
        """
        target = self._target(path.name)
        with folder_access.open_regular(path) as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy, CHUNK)
        return target

    def _written(self, upload: UploadFile) -> Path:
        target = self._target(upload.filename or "")
        with target.open("xb") as file:
            shutil.copyfileobj(upload.file, file, CHUNK)
        if not target.stat().st_size:
            raise InputError(f"{target.name} is empty.")
        return target

    def _target(self, name: str) -> Path:
        """A new file in a folder of its own, so that it can have the name it came with."""
        base = Path(name.replace("\\", "/").rpartition("/")[2])
        suffix = base.suffix.lower()
        if suffix not in PICTURE_SUFFIXES:
            known = ", ".join(PICTURE_SUFFIXES)
            raise InputError(f"{base.name[:100]!r} is no picture that Impasto reads ({known}).")
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return folder / f"{usable_name(base.stem, longest=150)}{suffix}"
