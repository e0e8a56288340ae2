"""The jobs that wait for a worker, those in hand, and what becomes of them."""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotfolder.backoff import Backoff, growing_pause
from hotfolder.config.reload import CurrentConfig
from hotfolder.errors import ExitCode
from hotfolder.outbox.status_reporter import StatusReporter
from hotfolder.scheduling import Scheduler
from hotfolder.server.stopwatch import RunTimer
from hotfolder.spool.entry import SpooledJob, outcome_now
from hotfolder.spool.spool import Spool
from hotfolder.workers.dispatcher import Dispatcher
from hotfolder.workers.events import (
    Cancelled,
    Done,
    Event,
    Failed,
    Progress,
    Started,
    StorageFailed,
    WorkerLost,
)
from plugin.client.protocol import JobState

__all__ = ["JobRunner", "StopRequest"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StopRequest:
    """Why a job is to end before its time, and as what."""

    state: JobState
    reason: str = ""
    """Empty if somebody said so."""


class JobRunner:
    """Hands the jobs of one spool to a dispatcher, in turn, and notes on the disk how they fare."""

    def __init__(
        self,
        config: CurrentConfig,
        live: Mapping[str, SpooledJob],
        spool: Spool,
        dispatcher: Dispatcher,
        reporter: StatusReporter,
        scheduler: Scheduler,
        *,
        status_errors_logged: Callable[[], AbstractContextManager[None]],
        on_full: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            live: every job in the spool, by id; looked at, never changed.
            telling: within it the status may fail to be written.
            on_full: called when a job stalls because the disk is full.
        """
        self._config = config
        self._live = live
        self._spool = spool
        self._dispatcher = dispatcher
        self._reporter = reporter
        self._scheduler = scheduler
        self._status_errors_logged = status_errors_logged
        self._on_full = on_full
        self._dispatched: set[str] = set()
        """Jobs that the dispatcher has."""
        self._stops: dict[str, StopRequest] = {}
        """Jobs that are to end before their time, by id."""
        self._events: deque[Event] = deque()
        self._stopwatch = RunTimer(clock)
        self._loss_backoff = Backoff(clock)
        """Jobs whose worker died, by id, until they may be tried again."""
        self._backoff = Backoff(clock)

    @property
    def dispatched(self) -> Collection[str]:
        """The ids of the jobs that the dispatcher has."""
        return self._dispatched

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in hand, and everything that happened is noted."""
        return not self._dispatched and not self._events

    def take(self, events: Iterable[Event]) -> None:
        """Take in what the dispatcher told; `handle` notes it."""
        self._events.extend(events)

    def release_all(self) -> None:
        """The dispatcher is closed: nothing is in hand any more, and nothing is waited for."""
        self._dispatched.clear()
        self.forget_refusals()

    def forget_refusals(self) -> None:
        """Try again at once what the file system refused."""
        self._backoff.forget()

    def ended(self, job_id: str) -> None:
        """The job has left the spool."""
        self._stops.pop(job_id, None)
        self._stopwatch.stop(job_id)

    def stop(self, entry: SpooledJob, stop: StopRequest) -> None:
        """End a job before its time."""
        if entry.outcome is not None:
            return
        self._stops[entry.job.id] = stop
        if entry.job.id in self._dispatched:
            self._dispatcher.cancel(entry.job.id)
        else:
            self._end_stopped(entry)

    def hand_out(self) -> None:
        """Give the dispatcher the next jobs, as many as it takes; none while paused."""
        if self._reporter.paused is not None:
            return
        while len(self._dispatched) < self._dispatcher.capacity:
            waiting = [
                entry
                for entry in self.queued()
                if entry.job.id not in self._dispatched and not self.in_backoff(entry)
            ]
            if not waiting:
                return
            entry = self._scheduler.order(waiting, lambda entry: entry.scheduling_key)[0]
            self._scheduler.serve(entry.scheduling_key.folder)
            self._dispatched.add(entry.job.id)
            self._dispatcher.submit(replace(entry.job, lost=entry.lost))

    def in_backoff(self, entry: SpooledJob) -> bool:
        """Whether the job may not be tried again yet."""
        return self._loss_backoff.is_delayed(entry.job.id)

    def queued(self) -> list[SpooledJob]:
        """The jobs that wait for a worker, in no order."""
        return [entry for entry in self._live.values() if entry.state is JobState.QUEUED]

    def handle(self) -> None:
        """Take note of what happened. An event stays until it is noted on the disk."""
        while self._events and not self._backoff.is_delayed("events"):
            event = self._events[0]
            entry = self._live.get(event.job_id)
            try:
                if entry is not None and entry.outcome is None:
                    self._handle_or_fail(entry, event)
            except OSError as error:
                log.error("%s cannot be noted: %s", entry.tag if entry else event.job_id, error)
                self._backoff.delay("events")
                return
            self._events.popleft()

    def _handle_or_fail(self, entry: SpooledJob, event: Event) -> None:
        try:
            self._note(entry, event)
        except OSError:
            raise
        except Exception as error:
            log.exception("%s %s could not be handled", entry.tag, event)
            if entry.outcome is None:
                self._end(entry, JobState.FAILED, error=f"An unforeseen error: {error}")

    def _note(self, entry: SpooledJob, event: Event) -> None:
        if entry.state is JobState.QUEUED and not isinstance(
            event, Cancelled | WorkerLost | StorageFailed
        ):
            started = datetime.now(UTC).isoformat(timespec="milliseconds")
            attempt = entry.attempt + 1
            self._spool.change(entry, JobState.RUNNING, attempt=attempt, started=started)
        match event:
            case Started():
                self._stopwatch.start(entry.job.id, entry.ran)
                log.info("%s started on %s, attempt %d", entry.tag, event.device, entry.attempt)
                with self._status_errors_logged():
                    self._reporter.running(entry, event.device)
            case Progress():
                with self._status_errors_logged():
                    self._reporter.progress(entry, event)
            case Done():
                self._done(entry, event)
            case Failed():
                self._end(entry, JobState.FAILED, error=event.message, exit_code=event.exit_code)
            case Cancelled():
                self._end_stopped(entry)
            case WorkerLost():
                self._lost(entry, event.reason)
            case StorageFailed():
                self._stalled(entry, event)

    def _done(self, entry: SpooledJob, event: Done) -> None:
        picture, *extra_outputs = map(Path, (event.picture, *event.extra_outputs))
        for file in (picture, *extra_outputs):
            if file.parent != entry.folder or not file.is_file():
                error = f"The result is not where it should be: {file}"
                self._end(entry, JobState.FAILED, error=error)
                return
        names = [file.name for file in extra_outputs]
        self._end(
            entry, JobState.DONE, picture=picture.name, record=event.record, extra_outputs=names
        )

    def _lost(self, entry: SpooledJob, reason: str) -> None:
        """Not the job's fault, until it happens again and again."""
        lost = entry.lost + 1
        allowed = self._config().retry.lost
        log.warning("%s lost (%d of %d): %s", entry.tag, lost, allowed + 1, reason)
        if entry.job.id in self._stops:
            self._end_stopped(entry)
        elif lost > allowed:
            times = "Its worker" if lost == 1 else f"{lost} workers that worked on it"
            self._end(
                entry,
                JobState.FAILED,
                error=f"{times} died; the last: {reason}. A smaller `size` needs less memory.",
                exit_code=int(ExitCode.OTHER),
            )
        else:
            self.requeue(entry, lost=lost)
            self._loss_backoff.delay(entry.job.id, self.pause_after_loss(entry))

    def pause_after_loss(self, entry: SpooledJob) -> float:
        """Seconds for which a job rests whose worker has died."""
        return growing_pause(self._config().retry.backoff, entry.lost)

    def requeue(self, entry: SpooledJob, **facts: Any) -> None:
        """Back into the queue, if it had been started at all."""
        state = JobState.QUEUED if entry.state is JobState.RUNNING else None
        ran = max(entry.ran, self._stopwatch.seconds(entry.job.id))
        self._spool.change(entry, state, ran=ran, **facts)
        self._stopwatch.stop(entry.job.id)
        self._dispatched.discard(entry.job.id)

    def stop_overdue(self) -> None:
        """Stop the jobs that have run for longer than they may."""
        for job_id in self._dispatched:
            entry = self._live[job_id]
            minutes = entry.job.options.max_minutes or self._config().max_minutes
            if minutes is None or job_id in self._stops:
                continue
            if self._stopwatch.seconds(job_id) >= 60 * minutes:
                log.warning("%s has run for %g minutes: stopped", entry.tag, minutes)
                error = (
                    f"Stopped after {minutes:g} minutes of running, which is its limit "
                    f"(max_minutes), at {self._reporter.place_of(entry)}. Raise max_minutes, or "
                    "let it do less: a smaller `size`, fewer `steps`."
                )
                self.stop(entry, StopRequest(JobState.FAILED, error))

    def _end_stopped(self, entry: SpooledJob) -> None:
        stop = self._stops.get(entry.job.id, StopRequest(JobState.CANCELLED))
        code = ExitCode.OTHER if stop.state is JobState.FAILED else ExitCode.OK
        self._end(entry, stop.state, error=stop.reason or None, exit_code=int(code))

    def _stalled(self, entry: SpooledJob, event: StorageFailed) -> None:
        """The storage failed it: back into the queue, and that does not count."""
        log.warning("%s stalled: %s", entry.tag, event.reason)
        if event.full:
            self._on_full()
        if entry.job.id in self._stops:
            self._end_stopped(entry)
        else:
            self.requeue(entry)

    def _end(self, entry: SpooledJob, state: JobState, **facts: Any) -> None:
        self._spool.change(entry, state, outcome=outcome_now(state, **facts))
        self._dispatched.discard(entry.job.id)
