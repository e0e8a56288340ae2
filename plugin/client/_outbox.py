"""Finished results, as the outbox has them: made by whoever, batches and folder drops included."""

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ._embedded import read_settings
from ._files import open_plain
from ._status import read_document
from .protocol import (
    OUTBOX,
    PREVIEW_SUFFIX,
    RECORD_SUFFIX,
    STATUS,
    STATUS_SUFFIX,
    parse_result_name,
)

MAX_RECORD_BYTES = 1 << 18


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
        entries = {entry.name: entry for entry in os.scandir(root / OUTBOX)}
    except OSError:
        return []
    found: list[tuple[float, str]] = []
    for name, entry in entries.items():
        if parse_result_name(name, entries) is None:
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:  # Taken away since.
            continue
        if stat.S_ISREG(facts.st_mode) and facts.st_size > 0:
            found.append((facts.st_mtime, name))
    found.sort(reverse=True)
    return [_finished(root, name, mtime) for mtime, name in found[:limit]]


def read_details(finished: Finished) -> Details:
    """How it was made: from the picture's own text and its record. Whatever is damaged is left out.

    A record is YAML, which the standard library does not read; only the names of the styles are
    taken from it, in the form in which the server writes them.
    """
    return Details(_style_names(finished.record), read_settings(finished.picture))


def _finished(root: Path, name: str, mtime: float) -> Finished:
    picture = root / OUTBOX / name
    stem = picture.stem
    preview = root / STATUS / f"{stem}{PREVIEW_SUFFIX}"
    # A result may have got another name than its job, and a later job this one's.
    status = read_document(root / STATUS / f"{stem}{STATUS_SUFFIX}") or {}
    is_its = status.get("result") == f"{OUTBOX}/{name}" and preview.is_file()
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
        with open_plain(record) as file:
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
