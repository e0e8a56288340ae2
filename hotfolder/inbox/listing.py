"""The files of one folder, as one look finds them, and since when they have been quiet."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from hotfolder.file_names import ParsedName, parse
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.stability import Fingerprint, StabilityTracker

__all__ = ["Listing", "fingerprint_of"]


class Listing:
    """Lists a folder again and again. A file that has not changed is the same object as before,
    so that whoever has thought about it need not do so again."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        named: Callable[[str], ParsedName | None] = parse,
    ) -> None:
        """`named` tells from a name what a file is; None for what is never looked at."""
        self._path = path
        self._named = named
        self._tracker = StabilityTracker(0.0, clock)
        self._files: dict[str, InboxFile] = {}
        self.folders: tuple[str, ...] = ()
        self.changed = False
        """Whether files have come, gone or changed since the look before."""

    def look(self, settle_seconds: float) -> list[InboxFile]:
        """The files in the order of their names; not those in folders.

        Raises:
            OSError: the folder cannot be listed.
        """
        before = self._files
        folders: list[str] = []
        found: dict[str, tuple[Path, ParsedName, bool]] = {}
        prints: dict[str, Fingerprint] = {}
        with os.scandir(self._path) as entries:
            for entry in entries:
                name = entry.name
                known = before.get(name)
                named = known.named if known is not None else self._named(name)
                if named is None:
                    continue
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISDIR(facts.st_mode):
                    folders.append(name)
                    continue
                path = known.path if known is not None else Path(entry.path)
                found[name] = path, named, stat.S_ISREG(facts.st_mode)
                prints[name] = fingerprint_of(facts)
        self.folders = tuple(sorted(folders))
        self._tracker.settle_seconds = settle_seconds
        self.changed = self._tracker.observe(prints)
        self._files = {}
        for name in sorted(found):
            path, named, regular = found[name]
            settled = self._tracker.is_settled(name)
            known = before.get(name)
            if known is None or (known.fingerprint, known.settled) != (prints[name], settled):
                known = InboxFile(name, path, named, prints[name], regular, settled)
            self._files[name] = known
        return list(self._files.values())

    def next_settling(self) -> float | None:
        """Seconds until the next file may count as finished; None if all do."""
        return self._tracker.next_settling()


def fingerprint_of(facts: os.stat_result) -> Fingerprint:
    """What changes when a file does."""
    return Fingerprint(facts.st_size, facts.st_mtime_ns, facts.st_ino)
