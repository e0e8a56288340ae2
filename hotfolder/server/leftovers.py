"""Removes what writing that failed, or was cut short, has left behind."""

import contextlib
from collections.abc import Callable

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
        """Search at once: also the inbox, into which claims are put back."""
        with contextlib.suppress(OSError):
            remove_leftovers(self._folder.inbox)
        self._due = 0.0
        self.step()

    def step(self) -> None:
        """Search if it is time."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + LEFTOVERS_SECONDS
        for place in (self._folder.outbox, self._folder.status):
            with contextlib.suppress(OSError):
                remove_leftovers(place)
