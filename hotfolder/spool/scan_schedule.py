"""When to scan the inbox: after file events and regularly besides, but never all of the time."""

from collections.abc import Callable, Iterable
from pathlib import Path

from hotfolder.config.reload import CurrentConfig
from hotfolder.inbox.candidate import Snapshot
from hotfolder.inbox.watcher import FolderWatcher
from hotfolder.paths import FolderPaths
from hotfolder.throttle import Throttle

__all__ = ["ScanSchedule"]

SCAN_SHARE = 5
"""Scans take at most one part in so many of the time."""

LATE_SECONDS = 2.0
"""How much later than the change itself its event may come. watchdog keeps some back for 0.5 s."""


class ScanSchedule:
    """Decides when a scan begins, from what earlier scans found and how long they took."""

    def __init__(
        self, config: CurrentConfig, folder: FolderPaths, clock: Callable[[], float]
    ) -> None:
        self._config = config
        self._clock = clock
        # Whether the system's events are used stays.
        polling = config().watch.polling
        self._watcher = FolderWatcher([folder.inbox, folder.styles], polling=polling)
        self._throttle = Throttle(clock, SCAN_SHARE)
        self._next = self._began = 0.0
        self._event_pending = self._by_event = self._has_scanned = False
        self._missed_since: float | None = None
        """When a scan found a change of which no event has come yet."""

    def seconds_to_next(self) -> float:
        # Not before a scan may begin: the server's loop would spin.
        return max(self._next - self._clock(), self._throttle.delay)

    def begin(self) -> bool:
        """Whether a scan is due, which begins now. An event that comes too early is kept."""
        self._event_pending = self._watcher.pending() or self._event_pending
        is_due = self._event_pending or self._clock() >= self._next
        if not (is_due and self._throttle.is_open):
            return False
        self._began = self._clock()
        self._by_event, self._event_pending = self._event_pending, False
        if self._watcher.check() or self._by_event:
            self._missed_since = None
        return True

    def found(self, snapshot: Snapshot, folders: Iterable[Path] = ()) -> None:
        """Plan the next scan by what this one has found. `folders`: those in the inbox."""
        # What lay there at the start came before the watcher.
        self._note_change(snapshot.changed and not self._by_event and self._has_scanned)
        self._watcher.watch_below(folders)
        self._has_scanned = True
        watch = self._config().watch
        pause = watch.rescan_seconds if self._watcher.native else watch.poll_seconds
        self.scan_in(pause if snapshot.settling is None else min(pause, snapshot.settling))

    def scan_in(self, seconds: float) -> None:
        """Unless an event comes before."""
        self._next = self._clock() + seconds

    def end(self, seconds: float, within: float | None) -> None:
        """What was found has been claimed.

        Args:
            seconds: how long the scan took, without what was done between its turns.
            within: seconds until the next scan at the latest.
        """
        if within is not None:
            self._next = min(self._next, self._clock() + within)
        # In a large inbox a scan takes long, and every claim causes an event.
        self._throttle.ended(max(self._began, self._clock() - seconds))

    def close(self) -> None:
        self._watcher.close()

    def _note_change(self, without_event: bool) -> None:
        """Mistrust a watch without events while things change. They may be late by a moment."""
        if self._missed_since is None:
            self._missed_since = self._clock() if without_event else None
        elif self._clock() - self._missed_since >= LATE_SECONDS:
            self._missed_since = None
            self._watcher.missed_event()
