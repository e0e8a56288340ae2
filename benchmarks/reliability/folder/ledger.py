"""Where every file is that a stranger has put into the hot folder, by what is in it."""

import itertools
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reliability.folder.outside import SECRET

__all__ = ["Ledger", "Sight", "marked"]

MARK = re.compile(rb"mark-\d{8}|painted [\w-]+|%s" % SECRET)
_MAX_BYTES = 80_000

_count = itertools.count(1)


def marked(data: bytes = b"") -> bytes:
    """`data` with a mark that no other file has; a comment in YAML."""
    return b"# mark-%08d\n%s" % (next(_count), data)


@dataclass
class Sight:
    """What was found at one moment. Paths are below the place that was looked at, as text."""

    marks: dict[str, set[str]] = field(default_factory=dict)
    """The files in which each mark is."""
    files: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Every file: its inode, size and time of modification."""
    folders: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)


class Ledger:
    """Looks again and again, and reads only what has changed."""

    def __init__(self, roots: Mapping[str, Path]) -> None:
        """`roots`: where each folder lies, by how its paths begin."""
        self._roots = dict(roots)
        self._known: dict[tuple[int, ...], tuple[str, ...]] = {}

    def look(self) -> Sight:
        """Raises nothing: what goes at this moment is gone."""
        sight = Sight()
        folders = [(name, os.fspath(root)) for name, root in self._roots.items() if root.is_dir()]
        while folders:
            folder, where = folders.pop()
            sight.folders.add(folder)
            with os.scandir(where) as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}"
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(facts.st_mode):
                        folders.append((path, entry.path))
                    elif stat.S_ISREG(facts.st_mode):
                        self._note(sight, path, entry.path, facts)
                    elif path not in self._roots:
                        sight.links.add(path)
        return sight

    def _note(self, sight: Sight, path: str, where: str, facts: os.stat_result) -> None:
        sight.files[path] = facts.st_ino, facts.st_size, facts.st_mtime_ns
        key = facts.st_dev, *sight.files[path], facts.st_ctime_ns
        if (marks := self._known.get(key)) is None:
            data = b""
            if facts.st_size <= _MAX_BYTES:
                data = Path(where).read_bytes()
            marks = self._known[key] = tuple({m.decode() for m in MARK.findall(data[:200])})
        for mark in marks:
            sight.marks.setdefault(mark, set()).add(path)
