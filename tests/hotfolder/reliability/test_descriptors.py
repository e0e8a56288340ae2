"""Every file is reached from the descriptor of its folder, not by a path."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import Room, fails, paints_with_progression

from hotfolder.batches.publishing import BatchPublisher
from hotfolder.job import Job
from hotfolder.outbox.retention import CLEANING_SECONDS
from hotfolder.workers.events import Event

EVENTS = {
    *("open", "os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir"),
    *("os.utime", "os.chmod", "os.truncate", "os.scandir", "os.listdir", "shutil.move"),
    *("shutil.rmtree", "shutil.copyfile", "shutil.copytree", "glob.glob", "tempfile.mkstemp"),
}


class Observed:
    """The paths, below `root`, by which this process reaches files; not those that are meant from
    a folder that is open."""

    current: "Observed | None" = None
    is_hooked = False

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.paths: list[tuple[str, str]] = []
        if not Observed.is_hooked:
            Observed.is_hooked = True
            sys.addaudithook(_observe)

    @contextlib.contextmanager
    def switched(self, *, on: bool) -> Iterator[None]:
        before, Observed.current = Observed.current, self if on else None
        try:
            yield
        finally:
            Observed.current = before


def _observe(event: str, arguments: tuple[object, ...]) -> None:
    if Observed.current is not None and event in EVENTS:
        for path in arguments:
            if isinstance(path, str | bytes | os.PathLike):
                text = os.fsdecode(path)
                if os.sep in text.rstrip(os.sep) and text.startswith(Observed.current.root):
                    Observed.current.paths.append((event, text))


def test_the_server_reaches_every_file_by_the_descriptor_of_its_folder(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs of every form, a batch, control files, a failure and its retry, retention, a restart;
    no step of it uses a path, in which a folder could have become a link."""
    # The child that makes a contact sheet takes seconds.
    monkeypatch.setattr(BatchPublisher, "_sheet_is_made", lambda *_: True)
    observed = Observed(room.folder.root)

    def script(job: Job) -> list[Event]:
        with observed.switched(on=False):
            return list((fails if job.name == "bad" else paints_with_progression)(job))

    def steps(count: int, seconds: float = 2.0) -> None:
        with observed.switched(on=True):
            room.step(count, seconds)

    room.settings |= {"retention": {"done_days": 0, "failed_days": 0, "status_count": 2}}
    (room.folder.styles / "by").mkdir()
    for name in ("wave.jpg", "by/night.jpg"):
        (room.folder.styles / name).write_bytes(b"x")
    for name in ("oil", "sea"):
        (room.folder.inbox / name).mkdir()
    room.restart(script)
    steps(2)
    room.drop_pair("pair")
    room.drop_pair("bad", "priority: 9")
    room.drop("cup.jpg")
    room.drop("named.yaml", "content: cup.jpg\nstyles: [wave.jpg, by/night.jpg]\n")
    room.drop("oil/preset.yaml", "styles: by/night.jpg\n")
    room.drop("oil/cat.jpg")
    room.drop("sea/fish.jpg")
    room.drop("trip.batch.yaml", "contents: sea/*.jpg\nstyles: wave.jpg\n")
    room.drop("bad.priority", "8")
    for name in ("pair.hold", "oil-cat.hold", "oil-cat.release", "nothing.cancel"):
        room.drop(name, "")
    steps(8)
    assert room.status("pair")["state"] == "held"
    assert room.status("bad")["state"] == "failed"
    room.drop("pair.release", "")
    room.drop("bad.retry", "")
    room.drop_pair("gone")
    room.drop("gone.cancel", "")
    steps(3)
    room.drop_pair("last")
    steps(1)
    room.restart(script)
    steps(12)
    states = {path.stem for path in room.folder.status.glob("*.json")}
    assert states >= {"server", "last"}
    pictures = {path.name for path in room.folder.outbox.glob("*.png")}
    assert pictures >= {"pair.png", "named.png", "oil-cat.png", "trip-fish-wave.png", "last.png"}
    assert list(room.folder.inbox.glob("**/*.jpg")) == []
    steps(3, seconds=CLEANING_SECONDS)
    assert list(room.folder.done.iterdir()) == []
    assert list(room.folder.failed.iterdir()) == []
    assert observed.paths == []
