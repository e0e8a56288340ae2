"""A disk that is really full: a small file system in memory. Failure mode 18."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from processes import Running, Until
from support import FakeClock

from hotfolder.paths import FolderPaths
from hotfolder.platforms import DiskRoom
from hotfolder.spool.disk_space import RETRY_BYTES, RETRY_SECONDS, DiskSpace

SIZE = 4_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk takes root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> Path:
    """Take all the room there is."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(size))
    return filler


def test_on_a_full_disk_the_queue_pauses_says_so_and_resumes_by_itself(
    small_disk: Path, until: Until
) -> None:
    folder = FolderPaths(small_disk / "hot")
    folder.create()
    running = Running(folder)
    daemon = running.start()
    try:
        running.drop("a", "steps=60 pause=0.05 kilobytes=500")
        running.drop("b", "steps=2")
        until(lambda: running.status("a").get("step"), 60, "a runs")
        filler = fill(small_disk)
        until(lambda: running.status("server").get("paused"), 60, "the server says that it waits")
        until(lambda: running.state("a") == "queued", 60, "a waits with its result unwritten")
        before = running.status("server")["updated"]
        until(lambda: running.status("server")["updated"] > before, 60, "the heart beats")
        server = running.status("server")
        assert "is full" in server["paused"]
        assert server["totals"].get("failed", 0) == 0
        assert "is full" in running.status("b")["message"]
        assert daemon.poll() is None
        assert list(folder.outbox.iterdir()) == []

        filler.unlink()
        until(lambda: running.state("a") == running.state("b") == "done", 60, "both are done")
        assert {path.name for path in folder.outbox.iterdir()} == {
            *("a.png", "a.result.yaml", "b.png", "b.result.yaml")
        }
        assert len(list(folder.done.rglob("*.content.jpg"))) == 2
    finally:
        daemon.kill()
        daemon.communicate()


@dataclass
class Disk:
    """A disk of 1 GB, half of it free."""

    free: int = 500_000_000
    files: int | None = 50

    def room(self, folder: Path) -> DiskRoom:
        return DiskRoom(self.free, 1_000_000_000, self.files)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def space(folder: FolderPaths, clock: FakeClock, disk: Disk) -> DiskSpace:
    return DiskSpace(folder, clock, disk.room)


def test_there_is_room_until_little_is_left(space: DiskSpace, disk: Disk) -> None:
    assert space.shortage() is None
    disk.free = 49_000_000
    assert space.shortage() == (
        "the disk of spool/ is full (49.0 MB free); goes on by itself when there is room (50.0 MB)"
    )


def test_a_disk_may_be_full_of_files(space: DiskSpace, disk: Disk) -> None:
    disk.files = 0
    assert "no more files can be made" in (space.shortage() or "")
    disk.files = None  # as file systems say that have no such limit
    assert space.shortage() is None


def test_a_result_that_found_no_room_waits_for_more_than_there_was(
    space: DiskSpace, disk: Disk, clock: FakeClock
) -> None:
    space.write_failed()
    assert space.shortage() is not None
    disk.free += RETRY_BYTES
    assert space.shortage() is None


def test_a_quota_that_no_figure_shows_is_tried_again_after_a_while(
    space: DiskSpace, clock: FakeClock
) -> None:
    space.write_failed()
    clock.advance(RETRY_SECONDS - 1)
    assert space.shortage() is not None
    clock.advance(1)
    assert space.shortage() is None
