"""status/: what a person, a script or an editor reads while a job lives. docs/protocol.md has the
table of keys; the field names here are those keys."""

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotfolder.atomic_files import copy, read_json, write_json
from hotfolder.paths import FolderPaths
from plugin.client.protocol import JobState

__all__ = ["JobStatus", "ServerStatus", "StatusWriter", "now"]

PROTOCOL = 1


_UNCLAIMED = (JobState.WAITING, JobState.HELD, JobState.QUEUED)


@dataclass(frozen=True)
class JobStatus:
    """One `status/NAME.json`."""

    name: str
    source: str
    state: JobState
    id: str | None = None
    message: str = ""
    position: int | None = None
    priority: int | None = None
    preset: str | None = None
    size: int | str | None = None
    scale: int | None = None
    scales: int | None = None
    step: int | None = None
    steps: int | None = None
    fraction: float = 0.0
    losses: Mapping[str, float] | None = None
    seconds: float | None = None
    eta_seconds: float | None = None
    device: str | None = None
    attempt: int = 1
    preview: str | None = None
    result: str | None = None
    record: str | None = None
    error: str | None = None
    folder: str | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    dropped: str = ""


@dataclass(frozen=True)
class ServerStatus:
    """`status/server.json`."""

    pid: int
    host: str
    version: str
    started: str
    state: str
    devices: list[dict[str, Any]] = field(default_factory=list)
    queue: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)
    paused: str | None = None
    config_problem: str | None = None


class StatusWriter:
    """Writes the status folder. Nothing here is synced to the disk: it is rewritten all the time
    and worthless after a power cut."""

    def __init__(self, folder: FolderPaths) -> None:
        self._folder = folder

    def post(self, status: JobStatus) -> dict[str, Any]:
        """Write `status/NAME.json`; returns what was written."""
        document = {"protocol": PROTOCOL, **asdict(status), "updated": now()}
        write_json(self._job_path(status.name), document, durable=False)
        return document

    def post_server(self, status: ServerStatus) -> None:
        """Write the heartbeat."""
        document = {"protocol": PROTOCOL, **asdict(status), "updated": now()}
        write_json(self._folder.status / "server.json", document, durable=False)

    def post_preview(self, name: str, picture: Path) -> str:
        """Publish a preview; returns its path below the hot folder."""
        target = self._preview_path(name)
        copy(picture, target)
        return self._folder.relative(target)

    def clear(self, name: str) -> None:
        """Remove what an earlier job, or a drop that was taken away, left under `name`."""
        self._job_path(name).unlink(missing_ok=True)
        self._preview_path(name).unlink(missing_ok=True)

    def clear_preview(self, name: str) -> None:
        """Remove an earlier job's preview."""
        self._preview_path(name).unlink(missing_ok=True)

    def clear_waiting(self) -> None:
        """At start: remove what a killed daemon said of drops that may be gone since."""
        with contextlib.suppress(OSError):
            for path in self._folder.status.glob("*.json"):
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    document = read_json(path)
                    if document.get("state") in _UNCLAIMED and document.get("id") is None:
                        path.unlink()

    def _job_path(self, name: str) -> Path:
        return self._folder.status / f"{name}.json"

    def _preview_path(self, name: str) -> Path:
        return self._folder.status / f"{name}.preview.jpg"


def now() -> str:
    """ISO 8601, UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
