"""The dispatcher of one machine: a worker process for each device, or several."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from hotfolder.errors import DispatchError
from hotfolder.workers.worker_pool import WorkerPool, WorkerSlot
from hotfolder.workers.worker_process import WorkerProcess, worker_command

__all__ = ["LocalDispatcher"]


class LocalDispatcher(WorkerPool):
    """Worker processes of this machine."""

    def __init__(
        self,
        devices: Literal["auto"] | Sequence[str] = "auto",
        *,
        command: Sequence[str] | None = None,
        stall_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the workers. With `auto` the first one finds out what devices there are, and the
        first one on each device how many there are to be on it.

        Args:
            command: how a worker is started; `--device NAME` follows.
            stall_seconds: as `WorkerPool`.
        """
        self._command = list(command or worker_command())
        named = ["auto"] if devices == "auto" else devices
        super().__init__(named, stall_seconds=stall_seconds, clock=clock)

    def _start_worker(self, slot: WorkerSlot) -> WorkerProcess:
        command = [*self._command, "--device", slot.device]
        return WorkerProcess(command, slot.device, lambda w, d: self._messages.put((w, d)))

    def _further_workers(self, slot: WorkerSlot, document: Mapping[str, Any]) -> None:
        further: list[str] = []
        if slot.device == "auto":
            slot.device, *further = document["devices"]
        there = sum(each.device == slot.device for each in self._slots)
        for name in [*further, *[slot.device] * (document["workers"] - there)]:
            self._slots.append(WorkerSlot(name))
            self._start(self._slots[-1])

    def _on_unusable(self, error: DispatchError) -> None:
        if self.capacity == 0:
            raise error
