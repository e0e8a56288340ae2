"""Whether the server is paused: a file in the folder, so that it outlives restarts, and anybody who
may write there can pause a server that is down or on another machine."""

from hotfolder.atomic_files import write_whole
from hotfolder.file_names import shown
from hotfolder.folder_access import open_regular, unlink
from hotfolder.paths import FolderPaths

__all__ = ["Pause"]

LONGEST_REASON = 200


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
