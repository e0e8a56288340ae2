"""What others do to a hot folder beside the jobs: control files, links in folders' places, and old
folders of their own where retention removes the server's."""

import contextlib
import os
import random
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.reliability.chaos.background import in_background
from benchmarks.reliability.chaos.deliveries import Delivery
from benchmarks.reliability.folder.outside import Outside
from hotfolder.outbox.originals import move_originals
from hotfolder.paths import FolderPaths

__all__ = ["Controls", "Stranger"]

OLD_DAYS = 300
"""Age from which retention is to remove originals."""

ALBUM_LISTED = "theirs/album was looked into"

_LONG_AGO = 1_577_880_000  # 2020-01-01


class Controls:
    """The control files for the jobs that are dropped."""

    def __init__(self, rng: random.Random) -> None:
        self.count = 0
        self._rng = rng
        self._due: list[tuple[float, Path]] = []

    def before(self, order: Delivery, inbox: Path) -> None:
        """What may come before the job does."""
        if not order.job:
            return
        chance = self._rng.random()
        if chance < 0.1:
            self._write(inbox / f"{order.job}.priority", str(self._rng.randint(0, 9)))
        elif chance < 0.2:
            self._write(inbox / f"{order.job}.hold")
            self._later(inbox / f"{order.job}.release", 1.5)

    def after(self, order: Delivery, inbox: Path) -> None:
        """What may come after the job did."""
        if not order.job:
            return
        if order.refused and self._rng.random() < 0.5:
            self._later(inbox / f"{order.job}.retry", 3.0)
        elif order.painted and self._rng.random() < 0.08:
            order.cancelled = True
            self._later(inbox / f"{order.job}.cancel", 1.0)

    def write_due(self, *, all_of_them: bool = False) -> None:
        now = time.monotonic()
        due = [path for moment, path in self._due if all_of_them or moment <= now]
        self._due = [each for each in self._due if each[1] not in due]
        for path in due:
            self._write(path)

    def _later(self, path: Path, most: float) -> None:
        self._due.append((time.monotonic() + most * self._rng.random(), path))

    def _write(self, path: Path, text: str = "") -> None:
        path.write_text(text)
        self.count += 1


class Stranger:
    """Puts links where folders were, again and again, while old things of others lie in `done/` and
    `failed/`."""

    def __init__(self, folders: Sequence[FolderPaths], outside: Outside, seed: int) -> None:
        self.swaps = 0
        self._folders = folders
        self._outside = outside
        self._rng = random.Random(seed)
        for folder in folders:
            for theirs in (folder.done / "2020-01-02/theirs", folder.failed / "theirs"):
                _make_old(theirs, theirs / "x.png")
            ours = folder.done / "2020-01-03/ours"
            ours.mkdir(parents=True)
            (folder.root / "x.png").write_bytes(b"painted long ago")
            move_originals(folder, ours, [(folder.root / "x.png", "x.png")])
            for path in (ours / "x.png", *ours.glob(".*"), ours):
                os.utime(path, (_LONG_AGO, _LONG_AGO))
            (folder.done / "2020-01-01").symlink_to(outside.archive)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        try:
            with in_background(self._run):
                yield
        finally:
            for folder in self._folders:
                for name in ("album", "library"):
                    _remove(self._place(folder, name))

    def problems(self) -> list[str]:
        """What retention or a link has led to that must not be. Removes what is in the way of an
        account of the folders."""
        # The library of file events lists folders by their paths; no file is looked into.
        found = [each for each in self._outside.touched() if each != ALBUM_LISTED]
        for folder in self._folders:
            for theirs in (folder.done / "2020-01-02/theirs", folder.failed / "theirs"):
                if not (theirs / "x.png").exists():
                    found.append(f"{theirs} of somebody else was removed")
                shutil.rmtree(theirs, ignore_errors=True)
            if (folder.done / "2020-01-03/ours").exists():
                found.append(f"{folder.done}/2020-01-03/ours was kept, old as it is")
            (folder.done / "2020-01-01").unlink()
        return found

    def _run(self, end: threading.Event) -> None:
        while not end.wait(0.02 + 0.1 * self._rng.random()):
            folder = self._rng.choice(self._folders)
            place = self._place(folder, self._rng.choice(("album", "library")))
            was_link = place.is_symlink()
            _remove(place)
            if was_link:
                place.mkdir()
                if place.parent == folder.inbox:
                    (place / "preset.yaml").write_text("styles: [library.png]\n")
            else:
                place.symlink_to(self._outside.album)
            self.swaps += 1

    @staticmethod
    def _place(folder: FolderPaths, name: str) -> Path:
        """Of a preset folder of the inbox, or of a folder in the style library."""
        return (folder.inbox if name == "album" else folder.styles) / name


def _make_old(folder: Path, file: Path) -> None:
    folder.mkdir(parents=True)
    file.write_bytes(b"somebody's")
    for path in (file, folder):
        os.utime(path, (_LONG_AGO, _LONG_AGO))


def _remove(place: Path) -> None:
    if place.is_symlink():
        place.unlink()
    else:
        shutil.rmtree(place, ignore_errors=True)
