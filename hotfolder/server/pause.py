"""Whether the server is paused: a file in the folder, so that it outlives restarts, and anybody who
may write there can pause a server that is down or on another machine."""

import contextlib
from collections.abc import Callable

from hotfolder.atomic_files import write_whole
from hotfolder.file_names import shown
from hotfolder.folder_access import open_regular, unlink
from hotfolder.paths import FolderPaths
from hotfolder.spool.disk_space import DiskSpace

__all__ = ["Pause", "PauseMonitor"]

LONGEST_REASON = 200

CHECK_SECONDS = 1.0
"""Between two checks whether the server is paused: the folder may be on a share."""


class Pause:
    """The pause of one hot folder: nothing new is painted; what runs is finished."""

    def __init__(self, folder: FolderPaths) -> None:
        self._path = folder.private / "paused"

    def reason(self) -> str | None:
        """Who paused it and why, in one line; None if nobody has.

        Raises:
            OSError: it cannot be found out.
        """
        try:
            with open_regular(self._path) as file:
                text = file.read(4 * LONGEST_REASON).decode(errors="replace")
        except FileNotFoundError:
            return None
        return shown(text.strip().partition("\n")[0])[:LONGEST_REASON] or "paused"

    def begin(self, reason: str) -> None:
        """Pause it, or replace the reason.

        Raises:
            OSError
        """
        write_whole(self._path, f"{reason}\n".encode())

    def end(self) -> bool:
        """Remove the pause; False if there was none.

        Raises:
            OSError
        """
        try:
            unlink(self._path)
        except FileNotFoundError:
            return False
        return True


class PauseMonitor:
    """Why nothing new is painted: a person has paused the server, the disk is full, or no worker
    can be reached."""

    def __init__(
        self,
        folder: FolderPaths,
        clock: Callable[[], float],
        problem: Callable[[], str] = lambda: "",
    ) -> None:
        """`problem` says what is wrong with the workers (`Dispatcher.problem`)."""
        self._problem = problem
        self._pause = Pause(folder)
        self._disk_space = DiskSpace(folder, clock)
        self._clock = clock
        self._due = 0.0
        self._reason: str | None = None

    def reason(self) -> str | None:
        """In words; None if nothing hinders."""
        if self._clock() >= self._due:
            self._due = self._clock() + CHECK_SECONDS
            shortage = self._disk_space.shortage()
            if shortage is None:
                self._disk_space.keep_reserve()
            with contextlib.suppress(OSError):
                self._reason = self._pause.reason() or shortage
        return self._reason or self._problem() or None

    def may_begin(self) -> bool:
        """Whether nothing hinders at this moment: asked before each job, so that none begins once a
        pause is there."""
        self.check_at_once()
        return self.reason() is None

    def check_at_once(self) -> None:
        """Not only when it is time again."""
        self._due = 0.0

    def disk_is_full(self) -> None:
        """A worker has found it so."""
        self._disk_space.write_failed()
        self._due = 0.0

    def free_reserve(self) -> None:
        """Make room for a status."""
        self._disk_space.free_reserve()
