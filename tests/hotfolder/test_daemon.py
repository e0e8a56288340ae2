"""The daemon's loop with a dispatcher that computes nothing and a clock that tests turn."""

import errno
import itertools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support import Room, fails, is_lost, paints, paints_with_progression, starts_only

from hotfolder.daemon import Outcome
from hotfolder.dispatcher import DeviceState, StyleCache
from hotfolder.drop import Snapshot
from hotfolder.files import write_json
from hotfolder.inbox import Inbox
from hotfolder.job import State
from hotfolder.pause import Pause
from hotfolder.publish import Publisher
from hotfolder.spool import Spool
from hotfolder.status import JobStatus, StatusBoard

KEYS = {
    *("protocol", "id", "name", "source", "state", "message", "position", "priority", "preset"),
    "size",
    *("scale", "scales", "step", "steps", "fraction", "losses", "seconds", "eta_seconds"),
    *("device", "attempt", "preview", "result", "record", "error", "folder", "client"),
    *("dropped", "updated"),
}


def test_a_pair_becomes_a_picture_and_its_record(room: Room) -> None:
    room.drop_pair("cat", "size: 640\nclient: {window: 7}")
    room.step(3)
    assert (room.folder.outbox / "cat.png").read_bytes().startswith(b"painted cat")
    record = room.record("cat")
    assert (record["name"], record["picture"]) == ("cat", "cat.png")
    day = next(room.folder.done.iterdir()).name
    assert room.tree() == {
        "outbox/cat.png",
        "outbox/cat.result.yaml",
        *(f"done/{day}/cat/cat.{part}" for part in ("content.jpg", "style.png", "yaml")),
    }
    status = room.status("cat")
    assert status.keys() == KEYS
    assert status["id"] == record["id"]
    assert (status["state"], status["fraction"], status["size"]) == ("done", 1.0, 640)
    assert (status["result"], status["record"]) == ("outbox/cat.png", "outbox/cat.result.yaml")
    assert status["folder"] == f"done/{day}/cat"
    assert status["client"] == {"window": 7}
    assert status["preview"] == "status/cat.preview.jpg"
    assert (room.folder.root / status["preview"]).read_bytes() == b"a preview"


def test_a_listener_hears_every_state(room: Room) -> None:
    room.drop_pair("cat")
    room.step(3)
    states = [heard["state"] for heard in room.heard]
    assert list(dict.fromkeys(states)) == ["waiting", "queued", "running", "done"]
    assert all(heard.keys() == KEYS for heard in room.heard)


def test_half_a_job_is_shown_with_what_it_lacks(room: Room) -> None:
    room.drop("cat.content.jpg")
    room.step(2)
    status = room.status("cat")
    assert status.keys() == KEYS
    assert (status["state"], status["id"]) == ("waiting", None)
    assert status["message"] == "lacks a style picture (cat.style.jpg)"
    (room.folder.inbox / "cat.content.jpg").unlink()
    room.step()
    assert not (room.folder.status / "cat.json").exists()


def test_jobs_are_painted_in_the_order_they_were_dropped(room: Room) -> None:
    for age, name in enumerate(("third", "second", "first")):
        room.drop_pair(name)
        for path in room.folder.inbox.glob(f"{name}.*"):
            os.utime(path, (1000 - age, 1000 - age))
    room.step(6)
    assert [job.name for job in room.dispatcher.submitted] == ["first", "second", "third"]


def test_queued_jobs_know_their_place(room: Room) -> None:
    room.dispatcher.script = starts_only
    for name in ("a", "b", "c"):
        room.drop_pair(name)
    room.step(3)
    states = {name: (room.status(name)["state"], room.status(name)["position"]) for name in "abc"}
    assert states == {"a": ("running", None), "b": ("queued", 1), "c": ("queued", 2)}
    server = json.loads((room.folder.status / "server.json").read_text())
    assert server["queue"] == {"waiting": 0, "held": 0, "queued": 2, "running": 1}
    assert server["devices"] == [
        {"device": "fake", "state": "busy", "job": "a", "style_cache": None}
    ]
    assert server["state"] == "busy"


def test_a_higher_priority_is_painted_first(room: Room) -> None:
    for name, priority in (("a", 5), ("b", 0), ("c", 9), ("d", 5)):
        room.drop_pair(name, f"priority: {priority}")
    room.step(8)
    assert [job.name for job in room.dispatcher.submitted] == ["c", "a", "d", "b"]


def test_the_inbox_is_the_buffer_and_whoever_waits_there_knows_his_place(room: Room) -> None:
    room.settings["claim_limit"] = 2
    room.dispatcher.script = starts_only
    for number in range(6):
        room.drop_pair(f"job{number}")
    room.step(3)
    assert len(list(room.folder.spool.iterdir())) == 3  # one runs, two are next
    assert len(list(room.folder.inbox.iterdir())) == 2 * 3
    statuses = [room.status(f"job{number}") for number in range(6)]
    assert [status["state"] for status in statuses] == ["running"] + ["queued"] * 5
    assert [status["position"] for status in statuses] == [None, 1, 2, 3, 4, 5]
    assert [status["id"] is None for status in statuses] == [False] * 3 + [True] * 3
    assert room.status("server")["queue"] == {"waiting": 0, "held": 0, "queued": 5, "running": 1}


def test_everything_in_the_inbox_is_painted_in_turn_however_few_are_claimed(room: Room) -> None:
    room.settings["claim_limit"] = 1
    names = [f"job{number}" for number in range(6)]
    for name in names:
        room.drop_pair(name)
    room.step(20)
    assert [job.name for job in room.dispatcher.submitted] == names
    assert list(room.folder.inbox.iterdir()) == []


@pytest.mark.parametrize("claimed", [True, False])
def test_a_priority_can_be_given_later_and_outlives_a_restart(room: Room, claimed: bool) -> None:
    room.settings["claim_limit"] = 100 if claimed else 1
    room.dispatcher.script = starts_only
    for name in "abcde":
        room.drop_pair(name)
    room.step(3)
    assert (room.status("e")["position"], room.status("e")["priority"]) == (4, 5)
    room.drop("e.priority", "9\n")
    room.drop("b.priority", "none")
    room.step(3)
    assert (room.status("e")["position"], room.status("e")["priority"]) == (1, 9)
    assert room.status("b")["priority"] == 5
    assert room.status("server")["strays"] == ["b.priority (expected a digit in it, from 0 to 9)"]
    room.restart()
    (room.folder.inbox / "b.priority").unlink()
    room.step(12)
    assert [job.name for job in room.dispatcher.submitted] == ["e", "a", "b", "c", "d"]
    assert list(room.folder.inbox.iterdir()) == []


def test_the_next_are_claimed_from_the_last_look_but_for_what_has_changed_since(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.settings["claim_limit"] = 2
    for number in range(8):
        room.drop_pair(f"job{number}")
    room.step(2)
    looks = 0
    look = Inbox.scan

    def counted(self: Inbox) -> Snapshot:
        nonlocal looks
        looks += 1
        return look(self)

    monkeypatch.setattr(Inbox, "scan", counted)
    room.drop("job5.content.jpg", "a longer picture")
    room.step(5, seconds=0.0)
    assert looks == 0
    assert room.status("job4")["state"] == "done"
    room.step(8, seconds=0.0)
    assert {path.name for path in room.folder.inbox.iterdir()} == {
        *("job5.content.jpg", "job5.style.png")
    }
    room.step(4)
    assert room.status("job5")["state"] == "done"
    assert looks > 0


def test_an_urgent_job_overtakes_what_is_claimed(room: Room) -> None:
    room.settings["claim_limit"] = 2
    room.dispatcher.script = starts_only
    for number in range(6):
        room.drop_pair(f"job{number}")
    room.step(3)
    room.drop_pair("urgent", "priority: 9")
    room.step(2)
    assert room.status("urgent")["position"] == 1
    assert room.status("urgent")["id"] is not None
    room.drop("job0.cancel", "")
    room.step(3)
    assert [job.name for job in room.dispatcher.submitted] == ["job0", "urgent"]


def test_a_job_that_waits_in_the_inbox_can_be_cancelled(room: Room) -> None:
    room.settings["claim_limit"] = 1
    room.dispatcher.script = starts_only
    for name in "abc":
        room.drop_pair(name)
    room.step(3)
    assert (room.status("c")["state"], room.status("c")["id"]) == ("queued", None)
    room.drop("c.cancel", "")
    room.step(3)
    assert room.status("c")["state"] == "cancelled"
    assert {path.name[0] for path in room.folder.inbox.iterdir()} == set()


def test_a_name_that_was_given_stays_when_the_job_that_had_it_has_ended(room: Room) -> None:
    room.settings["claim_limit"] = 1
    room.dispatcher.script = starts_only
    for name in ("cat", "dog"):
        room.drop_pair(name)
    room.step(3)
    room.drop_pair("cat")
    room.step(3)
    assert (room.status("cat-2")["state"], room.status("cat-2")["id"]) == ("queued", None)
    room.drop("cat.cancel", "")
    room.step(3)
    assert room.status("cat")["state"] == "cancelled"
    assert room.status("cat-2")["state"] == "queued"


def test_the_places_of_a_crowd_are_told_by_and_by(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = StatusBoard.post

    def slow(board: StatusBoard, status: JobStatus) -> dict[str, Any]:
        room.clock.advance(0.02)
        return post(board, status)

    monkeypatch.setattr(StatusBoard, "post", slow)
    monkeypatch.setattr("hotfolder.daemon.CROWD", 10)
    room.settings |= {"claim_limit": 1, "settle_seconds": 0.0}
    room.dispatcher.script = starts_only
    names = [f"job{number:02}" for number in range(40)]
    for name in names:
        room.drop_pair(name)
    room.step()
    assert len(list(room.folder.status.glob("job*.json"))) < 40
    room.step(60)
    assert [room.status(name)["position"] for name in names[1:]] == list(range(1, 40))


def test_the_servers_status_tells_what_a_worker_remembers(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = DeviceState("fake", "idle", None, StyleCache(hits=3, misses=1, bytes=2_441_216))
    monkeypatch.setattr(room.dispatcher, "devices", lambda: [known])
    room.step()
    (device,) = json.loads((room.folder.status / "server.json").read_text())["devices"]
    assert device["style_cache"] == {"hits": 3, "misses": 1, "bytes": 2_441_216}


def test_a_running_status_shows_where_the_work_is_and_stays_fresh(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("a")
    room.step(3)
    status = room.status("a")
    assert (status["scale"], status["scales"], status["step"], status["steps"]) == (1, 2, 3, 10)
    assert (status["fraction"], status["eta_seconds"], status["device"]) == (0.25, 3.0, "fake")
    assert status["losses"] == {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}
    heard = len(room.heard)
    room.step()
    assert len(room.heard) > heard


def test_the_heartbeat_goes_on_while_idle(room: Room) -> None:
    room.drop("stray.jpg")
    room.step()
    first = json.loads((room.folder.status / "server.json").read_text())
    assert (first["state"], first["strays"], first["pid"]) == ("idle", ["stray.jpg"], os.getpid())
    assert first.keys() == {
        *("protocol", "pid", "host", "version", "started", "updated", "state", "devices"),
        *("queue", "totals", "strays", "paused", "config_problem"),
    }
    (room.folder.status / "server.json").unlink()
    room.step()
    assert (room.folder.status / "server.json").exists()


def test_a_failed_job_lies_in_failed_with_a_readable_error(room: Room) -> None:
    room.dispatcher.script = fails
    room.drop_pair("cat")
    room.step(3)
    assert "cat.content.jpg: not a picture" in room.error("cat")
    assert room.tree() == {
        f"failed/cat/{n}" for n in ("cat.content.jpg", "cat.style.png", "error.txt")
    }
    status = room.status("cat")
    assert (status["state"], status["message"]) == ("failed", "cat.content.jpg: not a picture")
    assert (status["error"], status["folder"]) == (room.error("cat"), "failed/cat")


def test_a_refused_sidecar_fails_its_job_and_the_next_one_runs(room: Room) -> None:
    room.drop_pair("bad", "size: 64\nstyle_wieght: 3")
    room.drop_pair("good")
    room.step(4)
    assert "bad.yaml, line 2: style_wieght: unknown key" in room.error("bad")
    assert "style_wieght" in room.status("bad")["error"]
    assert (room.status("bad")["preset"], room.status("bad")["size"]) == (None, None)
    assert room.status("good")["state"] == "done"
    assert [job.name for job in room.dispatcher.submitted] == ["good"]


def test_a_second_failure_of_a_name_gets_a_folder_of_its_own(room: Room) -> None:
    room.dispatcher.script = fails
    for _ in range(2):
        room.drop_pair("cat")
        room.step(4)
    assert {path.name for path in room.folder.failed.iterdir()} == {"cat", "cat-2"}


def test_a_taken_result_name_is_not_overwritten(room: Room) -> None:
    (room.folder.outbox / "cat.png").write_bytes(b"precious")
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.outbox / "cat.png").read_bytes() == b"precious"
    assert room.status("cat")["result"] == "outbox/cat-2.png"
    assert room.record("cat-2")["picture"] == "cat-2.png"


def test_a_taken_result_name_is_overwritten_if_asked(room: Room) -> None:
    room.settings["overwrite"] = True
    (room.folder.outbox / "cat.png").write_bytes(b"old")
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.outbox / "cat.png").read_bytes().startswith(b"painted cat")


def test_a_name_taken_in_the_last_instant_is_not_overwritten(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = Publisher._free_result_name

    def race(self: Publisher, name: str, beside: Sequence[str] = ()) -> str:
        chosen = choose(self, name, beside)
        if chosen == "cat":
            (room.folder.outbox / "cat.png").write_bytes(b"another program's")
        return chosen

    monkeypatch.setattr(Publisher, "_free_result_name", race)
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.outbox / "cat.png").read_bytes() == b"another program's"
    assert {path.name for path in room.folder.outbox.iterdir()} == {
        *("cat.png", "cat-2.png", "cat-2.result.yaml")
    }


def test_what_shows_how_the_result_came_about_is_published_beside_it(room: Room) -> None:
    room.dispatcher.script = paints_with_progression
    room.drop_pair("cat")
    room.step(3)
    beside = ["cat.progression.jpg", "cat.losses.png"]
    names = {path.name for path in room.folder.outbox.iterdir()}
    assert names == {"cat.png", "cat.result.yaml", *beside}
    assert room.record("cat")["progression"] == beside
    assert (room.folder.outbox / beside[1]).read_text().startswith("losses.png of cat")


def test_a_result_and_what_lies_beside_it_have_one_name(room: Room) -> None:
    (room.folder.outbox / "cat.losses.png").write_bytes(b"precious")
    room.dispatcher.script = paints_with_progression
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.outbox / "cat.losses.png").read_bytes() == b"precious"
    assert room.record("cat-2")["progression"] == ["cat-2.progression.jpg", "cat-2.losses.png"]
    assert room.status("cat")["result"] == "outbox/cat-2.png"


@pytest.mark.parametrize("taken", ["cat.png", "cat.losses.png"])
def test_a_name_taken_in_the_last_instant_leaves_nothing_beside_it(
    room: Room, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    choose = Publisher._free_result_name

    def race(self: Publisher, name: str, beside: Sequence[str] = ()) -> str:
        chosen = choose(self, name, beside)
        if chosen == "cat":
            (room.folder.outbox / taken).write_bytes(b"another program's")
        return chosen

    monkeypatch.setattr(Publisher, "_free_result_name", race)
    room.dispatcher.script = paints_with_progression
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.outbox / taken).read_bytes() == b"another program's"
    ours = {"cat-2.png", "cat-2.result.yaml", "cat-2.progression.jpg", "cat-2.losses.png"}
    assert {path.name for path in room.folder.outbox.iterdir()} == {taken, *ours}


def test_a_missing_file_beside_the_result_fails_the_job(room: Room) -> None:
    def lies(job: Any) -> Any:
        for event in paints_with_progression(job):
            if type(event).__name__ == "Done":
                (Path(job.folder) / "losses.png").unlink()
            yield event

    room.dispatcher.script = lies
    room.drop_pair("cat")
    room.step(3)
    assert "not where it should be" in room.error("cat")


@pytest.mark.parametrize(
    ("policy", "place"), [("keep", ".impasto/kept/cat/"), ("delete", None), ("archive", "done/")]
)
def test_originals_go_where_the_policy_says(room: Room, policy: str, place: str | None) -> None:
    room.settings["originals"] = policy
    room.drop_pair("cat")
    room.step(3)
    left = {name for name in room.tree() if not name.startswith("outbox/")}
    assert len(left) == (2 if place else 0)
    assert all(name.startswith(place or "") for name in left)


def test_the_library_keeps_its_pictures(room: Room) -> None:
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    room.drop("cat.jpg")
    room.drop("p.yaml", "content: cat.jpg\nstyles: [wave.jpg]")
    room.step(3)
    assert room.status("p")["state"] == "done"
    assert (room.folder.styles / "wave.jpg").exists()
    assert {path.name for path in room.folder.done.rglob("*.*")} == {"p.yaml", "cat.jpg"}


def test_a_picture_shared_by_two_sidecars_serves_both_and_is_moved_by_the_last(room: Room) -> None:
    room.drop("cat.jpg")
    room.drop("cup.jpg")
    for name in "ab":
        room.drop(f"{name}.yaml", "content: cat.jpg\nstyles: cup.jpg")
    room.step(6)
    assert [room.status(name)["state"] for name in "ab"] == ["done", "done"]
    assert list(room.folder.inbox.iterdir()) == []
    assert len(list(room.folder.done.rglob("cat.jpg"))) == 1


def test_results_are_never_inputs(room: Room) -> None:
    room.drop_pair("cat")
    room.step(20)
    assert len(room.dispatcher.submitted) == 1


def test_a_live_name_dropped_again_gets_a_name_of_its_own(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    room.drop("cat.content.jpg")
    room.step(2)
    assert room.status("cat")["state"] == "running"
    assert room.status("cat-2")["state"] == "waiting"
    room.drop("cat.style.png")
    room.step(3)
    status = room.status("cat-2")
    assert (status["name"], status["source"], status["state"]) == ("cat-2", "cat", "queued")


def test_no_job_takes_the_heartbeats_name(room: Room) -> None:
    room.drop_pair("server")
    room.step(3)
    assert room.status("server-2")["state"] == "done"
    assert "pid" in room.status("server")


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
    assert status.keys() == KEYS
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
    assert room.new_daemon(once=True).run() == Outcome(done=1, waiting=1, once=True)
    (room.folder.inbox / "a.hold").unlink()
    Pause(room.folder).begin("paused")
    assert room.new_daemon(once=True).run() == Outcome(waiting=1, once=True)


def test_a_full_disk_when_a_job_is_cancelled_is_survived(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    room.dispatcher.capacity = 0
    room.drop_pair("cat")
    room.step(3)
    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.spool.write_json", full)
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


def test_a_short_patience_with_clients_outruns_the_pauses_between_looks(room: Room) -> None:
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


def test_a_lost_job_is_tried_again_and_then_fails(room: Room) -> None:
    room.settings["retry"] = {"lost": 2, "backoff": 0.0}
    room.dispatcher.script = is_lost
    room.drop_pair("cat")
    room.drop_pair("dog")
    room.step(12)
    assert [job.lost for job in room.dispatcher.submitted if job.name == "cat"] == [0, 1, 2]
    assert "3 workers that worked on it died" in room.error("cat")
    assert room.status("dog")["state"] == "failed"


def test_a_job_lost_once_is_done_at_the_second_attempt(room: Room) -> None:
    room.dispatcher.script = is_lost
    room.drop_pair("cat")
    room.step(2)
    room.dispatcher.script = paints
    room.step(4)
    assert (room.status("cat")["state"], room.status("cat")["attempt"]) == ("done", 2)


def test_the_pauses_after_each_loss_grow_and_the_rest_goes_on(room: Room) -> None:
    room.settings["retry"] = {"lost": 3, "backoff": 10.0}
    room.dispatcher.script = lambda job: (is_lost if job.name == "bad" else paints)(job)
    room.drop_pair("bad")
    room.step(2)
    for number in range(3):
        room.drop_pair(f"good{number}")
    message = room.status("bad")["message"]
    assert message.endswith("its worker was lost; attempt 2 after a pause of 10 s")
    begun: list[float] = []
    while room.status("bad")["state"] != "failed":
        room.step(seconds=1.0)
        attempts = [job.name for job in room.dispatcher.submitted].count("bad")
        begun += [room.clock.now] * (attempts - 1 - len(begun))
    assert [later - earlier for earlier, later in itertools.pairwise(begun)] == [20.0, 40.0]
    assert {room.status(f"good{number}")["state"] for number in range(3)} == {"done"}
    assert "4 workers that worked on it died" in room.error("bad")


def test_a_job_that_rests_stands_behind_those_that_are_ready(room: Room) -> None:
    room.settings["retry"] = {"backoff": 100.0}
    room.dispatcher.script = lambda job: (is_lost if job.name == "bad" else starts_only)(job)
    room.drop_pair("bad", "priority: 9")
    room.step(2)
    for name in ("runs", "waits"):
        room.drop_pair(name)
    room.step(3)
    assert (room.status("waits")["position"], room.status("bad")["position"]) == (1, 2)
    room.drop("bad.cancel", "")
    room.step(3)
    assert room.status("bad")["state"] == "cancelled"


@pytest.mark.parametrize("where", ["sidecar", "config"])
def test_a_job_that_runs_for_too_long_fails_in_words(room: Room, where: str) -> None:
    room.dispatcher.script = starts_only
    room.settings["max_minutes"] = 1.0 if where == "config" else 0.5
    room.drop_pair("long", "max_minutes: 1" if where == "sidecar" else None)
    room.step(3)
    room.step(25)
    assert room.status("long")["state"] == "running"
    room.step(7)
    assert room.status("long")["state"] == "failed"
    assert room.error("long").startswith(
        "Impasto could not paint long.\n\nStopped after 1 minutes of running, which is its limit "
        "(max_minutes), at step 3 of 10, scale 1 of 2."
    )
    assert (room.folder.failed / "long" / "long.content.jpg").exists()


def test_waiting_uses_up_no_time_and_all_attempts_count(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.settings["max_minutes"] = 1.0
    room.dispatcher.capacity = 0
    room.drop_pair("cat")
    room.step(60)
    room.dispatcher.capacity = 1
    room.step(20)
    assert room.status("cat")["state"] == "running"
    room.daemon._shut_down()
    room.restart(starts_only)
    room.step(9)
    assert room.status("cat")["state"] == "running"
    room.step(5)
    assert room.status("cat")["state"] == "failed"


def test_a_job_that_is_done_in_the_moment_of_its_limit_is_done(room: Room) -> None:
    def late(job: Any) -> Any:
        yield next(iter(paints(job)))

    room.dispatcher.script = late
    room.settings["max_minutes"] = 0.1
    room.drop_pair("cat")
    room.step(3)
    (job,) = room.dispatcher.submitted
    room.dispatcher._events.extend(list(paints(job))[1:])
    room.step(5)
    assert room.status("cat")["state"] == "done"


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_killed_daemons_jobs_are_finished_after_the_restart(room: Room, state: str) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    if state == "queued":
        room.drop_pair("ant")
    room.step(3)
    assert room.status("cat")["state"] == state
    room.restart()
    room.step(3)
    assert room.status("cat")["state"] == "done"
    assert {path.name for path in room.folder.outbox.glob("cat*")} == {"cat.png", "cat.result.yaml"}


class Killed(BaseException):
    """Stands for a SIGKILL at this instruction."""


def test_an_input_that_vanished_in_a_half_claim_fails_in_words(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.drop_pair("cat")

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.spool.move", killed)
        with pytest.raises(Killed):
            room.step(2)
    (room.folder.inbox / "cat.content.jpg").unlink()
    room.restart()
    room.step(2)
    assert "cat.content.jpg: vanished" in room.error("cat")
    assert (room.folder.failed / "cat" / "cat.style.png").exists()


def test_an_unreadable_job_folder_is_shown_to_a_person(room: Room) -> None:
    broken = room.folder.spool / "20260101-000000-000000-dead"
    broken.mkdir()
    (broken / "job.json").write_text("{")
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.failed / broken.name / "job.json").exists()
    assert room.status("cat")["state"] == "done"


def test_a_full_disk_at_the_claim_loses_nothing_and_is_tried_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    room.drop_pair("cat")
    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.spool.write_json", full)
        room.step(2)
        assert room.tree() == {"inbox/cat.content.jpg", "inbox/cat.style.png"}
        assert list(room.folder.spool.iterdir()) == []
        assert "tried again" in room.status("cat")["message"]
    room.step(5)
    assert room.status("cat")["state"] == "done"


def test_a_claim_that_fails_half_way_puts_the_files_back(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotfolder import spool

    real = spool.move

    def once(source: Path, target: Path) -> None:
        if source.name == "cat.style.png":
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, target)

    room.drop_pair("cat")
    monkeypatch.setattr(spool, "move", once)
    room.step(2)
    assert room.tree() == {"inbox/cat.content.jpg", "inbox/cat.style.png"}


def test_an_unwritable_outbox_keeps_the_result_until_it_is_writable(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    room.drop_pair("cat")
    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.publish.publish", refused)
        room.step(3)
        assert "Read-only file system" in room.status("cat")["message"]
        assert not (room.folder.outbox / "cat.png").exists()
    room.step(5)
    assert room.status("cat")["state"] == "done"
    assert len(room.dispatcher.submitted) == 1


def test_an_unwritable_status_does_not_stop_the_work(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.drop_pair("cat")
    room.step()
    real = write_json

    def refused(path: Path, document: Any, **keywords: Any) -> None:
        if path.name == "server.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, document, **keywords)

    monkeypatch.setattr("hotfolder.status.write_json", refused)
    room.step(4)
    assert (room.folder.outbox / "cat.png").exists()


def test_an_inbox_out_of_reach_is_not_an_empty_one(room: Room) -> None:
    room.drop("cat.content.jpg")
    room.step(2)
    away = room.folder.inbox.rename(room.folder.root / "away")
    room.step(3)
    assert room.status("cat")["state"] == "waiting"
    away.rename(room.folder.inbox)
    room.drop("cat.style.png")
    room.step(6)
    assert room.status("cat")["state"] == "done"


def test_a_result_that_is_not_there_fails_the_job(room: Room) -> None:
    def lies(job: Any) -> Any:
        for event in paints(job):
            if type(event).__name__ == "Done":
                (Path(job.folder) / "result.png").unlink()
            yield event

    room.dispatcher.script = lies
    room.drop_pair("cat")
    room.step(3)
    assert "not where it should be" in room.error("cat")


def test_leftovers_of_a_killed_daemon_are_removed(room: Room) -> None:
    for place in (room.folder.outbox, room.folder.status):
        (place / ".impasto-0123456789abcdef.part").write_bytes(b"half")
    write_json(room.folder.status / "gone.json", {"state": "waiting"})
    room.step()
    assert {path.name for path in room.folder.status.iterdir()} == {"server.json"}
    assert list(room.folder.outbox.iterdir()) == []


def test_stopping_gives_running_jobs_back_to_the_queue(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    room.daemon._shut_down()
    assert room.dispatcher.closed
    assert room.status("cat")["state"] == "queued"
    assert room.status("server")["state"] == "stopped"
    room.restart()
    room.step(3)
    assert (room.status("cat")["state"], room.status("cat")["attempt"]) == ("done", 2)


def test_once_ends_when_everything_has_ended_and_counts(room: Room) -> None:
    room.settings["settle_seconds"] = 0.0
    room.drop_pair("a")
    room.drop_pair("b", "siez: 3")
    room.drop("c.content.jpg")
    room.drop("d.yaml", "content: nowhere.jpg\nstyles: nowhere.png")
    outcome = room.new_daemon(once=True).run()
    assert outcome == Outcome(done=1, failed=1, waiting=2, once=True)
    assert (room.status("c")["state"], room.status("d")["state"]) == ("held", "held")
    assert outcome.exit_code == 10


def test_once_with_success_alone_ends_with_zero(room: Room) -> None:
    room.settings["settle_seconds"] = 0.0
    room.drop_pair("a")
    assert room.new_daemon(once=True).run().exit_code == 0


def test_the_spool_refuses_steps_that_the_table_does_not_have(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    (entry,) = room.daemon._live.values()
    spool = Spool(room.folder)
    spool.change(entry, State.FAILED)
    with pytest.raises(ValueError, match="from failed to running"):
        spool.change(entry, State.RUNNING)
