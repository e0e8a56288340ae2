"""Cancelling, holding and pausing by files in the folder, and clients that fall silent."""

import errno
import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from support import STATUS_KEYS, Room, Script, fails, paints, starts_only

from hotfolder.server.pause import Pause
from hotfolder.server.run_summary import RunSummary


@pytest.mark.parametrize("state", ["running", "queued", "waiting"])
def test_a_cancel_file_ends_a_job_in_any_state(room: Room, state: str) -> None:
    room.dispatcher.script = starts_only
    if state == "queued":
        room.drop_pair("another")
        room.step(3)
    if state == "waiting":
        room.drop("cat.content.jpg")
    else:
        room.drop_pair("cat")
    room.step(3)
    assert room.status("cat")["state"] == state
    room.drop("cat.cancel", "")
    room.step(3)
    assert room.status("cat")["state"] == "cancelled"
    assert (room.folder.root / room.status("cat")["folder"] / "cat.content.jpg").exists()
    assert list(room.folder.inbox.iterdir()) == []
    assert not (room.folder.outbox / "cat.png").exists()


@pytest.mark.parametrize("sidecar", [None, "content: cat.jpg\nstyles: cup.jpg"])
def test_a_job_that_lacks_something_is_held_and_starts_when_that_comes(
    room: Room, sidecar: str | None
) -> None:
    if sidecar is None:
        room.drop("cat.content.jpg")
    else:
        room.drop("cat.yaml", sidecar)
        room.drop("cat.jpg")
    room.step(35)
    status = room.status("cat")
    assert status.keys() == STATUS_KEYS
    assert status["state"] == "held"
    assert "style" in status["message"]
    assert room.status("server")["queue"]["held"] == 1
    room.drop("cat.style.jpg" if sidecar is None else "cup.jpg")
    room.step(3)
    assert room.status("cat")["state"] == "done"


def test_a_held_job_is_released_to_wait_again_or_cancelled(room: Room) -> None:
    room.drop("cat.content.jpg")
    room.step(35)
    assert room.status("cat")["state"] == "held"
    room.drop("cat.release", "")
    room.step(2)
    assert room.status("cat")["state"] == "waiting"
    assert [path.name for path in room.folder.inbox.iterdir()] == ["cat.content.jpg"]
    room.step(35)
    assert room.status("cat")["state"] == "held"
    room.drop("cat.cancel", "")
    room.step(3)
    assert room.status("cat")["state"] == "cancelled"


@pytest.mark.parametrize("claimed", [True, False])
def test_a_hold_file_keeps_a_job_back_for_as_long_as_it_is_there(room: Room, claimed: bool) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("another")
    room.step(3)
    if not claimed:
        room.drop("cat.hold", "")
    room.drop_pair("cat")
    room.step(3)
    room.drop("cat.hold", "")
    room.step(2)
    status = room.status("cat")
    assert (status["state"], status["id"] is not None) == ("held", claimed)
    assert "impasto release cat" in status["message"]
    room.restart()  # which has nothing else to do
    room.step(4)
    assert room.status("another")["state"] == "done"
    assert room.status("cat")["state"] == "held"
    room.drop("cat.release", "")
    room.step(4)
    assert room.status("cat")["state"] == "done"
    assert list(room.folder.inbox.iterdir()) == []


def test_a_hold_file_may_simply_be_taken_away(room: Room) -> None:
    room.drop("cat.hold", "")
    room.drop_pair("cat")
    room.step(3)
    assert room.status("cat")["state"] == "held"
    (room.folder.inbox / "cat.hold").unlink()
    room.step(3)
    assert room.status("cat")["state"] == "done"


def test_a_held_job_that_is_cancelled_leaves_no_hold(room: Room) -> None:
    room.drop("cat.hold", "")
    room.drop_pair("cat")
    room.step(3)
    room.drop("cat.cancel", "")
    room.step(3)
    assert room.status("cat")["state"] == "cancelled"
    assert list(room.folder.inbox.iterdir()) == []


def test_a_paused_server_finishes_what_runs_and_starts_nothing_new(room: Room) -> None:
    room.dispatcher.script = starts_only
    for name in "ab":
        room.drop_pair(name)
    room.step(3)
    pause = Pause(room.folder)
    pause.begin("paused by ada: the fan\nis loud")
    room.drop_pair("c")
    room.step(3)
    assert room.status("server")["paused"] == "paused by ada: the fan"
    assert "paused by ada" in room.status("b")["message"]
    assert [room.status(name)["state"] for name in "abc"] == ["running", "queued", "queued"]
    room.dispatcher.script = paints
    (running,) = room.dispatcher.submitted
    room.dispatcher._events.extend(paints(running))
    room.step(3)
    assert [room.status(name)["state"] for name in "abc"] == ["done", "queued", "queued"]
    room.restart()
    room.step(3)
    assert room.dispatcher.submitted == []
    assert pause.end()
    room.step(4)
    assert [room.status(name)["state"] for name in "abc"] == ["done"] * 3
    assert room.status("server")["paused"] is None
    assert not pause.end()


def test_nothing_begins_in_the_second_after_a_pause(room: Room) -> None:
    """Whether there is a pause is looked up once a second, and before each job."""
    room.dispatcher.script = starts_only
    for name in "ab":
        room.drop_pair(name)
    room.step(3)
    Pause(room.folder).begin("paused")
    (running,) = room.dispatcher.submitted
    room.dispatcher._events.extend(paints(running))
    room.step(5, seconds=0.1)
    assert [room.status(name)["state"] for name in "ab"] == ["done", "queued"]


def test_a_paused_server_still_cancels(room: Room) -> None:
    Pause(room.folder).begin("")
    room.drop_pair("cat")
    room.step(3)
    assert room.status("server")["paused"] == "paused"
    room.drop("cat.cancel", "")
    room.step(3)
    assert room.status("cat")["state"] == "cancelled"


def test_once_ends_although_something_is_held_or_the_server_is_paused(room: Room) -> None:
    room.settings["settle_seconds"] = 0.0
    room.drop("a.hold", "")
    room.drop_pair("a")
    room.drop_pair("b")
    assert room.run_once() == RunSummary(done=1, waiting=1, once=True)
    (room.folder.inbox / "a.hold").unlink()
    Pause(room.folder).begin("paused")
    assert room.run_once() == RunSummary(waiting=1, once=True)


def test_a_full_disk_when_a_job_is_cancelled_is_survived(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    room.dispatcher.capacity = 0
    room.drop_pair("cat")
    room.step(3)
    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.spool.claims.write_json", full)
        room.drop("cat.cancel", "")
        room.step(2)
        assert room.status("cat")["state"] == "queued"
    room.step(3)
    assert room.status("cat")["state"] == "cancelled"


def test_a_cancel_file_for_nobody_is_removed(room: Room) -> None:
    room.drop("nobody.cancel", "")
    room.step(3)
    assert list(room.folder.inbox.iterdir()) == []


@pytest.mark.parametrize("state", ["running", "queued", "waiting"])
def test_a_job_is_cancelled_when_its_client_falls_silent(room: Room, state: str) -> None:
    room.dispatcher.script = starts_only
    room.settings["client_timeout"] = 10.0
    if state == "queued":
        room.drop_pair("another")
        room.step(3)
    room.drop("cat.yaml", "owner: {heartbeat: true}")
    room.drop("cat.content.jpg")
    if state != "waiting":
        room.drop("cat.style.png")
    for beat in range(20):
        os.utime(room.drop("cat.heartbeat", ""), (beat, beat))
        room.step()
        assert room.status("cat")["state"] != "cancelled"
    assert room.status("cat")["state"] == state
    room.step(8)
    status = room.status("cat")
    assert status["state"] == "cancelled"
    assert status["message"] == "cancelled: no heartbeat of its client for 12 s"
    assert (room.folder.root / status["folder"] / "cat.content.jpg").exists()
    assert list(room.folder.inbox.iterdir()) == []


def test_a_short_client_timeout_outruns_the_pauses_between_scans(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.settings |= {"client_timeout": 3.0, "watch": {"polling": True, "poll_seconds": 60.0}}
    room.drop_pair("cat", "owner: {heartbeat: true}")
    room.step(4)
    assert room.status("cat")["state"] == "running"
    room.step(8, seconds=0.5)
    assert room.status("cat")["state"] == "cancelled"


def test_a_heartbeat_goes_with_its_job_and_one_for_nobody_is_removed(room: Room) -> None:
    room.drop("cat.heartbeat", "")
    room.drop_pair("cat", "owner: {heartbeat: true}")
    room.step(3)
    assert room.status("cat")["state"] == "done"
    assert list(room.folder.inbox.iterdir()) == []
    room.drop("cat.heartbeat", "")  # the client's last beat, a moment too late
    room.step(2)
    assert list(room.folder.inbox.iterdir()) == []
    assert room.status("server")["strays"] == []


def test_a_restarted_daemon_hears_the_clients_of_its_jobs(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.settings["client_timeout"] = 10.0
    room.drop_pair("cat", "owner: {heartbeat: true}")
    room.step(3)
    room.restart(starts_only)
    room.step(2)
    assert room.status("cat")["state"] == "running"
    room.step(6)
    assert room.status("cat")["state"] == "cancelled"


@pytest.fixture
def oil(room: Room) -> Path:
    """A preset folder of the inbox."""
    folder = room.folder.inbox / "oil"
    folder.mkdir()
    (room.folder.styles / "wave.jpg").write_bytes(b"a wave")
    (folder / "preset.yaml").write_text("styles: [wave.jpg]")
    return folder


def controls_in(room: Room) -> list[str]:
    endings = (".hold", ".priority", ".release", ".cancel")
    return [path.name for path in room.folder.inbox.rglob("*") if path.suffix in endings]


NFD = unicodedata.normalize("NFD", "café")


@pytest.mark.parametrize("hold", ["oil/dog.hold", "oil-dog.hold", "oil/dog.hold oil-dog.hold"])
@pytest.mark.parametrize("release", ["oil/dog.release", "oil-dog.release"])
def test_a_hold_is_released_wherever_either_lies(
    room: Room, oil: Path, hold: str, release: str
) -> None:
    for name in hold.split():
        room.drop(name, "")
    room.drop("oil/dog.jpg")
    room.step(4)
    assert room.status("oil-dog")["state"] == "held"
    room.drop(release, "")
    room.step(4)
    assert room.status("oil-dog")["state"] == "done"
    assert controls_in(room) == []


def test_a_name_in_either_unicode_form_is_held_released_and_moved_up(room: Room) -> None:
    assert NFD != "café"
    room.drop(f"{NFD}.hold", "")
    room.drop(f"{NFD}.priority", "9")
    room.drop_pair("café")
    room.step(3)
    status = room.status("café")
    assert (status["state"], status["priority"]) == ("held", 9)
    room.drop("café.release", "")
    room.step(4)
    assert room.status("café")["state"] == "done"
    assert controls_in(room) == []


@pytest.mark.parametrize("script", [paints, fails])
def test_the_control_files_of_a_job_in_a_folder_go_when_it_has_ended(
    room: Room, oil: Path, script: Script
) -> None:
    room.dispatcher.script = script
    room.drop("oil/cat.priority", "9")
    room.drop(f"oil/{NFD}.priority", "8")
    for name in ("cat", "café"):
        room.drop(f"oil/{name}.jpg")
    room.step(6)
    assert room.status("oil-cat")["priority"] == 9
    assert controls_in(room) == []
    room.drop("oil/cat.hold", "")
    room.drop("oil/cat.jpg")
    room.step(3)
    room.drop("oil/cat.cancel", "")
    room.step(4)
    assert room.status("oil-cat")["state"] == "cancelled"
    assert controls_in(room) == []
