"""What people and clients ask for with files `NAME.CONTROL` in the inbox (docs/protocol.md).

Cancel and hold are the claimer's and the server's to carry out; priority, release and retry are
here, and the removal of control files that are for no job.
"""

import contextlib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

from hotfolder.atomic_files import move
from hotfolder.file_names import FileRole
from hotfolder.folder_access import open_regular
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.scanner import InboxScanner
from hotfolder.job_tag import JobTag
from hotfolder.spool.spent_controls import SpentControlFiles
from plugin.client.protocol import ControlFile

__all__ = ["ControlFiles", "on_hold"]

log = logging.getLogger(__name__)

MAX_PRIORITY_BYTES = 16
"""Of a priority file: a digit, and whatever ends a line."""


class ControlFiles:
    """The control files of one scan."""

    def __init__(self, snapshot: Snapshot, spent: SpentControlFiles) -> None:
        """`snapshot` has none that are spent."""
        self._spent = spent
        self._files = snapshot.control_files
        self.paths = snapshot.control_paths
        self.cancels = self._files[ControlFile.CANCEL]
        self.heartbeats = self._files[ControlFile.HEARTBEAT]
        self.holds = frozenset(self._files[ControlFile.HOLD])
        self.priorities: dict[str, int] = {}
        self.unclear: list[str] = []
        """Priority files that have no priority in them, or cannot be read, in words."""
        for name, file in self._files[ControlFile.PRIORITY].items():
            try:
                self._read_priority(name, file)
            except FileNotFoundError:
                pass  # Taken away at this moment.
            except OSError as error:
                self.unclear.append(f"{file.label} (cannot be read: {error.strerror or error})")

    def release(self, waiting: Mapping[str, JobCandidate], inbox: InboxScanner) -> bool:
        """End the hold of the jobs for which a release file is there; True if there were any."""
        released = False
        for name in self._files[ControlFile.RELEASE]:
            if name not in self.holds:
                if name not in waiting:
                    continue
                inbox.release(waiting[name].name)
            log.info("%s released", JobTag(name))
            holds = self.paths.get((ControlFile.HOLD, name), ())
            self._spent.end_hold(holds, self.paths.get((ControlFile.RELEASE, name), ()))
            released = True
        return released

    def replace_sidecars(
        self, waiting: Mapping[str, JobCandidate], inbox: InboxScanner, but: AbstractSet[str]
    ) -> tuple[set[str], dict[str, str]]:
        """For failed jobs that are to be tried again, `but` for some: what waits in the inbox under
        a job's name, and is a sidecar alone, takes the place of that job's.

        Returns:
            The names for which that is done; and those for which it has to be waited, with the
            reason.
        """
        done, reasons = set(), {}
        for name in (self._files[ControlFile.RETRY].keys() & waiting.keys()) - but:
            files = waiting[name].files
            if [file.parsed.role for file in files] != [FileRole.SIDECAR]:
                continue
            if not files[0].settled:
                reasons[name] = waiting[name].message
                continue
            try:
                inbox.replace_sidecar(name, files[0].path)
            except FileNotFoundError:
                continue  # There is nothing to be tried again.
            except OSError as error:
                why = error.strerror or error
                reasons[name] = f"cannot be put to failed/{name}/: {why}; it is tried again"
            else:
                done.add(name)
        return done, reasons

    def retry(
        self,
        inbox: InboxScanner,
        room: int,
        claim: Callable[[JobCandidate], bool],
        is_late: Callable[[], bool],
        but: Collection[str],
    ) -> bool:
        """Claim failed jobs that are to be tried again, `but` for some, as many as there are room
        and time for; False if some are left.

        Args:
            claim: False if it cannot be claimed now.
        """
        for name in self._files[ControlFile.RETRY]:
            if room <= 0 or is_late():
                return False
            if name in but:
                continue
            candidates = inbox.failed(name)
            claimed = sum([claim(replace(candidate, name=name)) for candidate in candidates])
            room -= claimed
            if claimed == len(candidates):
                if not candidates and not _moved(inbox.failed_batches(name)):
                    log.warning("%s nothing in failed/%s can be tried again", JobTag(name), name)
                inbox.clear_failed(name)
                self._discard(ControlFile.RETRY, name)
        return True

    def remove_idle(self, control: ControlFile, names: AbstractSet[str]) -> None:
        """Remove those that are for none of `names`, once they can be no delivery's forerunner:
        such as a heartbeat that came after its job's end."""
        for name, file in self._files[control].items():
            if name not in names and file.settled:
                log.debug("%s nothing to %s", JobTag(name), control)
                self._spent.remove(file.path)

    def _discard(self, control: ControlFile, name: str) -> None:
        """Remove those files that were found, wherever they lie and however they are written."""
        for path in self.paths.get((control, name), ()):
            self._spent.remove(path)

    def _read_priority(self, name: str, file: InboxFile) -> None:
        with open_regular(file.path) as opened:
            text = opened.read(MAX_PRIORITY_BYTES + 1)
        text = b"" if len(text) > MAX_PRIORITY_BYTES else text.strip()
        if len(text) == 1 and text.isdigit():
            self.priorities[name] = int(text)
        elif file.settled:
            self.unclear.append(f"{file.label} (expected a digit in it, from 0 to 9)")


def _moved(files: Sequence[tuple[Path, Path]]) -> bool:
    """Move each to its place; whether there were any."""
    for source, target in files:
        with contextlib.suppress(OSError):  # It stays where it is.
            move(source, target)
    return bool(files)


def on_hold(name: str) -> str:
    """What the status says of a job that somebody holds."""
    return f"somebody holds it; `impasto release {name}` lets it go on"
