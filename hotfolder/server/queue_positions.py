"""Works out the queue of one hot folder: jobs in the spool and candidates in the inbox, in one."""

import time
from collections.abc import Callable, Mapping

from hotfolder.outbox.status_reporter import StatusReporter
from hotfolder.scheduling import Scheduler
from hotfolder.server.execution import JobRunner
from hotfolder.spool.claimer import ScanResult
from hotfolder.spool.entry import SpooledJob
from hotfolder.throttle import Throttle

__all__ = ["QueuePositions"]

LARGE_QUEUE = 200
"""With more jobs than this, positions are worked out only every `LARGE_QUEUE_SECONDS`."""

LARGE_QUEUE_SECONDS = 1.0


class QueuePositions:
    """The position in the queue of everybody who waits, from 1."""

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
        self._throttle = Throttle(clock, interval=LARGE_QUEUE_SECONDS)

    def report(self, scan: ScanResult) -> None:
        """Report everybody's position. In a large queue that takes long, so not at every step.

        Raises:
            OSError: a status cannot be written.
        """
        is_large = len(self._live) + len(scan.waiting) + len(scan.ready) > LARGE_QUEUE
        if is_large and not self._throttle.is_open:
            return
        started = self._clock()
        queued = self._work.queued()
        waiting = [(entry.scheduling_key, entry.job.name) for entry in queued]
        waiting += [(candidate.scheduling_key, name) for name, candidate in scan.ready.items()]
        queue = self._scheduler.order(waiting, lambda each: each[0])
        pauses = {
            entry.job.name: self._work.pause_after_loss(entry)
            for entry in queued
            if self._work.in_backoff(entry)
        }
        queue.sort(key=lambda each: each[1] in pauses)
        positions = {name: position for position, (_, name) in enumerate(queue, start=1)}
        self._reporter.queue(scan.candidates, positions, pauses)
        self._throttle.ended(started)
