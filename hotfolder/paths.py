"""Where things lie in a hot folder. docs/protocol.md draws the tree."""

import os
import secrets
from pathlib import Path

from hotfolder.errors import FolderError
from plugin.client import protocol
from plugin.client.protocol import ControlFile

__all__ = ["FolderPaths", "expand_home"]


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


class FolderPaths:
    """The paths below `root`, which is absolute and free of links."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        """
        Raises:
            FolderError: it begins with the `~` of nobody.
        """
        self.root = expand_home(root).resolve()
        self.inbox = self.root / protocol.INBOX
        self.styles = self.root / protocol.STYLES
        self.outbox = self.root / protocol.OUTBOX
        self.failed = self.root / protocol.FAILED
        self.done = self.root / protocol.DONE
        self.status = self.root / protocol.STATUS
        self.private = self.root / protocol.PRIVATE
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
        for folder in (*self._public(), self.private, self.spool):
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
        for folder in (*self._public(), self.private, self.spool):
            if not folder.is_dir():
                raise FolderError(
                    f"{folder}: no such folder. `impasto init --hot {self.root}` makes it."
                )
        inbox = self.inbox.resolve()
        for folder in (self.styles, self.outbox, self.failed, self.done, self.status, self.private):
            place = folder.resolve()
            if place.is_relative_to(inbox) or inbox.is_relative_to(place):
                raise FolderError(
                    f"{folder} and {self.inbox} lie inside one another ({place}, {inbox}): results "
                    "would be picked up as inputs. Put them side by side."
                )
        for folder in (self.inbox, self.outbox, self.failed, self.done, self.status, self.spool):
            _check_writable(folder)

    def relative(self, path: Path) -> str:
        """`path` below the hot folder, as the status files show it."""
        return path.relative_to(self.root).as_posix()

    def _public(self) -> tuple[Path, ...]:
        return (self.inbox, self.styles, self.outbox, self.failed, self.done, self.status)


def _check_writable(folder: Path) -> None:
    # Tried, not asked: os.access knows nothing of read-only mounts and network permissions.
    probe = folder / f".impasto-{secrets.token_hex(4)}.part"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise FolderError(
            f"{folder}: cannot be written to: {error.strerror}. Give this user "
            "permission to write there."
        ) from None
