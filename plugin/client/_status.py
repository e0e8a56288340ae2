"""What the server says of itself and of its jobs. The fields are those of docs/protocol.md."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

LIVE_STATES = frozenset({"waiting", "queued", "running", "held"})
END_STATES = frozenset({"done", "failed", "cancelled"})

HEARTBEAT_SECONDS = 10.0
"""An older heartbeat means that the server is gone."""

MAX_DOCUMENT_BYTES = 1 << 20


@dataclass(frozen=True)
class Status:
    """One snapshot of a job.

    `state` is one more than the protocol's: `delivered`, while the server has not looked at the
    files yet.
    """

    name: str
    state: str
    message: str = ""
    id: str | None = None
    source: str | None = None
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
    updated: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in END_STATES

    @property
    def live(self) -> bool:
        """Whether the server has the job in hand."""
        return self.state in LIVE_STATES


@dataclass(frozen=True)
class Server:
    """The heartbeat. `running` is this client's conclusion; `state` the server's last word."""

    running: bool
    state: str = "stopped"
    age: float | None = None
    """Seconds since the last heartbeat; None if there never was one."""
    pid: int | None = None
    host: str | None = None
    version: str | None = None
    started: str | None = None
    updated: str = ""
    devices: Sequence[Mapping[str, Any]] = ()
    queue: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    strays: Sequence[str] = ()
    paused: str | None = None
    """Who has paused it and why, if somebody has: then nothing new is painted."""
    config_problem: str | None = None
    """Why a changed configuration is not in force."""

    @property
    def ahead(self) -> int:
        """How many jobs a new one would have before it."""
        return self.queue.get("running", 0) + self.queue.get("queued", 0)

    @property
    def busy(self) -> bool:
        """Whether a new job would have to wait."""
        return self.running and self.ahead > 0

    @property
    def summary(self) -> str:
        """One line for a person: `Ready (cpu).`"""
        if not self.running:
            since = "" if self.age is None else f" since {local_time(self.updated)}"
            return f"Not running{since}."
        if self.paused is not None:
            return f"Paused ({self.paused})."
        if self.busy:
            queued = self.queue.get("queued", 0)
            behind = f", {queued} in the queue" if queued else ""
            return f"Busy: {self.queue.get('running', 0)} being painted{behind}."
        devices = ", ".join(str(device.get("device")) for device in self.devices)
        word = "Ready" if self.state in ("idle", "busy") else self.state.capitalize()
        return f"{word} ({devices})." if devices else f"{word}."


@dataclass(frozen=True)
class Result:
    """Where the painting lies, and the record of how it was made."""

    picture: Path
    record: Path


def read_document(path: Path) -> dict[str, Any] | None:
    """The mapping in a JSON file; None if there is none, or none that can be read."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_DOCUMENT_BYTES))
    # OSError: not there. ValueError: half of it, on a share that does not rename atomically.
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def status_of(name: str, document: Mapping[str, Any]) -> Status:
    """The status of the job called `name`; what is of the wrong type is left out."""
    return Status(**{"state": "waiting", **_understood(Status, document), "name": name})


def server_of(document: Mapping[str, Any], *, now: float) -> Server:
    """The heartbeat, judged at the time `now` (seconds since 1970)."""
    known = _understood(Server, document)
    age = _age(known.get("updated", ""), now)
    # The clock of a server on another machine may be ahead of ours.
    beating = age is not None and abs(age) <= HEARTBEAT_SECONDS
    running = beating and known.get("state") not in ("stopping", "stopped", None)
    return Server(**{**known, "running": running, "age": age})


def below(root: Path, path: str | None) -> Path | None:
    """A path of the status below the hot folder; None if it leads elsewhere."""
    parts = PurePosixPath(path or "/").parts
    if "/" in parts or ".." in parts or (path and "\\" in path):
        return None
    return root.joinpath(*parts)


def local_time(stamp: str) -> str:
    """An ISO 8601 time as a person here reads it; empty if it is none."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return ""


def _age(updated: str, now: float) -> float | None:
    try:
        return now - datetime.fromisoformat(updated).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


Kind = TypeVar("Kind")


def _understood(kind: type[Kind], document: Mapping[str, Any]) -> dict[str, Any]:
    """Known keys whose values have the right type: a later version may say more or otherwise."""
    hints = get_type_hints(kind)
    return {
        key: value for key, value in document.items() if key in hints and _is_a(value, hints[key])
    }


def _is_a(value: Any, hint: Any) -> bool:
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind is Any:
        return True
    if kind is UnionType:
        return any(_is_a(value, each) for each in inner)
    if kind is Mapping:
        return isinstance(value, dict) and all(_is_a(v, inner[1]) for v in value.values())
    if kind is Sequence:
        return isinstance(value, list) and all(_is_a(v, inner[0]) for v in value)
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value)
    return type(value) is kind
