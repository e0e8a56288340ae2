"""When to scan the inbox: after file events and regularly besides, but never all of the time."""

import time
from collections.abc import Callable

from hotfolder.config.reload import CurrentConfig
from hotfolder.inbox.candidate import Snapshot
from hotfolder.inbox.watcher import FolderWatcher
from hotfolder.paths import FolderPaths

__all__ = ["ScanSchedule"]

PAUSE_FACTOR = 4.0
"""After a scan so many times as long must pass before the next."""

LATE_SECONDS = 2.0
"""How much later than the change itself its event may come. watchdog keeps some back for 0.5 s."""


class ScanSchedule:
    """To be told of every scan: `begin`, then `plan` and `end`, or `retry_in` if it has failed."""

    def __init__(
        self,
        config: CurrentConfig,
        folder: FolderPaths,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._clock = clock
        # Whether the system's events are used stays.
        polling = config().watch.polling
        self._watcher = FolderWatcher([folder.inbox, folder.styles], polling=polling)
        self._next = 0.0
        self._not_before = 0.0
        self._event = False
        """Whether an event has come since the last scan began."""
        self._event_before = False
        """Whether one had come before that."""
        self._began = 0.0
        self._has_scanned = False
        self._missed_since: float | None = None
        """When a scan found a change of which no event has come yet."""

    def seconds_to_next(self) -> float:
        # Not before a scan may begin: the server's loop would spin.
        return max(0.0, self._next - self._clock(), self._not_before - self._clock())

    def is_due(self) -> bool:
        self._event = self._watcher.pending() or self._event
        now = self._clock()
        return now >= self._not_before and (self._event or now >= self._next)

    def begin(self) -> None:
        self._began = self._clock()
        self._event, self._event_before = False, self._event
        if self._watcher.check() or self._event_before:
            self._missed_since = None

    def plan(self, found: Snapshot) -> None:
        """When the next scan is due, unless an event comes before."""
        # What lay there at the start came before the watcher.
        self._note_change(found.changed and not self._event_before and self._has_scanned)
        self._has_scanned = True
        watch = self._config().watch
        pause = watch.rescan_seconds if self._watcher.native else watch.poll_seconds
        self._next = self._clock() + min(pause, pause if found.settling is None else found.settling)

    def retry_in(self, seconds: float) -> None:
        """The inbox could not be scanned."""
        self._next = self._clock() + seconds

    def scan_again(self) -> None:
        """As soon as a scan may begin."""
        self._next = 0.0

    def end(self, within: float | None) -> None:
        """What was found has been claimed. `within`: seconds until the next scan at the latest."""
        now = self._clock()
        if within is not None:
            self._next = min(self._next, now + within)
        # In a large inbox a scan takes long, and every claim causes an event.
        self._not_before = now + PAUSE_FACTOR * (now - self._began)

    def close(self) -> None:
        self._watcher.close()

    def _note_change(self, without_event: bool) -> None:
        """Mistrust a watch without events while things change. They may be late by a moment."""
        if self._missed_since is None:
            self._missed_since = self._clock() if without_event else None
        elif self._clock() - self._missed_since >= LATE_SECONDS:
            self._missed_since = None
            self._watcher.missed_event()
