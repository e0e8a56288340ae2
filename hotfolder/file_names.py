"""What a file's name in the inbox says: which job it belongs to, and as what. Pure."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "CONTROL_FILES",
    "PICTURE_SUFFIXES",
    "RESERVED_NAMES",
    "FileRole",
    "ParsedName",
    "free_name",
    "is_ignored",
    "is_presentable",
    "key_of",
    "parse",
    "shown",
]

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
SIDECAR_SUFFIXES = (".yaml", ".yml")

RESERVED_NAMES = frozenset({"server"})
"""Names that no job may have: status/server.json is the heartbeat."""

_IGNORED_NAMES = {"thumbs.db", "desktop.ini"}
_IGNORED_ENDINGS = (".part", "~", ".tmp", ".crdownload")

# Room for `.result.yaml` and `-2` behind a job's name, in the 255 bytes of most file systems.
LONGEST_NAME = 230

_ROLE = re.compile(r"(?P<name>.+)\.(?:content|init|style(?P<slot>[1-9]\d{0,2})?)", re.I | re.S)


class FileRole(StrEnum):
    """What a file is to its job."""

    CONTENT = "content"
    STYLE = "style"
    INIT = "init"
    SIDECAR = "sidecar"
    PRESET = "preset"
    CANCEL = "cancel"
    HEARTBEAT = "heartbeat"
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    PRIORITY = "priority"
    BATCH = "batch"
    PICTURE = "picture"
    """A picture that belongs to a job only if a sidecar names it."""
    OTHER = "other"


CONTROL_FILES = (
    FileRole.CANCEL,
    FileRole.HEARTBEAT,
    FileRole.HOLD,
    FileRole.RELEASE,
    FileRole.RETRY,
    FileRole.PRIORITY,
)
"""Files `NAME.ROLE` that say something about the job NAME, which no picture or sidecar does."""

_CONTROL_SUFFIXES = {f".{role}": role for role in CONTROL_FILES}


@dataclass(frozen=True)
class ParsedName:
    """A parsed name: `job` in NFC (empty for pictures and others), `slot` from 1 for styles."""

    role: FileRole
    job: str = ""
    slot: int = 0


def parse(file_name: str) -> ParsedName | None:
    """What `file_name` says, or None if such names are never looked at."""
    if is_ignored(file_name):
        return None
    stem, suffix = _split(file_name)
    if suffix in _CONTROL_SUFFIXES:
        return _named(_CONTROL_SUFFIXES[suffix], stem)
    if suffix in SIDECAR_SUFFIXES and stem.lower().endswith(".batch"):
        return _named(FileRole.BATCH, stem[: -len(".batch")])
    if suffix in SIDECAR_SUFFIXES:
        return _named(FileRole.SIDECAR, stem)
    if suffix not in PICTURE_SUFFIXES:
        return ParsedName(FileRole.OTHER)
    match = _ROLE.fullmatch(stem)
    if match is None:
        return ParsedName(FileRole.PICTURE)
    role = stem[match.end("name") + 1 :].rstrip("0123456789").lower()
    slot = int(match["slot"] or 1) if role == FileRole.STYLE else 0
    return _named(FileRole(role), match["name"], slot)


def is_ignored(file_name: str) -> bool:
    """Hidden, still being delivered, or an operating system's litter."""
    lower = file_name.lower()
    return lower.startswith(".") or lower.endswith(_IGNORED_ENDINGS) or lower in _IGNORED_NAMES


def is_presentable(name: str) -> bool:
    """Whether a job may have this name: valid Unicode, no control characters, not too long."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return False
    return len(encoded) <= LONGEST_NAME and name.isprintable() and bool(name.strip())


def key_of(file_name: str) -> str:
    """Equal for names that mean the same file: NFC, and the suffix in lower case."""
    return "".join(_split(file_name))


def shown(name: str) -> str:
    """A name that is safe in logs and JSON, whatever bytes it is made of."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def free_name(name: str, taken: Callable[[str], bool]) -> str:
    """`name`, or the first of `name-2`, `name-3`, ... that is not taken."""
    free, number = name, 2
    while taken(free):
        free, number = f"{name}-{number}", number + 1
    return free


def _split(file_name: str) -> tuple[str, str]:
    """Stem in NFC, suffix in lower case with its dot (empty if there is none)."""
    stem, dot, suffix = unicodedata.normalize("NFC", file_name).rpartition(".")
    return (stem, dot + suffix.lower()) if dot else (suffix, "")


def _named(role: FileRole, job: str, slot: int = 0) -> ParsedName:
    return ParsedName(role, job, slot) if is_presentable(job) else ParsedName(FileRole.OTHER)
