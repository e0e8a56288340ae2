"""Runs the jobs in the spool: dispatches them in turn, reports their positions in the queue, and
notes on the disk what their workers report."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hotfolder.backoff import Backoff, growing_pause
from hotfolder.config.reload import CurrentConfig
from hotfolder.folder_access import is_file
from hotfolder.inbox.sidecar import EXPECTED_WEIGHTS, allowed_weights
from hotfolder.job import now
from hotfolder.outbox.status_reporter import StatusReporter
from hotfolder.scheduling import Scheduler
from hotfolder.server.job_backoff import JobBackoff
from hotfolder.spool.claimer import ScanResult
from hotfolder.spool.entry import SpooledJob, outcome_now
from hotfolder.spool.spool import Spool
from hotfolder.throttle import Throttle
from hotfolder.workers.dispatcher import Dispatcher
from hotfolder.workers.events import (
    ENDS,
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

__all__ = ["JobRunner", "RunTimer", "StopRequest"]

log = logging.getLogger(__name__)

LARGE_QUEUE = 200
"""With more jobs than this, positions are worked out only every `LARGE_QUEUE_SECONDS`."""

LARGE_QUEUE_SECONDS = 1.0


@dataclass(frozen=True)
class StopRequest:
    """Why a job is to end before its time, and as what."""

    state: JobState
    reason: str = ""
    """Empty if a person asked for it."""


class JobRunner:
    """Runs the jobs of one spool with one dispatcher."""

    def __init__(
        self,
        config: CurrentConfig,
        live: Mapping[str, SpooledJob],
        spool: Spool,
        dispatcher: Dispatcher,
        reporter: StatusReporter,
        scheduler: Scheduler,
        backoff: JobBackoff,
        *,
        on_full: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            live: every job in the spool, by id; the caller's, only read here.
            on_full: called when a worker found the disk full.
        """
        self._config = config
        self._live = live
        self._spool = spool
        self._dispatcher = dispatcher
        self._reporter = reporter
        self._scheduler = scheduler
        self._backoff = backoff
        self._on_full = on_full
        self._dispatched: set[str] = set()
        """The ids of the jobs that the dispatcher has."""
        self._stops: dict[str, StopRequest] = {}
        """By job id."""
        self._events: dict[str, deque[Event]] = {}
        """What is not noted yet, by job id."""
        self._timer = RunTimer(clock)
        self._clock = clock
        self._positions_throttle = Throttle(clock, interval=LARGE_QUEUE_SECONDS)
        self._loss_backoff = Backoff(clock)
        """By job id: those whose worker died, until they may be tried again."""
        self._weights: frozenset[str] = frozenset()
        """What jobs may be painted with: also what the configuration named before it changed."""
        self.note_weights()

    def has_begun(self, job_id: str) -> bool:
        """Whether the dispatcher has the job, or has told of it what is not noted yet."""
        return job_id in self._dispatched or job_id in self._events

    @property
    def is_idle(self) -> bool:
        """Whether no job is dispatched, and every event is noted that can be."""
        return not self._dispatched and self._events.keys() <= self._backoff.reasons.keys()

    def take(self, events: Iterable[Event]) -> None:
        """Queue events of the dispatcher; `handle` notes them on the disk."""
        for event in events:
            waiting = self._events.setdefault(event.job_id, deque())
            last = waiting[-1] if waiting else None
            if isinstance(event, Progress) and isinstance(last, Progress):
                waiting.pop()  # Of a job for which nothing can be noted they would pile up.
                event = replace(event, preview=event.preview or last.preview)
            waiting.append(event)
            if isinstance(event, ENDS):
                self._dispatched.discard(event.job_id)

    def take_while_unavailable(self, events: Iterable[Event]) -> None:
        """The same while the folder is out of reach: a job that fails now fails because of that."""
        for event in events:
            if isinstance(event, Failed):
                self.take([StorageFailed(event.job_id, event.message)])
            elif not isinstance(event, Progress):
                self.take([event])

    def release_all(self) -> None:
        """The dispatcher is closed: it has no job any more."""
        self._dispatched.clear()

    def forget(self, job_id: str) -> None:
        """The job has left the spool."""
        self._stops.pop(job_id, None)
        self._timer.stop(job_id)
        self._backoff.forget(job_id)

    def stop(self, entry: SpooledJob, stop: StopRequest) -> None:
        """End a job before its time."""
        if entry.outcome is not None:
            return
        self._stops[entry.job.id] = stop
        if entry.job.id in self._dispatched:
            self._dispatcher.cancel(entry.job.id)
        elif not (entry.job.id in self._events or self._backoff.is_delayed(entry.job.id)):
            with self._backoff.attempt(entry, "its end cannot be noted"):
                self._end_stopped(entry)

    def hold(self, names: AbstractSet[str]) -> None:
        """Hold queued jobs of these names; release held jobs of other names."""
        for entry in self._live.values():
            held, job_id = entry.job.name in names, entry.job.id
            state = JobState.HELD if held else JobState.QUEUED
            waits = entry.state in (JobState.QUEUED, JobState.HELD)
            if entry.state is state or not waits or self.has_begun(job_id):
                continue
            if not self._backoff.is_delayed(job_id):
                with self._backoff.attempt(
                    entry, f"its {'hold' if held else 'release'} cannot be noted"
                ):
                    self._spool.change(entry, state)

    def note_weights(self) -> None:
        """Take in which weights the configuration names now; to be called before jobs are
        claimed."""
        self._weights |= allowed_weights(self._config().settings)

    def dispatch(self, may_begin: Callable[[], bool]) -> None:
        """Submit the next jobs, as many as the dispatcher takes; `may_begin` is asked for each."""
        while len(self._dispatched) < self._dispatcher.capacity:
            waiting = [
                entry
                for entry in self._queued()
                if not self.has_begun(entry.job.id)
                and not self._in_backoff(entry)
                and self._may_be_painted(entry)
            ]
            if not waiting or not may_begin():
                return
            entry = self._scheduler.order(waiting, lambda entry: entry.scheduling_key)[0]
            self._scheduler.serve(entry.scheduling_key.folder)
            self._dispatched.add(entry.job.id)
            self._dispatcher.submit(replace(entry.job, lost=entry.lost))

    def report_positions(self, scan: ScanResult) -> None:
        """Report the position of everybody who waits, in the spool or in the inbox, from 1. In a
        large queue that takes long, so not at every step."""
        is_large = len(self._live) + len(scan.waiting) + len(scan.ready) > LARGE_QUEUE
        if is_large and not self._positions_throttle.is_open:
            return
        started = self._clock()
        queued = self._queued()
        waiting = [(entry.scheduling_key, entry.job.name) for entry in queued]
        waiting += [(candidate.scheduling_key, name) for name, candidate in scan.ready.items()]
        queue = self._scheduler.order(waiting, lambda each: each[0])
        pauses = {
            entry.job.name: self._pause_after_loss(entry)
            for entry in queued
            if self._in_backoff(entry)
        }
        queue.sort(key=lambda each: each[1] in pauses)
        positions = {name: position for position, (_, name) in enumerate(queue, start=1)}
        self._reporter.queue(scan.candidates, positions, pauses)
        self._positions_throttle.ended(started)

    def _may_be_painted(self, entry: SpooledJob) -> bool:
        """False if its weights are none that it may have; it fails then. Its document may have been
        written by anybody who may write to the folder."""
        weights = entry.job.settings.weights
        if weights in self._weights:
            return True
        if not self._backoff.is_delayed(entry.job.id):
            with self._backoff.attempt(entry, "its end cannot be noted"):
                error = f"weights: {weights!r}; expected {EXPECTED_WEIGHTS}."
                self._end(entry, JobState.FAILED, error=error)
        return False

    def _in_backoff(self, entry: SpooledJob) -> bool:
        """Whether the job may not be tried again yet."""
        return self._loss_backoff.is_delayed(entry.job.id)

    def _queued(self) -> list[SpooledJob]:
        """The jobs that wait for a worker, in no order."""
        return [entry for entry in self._live.values() if entry.state is JobState.QUEUED]

    def handle(self) -> None:
        """Note the events on the disk. An event stays queued until that has succeeded, and those of
        its job behind it."""
        for job_id in list(self._events):
            entry = self._live.get(job_id)
            if entry is None:
                del self._events[job_id]
            elif not self._backoff.is_delayed(job_id):
                with self._backoff.attempt(entry, "its progress cannot be noted"):
                    self._handle(entry, self._events[job_id])
                    del self._events[job_id]

    def _handle(self, entry: SpooledJob, events: deque[Event]) -> None:
        while events:
            if entry.outcome is None:
                self._handle_or_fail(entry, events[0])
            events.popleft()

    def _handle_or_fail(self, entry: SpooledJob, event: Event) -> None:
        try:
            self._note(entry, event)
        except OSError:
            raise
        except Exception as error:
            log.exception("%s %s could not be handled", entry.tag, event)
            if entry.outcome is None:
                self._end(entry, JobState.FAILED, error=f"An unforeseen error: {error}")
            self._dispatcher.cancel(entry.job.id)

    def _note(self, entry: SpooledJob, event: Event) -> None:
        if entry.state is JobState.QUEUED and not isinstance(
            event, Cancelled | WorkerLost | StorageFailed
        ):
            attempt = entry.attempt + 1
            self._spool.change(entry, JobState.RUNNING, attempt=attempt, started=now())
        match event:
            case Started():
                self._timer.start(entry.job.id, entry.ran)
                log.info("%s started on %s, attempt %d", entry.tag, event.device, entry.attempt)
                self._reporter.running(entry, event.device)
            case Progress():
                self._reporter.progress(entry, event)
            case Done():
                self._done(entry, event)
            case Failed():
                self._end(entry, JobState.FAILED, error=event.message)
            case Cancelled():
                self._end_stopped(entry)
            case WorkerLost():
                self._worker_lost(entry, event)
            case StorageFailed():
                self._storage_failed(entry, event)

    def _done(self, entry: SpooledJob, event: Done) -> None:
        picture, *extra_outputs = map(Path, (event.picture, *event.extra_outputs))
        for file in (picture, *extra_outputs):
            if file.parent != entry.folder or not is_file(file):
                error = f"The result is not where it should be: {file}"
                self._end(entry, JobState.FAILED, error=error)
                return
        names = [file.name for file in extra_outputs]
        self._end(
            entry, JobState.DONE, picture=picture.name, record=event.record, extra_outputs=names
        )

    def _worker_lost(self, entry: SpooledJob, event: WorkerLost) -> None:
        """Not the job's fault, until it happens again and again."""
        reason, lost = event.reason, entry.lost + 1
        allowed = self._config().retry.lost
        if not event.counts and entry.job.id not in self._stops:
            log.warning("%s goes back into the queue: %s", entry.tag, reason)
            self.requeue(entry)
            self._reporter.lost(entry, reason)
            return
        log.warning("%s lost (%d of %d): %s", entry.tag, lost, allowed + 1, reason)
        if entry.job.id in self._stops:
            self._end_stopped(entry)
        elif lost > allowed:
            times = "Its worker" if lost == 1 else f"{lost} workers that worked on it"
            self._end(
                entry,
                JobState.FAILED,
                error=f"{times} died; the last: {reason}. A smaller `size` needs less memory.",
            )
        else:
            self.requeue(entry, lost=lost)
            self._reporter.lost(entry, reason)
            self._loss_backoff.delay(entry.job.id, self._pause_after_loss(entry))

    def _pause_after_loss(self, entry: SpooledJob) -> float:
        """Seconds for which a job waits whose worker has died."""
        return growing_pause(self._config().retry.backoff, entry.lost)

    def requeue(self, entry: SpooledJob, **facts: Any) -> None:
        """Back into the queue, if it had been started at all."""
        state = JobState.QUEUED if entry.state is JobState.RUNNING else None
        ran = max(entry.ran, self._timer.seconds(entry.job.id))
        self._spool.change(entry, state, ran=ran, **facts)
        self._timer.stop(entry.job.id)

    def stop_overdue(self) -> None:
        """Stop the jobs that have run for longer than they may."""
        for job_id in self._dispatched & self._live.keys():
            entry = self._live[job_id]
            minutes = entry.job.options.max_minutes or self._config().max_minutes
            if minutes is None or job_id in self._stops:
                continue
            if self._timer.seconds(job_id) >= 60 * minutes:
                log.warning("%s has run for %g minutes: stopped", entry.tag, minutes)
                error = (
                    f"Stopped after {minutes:g} minutes of running, which is its limit "
                    f"(max_minutes), at {self._reporter.progress_of(entry)}. Raise max_minutes, or "
                    "let it do less: a smaller `size`, fewer `steps`."
                )
                self.stop(entry, StopRequest(JobState.FAILED, error))

    def _end_stopped(self, entry: SpooledJob) -> None:
        stop = self._stops.get(entry.job.id, StopRequest(JobState.CANCELLED))
        self._end(entry, stop.state, error=stop.reason or None)

    def _storage_failed(self, entry: SpooledJob, event: StorageFailed) -> None:
        """Back into the queue; it does not count as a lost attempt."""
        log.warning("%s stalled: %s", entry.tag, event.reason)
        if event.full:
            self._on_full()
        if entry.job.id in self._stops:
            self._end_stopped(entry)
        else:
            self.requeue(entry)

    def _end(self, entry: SpooledJob, state: JobState, **facts: Any) -> None:
        self._spool.change(entry, state, outcome=outcome_now(state, **facts))


class RunTimer:
    """How long jobs have run, all attempts together; waiting between two attempts does not count.
    Pure, clock injected."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def start(self, job_id: str, before: float = 0.0) -> None:
        """An attempt begins; earlier ones took `before` seconds. A second start changes nothing."""
        self._since.setdefault(job_id, self._clock() - before)

    def seconds(self, job_id: str) -> float:
        """Running time so far; 0 for a job that does not run."""
        return self._clock() - self._since.get(job_id, self._clock())

    def stop(self, job_id: str) -> None:
        """The attempt is over."""
        self._since.pop(job_id, None)
