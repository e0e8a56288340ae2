"""The folder protocol, version 1 (docs/protocol.md): its names, limits and documents.

What a client and the server of a hot folder have to agree on, written down once. Touches no file.
Standard library only, Python 3.10 or newer (so without `StrEnum`).
"""

import re
import unicodedata
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Any

VERSION = 1


# --- the folders of a hot folder -----------------------------------------------------------------

INBOX = "inbox"
STYLES = "styles"
OUTBOX = "outbox"
FAILED = "failed"
DONE = "done"
STATUS = "status"
PRIVATE = ".impasto"
"""The server's own."""


# --- states --------------------------------------------------------------------------------------


class JobState(str, Enum):
    """Where a job is in its life."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HELD = "held"

    __str__ = str.__str__


LIVE_STATES = frozenset({JobState.WAITING, JobState.QUEUED, JobState.RUNNING, JobState.HELD})
END_STATES = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})

DELIVERED = "delivered"
"""A client's own word for a job that no server has looked at yet; no status has it."""


class ServerState(str, Enum):
    """What a server says of itself in its heartbeat."""

    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    STOPPING = "stopping"
    STOPPED = "stopped"

    __str__ = str.__str__


# --- time limits ---------------------------------------------------------------------------------

SERVER_TIMEOUT_SECONDS = 10.0
"""An older heartbeat in status/server.json means that the server is gone."""

LONGEST_HEARTBEAT_SECONDS = 6.0
"""Within so long a server that works writes its heartbeat anew (`status_seconds` is at most 5)."""

CLIENT_HEARTBEAT_SECONDS = 2.0
"""Time between two heartbeats of the client of a job with `owner: {heartbeat: true}`."""


# --- file names ----------------------------------------------------------------------------------

PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff"),
    *(".avif", ".heic", ".heif", ".hif", ".jxl"),
)
"""Of pictures that can be painted, or painted from. One that cannot be read after all fails in
words."""

SIDECAR_SUFFIXES = (".yaml", ".yml")
SIDECAR_SUFFIX = SIDECAR_SUFFIXES[0]

PARTIAL_SUFFIX = ".part"
"""Of a file that is still being written. Nobody looks at it, nor at one that starts with a dot."""

RESULT_SUFFIXES = (".png", ".jpg", ".tif", ".webp", ".avif")
RECORD_SUFFIX = ".result.yaml"
EXTRA_OUTPUT_SUFFIXES = (".progression.jpg", ".progression.webp", ".losses.png")
"""Of what lies beside a result with `progression`."""


def parse_result_name(file_name: str, there: Container[str]) -> str | None:
    """The name of the result of which `file_name` is the picture: one with a record among the files
    `there`. None if it is no result's."""
    stem, dot, suffix = file_name.rpartition(".")
    is_picture = dot + suffix.lower() in RESULT_SUFFIXES and not stem.startswith(".")
    return stem if is_picture and stem + RECORD_SUFFIX in there else None


STATUS_SUFFIX = ".json"
PREVIEW_SUFFIX = ".preview.jpg"
SERVER_STATUS = "server"
"""The name of the server's status among those of the jobs."""

PRESET = "preset"
"""Without suffix, the name of the sidecar of a whole folder."""

BATCH_SUFFIX = ".batch"
"""Before a sidecar's suffix: it is a batch. So no job's name ends so."""

RESERVED_NAMES = frozenset({SERVER_STATUS})
"""Names that no job and no batch may have."""

MAX_NAME_BYTES = 224
"""Of a job's name, with its number if it has one: room for the longest suffix that is put to it
(`.contact-sheet.jpg`) and, before it, `.impasto-old-` in the 255 bytes of most file systems."""

MAX_FILE_NAME_BYTES = MAX_NAME_BYTES + len(".contact-sheet.jpg")
"""Of a file that bears a job's name. A result's name is shorter where a longer suffix follows."""

_DEVICES = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *", re.I)
"""What Windows takes for a device, whatever stands behind it after a dot."""


class ControlFile(str, Enum):
    """Files `NAME.CONTROL` in the inbox that say something about the job NAME."""

    CANCEL = "cancel"
    HEARTBEAT = "heartbeat"
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    PRIORITY = "priority"

    __str__ = str.__str__

    @property
    def suffix(self) -> str:
        return f".{self.value}"

    def of(self, job: str) -> str:
        """The file's name for the job of this name."""
        return f"{job}{self.suffix}"


CONTENT = "content"
STYLE = "style"
INIT = "init"
PALETTE = "palette"
MASK = "mask"
LABELS = "labels"
"""Of a label picture, which only a sidecar makes part of a job."""

_PICTURE_ROLE = re.compile(
    rf"(?P<job>.+)\.(?P<role>{CONTENT}|{INIT}|{PALETTE}|({STYLE}|{MASK})(?P<slot>[1-9]\d{{0,2}})?)",
    # ASCII alone: else the `s` of `style` would fit the long s, and its lower case be no role.
    re.I | re.S | re.A,
)


def picture_name(job: str, role: str, suffix: str, slot: int = 1) -> str:
    """`cat.content.png`, `cat.style.png`, `cat.style2.png`: the file name of a job's picture. Of a
    mask slot 0 is that of the whole picture, slot 1 that of the first style's region; of label
    pictures slot 0 is the content's, slot 1 the first style's."""
    first = 0 if role in (MASK, LABELS) else 1
    return f"{job}.{role}{slot if slot > first else ''}{suffix.lower()}"


def parse_picture_stem(stem: str) -> tuple[str, str, int] | None:
    """Job, role and slot (of styles from 1, of masks from 0) in a picture's name without suffix;
    None: no role."""
    match = _PICTURE_ROLE.fullmatch(stem)
    if match is None:
        return None
    role = match["role"].rstrip("0123456789").lower()
    return match["job"], role, int(match["slot"] or (role == STYLE))


def labelled_stem(stem: str) -> str | None:
    """Of the stem of a label picture, that of the picture that it belongs to: `cat` of
    `cat.labels`; None: it is none."""
    job, _, role = stem.rpartition(".")
    return job if job and role.lower() == LABELS else None


def is_batch_name(name: str) -> bool:
    """Whether a sidecar of the job `name` would be taken for a batch."""
    return name.casefold().endswith(BATCH_SUFFIX)


def portable_name(wanted: str) -> str:
    """The name that is nearest to `wanted` and that a file can have on every platform: nothing that
    Windows takes for a device, none of its separators and wildcards, no dot or blank at the end."""
    name = "".join("-" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in wanted)
    name = name.rstrip(" .")
    first, dot, rest = name.partition(".")
    if _DEVICES.fullmatch(first):
        name = f"{first.rstrip()}-job{dot}{rest}"
    return name or "picture-job"


def usable_name(wanted: str, *, longest: int = MAX_NAME_BYTES) -> str:
    """The job's name that is nearest to `wanted` and means the same to every file system and to
    every part of the protocol: each file that is named after it is read as that job's.

    Args:
        longest: the most bytes.
    """
    name = unicodedata.normalize("NFC", wanted)
    before = None
    while name != before:  # What is cut off may leave another such end.
        before = name
        # `cat.style` would make `cat.style.content.jpg`, which another job might claim a part of.
        parsed = parse_picture_stem(name)
        name = portable_name((parsed[0] if parsed else name).lstrip(" ."))
        if is_batch_name(name):
            name = name[: -len(BATCH_SUFFIX)] + BATCH_SUFFIX.replace(".", "-")
        # The sidecar `cat.jpg.yaml` would be that of the picture cat.jpg.
        stem, _, suffix = name.rpartition(".")
        if stem and f".{suffix.lower()}" in PICTURE_SUFFIXES:
            name = f"{stem}-{suffix}"
        if fold_name(name) in {*RESERVED_NAMES, PRESET}:
            name = f"{name}-job"
        while len(name.encode()) > longest:
            name = name[:-1]
    return name


def fold_name(name: str) -> str:
    """Equal for names that some file system takes for one."""
    return unicodedata.normalize("NFC", name).casefold()


# --- the sidecar ---------------------------------------------------------------------------------

MAX_CLIENT_BYTES = 2048
"""Of a sidecar's `client` mapping, as JSON."""

TICKET_KEY = "ticket"
"""The key of the `client` mapping that marks a job as a ticket's."""


# --- status documents ----------------------------------------------------------------------------


@dataclass(frozen=True)
class JobStatus:
    """One `status/NAME.json`. The fields are its keys; docs/protocol.md has what they mean."""

    name: str
    state: str
    message: str = ""
    id: str | None = None
    source: str = ""
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


@dataclass(frozen=True)
class ServerStatus:
    """`status/server.json`, the server's heartbeat. The fields are its keys."""

    state: str = ServerState.STOPPED.value
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
    problem: str | None = None
    """What the server fails to do in this folder, and why; it is tried again."""


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 time of a status; None if it is none."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def resolve_path(root: Path, path: str | None) -> Path | None:
    """A path in a status, which is below the hot folder `root`; None if it leads elsewhere."""
    parts = PurePosixPath(path or "/").parts
    if "/" in parts or ".." in parts or (path and "\\" in path):
        return None
    return root.joinpath(*parts)
