"""What the file system refuses for one job stops no other, and the job's status says what it is."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import FakeDispatcher, Room, fails, is_lost, paints, starts_only

from hotfolder.errors import FolderError
from hotfolder.job import Job
from hotfolder.spool import claims
from hotfolder.workers.events import Event


def obstruct(job: Job) -> Path:
    """No state of the job can be noted: not even root replaces a folder by a file."""
    state = Path(job.folder) / "state.json"
    state.unlink()
    state.mkdir()
    return state


def obstructed(job: Job) -> Iterator[Event]:
    """Of a job called bad: it is done, but that cannot be noted."""
    if job.name == "bad":
        obstruct(job)
    yield from paints(job)


def test_a_job_whose_folder_cannot_be_written_to_stops_no_other(room: Room) -> None:
    room.dispatcher.script = obstructed
    room.drop_pair("bad", "priority: 9")
    for number in range(3):
        room.drop_pair(f"good{number}")
    room.step(8)
    assert [room.status(f"good{number}")["state"] for number in range(3)] == ["done"] * 3
    status = room.status("bad")
    assert status["state"] == "queued"
    assert "its progress cannot be noted: Is a directory; it is tried again" in status["message"]
    (state,) = room.folder.spool.glob("*/state.json")
    state.rmdir()
    room.step(4)
    assert room.status("bad")["state"] == "done"
    assert [job.name for job in room.dispatcher.submitted].count("bad") == 1


@pytest.mark.parametrize(
    ("script", "end"), [(fails, "failed"), (is_lost, "done")], ids=["failed", "lost"]
)
def test_every_end_that_cannot_be_noted_is_kept_until_it_can(
    room: Room, script: object, end: str
) -> None:
    def of_bad(job: Job) -> Iterator[Event]:
        obstruct(job)
        yield from script(job)  # type: ignore[operator]

    room.settings["retry"] = {"backoff": 0.0}
    room.dispatcher.script = of_bad
    room.drop_pair("bad")
    room.step(6)
    room.dispatcher.script = paints
    (state,) = room.folder.spool.glob("*/state.json")
    state.rmdir()
    room.step(8)
    assert room.status("bad")["state"] == end


@pytest.mark.parametrize(
    ("control", "what", "state"), [("cancel", "end", "cancelled"), ("hold", "hold", "held")]
)
def test_what_is_asked_of_a_job_whose_folder_cannot_be_written_to_is_done_later(
    room: Room, control: str, what: str, state: str
) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    for name in ("bad", "good"):
        room.drop_pair(name)
    room.step(2)
    entries = {entry.job.name: entry.job for entry in room.daemon._live.values()}
    obstacle = obstruct(entries["bad"])
    for name in ("bad", "good"):
        room.drop(f"{name}.{control}", "")
    room.step(2)
    assert room.status("good")["state"] == state
    assert f"its {what} cannot be noted: Is a directory" in room.status("bad")["message"]
    obstacle.rmdir()
    room.step(5)
    assert room.status("bad")["state"] == state


def test_a_status_that_cannot_be_written_hides_no_other_and_is_named(room: Room) -> None:
    (room.folder.status / "bad.json").mkdir()
    room.dispatcher.script = starts_only
    room.dispatcher.capacity = 2
    for name in ("bad", "good"):
        room.drop_pair(name)
    room.step(3)
    assert room.status("good")["state"] == "running"
    server = json.loads((room.folder.status / "server.json").read_text())
    assert server["queue"]["running"] == 2
    assert "status/bad.json (cannot be written: Is a directory)" in server["strays"]
    (room.folder.status / "bad.json").rmdir()
    room.step(2)
    assert room.status("bad")["state"] == "running"
    assert json.loads((room.folder.status / "server.json").read_text())["strays"] == []


def test_a_run_that_is_to_end_does_all_that_it_can_and_then_names_what_it_could_not(
    room: Room,
) -> None:
    room.settings["settle_seconds"] = 0.0
    room.dispatcher.script = obstructed
    room.drop_pair("bad", "priority: 9")
    room.drop_pair("good")
    with pytest.raises(FolderError, match="bad: its progress cannot be noted: Is a directory"):
        room.run_once()
    assert room.status("good")["state"] == "done"


def test_the_end_of_the_server_puts_every_other_job_back(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.dispatcher.capacity = 2
    for name in ("bad", "good"):
        room.drop_pair(name)
    room.step(3)
    obstruct(next(job for job in room.dispatcher.submitted if job.name == "bad"))
    room.daemon._shut_down()
    assert room.status("good")["state"] == "queued"
    assert room.status("server")["state"] == "stopped"


def test_of_the_progress_that_cannot_be_noted_only_the_last_is_kept(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("bad")
    room.step(2)
    runner = room.daemon._runner
    (job,) = room.dispatcher.submitted
    state = obstruct(job)
    from support import progress

    room.step(1)
    for _ in range(1000):
        runner.take([progress(job)])
    assert sum(map(len, runner._events.values())) <= 3
    state.rmdir()


def test_jobs_that_name_what_cannot_be_copied_fail_and_it_stays_and_is_named(room: Room) -> None:
    os.mkfifo(room.folder.inbox / "shared.jpg")
    for number in range(3):
        room.drop(f"bad{number}.yaml", "content: shared.jpg\nstyles: [wave.jpg]\n")
    room.step(4)
    assert [room.status(f"bad{number}")["state"] for number in range(3)] == ["failed"] * 3
    assert "shared.jpg: not a plain file" in room.error("bad0")
    room.step(2)
    (stray,) = room.status("server")["strays"]
    assert stray.startswith("shared.jpg")


def test_a_shared_picture_that_cannot_be_copied_for_one_job_is_copied_for_the_next(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(source: Path, target: Path, seen: Any = None) -> None:
        plan = json.loads((target.parents[1] / "job.json").read_text())
        if plan["job"]["name"] == "bad":
            raise OSError(errno.EIO, "Input/output error")
        copied(source, target, seen)

    copied = claims.copy  # type: ignore[attr-defined]
    monkeypatch.setattr(claims, "copy", refused)
    room.drop("wave.jpg")
    for name in ("bad", "good", "last"):
        room.drop(f"{name}.content.jpg")
        room.drop(f"{name}.yaml", "styles: [wave.jpg]\n")
    room.step(8)
    assert "[bad] cannot be taken in: [Errno 5]" in caplog.text
    # No other needs the picture any more, and so it is moved.
    assert [room.status(name)["state"] for name in ("good", "last", "bad")] == ["done"] * 3


def test_a_job_that_has_ended_and_whose_last_status_cannot_be_written_is_named(room: Room) -> None:
    blocker = room.folder.status / "cat.json"
    (blocker / "theirs").mkdir(parents=True)
    room.drop_pair("cat")
    room.step(2)
    room.restart()  # It is done already then, and has no other status to write.
    room.step(4)
    assert (room.folder.outbox / "cat.png").is_file()
    strays = room.status("server")["strays"]
    assert "status/cat.json (cannot be written: Is a directory)" in strays
    (blocker / "theirs").rmdir()
    blocker.rmdir()
    room.step(6)
    assert room.status("cat")["state"] == "done"
    assert room.status("server")["strays"] == []
