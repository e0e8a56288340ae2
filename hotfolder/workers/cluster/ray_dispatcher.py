"""The dispatcher of a Ray cluster, in the server's process: the driver's process, and a slot for
each actor that the driver tells of."""

import importlib.util
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hotfolder.backoff import growing_pause
from hotfolder.errors import DispatchError, ExitCode
from hotfolder.workers.events import WorkerLost
from hotfolder.workers.worker_pool import WorkerPool, WorkerSlot
from hotfolder.workers.worker_process import WorkerOptions, WorkerProcess

__all__ = ["RayDispatcher", "driver_command"]

log = logging.getLogger(__name__)

SILENT_SECONDS = 20.0
"""A driver that has said nothing for so long has lost the cluster: it is started anew."""

RECONNECT_SECONDS = 1.0
LONGEST_RECONNECT_SECONDS = 30.0


def driver_command(address: str, options: WorkerOptions | None = None) -> list[str]:
    """How the driver is started.

    Raises:
        DispatchError: Ray is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        error = DispatchError(
            "`dispatch: {backend: ray}` needs Ray, which is not installed here. "
            "Install it: pip install 'impasto[ray]'."
        )
        error.exit_code = ExitCode.MISSING_DEPENDENCY
        raise error
    options = options or WorkerOptions()
    command = [sys.executable, "-P", "-m", "hotfolder.workers.cluster.driver"]
    return [*command, "--address", address, "--options", options.model_dump_json()]


class RayDispatcher(WorkerPool):
    """Actors of a Ray cluster. Nodes that join are used at once; a node that goes gives its jobs
    back, which does not count against them. While the cluster is lost there is no capacity, and
    `problem` says why.

    The actors are Ray's to start again (`max_restarts`), the jobs are the server's: Ray may take an
    actor for dead whose task was done, and a task is never retried by Ray.
    """

    def __init__(
        self,
        address: str,
        *,
        options: WorkerOptions | None = None,
        painter: str | None = None,
        command: Sequence[str] | None = None,
        stall_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            address: as `ray.init` has it: `auto`, `HOST:PORT` or `ray://HOST:PORT`.
            painter: `module:Class` on the nodes; by default the engine's.
            command: how the driver is started; by default as `driver_command` says.

        Raises:
            DispatchError: Ray is not installed.
        """
        self._address = address
        self._command = list(command or driver_command(address, options))
        self._command += ["--painter", painter] if painter else []
        super().__init__([], stall_seconds=stall_seconds, clock=clock)
        self._problem = ""
        self._driver: WorkerProcess | None = None
        self._heard = clock()
        self._silent = ""
        """Why the driver was killed, if it said nothing."""
        self._connected = False
        self._failures = 0
        self._connect_at: float | None = None
        self._connect()

    @property
    def problem(self) -> str:
        return self._problem

    @property
    def capacity(self) -> int:
        """None while the cluster is lost."""
        return 0 if self._problem else super().capacity

    def _connect(self) -> None:
        self._connect_at, self._heard, self._connected = None, self._clock(), False
        self._driver = WorkerProcess(
            self._command, "ray", lambda worker, document: self._messages.put((worker, document))
        )

    def _start_worker(self, slot: WorkerSlot) -> "_RayWorker":
        """Ray starts the actor; it is ready when it answers."""
        worker = _RayWorker(slot.worker_id, self._send)
        worker.send({"do": "start"})
        return worker

    def _send(self, command: Mapping[str, Any]) -> None:
        if self._driver is not None:
            self._driver.send(command)

    def _maintain(self) -> None:
        super()._maintain()
        now = self._clock()
        if self._connect_at is not None and now >= self._connect_at:
            self._connect()
        elif self._driver is not None and now - self._heard >= SILENT_SECONDS:
            self._silent = f"it has not answered for {SILENT_SECONDS:g} seconds"
            self._heard = now
            self._driver.kill()  # The end of its output says the rest.

    def _handle(self, worker: Any, document: dict[str, Any] | None) -> None:
        if worker is not self._driver or worker is None:
            return
        self._heard = self._clock()
        if document is None:
            self._on_driver_exit(worker)
            return
        worker_id = document.pop("worker", None)
        slot = next((slot for slot in self._slots if slot.worker_id == worker_id), None)
        match document["event"]:
            case "beat":
                self._problem = document["problem"]
                self._failures, self._connected = 0, True
            case "joined":
                slot = WorkerSlot(document["device"], worker_id=worker_id)
                self._slots.append(slot)
                self._start(slot)
                log.info("%s has joined", slot.device)
            case "exit" | "left" if slot is not None:
                self._on_actor_exit(slot, document["reason"], left=document["event"] == "left")
            case "no_ray":
                error = DispatchError(document["message"])
                error.exit_code = ExitCode.MISSING_DEPENDENCY
                raise error
            case _ if slot is not None and slot.worker is not None:
                super()._handle(slot.worker, document)

    def _on_actor_exit(self, slot: WorkerSlot, reason: str, *, left: bool) -> None:
        actor = slot.worker
        if isinstance(actor, _RayWorker):
            actor.ended, actor.machine_lost = reason, left
            self._on_exit(slot, actor)
        if left:
            self._slots.remove(slot)
            log.warning("%s has left: %s", slot.device, reason)

    def _on_driver_exit(self, driver: WorkerProcess) -> None:
        """The cluster is lost, or cannot be reached: its jobs go back, and it is tried again."""
        ended = driver.reap(time.monotonic())
        last_words = driver.stderr_tail()
        self._driver = None
        self._failures += 1
        why = self._silent or last_words.rpartition(" / ")[2] or ended
        if self._connected and not self._silent:  # Ray's own last words are long; the log has them.
            why = "its head has gone, or cannot be reached any more"
        self._problem = f"waits for the Ray cluster at {self._address}, which is lost: {why}"[:400]
        self._silent = ""
        pause = growing_pause(RECONNECT_SECONDS, self._failures, LONGEST_RECONNECT_SECONDS)
        self._connect_at = self._clock() + pause
        log.error("%s", self._problem)
        for slot in list(self._slots):
            self._on_actor_exit(slot, "was lost with the Ray cluster", left=True)
        for job in self._pending:
            self._events.append(WorkerLost(job.id, self._problem, counts=False))
        self._pending.clear()

    def _stop_workers(self, deadline: float) -> None:
        self._connect_at = None
        if self._driver is not None:
            self._driver.send({"do": "stop"})
            self._driver.reap(deadline)


class _RayWorker:
    """An actor, seen from the server."""

    pid = 0

    def __init__(self, worker_id: str, send: Callable[[Mapping[str, Any]], None]) -> None:
        self.machine_lost = False
        self.ended = ""
        self._id = worker_id
        self._send = send

    def send(self, command: Mapping[str, Any]) -> None:
        self._send({**command, "worker": self._id})

    def kill(self) -> None:
        self.send({"do": "kill"})

    def reap(self, deadline: float) -> str:
        return self.ended or "was ended, and Ray does not say how"

    def stderr_tail(self) -> str:
        return self.ended
