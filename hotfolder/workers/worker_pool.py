"""Jobs in workers: slots, assignment, cancelling, stalls, restarts. What dispatchers share."""

import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hotfolder.backoff import growing_pause
from hotfolder.errors import DispatchError, ExitCode
from hotfolder.job import Job
from hotfolder.workers.dispatcher import DeviceState, StyleCache
from hotfolder.workers.events import ENDS, Cancelled, Event, WorkerLost, parse_event

__all__ = ["Worker", "WorkerPool", "WorkerSlot"]

log = logging.getLogger(__name__)

# A worker checks for cancellations between two steps; one that does not is killed.
CANCEL_SECONDS = 20.0
# A worker that is stopped writes a checkpoint first. The server promises an end within 5 s.
CLOSE_SECONDS = 4.0
RESTART_SECONDS = 0.5
LONGEST_RESTART_SECONDS = 30.0
MAX_FAILED_STARTS = 5
# A worker that was killed and does not end hangs in the system: nothing more comes from it.
GIVE_UP_SECONDS = 20.0
# The most that counts as silence between two looks. A machine that slept, or a server that was
# stopped itself, must not take the time for its workers': some clocks go on meanwhile.
LONGEST_LOOK_SECONDS = 5.0


class Worker(Protocol):
    """A worker, wherever it is. Its messages are documents as `hotfolder.workers.worker` has them,
    put into the pool's queue; None when it has ended."""

    @property
    def pid(self) -> int: ...
    @property
    def machine_lost(self) -> bool:
        """Whether its machine went with it: then its end is not the job's fault."""

    def send(self, command: Mapping[str, Any]) -> None:
        """Send a command; never waits."""

    def kill(self) -> None: ...
    def reap(self, deadline: float) -> str:
        """Wait for the end until `deadline` (monotonic), then kill. Returns how it ended."""

    def stderr_tail(self) -> str:
        """The end of what it wrote to standard error."""


class WorkerPool:
    """Runs each job in one of a few workers. See `Dispatcher` for the contract.

    Jobs stay with the pool until a worker is ready, so that a worker that cannot start does no harm
    to a job. Subclasses say how workers are started, and which there are.
    """

    def __init__(
        self,
        devices: Sequence[str],
        *,
        stall_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start a worker on each device.

        Args:
            stall_seconds: a worker that starts or paints without a message for so long is ended,
                and its job lost; None: never.
        """
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._looked = clock()
        self._messages: queue.SimpleQueue[tuple[Any, dict[str, Any] | None]] = queue.SimpleQueue()
        self._events: deque[Event] = deque()
        self._pending: deque[Job] = deque()
        self._slots = [WorkerSlot(name) for name in devices]
        for slot in self._slots:
            self._start(slot)

    @property
    def problem(self) -> str:
        return ""

    def _start_worker(self, slot: "WorkerSlot") -> Worker:
        """
        Raises:
            OSError: the system has no process, or no memory, to spare.
        """
        raise NotImplementedError

    def _further_workers(self, slot: "WorkerSlot", document: Mapping[str, Any]) -> None:
        """A worker is ready: there may be more to start."""

    def _on_unusable(self, error: DispatchError) -> None:
        """No worker will ever be had in a slot.

        Raises:
            DispatchError: nor anywhere else.
        """

    @property
    def capacity(self) -> int:
        return sum(slot.unusable is None for slot in self._slots)

    def submit(self, job: Job) -> None:
        self._pending.append(job)
        self._assign()

    def poll(self, timeout: float) -> Iterator[Event]:
        """Events so far; waits at most `timeout` seconds for the first.

        Raises:
            DispatchError: no worker can be had at all; the message says why.
        """
        self._maintain()
        deadline = time.monotonic() + timeout
        while True:
            left = 0.0 if self._events else deadline - time.monotonic()
            try:
                worker, document = self._messages.get(timeout=max(0.0, left))
            except queue.Empty:
                break
            self._handle(worker, document)
        self._assign()
        events, self._events = self._events, deque()
        return iter(events)

    def cancel(self, job_id: str) -> None:
        for slot in self._slots:
            if slot.job is not None and slot.job.id == job_id and not slot.cancelling:
                slot.cancelling = True
                slot.kill_at = self._clock() + CANCEL_SECONDS
                slot.send({"do": "cancel", "job": job_id})
        for job in [job for job in self._pending if job.id == job_id]:
            self._pending.remove(job)
            self._events.append(Cancelled(job.id))

    def devices(self) -> list[DeviceState]:
        return [slot.described(self._stall_seconds) for slot in self._slots]

    def close(self, *, drain: bool) -> None:
        if drain:
            events: list[Event] = []
            while self._pending or any(slot.job for slot in self._slots):
                events += self.poll(0.1)
            self._events.extendleft(reversed(events))
        self._stop_workers(time.monotonic() + CLOSE_SECONDS)
        # What a worker sent before its end counts: a finished painting is not painted again.
        self._take_last_messages()
        for slot in self._slots:
            if slot.job is not None:
                self._events.append(WorkerLost(slot.job.id, "the worker was stopped"))
            slot.job, slot.worker, slot.ready = None, None, False
        self._events.extend(WorkerLost(job.id, "no worker was started") for job in self._pending)
        self._pending.clear()

    def _stop_workers(self, deadline: float) -> None:
        """Each writes a checkpoint, and ends until `deadline` (monotonic)."""
        workers = [slot.worker for slot in self._slots if slot.worker is not None]
        for worker in workers:
            worker.send({"do": "stop"})
        for worker in workers:
            worker.reap(deadline)

    def _take_last_messages(self) -> None:
        while True:
            try:
                worker, document = self._messages.get_nowait()
            except queue.Empty:
                return
            if document is not None:
                self._handle(worker, document)

    def _start(self, slot: "WorkerSlot") -> None:
        slot.restart_at, slot.silent = None, 0.0
        try:
            slot.worker = self._start_worker(slot)
        except OSError as error:
            reason = f"no worker can be started on {slot.device}: {error.strerror or error}"
            self._start_later(slot, reason, "none")

    def _assign(self) -> None:
        for slot in self._slots:
            if self._pending and slot.ready and slot.job is None:
                job = self._pending.popleft()
                slot.job, slot.silent = job, 0.0
                slot.send({"do": "paint", "job": job.to_document(), "folder": job.folder})

    def _maintain(self) -> None:
        """Kill workers that do not cancel or make no progress; restart those that are due."""
        now = self._clock()
        passed, self._looked = min(now - self._looked, LONGEST_LOOK_SECONDS), now
        for slot in self._slots:
            if slot.restart_at is not None and now >= slot.restart_at:
                self._start(slot)
            slot.silent += passed if slot.is_waited_for else 0.0
            if slot.worker is None:
                continue
            if slot.give_up_at is not None:
                if now >= slot.give_up_at:
                    self._on_exit(slot, slot.worker)
            elif slot.kill_at is not None and now >= slot.kill_at:
                log.warning("worker %s: does not stop; killed", slot.device)
                self._kill(slot)
            elif self._stall_seconds is not None and slot.silent >= self._stall_seconds:
                minutes = self._stall_seconds / 60
                slot.stalled = f"made no progress for {minutes:g} minutes and was ended"
                log.warning("worker %s: %s", slot.device, slot.stalled)
                self._kill(slot)

    def _kill(self, slot: "WorkerSlot") -> None:
        slot.kill_at, slot.give_up_at = None, self._clock() + GIVE_UP_SECONDS
        if slot.worker is not None:
            slot.worker.kill()

    def _handle(self, worker: Any, document: dict[str, Any] | None) -> None:
        slot = next((slot for slot in self._slots if slot.worker is worker), None)
        if slot is None:
            return
        if document is None:
            self._on_exit(slot, worker)
            return
        slot.silent = 0.0
        try:
            self._receive(slot, worker, document)
        except (KeyError, TypeError, ValueError) as error:
            log.error("worker %s: a message that nobody knows: %r", slot.device, error)

    def _receive(self, slot: "WorkerSlot", worker: Worker, document: dict[str, Any]) -> None:
        match document["event"]:
            case "alive":
                return
            case "ready":
                self._on_ready(slot, worker, document)
                return
            case "style_cache":
                counts = {key: value for key, value in document.items() if key != "event"}
                slot.style_cache = StyleCache(**counts)
                return
            case "fatal":
                slot.unusable = DispatchError(f"worker {slot.device}: {document['message']}")
                slot.unusable.exit_code = ExitCode(document["exit_code"])
                return
        event = parse_event(document)
        if isinstance(event, ENDS):
            slot.job, slot.cancelling, slot.kill_at = None, False, None
            slot.exits = 0
        self._events.append(event)

    def _on_ready(self, slot: "WorkerSlot", worker: Worker, document: Mapping[str, Any]) -> None:
        slot.ready, slot.failed_starts = True, 0
        self._further_workers(slot, document)
        log.info("worker %s: ready (process %d)", slot.device, worker.pid)

    def _on_exit(self, slot: "WorkerSlot", worker: Worker) -> None:
        """A worker's output has ended: it is dead, or as good as."""
        patience = 0.0 if slot.give_up_at is not None else CLOSE_SECONDS
        ended = worker.reap(time.monotonic() + patience)
        reason = f"the worker on {slot.device} {slot.stalled or ended}"
        job, cancelling, was_ready = slot.job, slot.cancelling, slot.ready
        slot.worker, slot.job, slot.ready = None, None, False
        slot.cancelling, slot.kill_at, slot.style_cache = False, None, None
        slot.stalled, slot.give_up_at, slot.silent = "", None, 0.0
        if job is not None:
            lost = WorkerLost(job.id, reason, counts=not worker.machine_lost)
            self._events.append(Cancelled(job.id) if cancelling else lost)
        self._start_later(slot, reason, worker.stderr_tail() or "none", failed=not was_ready)

    def _start_later(
        self, slot: "WorkerSlot", reason: str, last_words: str, *, failed: bool = True
    ) -> None:
        """
        Raises:
            DispatchError: this was the last device.
        """
        slot.lost = reason
        if failed and slot.unusable is None:
            slot.failed_starts += 1
            if slot.failed_starts >= MAX_FAILED_STARTS:
                words = f"{reason} before it was ready. Last words: {last_words}"
                slot.unusable = DispatchError(words)
        if slot.unusable is not None:
            log.error("%s", slot.unusable)
            self._on_unusable(slot.unusable)
            return
        slot.exits += 1
        pause = growing_pause(RESTART_SECONDS, slot.exits, LONGEST_RESTART_SECONDS)
        slot.restart_at = self._clock() + pause
        log.warning("%s; another is started in %g s", reason, pause)


@dataclass
class WorkerSlot:
    """One device: its worker, if it lives, and its job."""

    device: str
    worker_id: str = ""
    """What the dispatcher knows the worker by, if it needs that."""
    worker: Worker | None = None
    ready: bool = False
    style_cache: StyleCache | None = None
    job: Job | None = None
    cancelling: bool = False
    kill_at: float | None = None
    restart_at: float | None = None
    exits: int = 0
    """Since a job last came to an end."""
    failed_starts: int = 0
    unusable: DispatchError | None = None
    """Why no worker will ever be had here."""
    silent: float = 0.0
    """Seconds of waiting since the worker's last message, or for a worker at all."""
    stalled: str = ""
    """Why it was killed, if it made no progress."""
    give_up_at: float | None = None
    """When a worker that was killed counts as dead all the same."""
    lost: str = ""
    """How the last worker ended."""

    @property
    def is_waited_for(self) -> bool:
        return self.worker is None or not self.ready or self.job is not None

    def send(self, command: Mapping[str, Any]) -> None:
        if self.worker is not None:
            self.worker.send(command)

    def described(self, stall_seconds: float | None) -> DeviceState:
        if self.worker is None:
            state = "lost"
        elif not self.ready:
            state = "starting"
        else:
            state = "busy" if self.job else "idle"
        job_id = self.job.id if self.job else None
        message = ""
        if self.worker is None:
            message = str(self.unusable) if self.unusable else f"{self.lost}; another is started"
        return DeviceState(
            self.device, state, job_id, self.style_cache, message, self.silent, stall_seconds
        )
