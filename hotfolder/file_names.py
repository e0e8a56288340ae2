"""What a file's name in the inbox says: which job it belongs to, and as what.

Pure, but for `free_name_in`.
"""

import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from hotfolder.folder_access import exists
from plugin.client import protocol
from plugin.client.protocol import ControlFile

__all__ = [
    "FileRole",
    "ParsedName",
    "can_be_job",
    "free_name",
    "free_name_in",
    "is_ignored",
    "is_presentable",
    "key_of",
    "parse",
    "shown",
]

_IGNORED_NAMES = {"thumbs.db", "desktop.ini"}
_IGNORED_ENDINGS = (protocol.PARTIAL_SUFFIX, "~", ".tmp", ".crdownload")

_CONTROL_SUFFIXES = {control.suffix: control for control in ControlFile}


class FileRole(StrEnum):
    """What a file is to its job."""

    CONTENT = protocol.CONTENT
    STYLE = protocol.STYLE
    INIT = protocol.INIT
    SIDECAR = "sidecar"
    PRESET = "preset"
    BATCH = "batch"
    PICTURE = "picture"
    """A picture that belongs to a job only if a sidecar names it."""
    OTHER = "other"


@dataclass(frozen=True)
class ParsedName:
    """A parsed name: `job` in NFC (empty for pictures and others), `slot` from 1 for styles."""

    role: FileRole | ControlFile
    job: str = ""
    slot: int = 0


def parse(file_name: str) -> ParsedName | None:
    """What `file_name` says, or None for names that are ignored."""
    if is_ignored(file_name):
        return None
    stem, suffix = _split(file_name)
    if suffix in _CONTROL_SUFFIXES:
        return _parsed(_CONTROL_SUFFIXES[suffix], stem)
    if suffix in protocol.SIDECAR_SUFFIXES and protocol.is_batch_name(stem):
        return _parsed(FileRole.BATCH, stem[: -len(protocol.BATCH_SUFFIX)])
    if suffix in protocol.SIDECAR_SUFFIXES:
        return _parsed(FileRole.SIDECAR, stem)
    if suffix not in protocol.PICTURE_SUFFIXES:
        return ParsedName(FileRole.OTHER)
    if (named := protocol.parse_picture_stem(stem)) is None:
        return ParsedName(FileRole.PICTURE)
    job, role, slot = named
    if not can_be_job(job):
        return ParsedName(FileRole.OTHER)
    return _parsed(FileRole(role), job, slot)


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
    return len(encoded) <= protocol.MAX_NAME_BYTES and name.isprintable() and bool(name.strip())


def can_be_job(name: str) -> bool:
    """Whether a job's files may be named after it: its sidecar `NAME.yaml` must be no batch."""
    return is_presentable(name) and not protocol.is_batch_name(name)


def key_of(file_name: str) -> str:
    """Equal for names that mean the same file: NFC, and the suffix in lower case."""
    return "".join(_split(file_name))


def shown(name: str) -> str:
    """A name that is safe in logs and JSON, whatever bytes it is made of."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def free_name(name: str, is_taken: Callable[[str], bool]) -> str:
    """`name`, or the first of `name-2`, `name-3`, ... that is not taken."""
    candidate, number = name, 2
    while is_taken(candidate):
        candidate, number = f"{name}-{number}", number + 1
    return candidate


def free_name_in(folder: Path, name: str, endings: Collection[str] = ("",)) -> str:
    """`name`, or the first of `name-2`, ... that is free in `folder` with each of the endings."""
    return free_name(name, lambda n: any(exists(folder / (n + end)) for end in endings))


def _split(file_name: str) -> tuple[str, str]:
    """Stem in NFC, suffix in lower case with its dot (empty if there is none)."""
    stem, dot, suffix = unicodedata.normalize("NFC", file_name).rpartition(".")
    return (stem, dot + suffix.lower()) if dot else (suffix, "")


def _parsed(role: FileRole | ControlFile, job: str, slot: int = 0) -> ParsedName:
    return ParsedName(role, job, slot) if is_presentable(job) else ParsedName(FileRole.OTHER)
