"""What the server says of itself and of its jobs, read and judged."""

import json
import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ._files import open_plain
from .protocol import (
    END_STATES,
    LIVE_STATES,
    LONGEST_HEARTBEAT_SECONDS,
    SERVER_TIMEOUT_SECONDS,
    JobState,
    JobStatus,
    ServerState,
    ServerStatus,
    parse_time,
)

MAX_DOCUMENT_BYTES = 1 << 20

_ENDS = (ServerState.STOPPING, ServerState.STOPPED)
"""States of a server to which nobody should turn any more."""


class Status(JobStatus):
    """One snapshot of a job.

    `state` is one of `JobState`'s, or `delivered`, while the server has not looked at the files.
    """

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in END_STATES

    @property
    def live(self) -> bool:
        """Whether the server has the job in hand."""
        return self.state in LIVE_STATES


@dataclass(frozen=True)
class Server(ServerStatus):
    """The heartbeat. `running` is this client's conclusion; `state` the server's last word."""

    running: bool = False
    age: float | None = None
    """Seconds since the last heartbeat; None if there never was one."""
    unsure: bool = False
    """Not seen to run, but the heartbeat's age says nothing yet: it comes from another machine,
    whose clock may be wrong. Look again (`Client.find_server` does)."""

    @property
    def clock_behind(self) -> float | None:
        """Seconds by which the clock of a server that runs is behind this machine's (negative:
        ahead of it); None if they agree."""
        wrong = self.running and self.age is not None and abs(self.age) > SERVER_TIMEOUT_SECONDS
        return self.age if wrong else None

    @property
    def ahead(self) -> int:
        """How many jobs a new one would have before it."""
        return self.queue.get(JobState.RUNNING, 0) + self.queue.get(JobState.QUEUED, 0)

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
        return f"{self._activity}{self._clock_remark}"

    @property
    def _clock_remark(self) -> str:
        if self.clock_behind is None:
            return ""
        where = "behind" if self.clock_behind > 0 else "ahead of"
        return f" Its clock is {abs(self.clock_behind):.0f} s {where} this machine's."

    @property
    def _activity(self) -> str:
        if self.paused is not None:
            return f"Paused ({self.paused})."
        if self.busy:
            queued = self.queue.get(JobState.QUEUED, 0)
            behind = f", {queued} in the queue" if queued else ""
            return f"Busy: {self.queue.get(JobState.RUNNING, 0)} being painted{behind}."
        devices = ", ".join(str(device.get("device")) for device in self.devices)
        word = (
            "Ready"
            if self.state in (ServerState.IDLE, ServerState.BUSY)
            else self.state.capitalize()
        )
        return f"{word} ({devices})." if devices else f"{word}."


@dataclass(frozen=True)
class Result:
    """Where the painting lies, and the record of how it was made."""

    picture: Path
    record: Path


def read_document(path: Path) -> dict[str, Any] | None:
    """The mapping in a JSON file; None if there is none, or none that can be read."""
    try:
        with open_plain(path) as file:
            document = json.loads(file.read(MAX_DOCUMENT_BYTES))
    # OSError: not there. ValueError: half of it, on a share that does not rename atomically.
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def parse_status(name: str, document: Mapping[str, Any]) -> Status:
    """The status of the job called `name`; what is of the wrong type is left out."""
    return Status(
        **{"state": JobState.WAITING.value, **_known_fields(Status, document), "name": name}
    )


def parse_server(document: Mapping[str, Any], *, now: float) -> Server:
    """The heartbeat, judged at the time `now` (seconds since 1970)."""
    known = _known_fields(Server, document)
    updated = parse_time(known.get("updated", ""))
    age = None if updated is None else now - updated.timestamp()
    # The clock of a server on another machine may be ahead of ours.
    is_recent = age is not None and abs(age) <= SERVER_TIMEOUT_SECONDS
    running = is_recent and known.get("state") not in (*_ENDS, None)
    return Server(**{**known, "running": running, "age": age})


class HeartbeatJudge:
    """Takes a server for running, too, whose heartbeat has changed from one look to the next,
    whatever its age: this machine may just have slept, and clocks need not agree."""

    def __init__(self) -> None:
        self._stamp = ""
        self._first = self._looked = self._changed = float("-inf")

    def judge(self, server: Server, now: float) -> Server:
        """`server` as of the time `now`."""
        looked_lately = 0 <= now - self._looked <= SERVER_TIMEOUT_SECONDS
        if not looked_lately:
            self._first = now
        elif self._stamp and server.updated != self._stamp:
            self._changed = now
        self._stamp, self._looked = server.updated, now
        lives = 0 <= now - self._changed <= SERVER_TIMEOUT_SECONDS
        if server.running or server.age is None or server.state in _ENDS:
            return server
        if lives:
            return replace(server, running=True)
        # Its clock is ours.
        if server.host == socket.gethostname() and server.age > 0:
            return server
        return replace(server, unsure=now - self._first < LONGEST_HEARTBEAT_SECONDS)


def local_time(stamp: str) -> str:
    """An ISO 8601 time as a person here reads it; empty if it is none."""
    time = parse_time(stamp)
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M:%S")


_HINTS = {kind: get_type_hints(kind) for kind in (Status, Server)}
"""Found out once: a batch reads a hundred statuses a second."""


def _known_fields(kind: type[Status] | type[Server], document: Mapping[str, Any]) -> dict[str, Any]:
    """Known keys whose values have the right type: a later version may say more or otherwise."""
    hints = _HINTS[kind]
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
