"""The bin: results that were deleted and can be put back.

`outbox/.bin/STAMP/` holds the picture, its record and what lay beside them. It is hidden from the
server as every dotted name is, and lies on the outbox's disk, so that all of it is done by renames.
Nothing is removed from there but by `empty`.
"""

import contextlib
import re
import secrets
from datetime import UTC, datetime
from typing import NamedTuple

from hotfolder import folder_access
from hotfolder.errors import InputError
from hotfolder.page.folder.gallery import Gallery
from hotfolder.page.pictures.places import BIN
from hotfolder.paths import FolderPaths
from plugin.client.protocol import EXTRA_OUTPUT_SUFFIXES, RECORD_SUFFIX, parse_result_name

__all__ = ["Bin", "Deleted"]

_STAMP = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


class Deleted(NamedTuple):
    """A result in the bin."""

    stamp: str
    name: str
    picture: str
    time: datetime
    """When it was deleted; local."""


class Bin:
    """The bin of one hot folder."""

    def __init__(self, folder: FolderPaths, gallery: Gallery) -> None:
        self._outbox = folder.outbox
        self._bin = folder.outbox / BIN
        self._gallery = gallery

    def delete(self, name: str) -> Deleted:
        """Put a result into the bin: the picture first, without which the rest is no result.

        Raises:
            InputError: there is no such result.
            OSError
        """
        painting = self._gallery.painting(name)
        if painting is None:
            raise InputError(f"There is no result {name!r} in the outbox.")
        now = datetime.now(UTC)
        stamp = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        folder_access.mkdir(self._bin, exist_ok=True)
        folder_access.mkdir(self._bin / stamp)
        files = [painting.file, *(f"{name}{s}" for s in (RECORD_SUFFIX, *EXTRA_OUTPUT_SUFFIXES))]
        for file in files:
            with contextlib.suppress(FileNotFoundError):
                folder_access.rename(self._outbox / file, self._bin / stamp / file)
        return Deleted(stamp, name, painting.file, now.astimezone())

    def restore(self, stamp: str) -> str:
        """Put a result back; its name. The picture comes last, as when it was published.

        Raises:
            InputError: it is not in the bin, or its name is taken by now.
            OSError
        """
        item = self._item(stamp)
        if item is None:
            raise InputError("It is no longer in the bin.")
        files = folder_access.names(self._bin / stamp)
        taken = [file for file in files if folder_access.exists(self._outbox / file)]
        if taken:
            raise InputError(
                f"{item.name} stays in the bin: outbox/{taken[0]} is there again. "
                "Rename or delete that one first."
            )
        for file in sorted(files, key=lambda file: file == item.picture):
            folder_access.rename(self._bin / stamp / file, self._outbox / file)
        folder_access.rmdir(self._bin / stamp)
        return item.name

    def empty(self) -> int:
        """Remove for good what is in the bin; how many results."""
        items = self.items()
        for item in items:
            folder_access.remove_tree(self._bin / item.stamp)
        return len(items)

    def items(self) -> list[Deleted]:
        """What is in the bin, the last first."""
        try:
            stamps = folder_access.names(self._bin)
        except OSError:
            return []
        return [item for stamp in sorted(stamps, reverse=True) if (item := self._item(stamp))]

    def _item(self, stamp: str) -> Deleted | None:
        if not _STAMP.fullmatch(stamp):
            return None
        try:
            files = folder_access.names(self._bin / stamp)
            time = datetime.strptime(stamp[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).astimezone()
        except (OSError, ValueError):
            return None
        for file in sorted(files):
            if (name := parse_result_name(file, files)) is not None:
                return Deleted(stamp, name, file, time)
        return None
