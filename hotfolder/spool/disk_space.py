"""Whether the disk has room for more work, and a little kept back to say so when it has none.

A painting that cannot be written at its end is hours lost. So nothing new is begun on a disk that
is nearly full, and a disk that was full for a result must have more room than then.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hotfolder.atomic_files import discard, whole
from hotfolder.paths import FolderPaths

__all__ = ["DiskSpace"]

LEAST_BYTES = 64_000_000
LEAST_SHARE = 0.05
"""Nothing new is begun with less room than this, or than this share of a smaller disk."""

STEP_BYTES = 1_000_000
PATIENCE_SECONDS = 300.0
"""A full disk must have a step more room than when it was full, or so much time must pass: quotas
are not seen in a disk's free space."""

RESERVE_BYTES = 256 * 1024


class DiskSpace:
    """The room on the disks of one hot folder."""

    def __init__(
        self,
        folder: FolderPaths,
        clock: Callable[[], float] = time.monotonic,
        statvfs: Callable[[Path], os.statvfs_result] = os.statvfs,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._statvfs = statvfs
        self._reserve = folder.private / "reserve"
        self._wanted: tuple[float, float] | None = None
        """Free bytes that a refused result waits for, and until when."""

    def shortage(self) -> str | None:
        """Why nothing new can be begun, in words; None if there is room enough."""
        for place, free, size, files in self._places():
            least = min(LEAST_BYTES, LEAST_SHARE * size)
            if place == self._folder.spool:
                least = max(least, self._wanted_here(free))
            if free < least or files == 0:
                what = "no more files can be made" if files == 0 else f"{_megabytes(free)} free"
                return (
                    f"the disk of {place.name}/ is full ({what}); goes on by itself when there "
                    f"is room ({_megabytes(least)})"
                )
        return None

    def refused(self) -> None:
        """A result could not be written for want of room."""
        for place, free, _, _ in self._places():
            if place == self._folder.spool:
                self._wanted = (free + STEP_BYTES, self._clock() + PATIENCE_SECONDS)

    def keep_reserve(self) -> None:
        """Take up the reserve again, while there is room."""
        if self._reserve.exists():
            return
        with contextlib.suppress(OSError), whole(self._reserve, durable=False) as file:
            file.write(bytes(RESERVE_BYTES))

    def free_reserve(self) -> None:
        """Give the reserve back, so that the status can say that the disk is full."""
        discard(self._reserve)

    def _wanted_here(self, free: float) -> float:
        if self._wanted is None:
            return 0.0
        wanted, until = self._wanted
        if free >= wanted or self._clock() >= until:
            self._wanted = None
            return 0.0
        return wanted

    def _places(self) -> Iterator[tuple[Path, float, float, int]]:
        """Where results are written: free bytes, size and free entries, where they are known."""
        for place in (self._folder.spool, self._folder.outbox):
            with contextlib.suppress(OSError):
                facts = self._statvfs(place)
                entries = facts.f_favail if facts.f_files else 1
                yield (
                    place,
                    facts.f_bavail * facts.f_frsize,
                    facts.f_blocks * facts.f_frsize,
                    entries,
                )


def _megabytes(count: float) -> str:
    return f"{count / 1e6:.1f} MB"
