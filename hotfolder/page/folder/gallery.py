"""The finished paintings: an index by listing the outbox; records are read when looked at."""

import contextlib
import re
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from hotfolder import descriptors, folder_access
from hotfolder.errors import HotFolderError
from hotfolder.inbox.sidecar import LIBRARY_KEYS
from hotfolder.paths import FolderPaths
from hotfolder.yaml_document import parse_document
from plugin.client.protocol import (
    DONE,
    EXTRA_OUTPUT_SUFFIXES,
    PICTURE_SUFFIXES,
    RECORD_SUFFIX,
    SIDECAR_SUFFIXES,
    fold_name,
    is_batch_name,
    parse_result_name,
)

__all__ = ["Details", "Gallery", "Painting", "Query", "Shelf"]

PAGE = 48
"""Paintings that are shown at once."""

LATEST = 8
"""Paintings that are shown beside the queue."""

SETTLED_SECONDS = 2.0
"""A folder that has changed within so long is listed again: its time may be coarse."""

RECORD_BYTES = 1 << 18

OTHERS = ("init", "palette", "mask", "regions", "style_regions")
"""Pictures that a record may name besides the content and the styles; some below `masks`."""


class Painting(NamedTuple):
    """One result in the outbox."""

    name: str
    """Without suffix."""
    file: str
    mtime_ns: int
    size: int

    @property
    def time(self) -> datetime:
        """When it was finished; local."""
        with contextlib.suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(self.mtime_ns / 1e9).astimezone()
        return datetime.fromtimestamp(0).astimezone()

    @property
    def cursor(self) -> str:
        """Where the next page goes on behind it."""
        return f"{self.mtime_ns}.{self.name}"


@dataclass(frozen=True)
class Query:
    """What is searched for."""

    text: str = ""
    """Words that stand in the name."""
    style: str = ""
    """File name of a style."""
    setting: str = ""
    """`KEY=VALUE`."""
    since: date | None = None
    until: date | None = None

    def __bool__(self) -> bool:
        return bool(self.text or self.style or self.setting or self.since or self.until)


@dataclass(frozen=True)
class Shelf:
    """One page of the gallery."""

    paintings: Sequence[Painting]
    next: str | None
    """The cursor of the next page; None if this is the last."""
    total: int
    """How many paintings there are, found or not."""


@dataclass(frozen=True)
class Details:
    """How a painting was made."""

    painting: Painting
    record: Mapping[str, Any]
    """Empty if there is none that can be read."""
    content: str | None
    """Below the hot folder: the picture that was painted, if it is still there."""
    styles: Sequence[tuple[str, str | None]]
    """File name of each style, and where it lies below the hot folder, if it does."""
    extras: Sequence[str]
    """Files beside the result."""
    others: Mapping[str, Sequence[tuple[str, str | None]]] = field(default_factory=dict)
    """The same as `styles` of the pictures besides: `init`, `palette`, `mask`, `regions`,
    `style_regions`, as far as there were such."""

    @property
    def missing(self) -> Sequence[str]:
        """The file names of those others that are not there any more."""
        return [name for found in self.others.values() for name, place in found if place is None]

    @property
    def settings(self) -> Mapping[str, Any]:
        found = self.record.get("settings")
        return found if isinstance(found, dict) else {}


class Gallery:
    """The results of one hot folder, the newest first, for any thread: lists are replaced whole."""

    def __init__(self, folder: FolderPaths, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._paintings: list[Painting] = []
        self._stamp = 0
        self._settled = False

    def paintings(self) -> list[Painting]:
        """All of them."""
        try:
            stamp = folder_access.lstat(self._folder.outbox).st_mtime_ns
        except OSError:
            return []
        if stamp != self._stamp or not self._settled:
            settled = self._clock() - stamp / 1e9 > SETTLED_SECONDS
            self._paintings = _listed(self._folder.outbox)
            self._stamp, self._settled = stamp, settled
        return self._paintings

    def latest(self) -> list[Painting]:
        """The last that were finished."""
        return self.paintings()[:LATEST]

    def shelf(self, query: Query, after: str = "", count: int = PAGE) -> Shelf:
        """One page of what is searched for, behind the cursor `after`."""
        found = []
        everything = self.paintings()
        with descriptors.kept_open():
            for painting in _behind(everything, after):
                if self._fits(painting, query):
                    found.append(painting)
                if len(found) > count:
                    break
        following = found[count - 1].cursor if len(found) > count else None
        return Shelf(found[:count], following, len(everything))

    def painting(self, name: str) -> Painting | None:
        return next((each for each in self.paintings() if each.name == name), None)

    def details(self, painting: Painting) -> Details:
        record: Mapping[str, Any] = {}
        with contextlib.suppress(HotFolderError):
            record = parse_document(self._record_of(painting), painting.name).values
        names = set(_names_in(self._folder.outbox))
        extras = [s for x in EXTRA_OUTPUT_SUFFIXES if (s := painting.name + x) in names]
        originals = self._originals_of(painting, record)
        content = _file_of(record.get("content"))
        masks = record.get("masks")
        parts = {**record, **(masks if isinstance(masks, dict) else {})}

        def named(key: str) -> list[tuple[str, str | None]]:
            listed = parts.get(key)
            names = map(_file_of, listed if isinstance(listed, list) else [listed])
            return [(name, self._place(name, key, originals)) for name in names if name]

        return Details(
            painting,
            record,
            originals.get(content or ""),
            named("styles"),
            extras,
            {key: found for key in OTHERS if (found := named(key))},
        )

    def _fits(self, painting: Painting, query: Query) -> bool:
        day = painting.time.date() if query.since or query.until else None
        if day is not None and not (query.since or day) <= day <= (query.until or day):
            return False
        name = fold_name(painting.name)
        if not all(word in name for word in fold_name(query.text).split()):
            return False
        if not query.style and not query.setting:
            return True
        text = self._record_of(painting).decode("utf-8", errors="replace")
        if query.style and fold_name(query.style) not in fold_name(_part(text, "styles")):
            return False
        if query.setting:
            key, _, value = re.sub(r"\s*[=:]\s*", "=", query.setting.strip()).partition("=")
            line = rf"^ +{re.escape(key)}: {re.escape(value) + '$' if value else ''}"
            return re.search(line, _part(text, "settings"), re.MULTILINE) is not None
        return True

    def _record_of(self, painting: Painting) -> bytes:
        path = self._folder.outbox / f"{painting.name}{RECORD_SUFFIX}"
        with contextlib.suppress(OSError), folder_access.open_regular(path) as file:
            return file.read(RECORD_BYTES)
        return b""

    def _originals_of(self, painting: Painting, record: Mapping[str, Any]) -> dict[str, str]:
        """File name -> path below the hot folder, of what the painting was made from."""
        job = record.get("name")
        finished = record.get("finished")
        day = painting.time.date()
        if isinstance(finished, str):
            with contextlib.suppress(ValueError, OverflowError, OSError):
                day = datetime.fromisoformat(finished).astimezone().date()
        if not isinstance(job, str) or "/" in job or job.startswith("."):
            return {}
        named = [record.get("content")] if "content" in record else record.get("styles")
        pictures = {_file_of(part) for part in named} if isinstance(named, list) else set()
        # A name that was taken got a number; the end may have come just after midnight.
        for each in (day, day + timedelta(1), day - timedelta(1)):
            above = self._folder.done / each.isoformat()
            there = sorted(_names_in(above))
            folders = [n for n in there if n == job or n.startswith(f"{job}-")]
            # The jobs of a batch leave their originals with it.
            batches = [n for n in there if job.startswith(f"{n}-")]
            for name in (*folders, *batches):
                files = _names_in(above / name)
                if not pictures.isdisjoint(files) and (
                    name in folders or any(map(_is_batch, files))
                ):
                    return {f: f"{DONE}/{each.isoformat()}/{name}/{f}" for f in files}
        return {}

    def _place(self, name: str, key: str, originals: Mapping[str, str]) -> str | None:
        """Where a picture lies, below the hot folder."""
        if name in originals or key not in LIBRARY_KEYS:
            return originals.get(name)
        return f"styles/{name}" if folder_access.is_file(self._folder.styles / name) else None


def _listed(outbox: Path) -> list[Painting]:
    """A result is a picture with a record."""
    try:
        found = dict(folder_access.scan(outbox))
    except OSError:
        return []
    paintings = []
    for file, facts in found.items():
        name = parse_result_name(file, found)
        if name is not None and stat.S_ISREG(facts.st_mode) and facts.st_size:
            paintings.append(Painting(name, file, facts.st_mtime_ns, facts.st_size))
    return sorted(paintings, key=lambda each: (each.mtime_ns, each.name), reverse=True)


def _behind(paintings: Sequence[Painting], cursor: str) -> Iterable[Painting]:
    """Those that come after the one of the cursor; all of them if it is none."""
    stamp, _, name = cursor.partition(".")
    if not stamp.isdecimal():
        return paintings
    last = (int(stamp), name)
    return (each for each in paintings if (each.mtime_ns, each.name) < last)


def _is_batch(file: str) -> bool:
    stem, _, suffix = file.rpartition(".")
    return f".{suffix.lower()}" in SIDECAR_SUFFIXES and is_batch_name(stem)


def _names_in(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return [n for n in folder_access.names(folder) if not n.startswith(".")]
    return []


def _file_of(part: object) -> str | None:
    """The picture that a part of a record names."""
    name = part.get("file") if isinstance(part, dict) else None
    if not isinstance(name, str) or "/" in name or name.startswith("."):
        return None
    return name if Path(name).suffix.lower() in PICTURE_SUFFIXES else None


def _part(text: str, key: str) -> str:
    """The lines below a key of a record, which the server has written one a line."""
    match = re.search(rf"^{key}:\n((?:[ -].*\n?)*)", text, re.MULTILINE)
    return match[1] if match else ""
