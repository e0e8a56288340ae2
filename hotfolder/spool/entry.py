"""A job in the spool, and the documents by which it is kept there."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, TypeAdapter

from hotfolder.file_names import check_plain, is_showable
from hotfolder.job import Job, now
from hotfolder.job_tag import JobTag
from hotfolder.limits import MAX_ERROR, finite, shortened
from hotfolder.scheduling import SchedulingKey, folder_of
from hotfolder.spool.claims import PlannedMove
from plugin.client.protocol import END_STATES, RESERVED_NAMES, JobState

__all__ = ["JobOutcome", "SpooledJob", "outcome_now"]


@dataclass(frozen=True)
class JobOutcome:
    """How a job ended, and what publishing it has decided so far."""

    state: JobState
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
    state: JobState
    attempt: int = 0
    lost: int = 0
    ran: float = 0.0
    """Seconds of running in earlier attempts."""
    started: str | None = None
    outcome: JobOutcome | None = None
    priority: int | None = None
    """From `NAME.priority`. Not in `state.json`: the next scan of the inbox finds it again."""

    @property
    def tag(self) -> JobTag:
        """How the log names it."""
        return JobTag(self.job.name, self.job.id)

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
            "moves": [vars(step) for step in self.moves],
            **self.state_document(),
        }

    @classmethod
    def from_plan(cls, document: Any, folder: Path) -> Self:
        if document["protocol"] != 1:
            raise ValueError(f"protocol {document['protocol']!r}; expected 1")
        job = Job.from_document(document["job"], str(folder))
        if job.id != folder.name:
            raise ValueError(f"the job {job.name!r} with the id {job.id!r} is another")
        check_plain(job.name, job.content or None, *job.styles, job.init, job.palette)
        check_plain(job.sidecar, *job.masks)
        if job.name in RESERVED_NAMES or not is_showable(job.name):
            raise ValueError(f"{job.name!r} is no job's name")
        moves = tuple(_MOVES.validate_python(document["moves"]))
        entry = cls(job, moves, JobState.QUEUED)
        entry.apply_state(document)
        return entry

    def state_document(self) -> dict[str, Any]:
        """What `state.json` holds."""
        outcome = asdict(self.outcome) if self.outcome else {}
        outcome.pop("state", None)  # It is the job's.
        return {key: getattr(self, key) for key in _STATE_KEYS} | {"outcome": outcome or None}

    def apply_state(self, document: Any) -> None:
        """A job that was running is queued again."""
        facts = dict(_StateDocument.model_validate(document))
        state, outcome = facts["state"], document["outcome"]
        if (state in END_STATES) != bool(outcome) or state is JobState.WAITING:
            raise ValueError(f"state {state!s}, outcome {str(outcome)[:40]}")
        vars(self).update(facts)
        self.state = JobState.QUEUED if state is JobState.RUNNING else state
        ended = {"state": state, **outcome} if outcome else None
        self.outcome = _OUTCOME.validate_python(ended) if ended else None
        if (end := self.outcome) is not None:
            check_plain(end.picture, *end.extra_outputs, end.published)
            check_plain(*end.folder.split("/") if end.folder else ())
            datetime.fromisoformat(end.finished).astimezone()

    def note_vanished(self, error: FileNotFoundError) -> None:
        """The job fails: a file is gone that it was to have."""
        message = (
            f"{Path(error.filename or self.job.source).name}: vanished or unreadable while the job "
            f"was taken in ({error.strerror}). Drop the job again."
        )
        self.state = JobState.FAILED
        self.outcome = outcome_now(JobState.FAILED, error=message)


_Count = Annotated[int, Field(ge=0)]


class _StateDocument(BaseModel):
    state: JobState
    attempt: _Count
    lost: _Count
    ran: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    started: str | None


_STATE_KEYS = tuple(_StateDocument.model_fields)
_OUTCOME = TypeAdapter(JobOutcome)
_MOVES = TypeAdapter(list[PlannedMove])


def outcome_now(state: JobState, **facts: Any) -> JobOutcome:
    """An outcome of this moment. An error that is too long is cut, which it then says. The record
    is as a restart reads it, so that the same is published then."""
    facts["record"] = finite(facts.get("record", {}))
    if (error := facts.get("error")) is not None:
        facts["error"] = shortened(error, MAX_ERROR)
    return JobOutcome(state, finished=now(), **facts)
