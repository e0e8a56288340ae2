"""A dispatcher whose workers do what they are told to, one event at a time."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from hotfolder.job import Job
from hotfolder.workers.dispatcher import DeviceState
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

__all__ = ["LIVES", "ScriptedDispatcher"]

LIVES = ("paints", "paints_more", "fails", "is_lost", "hangs", "storage_fails", "no_result", "odd")
"""What a worker may make of a job."""

LOSSES = {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}
ENDS = (Done, Failed, Cancelled, WorkerLost, StorageFailed)


class ScriptedDispatcher:
    """Two workers. Each poll brings one event of each job."""

    capacity = 2
    problem = ""

    def __init__(
        self, life: Callable[[], str], elsewhere: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """
        Args:
            life: says which of `LIVES` a job has that begins; one that hangs does so while it is
                still the same.
            elsewhere: within it something is another process's doing.
        """
        self.problems: list[str] = []
        """What no worker should be asked for."""
        self._life = life
        self._elsewhere = elsewhere
        self._running: dict[str, Iterator[Event]] = {}
        self._events: deque[Event] = deque()

    def submit(self, job: Job) -> None:
        assert len(self._running) < self.capacity
        with self._elsewhere():
            self._check(job)
        self._running[job.id] = self._live(job)

    def poll(self, timeout: float) -> Iterator[Event]:
        with self._elsewhere():
            for life in list(self._running.values()):
                self._events.extend([event] if (event := next(life, None)) else [])
        events, self._events = list(self._events), deque()
        for event in events:
            if isinstance(event, ENDS):
                self._running.pop(event.job_id, None)
        return iter(events)

    def cancel(self, job_id: str) -> None:
        if self._running.pop(job_id, None) is not None:
            self._events.append(Cancelled(job_id))

    def devices(self) -> list[DeviceState]:
        running = [*self._running, None, None]
        states = enumerate(running[: self.capacity])
        return [DeviceState(f"fake:{n}", "busy" if job else "idle", job) for n, job in states]

    def close(self, *, drain: bool) -> None:
        self._events.extend(
            WorkerLost(job_id, "the worker was stopped") for job_id in self._running
        )
        self._running.clear()

    def _live(self, job: Job) -> Iterator[Event]:
        life, folder = self._life(), Path(job.folder)
        yield Started(job.id, "fake")
        preview = _written(folder / "preview.jpg", b"a preview")
        yield Progress(job.id, 1, 2, 3, 10, 0.25, LOSSES, 1.0, 3.0, preview)
        while life == "hangs" and self._life() == "hangs":
            yield Progress(job.id, 1, 2, 4, 10, 0.25, LOSSES, 1.0, None)
        result = _written(folder / "result.png", f"painted {job.id}".encode())
        if result is None:
            yield StorageFailed(job.id, "the job's folder cannot be written to")
            return
        match life:
            case "fails":
                yield Failed(job.id, f"{job.content}: not a picture\n" + "x" * 30_000, 2)
            case "is_lost":
                yield WorkerLost(job.id, "the worker was ended by SIGKILL")
            case "storage_fails":
                yield StorageFailed(job.id, "no space left on device", full=True)
            case "no_result":
                (folder / "result.png").unlink()
                yield Done(job.id, result, {"losses": LOSSES, "seconds": 1.5})
            case "paints_more":
                more = _written(folder / "progression.jpg", b"more")
                yield Done(job.id, result, {"seconds": 1.5}, [more] if more else [])
            case "odd":
                losses = {"content": float("nan"), "style": float("inf"), "tv": 1e300, "total": 0.0}
                yield Progress(job.id, 1, 1, 1, 1, 1.0, losses, 1e300, 0.0)
                yield Done(job.id, result, {"losses": losses, "seconds": 1e300})
            case _:
                yield Done(job.id, result, {"losses": LOSSES, "seconds": 1.5})

    def _check(self, job: Job) -> None:
        if job.settings.weights not in ("caffe", "torchvision"):
            self.problems.append(f"a worker is to open the weights {job.settings.weights}")


def _written(path: Path, data: bytes) -> str | None:
    """A worker writes into its job's folder and through no link."""
    try:
        if path.parent.is_symlink() or path.is_symlink():
            return None
        path.write_bytes(data)
    except OSError:
        return None
    return os.fspath(path)
