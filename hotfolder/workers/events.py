"""What a dispatcher reports of a job, and its form between processes: JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = [
    "ENDS",
    "FINISHED_SUFFIX",
    "Cancelled",
    "Done",
    "Event",
    "Failed",
    "Progress",
    "Started",
    "StorageFailed",
    "WorkerLost",
    "event_document",
    "parse_event",
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
    rejected_moves: int = 0
    """Moves that the optimiser took back so far, since the loss had risen far."""
    painting: int = 1
    """Which of the paintings of a series; scales and steps are its own, `fraction`, `seconds` and
    `eta_seconds` those of the whole series."""
    paintings: int = 1


@dataclass(frozen=True)
class Done:
    """The result lies, whole, at `picture` in the job's spool folder; `record` describes it.

    So do the files at `extra_outputs`, published under the result's name, a dot and their own.
    """

    job_id: str
    picture: str
    record: Mapping[str, Any]
    extra_outputs: Sequence[str] = ()


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
class WorkerLost:
    """The worker died (signal, memory, driver). Not the job's fault until it happens again."""

    job_id: str
    reason: str
    counts: bool = True
    """Whether it may have been the job's fault: not if its machine went, or the whole cluster."""


@dataclass(frozen=True)
class StorageFailed:
    """The storage failed: it is full or out of reach. Not the job's fault, however often."""

    job_id: str
    reason: str
    full: bool = False
    """Whether there was no room for what the worker had to write."""


Event = Started | Progress | Done | Failed | Cancelled | WorkerLost | StorageFailed

FINISHED_SUFFIX = ".finished.json"
"""In a job's folder, of the note that one painting of a series is finished (`series.py`)."""

ENDS = (Done, Failed, Cancelled, WorkerLost, StorageFailed)
"""Each submitted job has exactly one of these, its last event."""


_EVENTS: Mapping[str, Callable[..., Event]] = {
    "started": Started,
    "progress": Progress,
    "done": Done,
    "failed": Failed,
    "cancelled": Cancelled,
    "worker_lost": WorkerLost,
    "storage_failed": StorageFailed,
}
_KINDS = {kind: name for name, kind in _EVENTS.items()}


def event_document(event: Event) -> dict[str, Any]:
    """An event as plain values: its fields, and its kind under `event`."""
    return {"event": _KINDS[type(event)], **asdict(event)}


def parse_event(document: Mapping[str, Any]) -> Event:
    """The event again.

    Raises:
        KeyError, TypeError: not an event's document.
    """
    fields = dict(document)
    return _EVENTS[fields.pop("event")](**fields)
