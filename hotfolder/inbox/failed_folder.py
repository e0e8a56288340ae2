"""A failed job's folder, scanned as a folder of the inbox is: all that the job needs lies there."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from hotfolder.inbox.candidate import JobCandidate
from hotfolder.inbox.folder_scanner import FolderScanner, ScanOptions
from hotfolder.inbox.style_library import StyleLibrary

__all__ = ["FailedFolder"]


class FailedFolder:
    """`failed/NAME/`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def candidates(
        self, library: StyleLibrary, options: ScanOptions, clock: Callable[[], float]
    ) -> Iterator[JobCandidate]:
        """The job that lies there; more than one if somebody has put others to it.

        Nothing is waited for: what it lacks, it lacks.
        """
        if self._path.is_symlink():
            return
        scanner = FolderScanner(self._path, clock, presets=True)
        options = replace(options, settle_seconds=0.0, wait_seconds=0.0)
        try:
            found = scanner.scan(library, options).candidates
        except OSError:
            return
        for number, candidate in enumerate(found, start=1):
            # The last one to be claimed takes what the others had copied, so nothing is left.
            is_last = number == len(found)
            inputs = [
                replace(
                    file, shared=file.shared and not (is_last and file.path.parent == self._path)
                )
                for file in candidate.inputs
            ]
            yield replace(candidate, inputs=tuple(inputs))

    def clear(self) -> None:
        """Remove what is left of a folder whose job has been claimed. Other files keep it."""
        with contextlib.suppress(OSError):
            (self._path / "error.txt").unlink(missing_ok=True)
            self._path.rmdir()
