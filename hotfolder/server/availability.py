"""Whether the hot folder is available, and whether it is still the one that this server serves.

A share that goes away leaves an empty folder behind, or none, or one that answers with errors: none
of this means that files were deleted. When it comes back it may be the same file system or a newly
mounted one, and another folder may have been put in its place.
"""

import errno
import stat
from enum import StrEnum
from pathlib import Path

from hotfolder.folder_access import lstat
from hotfolder.paths import FolderPaths

__all__ = ["AvailabilityMonitor", "FolderAvailability"]


class FolderAvailability(StrEnum):
    """The state of a hot folder at this moment."""

    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"
    """It, its inbox or its spool cannot be reached. It may come back."""
    REPLACED = "replaced"
    """A whole hot folder lies there, but it or its spool is another one, or mounted anew."""


class AvailabilityMonitor:
    """Compares the folder with the one that was there at the start, by device and inode."""

    def __init__(self, folder: FolderPaths) -> None:
        """
        Raises:
            OSError: the folder is not there.
        """
        self._folder = folder
        self._root, self._spool = _identity(folder.root), _identity(folder.spool)
        self.reason = ""
        """Why it is unavailable, for a person."""
        self.same_root = True
        """Whether the root, if there is one, is the one that it was at the start."""

    def check(self) -> FolderAvailability:
        """Look at the folder, its inbox and its spool."""
        self.reason, self.same_root = "", False
        try:
            self.same_root = _identity(self._folder.root) == self._root
            _identity(self._folder.inbox)
            same_spool = _identity(self._folder.spool) == self._spool
        except OSError as error:
            self.reason = f"{error.filename}: {error.strerror}"
            return FolderAvailability.UNAVAILABLE
        is_same = self.same_root and same_spool
        return FolderAvailability.AVAILABLE if is_same else FolderAvailability.REPLACED


def _identity(place: Path) -> tuple[int, int]:
    """
    Raises:
        OSError: it cannot be reached, or is no folder.
    """
    facts = lstat(place)
    if not stat.S_ISDIR(facts.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(place))
    return facts.st_dev, facts.st_ino
