"""A job in the spool, and the documents by which it is kept there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from hotfolder.job import Job, State
from hotfolder.scheduling import SchedulingKey, folder_of
from hotfolder.spool.claims import PlannedMove

__all__ = ["JobOutcome", "SpooledJob", "outcome_now"]


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended, and what publishing it has decided so far."""

    state: State
    error: str | None = None
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
    state: State
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

    def plan_document(self) -> dict[str, Any]:
        """What `job.json` holds."""
        return {
            "protocol": 1,
            "job": self.job.to_document(),
            "moves": [asdict(step) for step in self.moves],
            "state": self.state,
            "outcome": _outcome_document(self.outcome),
        }

    @classmethod
    def from_plan(cls, document: Mapping[str, Any], folder: Path) -> Self:
        """Raises ValueError, TypeError, KeyError: not a job's."""
        return cls(
            Job.from_document(document["job"], str(folder)),
            tuple(PlannedMove(**step) for step in document["moves"]),
            State(document["state"]),
            outcome=_outcome_of(document),
        )

    def state_document(self) -> dict[str, Any]:
        """What `state.json` holds."""
        return {
            "state": self.state,
            "attempt": self.attempt,
            "lost": self.lost,
            "ran": self.ran,
            "started": self.started,
            "outcome": _outcome_document(self.outcome),
        }

    def apply_state(self, document: Mapping[str, Any]) -> None:
        self.state = State(document["state"])
        self.attempt = int(document["attempt"])
        self.lost = int(document["lost"])
        self.ran = float(document["ran"])
        self.started = document["started"]
        self.outcome = _outcome_of(document)


def outcome_now(state: State, **facts: Any) -> JobOutcome:
    """An outcome of this moment."""
    return JobOutcome(state, finished=datetime.now(UTC).isoformat(timespec="milliseconds"), **facts)


def _outcome_document(outcome: JobOutcome | None) -> dict[str, Any] | None:
    """Without the state, which the document has that it is in."""
    return {k: v for k, v in asdict(outcome).items() if k != "state"} if outcome else None


def _outcome_of(document: Mapping[str, Any]) -> JobOutcome | None:
    outcome = document["outcome"]
    return JobOutcome(State(document["state"]), **outcome) if outcome else None
