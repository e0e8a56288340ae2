"""What a job is, and which states it can go through.

A job is a folder in the spool: `job.json` (this dataclass, written once), `state.json` (replaced
atomically) and the inputs. The spool is the queue; nothing else remembers jobs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import TypeAdapter

from engine.settings import Settings
from hotfolder.job_options import JobOptions
from plugin.client.protocol import JobState

__all__ = ["TRANSITIONS", "Job", "now"]


TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.WAITING: frozenset(
        {JobState.QUEUED, JobState.FAILED, JobState.CANCELLED, JobState.HELD}
    ),
    JobState.QUEUED: frozenset(
        {JobState.RUNNING, JobState.FAILED, JobState.CANCELLED, JobState.HELD}
    ),
    # Back to the queue when the server stops or a worker is lost.
    JobState.RUNNING: frozenset(
        {JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.QUEUED}
    ),
    JobState.HELD: frozenset({JobState.QUEUED, JobState.CANCELLED, JobState.FAILED}),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}


@dataclass(frozen=True)
class Job:
    """Everything about a request; immutable from the moment of the claim.

    `folder` (absolute path of the job's spool folder, as text) is where it lies now and is not
    part of `job.json`. `content`, `styles`, `init`, `palette` and the masks are names of files
    inside `folder/inputs/`.
    """

    id: str
    """Unique, sorts by time of claim."""
    name: str
    """Unique among live jobs; names the status, the result and the folders."""
    source: str
    """The name it was dropped under."""
    folder: str
    content: str
    """Empty for a texture."""
    styles: tuple[str, ...]
    settings: Settings
    init: str | None = None
    palette: str | None = None
    mask: str | None = None
    regions: tuple[str, ...] = ()
    style_regions: tuple[str, ...] = ()
    sidecar: str | None = None
    dropped: str = ""
    """ISO 8601, UTC: modification time of the newest input."""
    client: Mapping[str, Any] = field(default_factory=dict)
    options: JobOptions = field(default_factory=JobOptions)
    lost: int = 0
    """Workers that died over it before this one; 0 in `job.json`."""

    @property
    def masks(self) -> tuple[str, ...]:
        """The pictures that say where it is painted, in which style."""
        return (*((self.mask,) if self.mask else ()), *self.regions, *self.style_regions)

    def to_document(self) -> dict[str, Any]:
        """What `job.json` holds and what a worker is sent: plain values, without `folder`."""
        document = dict(vars(self))
        document |= {"settings": self.settings.model_dump(), "options": self.options.model_dump()}
        del document["folder"]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any], folder: str) -> Self:
        """The job again.

        Raises:
            TypeError, ValueError: the document is not a job's.
        """
        job: Self = TypeAdapter(cls).validate_python({**document, "folder": folder})
        return job


def now() -> str:
    """This moment as all documents have it: ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
