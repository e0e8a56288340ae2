"""A failed job's folder, read as what it is: all that the job needs, mended by a person or not."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from hotfolder.drop import Drop
from hotfolder.library import StyleLibrary
from hotfolder.place import Place, Rules

__all__ = ["FailedFolder"]


class FailedFolder:
    """`failed/NAME/`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def drops(
        self, library: StyleLibrary, rules: Rules, clock: Callable[[], float]
    ) -> Iterator[Drop]:
        """The job that lies there, as a drop; more than one if somebody has put others to it.

        Nothing is waited for: what it lacks, it lacks.
        """
        if self._path.is_symlink():
            return
        place = Place(self._path, clock, presets=True)
        try:
            found = place.scan(library, replace(rules, settle_seconds=0.0, wait_seconds=0.0)).drops
        except OSError:
            return
        for number, drop in enumerate(found, start=1):
            # The last one to be claimed takes what the others had copied, so nothing is left.
            shared = number < len(found)
            yield replace(
                drop,
                parts=tuple(
                    replace(part, shared=part.shared and (shared or not self._holds(part.path)))
                    for part in drop.parts
                ),
            )

    def clear(self) -> None:
        """Remove what is left of a folder whose job has been claimed. Other files keep it."""
        with contextlib.suppress(OSError):
            (self._path / "error.txt").unlink(missing_ok=True)
            self._path.rmdir()

    def _holds(self, path: Path) -> bool:
        return path.parent == self._path
