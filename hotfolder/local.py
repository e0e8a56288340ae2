"""The dispatcher of one machine: a worker process for each device."""

import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from hotfolder.dispatcher import Cancelled, DeviceState, Event, Lost, StyleCache
from hotfolder.errors import DispatchError, ExitCode
from hotfolder.job import Job
from hotfolder.messages import parse_event
from hotfolder.process import WorkerProcess, worker_command

__all__ = ["LocalDispatcher"]

log = logging.getLogger(__name__)

# A worker looks at cancellations between two steps; one that does not is killed.
CANCEL_SECONDS = 20.0
# A worker that is stopped writes a checkpoint first. The daemon promises an end within 5 s.
CLOSE_SECONDS = 4.0
RESTART_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
STARTS_IN_VAIN = 5


class LocalDispatcher:
    """Runs each job in one of a few worker processes. See `Dispatcher` for the contract.

    Jobs stay with the dispatcher until a worker is ready, so that a worker that cannot start does
    no harm to a job.
    """

    def __init__(
        self,
        devices: Literal["auto"] | Sequence[str] = "auto",
        *,
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the workers. With `auto` the first one finds out what devices there are.

        Args:
            command: how a worker is started; `--device NAME` follows.
        """
        self._command = list(command or worker_command())
        self._clock = clock
        self._messages: queue.SimpleQueue[tuple[WorkerProcess, dict[str, Any] | None]] = (
            queue.SimpleQueue()
        )
        self._events: deque[Event] = deque()
        self._pending: deque[Job] = deque()
        self._desks = [_Desk(name) for name in (["auto"] if devices == "auto" else devices)]
        for desk in self._desks:
            self._start(desk)

    @property
    def capacity(self) -> int:
        return sum(desk.refused is None for desk in self._desks)

    def submit(self, job: Job) -> None:
        self._pending.append(job)
        self._assign()

    def poll(self, timeout: float) -> Iterator[Event]:
        """Events so far; waits at most `timeout` seconds for the first.

        Raises:
            DispatchError: no worker can be had at all; the message says why.
        """
        self._keep_house()
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
        for desk in self._desks:
            if desk.job is not None and desk.job.id == job_id and not desk.cancelling:
                desk.cancelling = True
                desk.kill_at = self._clock() + CANCEL_SECONDS
                desk.tell({"do": "cancel", "job": job_id})
        for job in [job for job in self._pending if job.id == job_id]:
            self._pending.remove(job)
            self._events.append(Cancelled(job.id))

    def devices(self) -> list[DeviceState]:
        return [desk.described() for desk in self._desks]

    def close(self, *, drain: bool) -> None:
        if drain:
            events: list[Event] = []
            while self._pending or any(desk.job for desk in self._desks):
                events += self.poll(0.1)
            self._events.extendleft(reversed(events))
        workers = [desk.worker for desk in self._desks if desk.worker is not None]
        for worker in workers:
            worker.end()
        deadline = time.monotonic() + CLOSE_SECONDS
        for worker in workers:
            worker.reap(deadline)
        # What a worker said before its end counts: a finished painting is not painted again.
        self._take_last_messages()
        for desk in self._desks:
            if desk.job is not None:
                self._events.append(Lost(desk.job.id, "the worker was stopped"))
            desk.job, desk.worker, desk.ready = None, None, False
        self._events.extend(Lost(job.id, "no worker was started") for job in self._pending)
        self._pending.clear()

    def _take_last_messages(self) -> None:
        while True:
            try:
                worker, document = self._messages.get_nowait()
            except queue.Empty:
                return
            if document is not None:
                self._handle(worker, document)

    def _start(self, desk: "_Desk") -> None:
        desk.restart_at = None
        command = [*self._command, "--device", desk.device]
        desk.worker = WorkerProcess(command, desk.device, lambda w, d: self._messages.put((w, d)))

    def _assign(self) -> None:
        for desk in self._desks:
            if self._pending and desk.ready and desk.job is None:
                job = self._pending.popleft()
                desk.job = job
                desk.tell({"do": "paint", "job": job.to_document(), "folder": job.folder})

    def _keep_house(self) -> None:
        """Kill workers that do not obey; start again those that are due."""
        now = self._clock()
        for desk in self._desks:
            if desk.kill_at is not None and now >= desk.kill_at and desk.worker is not None:
                log.warning("worker %s: does not stop; killed", desk.device)
                desk.kill_at = None
                desk.worker.kill()
            if desk.restart_at is not None and now >= desk.restart_at:
                self._start(desk)

    def _handle(self, worker: WorkerProcess, document: dict[str, Any] | None) -> None:
        desk = next((desk for desk in self._desks if desk.worker is worker), None)
        if desk is None:
            return
        if document is None:
            self._bury(desk, worker)
            return
        match document["event"]:
            case "ready":
                self._welcome(desk, document)
                return
            case "style_cache":
                counts = {key: value for key, value in document.items() if key != "event"}
                desk.style_cache = StyleCache(**counts)
                return
            case "fatal":
                desk.refused = DispatchError(f"worker {desk.device}: {document['message']}")
                desk.refused.exit_code = ExitCode(document["exit_code"])
                return
            case "done" | "failed" | "cancelled" | "stalled":
                desk.job, desk.cancelling, desk.kill_at = None, False, None
                desk.deaths = 0
        self._events.append(parse_event(document))

    def _welcome(self, desk: "_Desk", document: Mapping[str, Any]) -> None:
        desk.ready, desk.starts_in_vain = True, 0
        if desk.device == "auto":
            desk.device, *others = document["devices"]
            for name in others:
                self._desks.append(_Desk(name))
                self._start(self._desks[-1])
        log.info("worker %s: ready (process %d)", desk.device, desk.pid)

    def _bury(self, desk: "_Desk", worker: WorkerProcess) -> None:
        """A worker's output has ended: it is dead, or as good as."""
        reason = f"the worker on {desk.device} {worker.reap(time.monotonic() + CLOSE_SECONDS)}"
        job, cancelling, was_ready = desk.job, desk.cancelling, desk.ready
        desk.worker, desk.job, desk.ready = None, None, False
        desk.cancelling, desk.kill_at, desk.style_cache = False, None, None
        if job is not None:
            self._events.append(Cancelled(job.id) if cancelling else Lost(job.id, reason))
        if not was_ready and desk.refused is None:
            desk.starts_in_vain += 1
            if desk.starts_in_vain >= STARTS_IN_VAIN:
                words = worker.last_words() or "none"
                desk.refused = DispatchError(f"{reason} before it was ready. Last words: {words}")
        if desk.refused is not None:
            log.error("%s", desk.refused)
            if self.capacity == 0:
                raise desk.refused
            return
        pause = RESTART_SECONDS[min(desk.deaths, len(RESTART_SECONDS) - 1)]
        desk.deaths += 1
        desk.restart_at = self._clock() + pause
        log.warning("%s; another is started in %g s", reason, pause)


class _Desk:
    """The place of one device: its worker, if it lives, and the job in hand."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.worker: WorkerProcess | None = None
        self.ready = False
        self.style_cache: StyleCache | None = None
        self.job: Job | None = None
        self.cancelling = False
        self.kill_at: float | None = None
        self.restart_at: float | None = None
        self.deaths = 0
        """Since a job last came to an end."""
        self.starts_in_vain = 0
        self.refused: DispatchError | None = None
        """Why no worker will ever be had here."""

    @property
    def pid(self) -> int:
        return self.worker.pid if self.worker else 0

    def tell(self, command: Mapping[str, Any]) -> None:
        if self.worker is not None:
            self.worker.tell(command)

    def described(self) -> DeviceState:
        if self.worker is None:
            state = "lost"
        elif not self.ready:
            state = "starting"
        else:
            state = "busy" if self.job else "idle"
        job_id = self.job.id if self.job else None
        return DeviceState(self.device, state, job_id, self.style_cache)
