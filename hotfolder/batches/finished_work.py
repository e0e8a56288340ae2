"""How work that is done already is recognised: by the records in the output folder, whose first
line is `work: ` and the key of the work."""

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.settings import SUFFIXES
from hotfolder.batches.expansion import Item
from plugin.client.protocol import RECORD_SUFFIX

__all__ = ["FinishedWork", "work_key"]


class FinishedWork:
    """The paintings in an output folder, as it is now. Files are hashed once."""

    def __init__(self, out: Path, version: str) -> None:
        """`version` is the engine's that will paint what is not there."""
        self.out = out
        self._version = version
        self._hashes: dict[Path, str] = {}
        self._pictures: dict[str, Path] = {}
        """By the key of their work."""
        for record in out.glob(f"*{RECORD_SUFFIX}"):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                with record.open(encoding="utf-8") as file:
                    key, _, work = file.readline().partition(": ")
                stem = record.name.removesuffix(RECORD_SUFFIX)
                for picture in (out / f"{stem}{suffix}" for suffix in SUFFIXES.values()):
                    if key == "work" and picture.exists():
                        self._pictures.setdefault(work.strip(), picture)

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
        settings = item.settings.model_dump()
        return work_key(self._sha256(item.content), styles, settings, self._version)

    def _sha256(self, path: Path) -> str:
        if path not in self._hashes:
            with path.open("rb") as file:
                self._hashes[path] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._hashes[path]


def work_key(content: str, styles: Sequence[str], settings: Mapping[str, Any], version: str) -> str:
    """The same for the same work: content and styles (SHA-256), settings (complete), engine."""
    document = [content, list(styles), dict(settings), version]
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
