"""The inbox: one look at it and at the folders in it. Nothing is moved here, no picture opened."""

import itertools
import time
from collections import ChainMap
from collections.abc import Callable

from hotfolder.file_names import CONTROL_FILES, FileRole
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.failed_folder import FailedFolder
from hotfolder.inbox.folder_scanner import FolderScanner, ScanOptions
from hotfolder.inbox.style_library import StyleLibrary
from hotfolder.paths import FolderPaths

__all__ = ["InboxScanner"]


class InboxScanner:
    """Looks at one hot folder's inbox. Remembers only since when things have been as they are."""

    def __init__(
        self,
        folder: FolderPaths,
        options: Callable[[], ScanOptions],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`options` is called at each scan."""
        self._folder = folder
        self._clock = clock
        self._options = options
        self._top = FolderScanner(folder.inbox, clock)
        self._below: dict[str, FolderScanner] = {}

    def scan(self) -> Snapshot:
        """Look once.

        Raises:
            OSError: the inbox cannot be listed.
        """
        library = StyleLibrary(self._folder.styles)
        options = self._options()
        top = self._top.scan(library, options)
        below, self._below = self._below, {}
        found = [top]
        unreadable = []
        for name in self._top.folders:
            place = below.get(name) or FolderScanner(
                self._folder.inbox / name, self._clock, folder=name
            )
            try:
                found.append(place.scan(library, options))
            except FileNotFoundError:
                continue  # Taken away at this moment.
            except OSError as error:
                unreadable.append(f"{name}/ ({error.strerror})")
            self._below[name] = place
        candidates = itertools.chain.from_iterable(snapshot.candidates for snapshot in found)
        return Snapshot(
            candidates=tuple(sorted(candidates, key=lambda candidate: candidate.age)),
            control_files={
                **{
                    role: ChainMap(*(dict(s.control_files[role]) for s in found))
                    for role in CONTROL_FILES
                },
                FileRole.BATCH: top.control_files[FileRole.BATCH],
            },
            unclaimed=tuple(file for s in found for file in s.unclaimed),
            unrecognised=(*(stray for s in found for stray in s.unrecognised), *unreadable),
            settling=min((s.settling for s in found if s.settling is not None), default=None),
            changed=top.changed,
        )

    def failed(self, name: str) -> list[JobCandidate]:
        """What lies in `failed/NAME/`, judged as if it had been dropped. Empty if there is none."""
        folder = FailedFolder(self._folder.failed / name)
        return list(
            folder.candidates(StyleLibrary(self._folder.styles), self._options(), self._clock)
        )

    def release(self, source: str) -> None:
        """Let the drop that was dropped as `source` wait again, from the next scan on, as if it had
        just come."""
        folder, _, name = source.rpartition("/")
        place = self._below.get(folder) if folder else self._top
        if place is not None:
            place.release(name)
