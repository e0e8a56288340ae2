"""Removes what writing that failed, or was cut short, has left behind."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from hotfolder.atomic_files import remove_leftovers
from hotfolder.paths import FolderPaths

__all__ = ["LeftoverCleaner"]

LEFTOVERS_SECONDS = 60.0
"""Between two searches."""


class LeftoverCleaner:
    """Searches the folders that the server writes to now and then."""

    def __init__(self, folder: FolderPaths, clock: Callable[[], float]) -> None:
        self._folder = folder
        self._clock = clock
        self._due = 0.0

    def start(self) -> None:
        """Search at once, wherever a server before this one may have written."""
        folder = self._folder
        _clean(folder.inbox, folder.done, folder.failed, folder.spool, folder.batches)
        self._due = 0.0
        self.step()

    def step(self) -> None:
        """Search if it is time."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + LEFTOVERS_SECONDS
        _clean(self._folder.outbox, self._folder.status)


def _clean(*folders: Path) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            remove_leftovers(folder)
