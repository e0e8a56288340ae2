"""Finished results, as the outbox has them: made by whoever, batches and folder drops included."""

import json
import os
import re
import stat
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from ._status import read_document

RECORD_SUFFIX = ".result.yaml"
RESULT_SUFFIXES = (".png", ".jpg", ".tif")

MAX_RECORD_BYTES = 1 << 18
MAX_TEXT_BYTES = 1 << 18
MAX_CHUNKS = 1000


@dataclass(frozen=True)
class Finished:
    """One result."""

    name: str
    picture: Path
    record: Path
    time: datetime
    """When it was painted; local."""
    preview: Path | None = None
    """A small picture of it, if the status still has one."""


@dataclass(frozen=True)
class Details:
    """How a result was made, as far as it can be read."""

    styles: tuple[str, ...] = ()
    """File names of the paintings."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Every setting, as resolved."""


def list_results(root: Path, *, limit: int | None) -> list[Finished]:
    """The results in the outbox of the hot folder `root`, the newest first.

    A result is a picture with a record. What else lies there (strips of stages, notes, links,
    what is just being written) is none.
    """
    try:
        entries = {entry.name: entry for entry in os.scandir(root / "outbox")}
    except OSError:
        return []
    found: list[tuple[float, str]] = []
    for name, entry in entries.items():
        stem, dot, suffix = name.rpartition(".")
        if dot + suffix not in RESULT_SUFFIXES or stem + RECORD_SUFFIX not in entries:
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:  # Taken away since.
            continue
        if stat.S_ISREG(facts.st_mode) and facts.st_size > 0 and not name.startswith("."):
            found.append((facts.st_mtime, name))
    found.sort(reverse=True)
    return [_finished(root, name, mtime) for mtime, name in found[:limit]]


def read_details(finished: Finished) -> Details:
    """How it was made: from the picture's own text and its record. Whatever is damaged is left out.

    A record is YAML, which the standard library does not read; only the names of the styles are
    taken from it, in the form in which the server writes them.
    """
    return Details(_style_names(finished.record), _settings(finished.picture))


def _finished(root: Path, name: str, mtime: float) -> Finished:
    picture = root / "outbox" / name
    stem = picture.stem
    preview = root / "status" / f"{stem}.preview.jpg"
    # A result may have got another name than its job, and a later job this one's.
    status = read_document(root / "status" / f"{stem}.json") or {}
    is_its = status.get("result") == f"outbox/{name}" and preview.is_file()
    return Finished(
        name=stem,
        picture=picture,
        record=picture.with_name(stem + RECORD_SUFFIX),
        time=_local(mtime),
        preview=preview if is_its else None,
    )


def _local(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0).astimezone()


def _style_names(record: Path) -> tuple[str, ...]:
    try:
        with record.open("rb") as file:
            text = file.read(MAX_RECORD_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ()
    block = re.search(r"^styles:\n((?:[ -].*\n)*)", text, re.MULTILINE)
    lines = re.findall(r"^[ -]*file: (.+)$", block[1], re.MULTILINE) if block else []
    return tuple(name for line in lines if (name := _scalar(line.strip())))


def _scalar(text: str) -> str:
    """One line of YAML, unquoted; empty if it takes more than a line to say."""
    if text.startswith("'"):
        return text[1:-1].replace("''", "'") if len(text) > 1 and text.endswith("'") else ""
    if text.startswith('"'):
        try:
            return str(json.loads(text))
        except ValueError:
            return ""
    return text


def _settings(picture: Path) -> dict[str, Any]:
    try:
        with picture.open("rb") as file:
            for text in _texts(file):
                document = json.loads(text)
                if isinstance(document, dict) and "preset" in document:
                    return document
    except (OSError, ValueError, RecursionError, struct.error):
        pass
    return {}


def _texts(file: IO[bytes]) -> Iterator[bytes]:
    """A PNG's `impasto` text, or a JPEG's comments."""
    start = file.read(8)
    if start == b"\x89PNG\r\n\x1a\n":
        yield from _png_texts(file)
    elif start.startswith(b"\xff\xd8"):
        file.seek(2)
        yield from _jpeg_comments(file)


def _png_texts(file: IO[bytes]) -> Iterator[bytes]:
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IEND":
            return
        if kind != b"iTXt" or length > MAX_TEXT_BYTES:
            file.seek(length + 4, os.SEEK_CUR)
            continue
        keyword, _, rest = file.read(length).partition(b"\0")
        file.seek(4, os.SEEK_CUR)
        if keyword == b"impasto" and rest[:2] == b"\0\0":  # Not compressed.
            yield rest[2:].split(b"\0", 2)[-1]


def _jpeg_comments(file: IO[bytes]) -> Iterator[bytes]:
    for _ in range(MAX_CHUNKS):
        marker, kind, length = struct.unpack(">BBH", file.read(4))
        if marker != 0xFF or kind == 0xDA or length < 2:  # The picture begins.
            return
        data = file.read(length - 2)
        if kind == 0xFE:
            yield data
