"""Control files that are obeyed, but cannot be removed: they are not obeyed again, and removed when
that is possible."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hotfolder import folder_access
from hotfolder.file_names import shown
from hotfolder.folder_access import Fingerprint, fingerprint_of
from hotfolder.inbox.candidate import Snapshot
from hotfolder.inbox.model import InboxFile

__all__ = ["SpentControlFiles"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Spent:
    """A control file that has been obeyed and is still there."""

    fingerprint: Fingerprint
    reason: str
    """Why it cannot be removed."""
    after: Collection[Path]
    """What is to be removed before it."""


class SpentControlFiles:
    """Removes control files; of those that stay it remembers that they have been obeyed, until they
    change or go."""

    def __init__(self) -> None:
        self._spent: dict[Path, _Spent] = {}

    def remove(self, path: Path, after: Collection[Path] = ()) -> None:
        """Remove a control file that has been obeyed, or that is for no job, but not before those
        of `after`."""
        before = next((self._spent[each] for each in after if each in self._spent), None)
        if before is not None:
            self._remember(path, before.reason, after)
            return
        try:
            folder_access.unlink(path, missing_ok=True)
        except OSError as error:
            self._remember(path, error.strerror or str(error), after)
        else:
            self._spent.pop(path, None)

    def end_hold(self, holds: Collection[Path], releases: Iterable[Path]) -> None:
        """Remove the files of a hold, then those of its release: without these a hold that cannot
        be removed would hold again after a restart."""
        for path in holds:
            self.remove(path)
        for path in releases:
            self.remove(path, after=holds)

    def without(self, snapshot: Snapshot) -> Snapshot:
        """`snapshot` without the control files that have been obeyed, which are removed if they can
        be by now."""
        there = {path for paths in snapshot.control_paths.values() for path in paths}
        self._spent = {path: facts for path, facts in self._spent.items() if path in there}
        if not self._spent:
            return snapshot
        control_files = {
            role: {name: file for name, file in files.items() if not self._is_spent(file)}
            for role, files in snapshot.control_files.items()
        }
        files = [file for role in snapshot.control_files.values() for file in role.values()]
        for path in [file.path for file in files if self._is_spent(file)]:
            self.remove(path, self._spent[path].after)
        return replace(snapshot, control_files=control_files)

    def described(self, inbox: Path) -> Iterable[str]:
        """Those that are there, in words."""
        for path, spent in sorted(self._spent.items(), key=lambda item: item[0]):
            name = shown(path.relative_to(inbox).as_posix())
            yield f"{name} (was obeyed, but cannot be removed: {spent.reason})"

    def _is_spent(self, file: InboxFile) -> bool:
        spent = self._spent.get(file.path)
        return spent is not None and spent.fingerprint == file.fingerprint

    def _remember(self, path: Path, reason: str, after: Collection[Path]) -> None:
        try:
            fingerprint = fingerprint_of(folder_access.lstat(path))
        except OSError:
            return  # It has gone, or its folder cannot be reached: the next scan tells.
        spent = self._spent.get(path)
        if spent is None or spent.fingerprint != fingerprint:
            log.error("%s was obeyed, but cannot be removed: %s", shown(path.name), reason)
        self._spent[path] = _Spent(fingerprint, reason, after)
