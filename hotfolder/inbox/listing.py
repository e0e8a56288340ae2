"""The files of one folder, as one scan finds them, and since when they have been quiet."""

import stat
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hotfolder.file_names import ParsedName, key_of, parse, shown
from hotfolder.folder_access import Fingerprint, fingerprint_of, scan
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.stability import StabilityTracker

__all__ = ["Listing", "newest_time"]


class Listing:
    """Lists a folder again and again. A file that has not changed is the same object as before,
    so that what is known of it need not be found out again."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        *,
        folder: str = "",
        parse_name: Callable[[str], ParsedName | None] = parse,
    ) -> None:
        """
        Args:
            folder: the folder's name below the inbox, for messages.
            parse_name: tells from a name what a file is; None for what is never looked at.
        """
        self._path = path
        self._prefix = shown(f"{folder}/") if folder else ""
        self._parse_name = parse_name
        self._tracker = StabilityTracker(0.0, clock)
        self._files: dict[str, InboxFile] = {}
        self.folders: tuple[str, ...] = ()
        self.changed = False
        """Whether files have come, gone or changed since the scan before."""

    def scan(self, settle_seconds: float) -> list[InboxFile]:
        """The files in the order of their names; not those in folders.

        Raises:
            OSError: the folder cannot be listed.
        """
        before = self._files
        folders: list[str] = []
        found: dict[str, tuple[ParsedName, bool]] = {}
        prints: dict[str, Fingerprint] = {}
        for name, facts in scan(self._path):
            known = before.get(name)
            parsed = known.parsed if known is not None else self._parse_name(name)
            if parsed is None:
                continue
            if stat.S_ISDIR(facts.st_mode):
                folders.append(name)
                continue
            found[name] = parsed, stat.S_ISREG(facts.st_mode)
            prints[name] = fingerprint_of(facts)
        self.folders = tuple(sorted(folders))
        self._tracker.settle_seconds = settle_seconds
        self.changed = self._tracker.observe(prints)
        self._files = {}
        for name in sorted(found):
            (parsed, regular), settled = found[name], self._tracker.is_settled(name)
            file = before.get(name)
            if file is None:
                path, label = self._path / name, self._prefix + shown(name)
                key = key_of(name)
                file = InboxFile(name, path, label, key, parsed, prints[name], regular, settled)
            elif (file.fingerprint, file.settled) != (prints[name], settled):
                file = replace(file, fingerprint=prints[name], regular=regular, settled=settled)
            self._files[name] = file
        return list(self._files.values())

    def next_settling(self) -> float | None:
        """Seconds until the next file may count as finished; None if all do."""
        return self._tracker.next_settling()


def newest_time(files: Iterable[InboxFile]) -> str:
    """Modification time of the newest file, ISO 8601, UTC."""
    newest = max((file.fingerprint.mtime_ns for file in files), default=0)
    try:
        return datetime.fromtimestamp(newest / 1e9, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # a file from the year 10000
        return datetime.now(UTC).isoformat(timespec="seconds")
