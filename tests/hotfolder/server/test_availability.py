"""Hot folders on network shares: no events from elsewhere, coarse times, folders that go and come
back. Failure modes 2 to 7 of failure_modes.md, as the daemon lives through them."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from processes import Running, Until
from support import FakeClock, FakeDispatcher, Room, paints, starts_only

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import FolderError
from hotfolder.inbox.watcher import MAX_BELOW, MISSED_EVENTS_LIMIT, FolderWatcher
from hotfolder.paths import FolderPaths
from hotfolder.server.availability import AvailabilityMonitor, FolderAvailability
from hotfolder.server.folder_server import FolderServer
from hotfolder.workers.events import Failed

# --- 2, 3, 4: how files come, and what is heard of it ----------------------------------------


@pytest.mark.parametrize("way", ["slow_copy", "rename", "hard_link", "directory_moved_in"])
def test_every_way_of_delivery_takes_the_same_path(room: Room, tmp_path: Path, way: str) -> None:
    inbox, name = room.folder.inbox, "a"
    room.step()
    made = tmp_path / "made"
    made.mkdir()
    for part in ("a.content.jpg", "a.style.png"):
        (made / part).write_bytes(b"x")
    match way:
        case "slow_copy":
            for path in made.iterdir():
                with (inbox / path.name).open("wb") as slow:
                    for _ in range(3):
                        slow.write(b"x" * 10)
                        slow.flush()
                        room.step(seconds=1.0)
                        assert room.status("a")["message"] == "arriving"
                    slow.write(b"the end")
        case "rename":
            for path in made.iterdir():
                path.rename(inbox / path.name)
        case "hard_link":
            for path in made.iterdir():
                os.link(path, inbox / path.name)
        case "directory_moved_in":
            made.rename(inbox / "made")
            name = "made-a"
    room.step(seconds=1.0)
    assert room.status(name)["message"] == "arriving"
    room.step(4)
    assert room.status(name)["state"] == "done"
    assert len(room.dispatcher.submitted) == 1


def test_what_lies_there_at_the_start_has_to_settle_too(room: Room) -> None:
    room.drop_pair("a")
    room.step(seconds=0.1)
    assert room.status("a")["message"] == "arriving"
    room.step(3)
    assert room.status("a")["state"] == "done"


@pytest.fixture
def deaf(folder: FolderPaths, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> FolderServer:
    """A daemon whose watch seems to be alive and never tells of anything."""
    monkeypatch.setattr(FolderWatcher, "pending", lambda self: False)
    return FolderServer(ConfigWatch(Config()), folder, FakeDispatcher(paints), clock=clock)


def test_what_no_event_told_of_is_found_by_the_rescan(
    deaf: FolderServer, folder: FolderPaths, clock: FakeClock
) -> None:
    """As after an overflow of the system's queue of events."""
    deaf.step()
    for name in ("a.content.jpg", "a.style.png"):
        (folder.inbox / name).write_bytes(b"x")
    for _ in range(6):
        clock.advance(Config().watch.rescan_seconds + 0.1)
        deaf.step()
    assert (folder.outbox / "a.png").exists()
    deaf._shut_down()


@pytest.mark.parametrize("folders", [0, MAX_BELOW + 1])
def test_a_watch_that_seems_alive_and_tells_nothing_is_mistrusted(
    deaf: FolderServer,
    folder: FolderPaths,
    clock: FakeClock,
    caplog: pytest.LogCaptureFixture,
    folders: int,
) -> None:
    for number in range(folders):
        (folder.inbox / f"folder {number}").mkdir()
    deaf.step()
    for number in range(2 * MISSED_EVENTS_LIMIT + 4):
        (folder.inbox / f"{number}.txt").write_bytes(b"x")
        for _ in range(2):
            clock.advance(Config().watch.rescan_seconds + 0.1)
            deaf.step()
    assert "a change came without a file event" in caplog.text
    assert not deaf._claimer._schedule._watcher.native
    # From then on it looks as often as on a share.
    assert deaf._claimer.seconds_to_next_scan() <= Config().watch.poll_seconds
    deaf._shut_down()


def test_hearing_the_same_event_a_hundred_times_makes_one_job(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderWatcher, "pending", lambda self: True)
    room.drop_pair("a")
    room.step(100, seconds=0.05)
    assert len(room.dispatcher.submitted) == 1
    assert {path.name for path in room.folder.outbox.iterdir()} == {"a.png", "a.result.yaml"}


# --- 6: the share goes away and comes back ---------------------------------------------------


def gone(root: Path, how: str) -> Callable[[], object]:
    """Take the folder away; returns what brings it back."""
    away = root.with_name("away")
    if how == "empty mount point":
        # As the folder that an unmounted share leaves: of another inode, and empty.
        root.rename(away)
        root.mkdir()
        return lambda: (root.rmdir(), away.rename(root))
    root.rename(away)
    return lambda: away.rename(root)


@pytest.mark.parametrize("how", ["nothing there", "empty mount point"])
def test_a_share_that_goes_away_is_not_an_empty_inbox(room: Room, how: str) -> None:
    room.dispatcher.script = starts_only
    room.drop("half.content.jpg")
    room.drop_pair("queued")
    room.drop_pair("runs")
    room.step(4)
    before = room.tree()
    back = gone(room.folder.root, how)
    room.step(5)
    assert room.daemon._availability is FolderAvailability.UNAVAILABLE
    if how == "empty mount point":
        assert list(room.folder.root.iterdir()) == []
    back()
    room.step(2)
    assert room.tree() == before
    assert room.status("half")["state"] == "waiting"
    room.dispatcher.script = paints
    room.drop("half.style.jpg")
    room.restart()
    room.step(6)
    states = {name: room.status(name)["state"] for name in ("half", "queued", "runs")}
    assert set(states.values()) == {"done"}, states


def test_a_job_that_failed_because_its_share_was_away_is_painted_again(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("a")
    room.step(3)
    back = gone(room.folder.root, "nothing there")
    (job,) = room.dispatcher.submitted
    room.dispatcher._events.append(Failed(job.id, "a.content.jpg: there is no such file", 2))
    room.step(3)
    room.dispatcher.script = paints
    back()
    room.step(3)
    assert (room.status("a")["state"], room.status("a")["attempt"]) == ("done", 2)
    assert room.tree() >= {"outbox/a.png"}


def test_an_inbox_that_is_missing_alone_is_said_in_the_status(room: Room) -> None:
    room.step()
    away = room.folder.inbox.rename(room.folder.root / "away")
    room.step()
    server = json.loads((room.folder.status / "server.json").read_text())
    assert "inbox: No such file or directory" in server["paused"]
    away.rename(room.folder.inbox)
    room.step()
    server = json.loads((room.folder.status / "server.json").read_text())
    assert (server["state"], server["paused"]) == ("idle", None)


def test_a_run_that_is_to_end_by_itself_ends_when_its_folder_is_out_of_reach(room: Room) -> None:
    daemon = room.new_daemon(once=True)
    room.drop("half.content.jpg")
    daemon.step()
    room.folder.root.rename(room.folder.root.with_name("away"))
    with pytest.raises(FolderError, match="out of reach"):
        daemon.step()
    daemon._shut_down()
    assert not room.folder.root.exists()


# --- 7: another folder in its place ----------------------------------------------------------


def test_another_spool_in_the_place_of_the_one_served_is_another_folder(
    folder: FolderPaths,
) -> None:
    """Such as one on a disk of its own that is mounted late: its jobs are to be taken up."""
    monitor = AvailabilityMonitor(folder)
    assert monitor.check() is FolderAvailability.AVAILABLE
    folder.spool.rename(folder.private / "aside")
    assert monitor.check() is FolderAvailability.UNAVAILABLE
    folder.spool.mkdir()
    assert monitor.check() is FolderAvailability.REPLACED


def test_a_file_in_the_inboxs_place_is_no_inbox(folder: FolderPaths) -> None:
    monitor = AvailabilityMonitor(folder)
    assert monitor.check() is FolderAvailability.AVAILABLE
    folder.inbox.rmdir()
    folder.inbox.write_text("x")
    assert monitor.check() is FolderAvailability.UNAVAILABLE
    assert "Not a directory" in monitor.reason


def test_a_folder_that_was_replaced_is_taken_up_as_it_lies_there(
    running: Running, until: Until
) -> None:
    """As after a share was mounted anew, or an `impasto init` in the old one's place: the daemon
    locks it, finishes what lies in its spool and hears of what is dropped there."""
    daemon = running.start()
    running.drop("old", "steps=10000 pause=0.02")
    until(lambda: running.status("old").get("step"), 60, "old runs")
    root = running.folder.root
    away = root.rename(root.with_name("away"))
    fresh = FolderPaths(root.with_name("fresh"))
    fresh.create()
    fresh.root.rename(root)
    running.drop("new", "steps=1")
    until(lambda: running.state("new") == "done", 60, "the new folder is served")
    assert daemon.poll() is None
    second = running.start()
    _, errors = second.communicate(timeout=60)
    assert (second.returncode, f"process {daemon.pid} on " in errors) == (5, True)

    # Back comes the first one, with its job in the spool.
    (entry,) = (away / ".impasto" / "spool").iterdir()
    (entry / "inputs" / "old.content.jpg").write_text("steps=2")
    shutil.move(root, root.with_name("fresh again"))
    away.rename(root)
    until(lambda: running.state("old") == "done", 60, "the old folder's job is finished")
    assert {path.name for path in running.folder.outbox.iterdir()} == {"old.png", "old.result.yaml"}
    until(lambda: not list(running.folder.spool.iterdir()), 60, "the job leaves the spool")
    daemon.terminate()
    assert isinstance(daemon, subprocess.Popen)
    report: dict[str, Any] = json.loads(daemon.communicate(timeout=60)[0])
    assert not report["torch"]
