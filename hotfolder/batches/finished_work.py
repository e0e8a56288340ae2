"""How work that is done already is recognised: by the records in the output folder, whose first
line is `work: ` and the key of the work."""

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from engine.settings import SUFFIXES
from hotfolder.batches.expansion import Item
from plugin.client.protocol import RECORD_SUFFIX

__all__ = ["FinishedWork", "sha256_of_file", "work_key", "work_of"]


class FinishedWork:
    """The paintings in an output folder, as it is now. Files are hashed once."""

    def __init__(self, out: Path, version: str, folders: Iterable[str] = ()) -> None:
        """`version` is the engine's that will paint what is not there; `folders` are those below
        `out` that have results, too."""
        self.out = out
        self._version = version
        self._hashes: dict[Path, str] = {}
        self._pictures: dict[str, Path] = {}
        """By the key of their work."""
        places = dict.fromkeys([out, *(out / folder for folder in folders)])
        for record in chain.from_iterable(each.glob(f"*{RECORD_SUFFIX}") for each in places):
            if (work := work_of(record)) is None:
                continue
            stem = record.name.removesuffix(RECORD_SUFFIX)
            for picture in (record.with_name(f"{stem}{suffix}") for suffix in SUFFIXES.values()):
                if picture.exists():
                    self._pictures.setdefault(work, picture)

    def picture_of(self, item: Item) -> Path | None:
        """The item's painting, if it is there."""
        if not self._pictures:
            return None
        try:
            return self._pictures.get(self.key_of(item))
        except OSError:  # Painting it will say why.
            return None

    def key_of(self, item: Item) -> str:
        """Raises OSError: a picture cannot be read."""
        styles = [self._sha256(style) for style in item.styles]
        others = {
            key: [self._sha256(path) for path in paths]
            for key, paths in item.others.by_key().items()
        }
        settings = item.own_settings.model_dump()
        content = self._sha256(item.content) if item.content is not None else None
        return work_key(content, styles, settings, self._version, others)

    def _sha256(self, path: Path) -> str:
        if path not in self._hashes:
            self._hashes[path] = sha256_of_file(path)
        return self._hashes[path]


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def work_of(record: Path) -> str | None:
    """The key of the work that a record is of, if it is there and names one."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        with record.open(encoding="utf-8") as file:
            key, _, work = file.readline().partition(": ")
        if key == "work":
            return work.strip()
    return None


def work_key(
    content: str | None,
    styles: Sequence[str],
    settings: Mapping[str, Any],
    version: str,
    others: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """The same for the same work: content (None: of a texture) and styles (SHA-256), settings
    (complete), engine.

    Args:
        others: the other pictures (SHA-256), by the settings that name them: what they are called
            does not matter.
    """
    document = [content, list(styles), {**settings, **(others or {})}, version]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
