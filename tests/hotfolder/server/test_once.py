"""A run that is to end by itself ends, whatever lies in the folder."""

import errno
import logging
import os
from collections.abc import Callable

import pytest
from support import FakeClock, Room


@pytest.fixture(autouse=True)
def library(room: Room) -> None:
    (room.folder.styles / "wave.jpg").write_bytes(b"the library's wave")


class Busy(FakeClock):
    """A clock whose every reading takes a moment, in which somebody does something."""

    def __init__(self, clock: FakeClock, work: Callable[[], None]) -> None:
        super().__init__()
        self.now = clock.now
        self.readings = 0
        self._work = work

    def __call__(self) -> float:
        self.readings += 1
        if self.readings > 100_000:
            raise AssertionError("it does not end")
        if self.readings % 20 == 0:
            self._work()
        self.now += 0.005
        return self.now


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param("notes.txt", id="other"),
        pytest.param("IMG_1.jpg", id="picture"),
        pytest.param("nobody.cancel", id="cancel"),
        pytest.param("nobody.heartbeat", id="heartbeat"),
        pytest.param("nobody.priority", id="priority"),
        pytest.param("nobody.hold", id="hold"),
        pytest.param("oil/IMG_2.jpg", id="in_a_folder"),
    ],
)
def test_once_ends_though_a_stray_keeps_changing(room: Room, stray: str) -> None:
    (room.folder.inbox / "oil").mkdir()
    path = room.drop(stray)

    def grow() -> None:
        with path.open("ab") as file:
            file.write(b"more")

    room.drop_pair("cat")
    room.clock = Busy(room.clock, grow)
    assert room.run_once().done == 1


@pytest.mark.parametrize("place", ["batches", "spool"])
@pytest.mark.parametrize("kind", ["file", "folder", "link", "garbage"])
def test_once_ends_though_a_stray_lies_in_the_private_folder(
    room: Room, place: str, kind: str
) -> None:
    root = room.folder.private / place
    root.mkdir(exist_ok=True)
    match kind:
        case "file":
            (root / "stray").write_text("?")
        case "folder":
            (root / "stray").mkdir()
        case "link":
            (root / "stray").symlink_to(room.folder.styles)
        case "garbage":
            (root / "stray").mkdir()
            for name in ("plan.json", "job.json"):
                (root / "stray" / name).write_text("{")
    room.drop_pair("cat")
    room.clock = Busy(room.clock, lambda: None)
    assert room.run_once().done == 1
    assert (room.folder.styles / "wave.jpg").exists()


def test_once_ends_though_a_file_is_of_the_future(room: Room) -> None:
    for name in ("notes.txt", "IMG.jpg", "cat.hold"):
        path = room.drop(name)
        os.utime(path, (10**10, 10**10))
    room.drop_pair("dog")
    room.clock = Busy(room.clock, lambda: None)
    assert room.run_once().done == 1


def test_once_waits_for_a_jobs_file_that_grows(room: Room) -> None:
    path = room.drop("cat.content.jpg")
    room.drop("cat.style.jpg")
    parts = iter([b"more"] * 20)

    def grow() -> None:
        with path.open("ab") as file:
            file.write(next(parts, b""))

    room.clock = Busy(room.clock, grow)
    assert room.run_once().done == 1
    assert not next(parts, b"")


def test_once_ends_though_a_batch_cannot_be_published(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room.drop("fish.jpg")
    room.drop("trip.batch.yaml", "contents: fish.jpg\nstyles: wave.jpg")

    def refuse(*_: object, **__: object) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", "trip.summary.yaml")

    monkeypatch.setattr("hotfolder.batches.publishing.publish_all", refuse)
    monkeypatch.setattr("hotfolder.batches.publishing.sys.executable", "/bin/true")
    room.clock = Busy(room.clock, lambda: None)
    caplog.set_level(logging.CRITICAL)
    summary = room.run_once()
    assert (summary.done, summary.waiting) == (1, 1)
    assert room.status("trip")["message"] == (
        "batch: 1 done of 1; the summary cannot be published (Permission denied); it is tried again"
    )
