"""What a file's name in the inbox says: which job it belongs to, and as what.

Pure, but for `free_name_in`.
"""

import os
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePath

from hotfolder.folder_access import exists, names
from plugin.client import protocol
from plugin.client.protocol import ControlFile

__all__ = [
    "BESIDE",
    "FILE_NAME_BYTES",
    "FileRole",
    "FreeNames",
    "ParsedName",
    "can_be_job",
    "check_plain",
    "free_name_in",
    "is_ignored",
    "is_presentable",
    "is_showable",
    "key_of",
    "parse",
    "shown",
]

FILE_NAME_BYTES = 255
"""The most that file systems take."""

# Of Windows, macOS, and the network drives of Synology and others. Hidden names, among them
# `.DS_Store` and the `._cat.jpg` beside each file that a Mac has copied, are ignored anyway.
_IGNORED_NAMES = {
    *("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "__macosx"),
    *("@eadir", "#recycle", "#snapshot", "$recycle.bin", "system volume information"),
    "lost+found",
}
# Of browsers, copying programs and editors, while they write.
_IGNORED_ENDINGS = (
    *(protocol.PARTIAL_SUFFIX, "~", ".tmp", ".crdownload", ".opdownload", ".download"),
    *(".partial", ".filepart", ".!ut", ".aria2"),
)
_IGNORED_BEGINNINGS = (".", "~$")

_TEXT_SUFFIXES = (".txt", ".rtf")
"""What a text editor puts behind the name that was meant."""

_CONTROL_SUFFIXES = {control.suffix: control for control in ControlFile}


class FileRole(StrEnum):
    """What a file is to its job."""

    CONTENT = protocol.CONTENT
    STYLE = protocol.STYLE
    INIT = protocol.INIT
    PALETTE = protocol.PALETTE
    MASK = protocol.MASK
    """Where the picture is painted."""
    REGION = "region"
    """Where it is painted in one of the styles; or the content's label picture."""
    STYLE_REGION = "style region"
    """A style's label picture."""
    SIDECAR = "sidecar"
    PRESET = "preset"
    BATCH = "batch"
    PICTURE = "picture"
    """A picture that belongs to a job only if a sidecar names it."""
    MISNAMED = "misnamed"
    """`cat.yaml.txt`: a sidecar, to which an editor has given another ending."""
    OTHER = "other"


BESIDE = frozenset({FileRole.MASK, FileRole.REGION, FileRole.PALETTE})
"""What a file is by its name that a batch takes with the picture beside it."""


@dataclass(frozen=True)
class ParsedName:
    """A parsed name: `job` in NFC (empty for pictures and others), `slot` from 1 for styles and
    regions."""

    role: FileRole | ControlFile
    job: str = ""
    slot: int = 0
    picture: str = ""
    """Of the sidecar `cat.jpg.yaml`, the picture after which it is called: cat.jpg."""


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
        return _sidecar(stem)
    if suffix in _TEXT_SUFFIXES:
        meant = parse(stem)
        if meant is not None and meant.role is FileRole.SIDECAR and meant.job != protocol.PRESET:
            return replace(meant, role=FileRole.MISNAMED)
    if suffix not in protocol.PICTURE_SUFFIXES:
        return ParsedName(FileRole.OTHER)
    if (named := protocol.parse_picture_stem(stem)) is None:
        return ParsedName(FileRole.PICTURE)
    job, role, slot = named
    if not can_be_job(job):
        return ParsedName(FileRole.OTHER)
    region = role == protocol.MASK and slot > 0
    return _parsed(FileRole.REGION if region else FileRole(role), job, slot)


def is_ignored(file_name: str) -> bool:
    """Hidden, still being delivered, or an operating system's litter."""
    lower = file_name.lower()
    return (
        lower.startswith(_IGNORED_BEGINNINGS)
        or lower.endswith(_IGNORED_ENDINGS)
        or lower in _IGNORED_NAMES
    )


def is_presentable(name: str) -> bool:
    """Whether a job may have this name: valid Unicode, no control characters, not too long."""
    return is_showable(name) and len(name.encode()) <= protocol.MAX_NAME_BYTES


def is_showable(name: str) -> bool:
    """Whether it is valid Unicode without control characters (which no surrogate is)."""
    return name.isprintable() and bool(name.strip())


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


class FreeNames:
    """Gives names that nobody else has, in any case and Unicode form. A crowd that wants one name
    costs no more each than one."""

    def __init__(
        self, taken: Iterable[str] = (), *, longest: int = protocol.MAX_NAME_BYTES
    ) -> None:
        """`longest`: the most bytes of a name, with its number and suffix."""
        self._taken = {protocol.fold_name(name) for name in taken}
        self._longest = longest
        self._numbers: dict[str, int] = {}
        """The number that each name that was wanted has come to."""

    def __contains__(self, name: str) -> bool:
        return protocol.fold_name(name) in self._taken

    def take(self, wanted: str, suffix: str = "") -> str:
        """`wanted` with the suffix, or else with the first number that is free, and cut to fit.
        From now on it is taken."""
        key = protocol.fold_name(wanted + suffix)
        number = self._numbers.get(key, 1)
        while (name := _numbered(wanted, number, suffix, self._longest)) in self:
            number += 1
        self._numbers[key] = number + 1
        self._taken.add(protocol.fold_name(name))
        return name

    def take_file(self, wanted: str) -> str:
        """The same for a file's name: two folders may each have a wave.jpg."""
        path = PurePath(wanted)
        return self.take(path.stem, path.suffix)


def check_plain(*names: str | None) -> None:
    """
    Raises:
        ValueError: one of them is no name that a file can have: a path, empty, half a surrogate.
    """
    for name in names:
        if name is None:
            continue
        if name in ("", ".", "..") or b"\0" in os.fsencode(name) or name != PurePath(name).name:
            raise ValueError(f"{name!r} is no file's name")


def free_name_in(folder: Path, name: str, endings: Collection[str] = ("",)) -> str:
    """`name`, or the first of `name-2`, ... that is free in `folder` with each of the endings;
    cut where it would be too long for a job's name or, with an ending, for a file."""
    longest = min(
        protocol.MAX_NAME_BYTES,
        protocol.MAX_FILE_NAME_BYTES - max(len(os.fsencode(end)) for end in endings),
    )
    listed: set[str] = set()
    number = 1
    while True:
        candidate = _numbered(name, number, "", longest)
        files = [candidate + end for end in endings]
        if listed.isdisjoint(files):
            if not any(exists(folder / file) for file in files):
                return candidate
            # Of a crowd that has the name, each is not looked for one by one.
            listed = listed or set(names(folder))
        number += 1


def _numbered(stem: str, number: int, suffix: str, longest: int) -> str:
    """The name with its number (but for the first) and suffix, the stem cut to `longest` bytes."""
    end = f"-{number}{suffix}" if number > 1 else suffix
    room = longest - len(os.fsencode(end))
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem + end


def _split(file_name: str) -> tuple[str, str]:
    """Stem in NFC, suffix in lower case with its dot (empty if there is none)."""
    stem, dot, suffix = unicodedata.normalize("NFC", file_name).rpartition(".")
    return (stem, dot + suffix.lower()) if dot else (suffix, "")


def _sidecar(stem: str) -> ParsedName:
    """Of a job; or, as other programs name sidecars, of a picture: `cat.jpg.yaml`."""
    inner, suffix = _split(stem)
    if not inner or suffix not in protocol.PICTURE_SUFFIXES:
        return _parsed(FileRole.SIDECAR, stem)
    job, role, _ = protocol.parse_picture_stem(inner) or (inner, protocol.CONTENT, 0)
    if role != protocol.CONTENT or not can_be_job(job):
        return ParsedName(FileRole.OTHER)
    return ParsedName(FileRole.SIDECAR, job, picture=stem)


def _parsed(role: FileRole | ControlFile, job: str, slot: int = 0) -> ParsedName:
    return ParsedName(role, job, slot) if is_presentable(job) else ParsedName(FileRole.OTHER)
