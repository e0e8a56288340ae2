"""The interface between the server and whatever computes its jobs.

`LocalDispatcher` runs a worker process for each device, `RayDispatcher` an actor for each device of
a cluster. Every dispatcher passes the same contract tests (tests/hotfolder/workers).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from hotfolder.job import Job
from hotfolder.workers.events import Event

__all__ = ["DeviceState", "Dispatcher", "StyleCache"]


@dataclass(frozen=True)
class StyleCache:
    """A worker's cache of style statistics: its hits and misses, and the memory that it takes."""

    hits: int
    misses: int
    bytes: int


@dataclass(frozen=True)
class DeviceState:
    """One device for the status: `state` is starting, idle, busy or lost."""

    device: str
    state: str
    job_id: str | None
    style_cache: StyleCache | None = None
    """Of its worker since that was started; None before its first job has ended."""
    message: str = ""
    """Why it is lost, for a person."""
    silent: float = 0.0
    """Seconds since its worker's last message, while it starts or paints; since when it is lost."""
    stall_seconds: float | None = None
    """After how many of them the worker is ended; None: never."""


class Dispatcher(Protocol):
    """Computes jobs. Called from the server's one thread only."""

    @property
    def capacity(self) -> int:
        """How many jobs may be with the dispatcher at once; claim no more than this."""

    @property
    def problem(self) -> str:
        """Why no job can be painted now, for a person; empty if that is not so."""

    def submit(self, job: Job) -> None:
        """Take a job. Every submitted job ends in exactly one Done, Failed, Cancelled,
        WorkerLost or StorageFailed: a worker that makes no progress is ended, and its job lost."""

    def poll(self, timeout: float) -> Iterator[Event]:
        """Events so far; waits at most `timeout` seconds for the first."""

    def cancel(self, job_id: str) -> None:
        """Ask for an end. Unknown or ended jobs are ignored."""

    def devices(self) -> list[DeviceState]:
        """What each device is doing."""

    def close(self, *, drain: bool) -> None:
        """End the workers: after their jobs (`drain`), or now. Within 5 seconds if not draining;
        a job that is submitted again should go on from where it was."""
