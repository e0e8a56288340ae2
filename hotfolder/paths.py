"""Where things lie in a hot folder. docs/protocol.md draws the tree."""

import errno
import os
from pathlib import Path

from hotfolder.errors import FolderError
from hotfolder.folder_access import try_writing
from plugin.client import protocol
from plugin.client.protocol import ControlFile

__all__ = ["FolderPaths", "expand_home", "in_plain_folder", "without_links"]

_FOLDERS = (
    *(protocol.INBOX, protocol.STYLES, protocol.OUTBOX, protocol.FAILED, protocol.DONE),
    *(protocol.STATUS, protocol.PRIVATE),
)

_NO_WRITING = {errno.EACCES, errno.EPERM, errno.EROFS}


def expand_home(path: str | os.PathLike[str]) -> Path:
    """`path` with a leading `~` or `~NAME` as that user's home folder.

    Raises:
        FolderError: there is no such user, or none that has a home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = Path(path).parts[0]
        raise FolderError(
            f"{path}: nobody knows the home folder that {user} stands for. Write the whole path."
        ) from None


def without_links(path: str | os.PathLike[str]) -> Path:
    """`path`, absolute, with the folders that the links in it lead to."""
    # Not `Path.resolve`, which raises RuntimeError at a link that leads to itself.
    return Path(os.path.realpath(path))


def in_plain_folder(path: Path) -> Path:
    """`path`, absolute, as above but for its name: a link there is meant itself."""
    return without_links(path.parent) / path.name


class FolderPaths:
    """The paths of a hot folder. All are absolute and free of links: the folder may be a link, and
    so may its inbox, outbox and so on (`done` on another disk); these are followed once, here."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """
        Raises:
            FolderError: it begins with the `~` of nobody.
        """
        self.root = without_links(expand_home(root))
        self._places = {name: without_links(self.root / name) for name in _FOLDERS}
        self.inbox = self._places[protocol.INBOX]
        self.styles = self._places[protocol.STYLES]
        self.outbox = self._places[protocol.OUTBOX]
        self.failed = self._places[protocol.FAILED]
        self.done = self._places[protocol.DONE]
        self.status = self._places[protocol.STATUS]
        self.private = self._places[protocol.PRIVATE]
        self.spool = self.private / "spool"
        self.kept = self.private / "kept"
        self.batches = self.private / "batches"
        self.lock = self.private / "lock"

    def heartbeat(self, source: str) -> Path:
        """What the client touches that dropped a job under the name `source`."""
        return self.inbox / ControlFile.HEARTBEAT.of(source)

    def create(self) -> None:
        """Make what is missing.

        Raises:
            FolderError: a folder cannot be made.
        """
        for folder in (*(self.root / name for name in _FOLDERS), self.spool):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise FolderError(
                    f"{folder}: cannot be made: {error.strerror}. Choose a hot folder that you may "
                    "write to, or have its owner make this one."
                ) from None

    def check(self) -> None:
        """Refuse a layout that would lose or loop files.

        Raises:
            FolderError: a folder is missing, lies inside another (through links), or cannot be
                written to.
        """
        for folder in (*(self.root / name for name in _FOLDERS), self.spool):
            if not folder.is_dir():
                raise FolderError(
                    f"{folder}: no such folder. `impasto init --hot {self.root}` makes it."
                )
        inbox, *others = ((self.root / name, without_links(self.root / name)) for name in _FOLDERS)
        for folder, place in others:
            if place.is_relative_to(inbox[1]) or inbox[1].is_relative_to(place):
                raise FolderError(
                    f"{folder} and {inbox[0]} lie inside one another ({place}, {inbox[1]}): "
                    "results would be picked up as inputs. Put them side by side."
                )
        for folder in (self.inbox, self.outbox, self.failed, self.done, self.status, self.spool):
            _check_writable(folder)

    def why_refused(self, error: OSError) -> str:
        """Why the file system has refused something in the hot folder, in words; of what may not be
        written, which folder it is."""
        reason = error.strerror or str(error)
        if error.errno not in _NO_WRITING:
            return reason
        for name in (error.filename, error.filename2):
            folder = Path(name).parent if isinstance(name, str) else None
            if folder is not None and self._has(folder) and not _is_writable(folder):
                return f"{self.relative(folder)}/ cannot be written to: {reason}"
        return reason

    def _has(self, path: Path) -> bool:
        return any(path.is_relative_to(place) for place in (self.root, *self._places.values()))

    def relative(self, path: Path) -> str:
        """`path` below the hot folder, as the status files show it."""
        for name, place in self._places.items():
            if path.is_relative_to(place):
                return (Path(name) / path.relative_to(place)).as_posix()
        return path.relative_to(self.root).as_posix()

    def absolute(self, relative: str) -> Path:
        """The path of which `relative` is what the status files show."""
        name, *below = relative.split("/")
        return self._places.get(name, self.root / name).joinpath(*below)


def _is_writable(folder: Path) -> bool:
    try:
        try_writing(folder)
    except OSError:
        return False
    return True


def _check_writable(folder: Path) -> None:
    # Tried, not asked: os.access knows nothing of read-only mounts and network permissions.
    try:
        try_writing(folder)
    except OSError as error:
        raise FolderError(
            f"{folder}: cannot be written to: {error.strerror}. Give this user "
            "permission to write there."
        ) from None
