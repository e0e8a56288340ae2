"""What the status of a job says, and when it is written."""

import errno
from collections.abc import Iterator
from typing import Any

import pytest
from support import Room, progress, starts_only

from hotfolder.job import Job
from hotfolder.outbox.status_reporter import REFRESHED
from hotfolder.spool.spool import Spool
from hotfolder.workers.events import Event, Started, WorkerLost


def states(room: Room, name: str) -> list[str]:
    """Those written for a job, without repetitions."""
    written = [str(status["state"]) for status in room.heard if status["name"] == name]
    return [
        state for state, before in zip(written, ["", *written], strict=False) if state != before
    ]


def test_a_job_is_shown_in_the_queue_before_it_runs_and_its_end_comes_last(room: Room) -> None:
    room.drop_pair("cat")
    room.step(6)
    assert states(room, "cat") == ["waiting", "queued", "running", "done"]


def test_a_job_whose_worker_was_lost_waits_without_the_progress_of_that_attempt(room: Room) -> None:
    def is_lost_half_way(job: Job) -> Iterator[Event]:
        yield Started(job.id, "fake")
        preview = room.folder.spool / job.id / "preview.jpg"
        preview.write_bytes(b"a preview")
        yield progress(job, preview=str(preview))
        yield WorkerLost(job.id, "the worker was ended by SIGKILL")

    def starts_without_progress(job: Job) -> Iterator[Event]:
        yield Started(job.id, "fake")

    room.dispatcher.script = is_lost_half_way
    room.drop_pair("cat")
    room.step(2)
    status = room.status("cat")
    assert (status["state"], status["position"]) == ("queued", 1)
    assert "its worker was lost; attempt 2 after a pause" in status["message"]
    assert (status["step"], status["device"], status["preview"]) == (None, None, None)
    room.dispatcher.script = starts_without_progress
    room.step(5)
    status = room.status("cat")
    assert (status["state"], status["attempt"], status["step"]) == ("running", 2, None)
    assert not (room.folder.status / "cat.preview.jpg").exists()


def test_a_published_job_that_cannot_leave_the_spool_yet_has_ended_for_its_readers(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    room.drop_pair("cat")
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "remove", refused)
        room.step(8)
        assert (room.status("cat")["state"], room.status("cat")["message"]) == ("done", "done")
    room.step(5)
    assert states(room, "cat")[-2:] == ["running", "done"]
    assert room.status("cat")["losses"] is not None
    assert list(room.folder.spool.iterdir()) == []


def test_what_runs_and_the_first_that_wait_are_written_again_and_again(room: Room) -> None:
    room.dispatcher.script = starts_only
    names = [f"job{number:02}" for number in range(REFRESHED + 5)]
    for name in names:
        room.drop_pair(name)
    room.step(3)
    room.heard.clear()
    room.step(4)
    counts = {name: sum(each["name"] == name for each in room.heard) for name in names}
    assert set(counts.values()) == {0, 4}
    assert [name for name, count in counts.items() if count] == names[: REFRESHED + 1]
