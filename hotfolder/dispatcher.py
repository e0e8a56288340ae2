"""Door 2: how the daemon hands jobs to whatever computes them.

`LocalDispatcher` (local.py) runs a worker process for each device. Another dispatcher (a cluster)
implements the same protocol and passes the same contract tests (tests/hotfolder).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hotfolder.job import Job

__all__ = [
    "Cancelled",
    "DeviceState",
    "Dispatcher",
    "Done",
    "Event",
    "Failed",
    "Lost",
    "Progress",
    "Stalled",
    "Started",
    "StyleCache",
]


@dataclass(frozen=True)
class Started:
    """A worker has taken the job."""

    job_id: str
    device: str


@dataclass(frozen=True)
class Progress:
    """The optimisation went on. `losses` has content, style, tv, total; `seconds` are of computing,
    those before an interruption included."""

    job_id: str
    scale: int
    scales: int
    step: int
    steps: int
    fraction: float
    losses: Mapping[str, float]
    seconds: float
    eta_seconds: float | None
    preview: str | None = None
    """Path of a JPEG in the job's spool folder, replaced atomically, when there is a new one."""


@dataclass(frozen=True)
class Done:
    """The result lies, whole, at `picture` in the job's spool folder; `record` describes it.

    So do the files at `beside`, which are published under the result's name, a dot and their own.
    """

    job_id: str
    picture: str
    record: Mapping[str, Any]
    beside: Sequence[str] = ()


@dataclass(frozen=True)
class Failed:
    """The job's own fault: trying again would fail again. `message` is for a person."""

    job_id: str
    message: str
    exit_code: int


@dataclass(frozen=True)
class Cancelled:
    """The job stopped because `cancel` was called."""

    job_id: str


@dataclass(frozen=True)
class Lost:
    """The worker died (signal, memory, driver). Not the job's fault until it happens again."""

    job_id: str
    reason: str


@dataclass(frozen=True)
class Stalled:
    """The storage failed: it is full or out of reach. Nobody's fault, however often it happens."""

    job_id: str
    reason: str
    full: bool = False
    """Whether there was no room for what the worker had to write."""


Event = Started | Progress | Done | Failed | Cancelled | Lost | Stalled


@dataclass(frozen=True)
class StyleCache:
    """What a worker knows of styles it has seen: how often that spared it a look, how often it had
    to look, and the memory that the knowledge takes."""

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


class Dispatcher(Protocol):
    """Where jobs are computed. Called from the daemon's one thread only."""

    @property
    def capacity(self) -> int:
        """How many jobs may be with the dispatcher at once; claim no more than this."""

    def submit(self, job: Job) -> None:
        """Take a job. Every submitted job ends in exactly one Done, Failed, Cancelled, Lost or
        Stalled."""

    def poll(self, timeout: float) -> Iterator[Event]:
        """Events so far; waits at most `timeout` seconds for the first."""

    def cancel(self, job_id: str) -> None:
        """Ask for an end. Unknown or ended jobs are ignored."""

    def devices(self) -> list[DeviceState]:
        """What each device is doing."""

    def close(self, *, drain: bool) -> None:
        """End the workers: after their jobs (`drain`), or now. Within 5 seconds if not draining;
        a job that is submitted again should go on from where it was."""
