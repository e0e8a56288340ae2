"""Whether the disk has room for more work, and a reserve for the status when it has none.

A painting that cannot be written at its end is hours lost. So nothing new is begun on a disk that
is nearly full, and after a result could not be written there must be more room than there was then.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hotfolder.atomic_files import discard, whole
from hotfolder.folder_access import exists
from hotfolder.paths import FolderPaths
from hotfolder.platforms import DiskRoom, system

__all__ = ["DiskSpace"]

MIN_FREE_BYTES = 64_000_000
MIN_FREE_SHARE = 0.05
"""Nothing new is begun with less room than this, or than this share of a smaller disk."""

RETRY_BYTES = 1_000_000
RETRY_SECONDS = 300.0
"""After a result could not be written: there must be so much more room than there was then, or so
much time must pass, since a disk's free space does not show quotas."""

RESERVE_BYTES = 256 * 1024


class DiskSpace:
    """The room on the disks of one hot folder."""

    def __init__(
        self,
        folder: FolderPaths,
        clock: Callable[[], float] = time.monotonic,
        disk_room: Callable[[Path], DiskRoom] = system.disk_room,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._disk_room = disk_room
        self._reserve = folder.private / "reserve"
        self._required: tuple[float, float] | None = None
        """Free bytes that a result waits for which could not be written, and until when."""

    def shortage(self) -> str | None:
        """Why nothing new can be begun, in words; None if there is enough room."""
        for folder, room in self._folders():
            least = min(MIN_FREE_BYTES, MIN_FREE_SHARE * room.size)
            if folder == self._folder.spool:
                least = max(least, self._required_now(room.free))
            if room.free < least or room.files == 0:
                free = f"{_megabytes(room.free)} free"
                what = "no more files can be made" if room.files == 0 else free
                return (
                    f"the disk of {folder.name}/ is full ({what}); goes on by itself when there "
                    f"is room ({_megabytes(least)})"
                )
        return None

    def write_failed(self) -> None:
        """A result could not be written: there was no room."""
        for folder, room in self._folders():
            if folder == self._folder.spool:
                self._required = (room.free + RETRY_BYTES, self._clock() + RETRY_SECONDS)

    def keep_reserve(self) -> None:
        """Occupy the reserve, if it was given back."""
        with contextlib.suppress(OSError):
            if not exists(self._reserve):
                with whole(self._reserve, durable=False) as file:
                    file.write(bytes(RESERVE_BYTES))

    def free_reserve(self) -> None:
        """Give the reserve back, so that the status can say that the disk is full."""
        discard(self._reserve)

    def _required_now(self, free: float) -> float:
        if self._required is None:
            return 0.0
        required, until = self._required
        if free >= required or self._clock() >= until:
            self._required = None
            return 0.0
        return required

    def _folders(self) -> Iterator[tuple[Path, DiskRoom]]:
        """Where results are written, as far as the room there is known."""
        for folder in (self._folder.spool, self._folder.outbox):
            with contextlib.suppress(OSError):
                yield folder, self._disk_room(folder)


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"
