"""Tells everybody who waits their place: jobs in the spool and drops in the inbox, in one line."""

import time
from collections.abc import Callable, Mapping

from hotfolder.outbox.status_reporter import StatusReporter
from hotfolder.scheduling import Scheduler, SchedulingKey
from hotfolder.server.execution import JobRunner
from hotfolder.spool.claimer import ScanResult
from hotfolder.spool.entry import SpooledJob

__all__ = ["QueuePositions"]

LARGE_QUEUE = 200
"""With more jobs than this, places in the line are told only every `LARGE_QUEUE_SECONDS`."""

LARGE_QUEUE_SECONDS = 1.0

POSITIONS_SHARE = 20.0
"""Telling the places of a crowd takes no more than one part in so many of the time."""


class QueuePositions:
    """All that wait in one hot folder, the next one first."""

    def __init__(
        self,
        live: Mapping[str, SpooledJob],
        work: JobRunner,
        scheduler: Scheduler,
        reporter: StatusReporter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live = live
        self._work = work
        self._scheduler = scheduler
        self._reporter = reporter
        self._clock = clock
        self._due = 0.0
        """In a crowd: when to tell again."""

    def send(self, look: ScanResult) -> None:
        """Report everybody's place. In a crowd that takes its time, so not at every step.

        Raises:
            OSError: a status cannot be written.
        """
        crowded = len(self._live) + len(look.candidates) > LARGE_QUEUE
        if crowded and self._clock() < self._due:
            return
        started = self._clock()
        waiting: list[tuple[SchedulingKey, SpooledJob | None, str]] = [
            (entry.scheduling_key, entry, "") for entry in self._work.queued()
        ]
        waiting += [
            (candidate.scheduling_key, None, name) for name, candidate in look.ready.items()
        ]
        line = self._scheduler.order(waiting, lambda each: each[0])
        line.sort(key=lambda each: each[1] is not None and self._work.in_backoff(each[1]))
        positions: dict[str, int] = {}
        for position, (_, entry, name) in enumerate(line, start=1):
            if entry is not None:
                rest = self._work.pause_after_loss(entry) if self._work.in_backoff(entry) else None
                self._reporter.queued(entry, position, rest=rest)
            else:
                positions[name] = position
        self._reporter.inbox(look.candidates, positions)
        self._due = self._clock() + max(
            LARGE_QUEUE_SECONDS, POSITIONS_SHARE * (self._clock() - started)
        )
