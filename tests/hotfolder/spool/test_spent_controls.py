"""Control files that have been obeyed and cannot be removed."""

import errno
import os
from pathlib import Path

import pytest
from support import Room, fails, paints, starts_only

from hotfolder import folder_access
from hotfolder.batches.publishing import BatchPublisher


@pytest.fixture
def unremovable(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of files that are refused to be removed."""
    names: set[str] = set()
    real = folder_access.unlink

    def refused(path: Path, *, missing_ok: bool = False) -> None:
        if path.name in names and path.exists():
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(folder_access, "unlink", refused)
    return names


def stuck_hold(room: Room, unremovable: set[str]) -> tuple[Path, Path]:
    """A pair whose hold cannot be removed, and the release that has just come; both files."""
    unremovable.add("cat.hold")
    hold = room.drop("cat.hold", "")
    room.drop_pair("cat")
    room.step(3)
    return hold, room.drop("cat.release", "")


def told(room: Room, name: str) -> bool:
    """Whether the server names a control file as one that it cannot remove."""
    words = f"{name} (was obeyed, but cannot be removed: Permission denied)"
    return words in room.status("server")["strays"]


def test_a_retry_that_cannot_be_removed_is_obeyed_once_and_named(
    room: Room, unremovable: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    room.dispatcher.script = fails
    room.drop_pair("cat")
    room.step(3)
    unremovable.add("cat.retry")
    retry = room.drop("cat.retry", "")
    room.step(10)
    assert [job.name for job in room.dispatcher.submitted] == ["cat", "cat"]
    assert told(room, "cat.retry")
    assert caplog.text.count("cat.retry was obeyed, but cannot be removed") == 1
    os.utime(retry, (1, 1))  # asked for again
    room.step(5)
    assert [job.name for job in room.dispatcher.submitted] == ["cat"] * 3
    unremovable.clear()
    retry.unlink()
    room.step(2)
    assert not told(room, "cat.retry")


def test_a_cancel_that_cannot_be_removed_ends_one_job_and_not_the_next(
    room: Room, unremovable: set[str]
) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    unremovable.add("cat.cancel")
    room.drop("cat.cancel", "")
    room.step(3)
    assert room.status("cat")["state"] == "cancelled"
    assert told(room, "cat.cancel")
    room.dispatcher.script = paints
    room.drop_pair("cat")
    room.step(4)
    assert room.status("cat")["state"] == "done"


def test_a_hold_that_cannot_be_removed_holds_no_job_after_its_release(
    room: Room, unremovable: set[str]
) -> None:
    unremovable |= {"cat.hold", "cat.release"}
    room.drop("cat.hold", "")
    room.drop_pair("cat")
    room.step(3)
    assert room.status("cat")["state"] == "held"
    room.drop("cat.release", "")
    room.step(4)
    assert room.status("cat")["state"] == "done"
    assert told(room, "cat.hold")
    assert told(room, "cat.release")


def test_a_hold_that_cannot_be_removed_holds_no_job_after_its_release_and_a_restart(
    room: Room, unremovable: set[str]
) -> None:
    room.dispatcher.script = starts_only
    hold, release = stuck_hold(room, unremovable)
    room.step(4)
    assert room.status("cat")["state"] == "running"
    room.restart(starts_only)
    room.step(4)
    assert room.status("cat")["state"] == "running"
    assert (hold.exists(), release.exists()) == (True, True)
    unremovable.clear()
    room.step(4)
    assert (hold.exists(), release.exists()) == (False, False)


def test_a_release_stays_for_as_long_as_its_hold_cannot_be_removed(
    room: Room, unremovable: set[str]
) -> None:
    """Else the next job of that name were held after a restart."""
    hold, release = stuck_hold(room, unremovable)
    room.step(20)
    assert room.status("cat")["state"] == "done"
    assert (hold.exists(), release.exists()) == (True, True)
    room.restart()
    room.drop_pair("cat")
    room.step(6)
    assert (room.folder.outbox / "cat-2.png").exists()
    unremovable.clear()
    room.step(4)
    assert (hold.exists(), release.exists()) == (False, False)


def test_the_release_of_a_batch_outlives_a_hold_that_cannot_be_removed(
    room: Room, unremovable: set[str]
) -> None:
    room.dispatcher.script = starts_only
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    room.drop("trip.jpg")
    unremovable.add("trip.hold")
    hold = room.drop("trip.hold", "")
    room.drop("trip.batch.yaml", "contents: trip.jpg\nstyles: wave.jpg\n")
    room.step(4)
    assert room.status("trip")["state"] == "held"
    release = room.drop("trip.release", "")
    room.step(6)
    assert room.status("trip")["state"] == "running"
    assert (hold.exists(), release.exists()) == (True, True)
    room.restart(starts_only)
    room.step(6)
    assert room.status("trip")["state"] == "running"
    unremovable.clear()
    room.step(4)
    assert (hold.exists(), release.exists()) == (False, False)


@pytest.mark.parametrize("control", ["priority", "heartbeat", "hold"])
def test_no_control_file_that_stays_keeps_a_job_from_its_end(
    room: Room, unremovable: set[str], control: str
) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat", "owner: {heartbeat: true}")
    room.drop("cat.heartbeat", "")
    room.step(3)
    unremovable.add(f"cat.{control}")
    room.drop(f"cat.{control}", "7")
    room.step(2)
    (job,) = room.dispatcher.submitted
    room.dispatcher._events.extend(list(paints(job))[1:])
    room.step(3)
    assert room.status("cat")["state"] == "done"
    assert told(room, f"cat.{control}")


def test_a_batchs_cancel_that_cannot_be_removed_ends_one_batch(
    room: Room, unremovable: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchPublisher, "_sheet_is_made", lambda *_: True)

    def drop_batch() -> None:
        (room.folder.styles / "wave.jpg").write_bytes(b"x")
        room.drop("trip.jpg")
        room.drop("trip.batch.yaml", "contents: trip.jpg\nstyles: wave.jpg\n")

    room.dispatcher.script = starts_only
    drop_batch()
    room.step(4)
    unremovable.add("trip.cancel")
    room.drop("trip.cancel", "")
    room.step(6)
    assert room.status("trip")["state"] == "cancelled"
    assert told(room, "trip.cancel")
    room.dispatcher.script = paints
    drop_batch()
    room.step(8)
    assert room.status("trip")["state"] == "done"
