"""What control files in the inbox ask of batches (docs/protocol.md)."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from hotfolder.inbox.candidate import Snapshot
from hotfolder.job_tag import JobTag
from plugin.client.protocol import ControlFile

__all__ = ["BatchControls"]

log = logging.getLogger(__name__)


class BatchControls:
    """Those of one scan."""

    def __init__(
        self,
        remove: Callable[[Path], None],
        snapshot: Snapshot | None = None,
        priorities: Mapping[str, int] | None = None,
    ) -> None:
        """
        Args:
            remove: removes a control file that has been obeyed.
            priorities: those of priority files, by name.
        """
        self._remove = remove
        snapshot = snapshot or Snapshot()
        self._paths = snapshot.control_paths
        self.cancelled = frozenset(snapshot.control_files[ControlFile.CANCEL])
        self._released = frozenset(snapshot.control_files[ControlFile.RELEASE])
        self.held = frozenset(snapshot.control_files[ControlFile.HOLD]) - self._released
        """The names of what somebody holds."""
        self.priorities: Mapping[str, int] = priorities or {}

    def release(self, name: str) -> bool:
        """End the hold of a batch for which a release file is there; whether there is one."""
        if name not in self._released:
            return False
        log.info("%s released", JobTag(name))
        self.remove(name, ControlFile.HOLD, ControlFile.RELEASE)
        return True

    def remove(self, name: str, *controls: ControlFile) -> None:
        """Remove what was found, wherever it lies and however its name is written."""
        for control in controls:
            for path in self._paths.get((control, name), ()):
                self._remove(path)
