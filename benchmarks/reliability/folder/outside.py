"""Files beside the hot folder, which the server has no business with: whether it looks into one,
changes one or takes one away.

The kernel notes each of these in a file's facts, whichever way it was done: a file that is read, or
a folder that is listed, gets a new time of access.
"""

import os
from pathlib import Path

__all__ = ["SECRET", "Outside"]

SECRET = b"nobody's business"
"""What is in each file."""

NAMES = ("cat", "dog", "server", "preset")
KINDS = (".content.jpg", ".style.png", ".jpg", ".yaml", ".batch.yaml", ".priority", ".json")

_LONG_AGO = 1_000_000_000, 1_500_000_000
"""Read before it was changed: only then does a file system that is mounted with `relatime` note
that it is read."""


class Outside:
    """Another user's folder, with names that the server would take an interest in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.album = root / "album"
        """As a folder of the inbox may be."""
        self.archive = root / "archive"
        """As `done/DATE` may be, and old."""
        self.file = root / "cat.content.jpg"
        self.linkable = root / "linkable.jpg"
        """The one file that hard links are made of: what is done to them is done to it."""
        for folder in (root, self.album, self.archive, self.archive / "cat"):
            folder.mkdir()
            for name in NAMES:
                for kind in KINDS:
                    (folder / f"{name}{kind}").write_bytes(SECRET)
        for name in ("inputs", "job.json", "plan.json", "state.json", "error.txt"):
            (self.album / name).write_bytes(SECRET)
        self.linkable.write_bytes(b"shared with the inbox")
        self._paths = [path for path in (root, *root.rglob("*")) if path != self.linkable]
        for path in self._paths:
            os.utime(path, _LONG_AGO)
        self.notes_reading = self._notes_reading()
        self._before = self._facts()

    def touched(self) -> list[str]:
        """What has happened to it since the last call, in words."""
        now = self._facts()
        before, self._before = self._before, now
        found = []
        for path, facts in before.items():
            if (later := now[path]) == facts:
                continue
            if facts is None or later is None:
                what = "taken away" if later is None else "put back"
            elif later[:-1] == facts[:-1] and self.notes_reading:
                what = "looked into"
            else:
                what = "changed"
            found.append(f"{path.relative_to(self.root.parent)} was {what}")
        return found

    def _facts(self) -> "dict[Path, tuple[int, ...] | None]":
        # By name: listing a folder would be noted as well. What comes or goes changes its folder.
        return {path: _facts_of(path, reading=self.notes_reading) for path in self._paths}

    def _notes_reading(self) -> bool:
        """Whether the file system is mounted so that it does."""
        path = self.file
        before = path.stat().st_atime_ns
        path.read_bytes()
        noted = path.stat().st_atime_ns != before
        os.utime(path, _LONG_AGO)
        return noted


def _facts_of(path: Path, *, reading: bool) -> "tuple[int, ...] | None":
    try:
        f = path.lstat()
    except OSError:
        return None
    facts = (f.st_ino, f.st_mode, f.st_nlink, f.st_size, f.st_mtime_ns)
    return (*facts, f.st_atime_ns) if reading else (*facts, 0)
