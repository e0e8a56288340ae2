"""A job in the spool, and the documents by which it is kept there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotfolder.job import Job
from hotfolder.scheduling import SchedulingKey, folder_of
from plugin.client.protocol import JobState

__all__ = [
    "JobOutcome",
    "PlannedMove",
    "SpooledJob",
    "apply_state",
    "entry_of",
    "job_document",
    "outcome_now",
]


@dataclass(frozen=True)
class PlannedMove:
    """How one input comes into the spool. `source` is absolute; `target` a name in `inputs/`."""

    source: str
    target: str
    shared: bool


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended, and what publishing it has decided so far."""

    state: JobState
    error: str | None = None
    exit_code: int = 0
    picture: str | None = None
    """Path of the result in the job's folder."""
    record: Mapping[str, Any] = field(default_factory=dict)
    extra_outputs: Sequence[str] = ()
    """Names in the job's folder of what is published beside the result."""
    published: str | None = None
    """Name in the outbox, without suffix."""
    folder: str | None = None
    """Where the originals go, below the hot folder."""
    finished: str = ""


@dataclass
class SpooledJob:
    """A job in the spool and where it is in its life. Changed only by `Spool.change`."""

    job: Job
    moves: tuple[PlannedMove, ...]
    state: JobState
    attempt: int = 0
    lost: int = 0
    ran: float = 0.0
    """Seconds of running in earlier attempts."""
    started: str | None = None
    outcome: JobOutcome | None = None
    priority: int | None = None
    """What somebody has said since it was dropped. Not in `state.json`: the inbox says it again."""

    @property
    def tag(self) -> str:
        """Who it is, in the log."""
        return f"[{self.job.id} {self.job.name}]"

    @property
    def scheduling_key(self) -> SchedulingKey:
        """Its place in the queue."""
        priority = self.job.options.priority if self.priority is None else self.priority
        return SchedulingKey(priority, folder_of(self.job.source), (0, self.job.id))

    @property
    def folder(self) -> Path:
        return Path(self.job.folder)

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"


def outcome_now(state: JobState, **facts: Any) -> JobOutcome:
    """An ending of this moment."""
    return JobOutcome(state, finished=datetime.now(UTC).isoformat(timespec="milliseconds"), **facts)


def job_document(entry: SpooledJob) -> dict[str, Any]:
    return {
        "protocol": 1,
        "job": entry.job.to_document(),
        "moves": [asdict(step) for step in entry.moves],
        "outcome": asdict(entry.outcome) if entry.outcome else None,
    }


def entry_of(document: Mapping[str, Any], folder: Path) -> SpooledJob:
    outcome = _outcome_of(document["outcome"])
    return SpooledJob(
        Job.from_document(document["job"], str(folder)),
        tuple(PlannedMove(**step) for step in document["moves"]),
        outcome.state if outcome else JobState.QUEUED,
        outcome=outcome,
    )


def apply_state(entry: SpooledJob, document: Mapping[str, Any]) -> None:
    entry.state = JobState(document["state"])
    entry.attempt = int(document["attempt"])
    entry.lost = int(document["lost"])
    entry.ran = float(document.get("ran", 0.0))
    entry.started = document["started"]
    entry.outcome = _outcome_of(document["outcome"])


def _outcome_of(document: Mapping[str, Any] | None) -> JobOutcome | None:
    return JobOutcome(**{**document, "state": JobState(document["state"])}) if document else None
