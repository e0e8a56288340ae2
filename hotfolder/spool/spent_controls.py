"""Control files that are obeyed, but cannot be removed: they are not obeyed again."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from hotfolder import folder_access
from hotfolder.file_names import shown
from hotfolder.folder_access import Fingerprint, fingerprint_of
from hotfolder.inbox.candidate import Snapshot
from hotfolder.inbox.model import InboxFile

__all__ = ["SpentControlFiles"]

log = logging.getLogger(__name__)


class SpentControlFiles:
    """Removes control files; of those that stay it remembers that they have been obeyed, until they
    change or go."""

    def __init__(self) -> None:
        self._spent: dict[Path, tuple[Fingerprint, str]] = {}

    def remove(self, path: Path) -> None:
        """Remove a control file that has been obeyed, or that is for no job."""
        try:
            folder_access.unlink(path, missing_ok=True)
        except OSError as error:
            self._remember(path, error)
        else:
            self._spent.pop(path, None)

    def without(self, snapshot: Snapshot) -> Snapshot:
        """`snapshot` without the control files that have been obeyed."""
        there = {path for paths in snapshot.control_paths.values() for path in paths}
        self._spent = {path: facts for path, facts in self._spent.items() if path in there}
        if not self._spent:
            return snapshot
        control_files = {
            role: {name: file for name, file in files.items() if not self._is_spent(file)}
            for role, files in snapshot.control_files.items()
        }
        return replace(snapshot, control_files=control_files)

    def described(self, inbox: Path) -> Iterable[str]:
        """Those that are there, in words."""
        for path, (_, reason) in sorted(self._spent.items()):
            name = shown(path.relative_to(inbox).as_posix())
            yield f"{name} (was obeyed, but cannot be removed: {reason})"

    def _is_spent(self, file: InboxFile) -> bool:
        fingerprint, _ = self._spent.get(file.path, (None, ""))
        return fingerprint == file.fingerprint

    def _remember(self, path: Path, error: OSError) -> None:
        try:
            fingerprint = fingerprint_of(folder_access.lstat(path))
        except OSError:
            return  # It has gone, or its folder cannot be reached: the next scan tells.
        if self._spent.get(path, (None, ""))[0] != fingerprint:
            log.error("%s was obeyed, but cannot be removed: %s", shown(path.name), error)
        self._spent[path] = (fingerprint, error.strerror or str(error))
