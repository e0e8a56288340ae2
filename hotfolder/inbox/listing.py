"""The files of one folder, as one scan finds them, and since when they have been quiet."""

import stat
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hotfolder.file_names import FileRole, ParsedName, key_of, parse, shown
from hotfolder.folder_access import Fingerprint, entries, fingerprint_of, last_bytes
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.stability import StabilityTracker
from hotfolder.throttle import Steps

__all__ = ["Listing", "arriving_message", "newest_time"]

NAMES_A_STEP = 1000

PICTURE_ROLES = (
    *(FileRole.CONTENT, FileRole.STYLE, FileRole.INIT, FileRole.MASK, FileRole.REGION),
    *(FileRole.PALETTE, FileRole.PICTURE),
)
OPTIONAL_ROLES = (FileRole.INIT, FileRole.PALETTE, FileRole.MASK, FileRole.REGION)
"""Of pictures without which a job is painted, as it is without its second style."""

END_BYTES = 4096

LONG_ARRIVING_SECONDS = 10.0
"""From then on the status says which file has been changing, and since when."""


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
        self._clock = clock
        self.folders: tuple[str, ...] = ()
        self.unreadable: tuple[str, ...] = ()
        """Names that cannot be looked at now, and why."""
        self.changed = False
        """Whether files have come, gone or changed since the scan before."""

    def steps(self, settle_seconds: float) -> Steps[list[InboxFile]]:
        """The files in the order of their names, and folders that are called as a picture which
        their job would not miss; not what is in folders.

        Raises:
            OSError: the folder cannot be listed.
        """
        before = self._files
        began = self._clock()
        folders: list[str] = []
        refused: dict[str, Exception] = {}
        found: dict[str, tuple[ParsedName, bool]] = {}
        prints: dict[str, Fingerprint] = {}
        for number, (name, look) in enumerate(entries(self._path)):
            if number % NAMES_A_STEP == NAMES_A_STEP - 1:
                yield
            known = before.get(name)
            try:
                parsed = known.parsed if known is not None else self._parse_name(name)
                if parsed is None:
                    continue
                facts = look()
            except FileNotFoundError:
                continue
            except (OSError, ValueError, OverflowError) as error:
                refused[name] = error
                if known is not None:  # What is out of reach for a moment is not gone.
                    found[name] = known.parsed, known.regular
                    prints[name] = known.fingerprint
                continue
            if stat.S_ISDIR(facts.st_mode):
                folders.append(name)
                if parsed.role not in OPTIONAL_ROLES and parsed.slot < 2:
                    continue  # Else its job would be painted without what it is called.
            found[name] = parsed, stat.S_ISREG(facts.st_mode)
            prints[name] = fingerprint_of(facts)
        if refused and not found and not folders:
            raise next(iter(refused.values()))  # The folder itself cannot be looked at.
        self.unreadable = tuple(
            f"{self._prefix}{shown(name)} (cannot be looked at: {error})"
            for name, error in refused.items()
        )
        self.folders = tuple(sorted(folders))
        self._tracker.settle_seconds = settle_seconds
        self.changed = self._tracker.observe(prints)
        files: dict[str, InboxFile] = {}
        for number, name in enumerate(sorted(found)):
            if number % NAMES_A_STEP == NAMES_A_STEP - 1:
                yield
            (parsed, regular), settled = found[name], self._tracker.is_settled(name, began)
            file = before.get(name)
            seen = file is not None and file.settled and file.fingerprint == prints[name]
            path = self._path / name if file is None else file.path
            is_picture = regular and parsed.role in PICTURE_ROLES and prints[name].size >= END_BYTES
            if settled and not seen and is_picture and _ends_empty(path):
                self._tracker.note_empty_end(name)
                settled = self._tracker.is_settled(name, began)
            if file is None:
                label, key = self._prefix + shown(name), key_of(name)
                file = InboxFile(name, path, label, key, parsed, prints[name], regular, settled)
            elif (file.fingerprint, file.settled) != (prints[name], settled):
                file = replace(file, fingerprint=prints[name], regular=regular, settled=settled)
            files[name] = file
        self._files = files
        return list(files.values())

    def next_settling(self) -> float | None:
        """Seconds until the next file may count as finished; None if all do."""
        return self._tracker.next_settling()

    def arriving_for(self, name: str) -> float:
        """Seconds for which a file that is not settled has been changing."""
        return self._tracker.unsettled_for(name)


def newest_time(files: Iterable[InboxFile]) -> str:
    """Modification time of the newest file, ISO 8601, UTC."""
    newest = max((file.fingerprint.mtime_ns for file in files), default=0)
    try:
        return datetime.fromtimestamp(newest / 1e9, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # a file from the year 10000
        return datetime.now(UTC).isoformat(timespec="seconds")


def arriving_message(names: Collection[str], seconds: float) -> str:
    """What the status says of a job or batch whose files `names` have changed for `seconds`."""
    if seconds < LONG_ARRIVING_SECONDS:
        return "arriving"
    since = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="seconds")
    return f"arriving: {shown(next(iter(names)))} has been changing since {since}"


def _ends_empty(path: Path) -> bool:
    """Whether the file's last bytes are zeros, which no picture needs there, unless it is stored
    without compression."""
    try:
        return not any(last_bytes(path, END_BYTES))
    except OSError:
        return False
