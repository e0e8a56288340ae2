"""Whose job comes next, and what those who wait are told."""

import json
import os
from typing import Any

import pytest
from support import Room, starts_only

from hotfolder.inbox.candidate import Snapshot
from hotfolder.inbox.scanner import InboxScanner
from hotfolder.outbox.status_files import StatusWriter
from hotfolder.throttle import Steps
from plugin.client.protocol import JobStatus


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
        {"device": "fake", "state": "busy", "job": "a", "style_cache": None, "message": None}
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


def test_the_next_are_claimed_from_the_last_scan_but_for_what_has_changed_since(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.settings["claim_limit"] = 2
    for number in range(8):
        room.drop_pair(f"job{number}")
    room.step(2)
    scans = 0
    steps = InboxScanner.steps

    def counted(self: InboxScanner) -> Steps[Snapshot]:
        nonlocal scans
        scans += 1
        return steps(self)

    monkeypatch.setattr(InboxScanner, "steps", counted)
    room.drop("job5.content.jpg", "a longer picture")
    room.step(5, seconds=0.0)
    assert scans == 0
    assert room.status("job4")["state"] == "done"
    room.step(8, seconds=0.0)
    assert {path.name for path in room.folder.inbox.iterdir()} == {
        *("job5.content.jpg", "job5.style.png")
    }
    room.step(4)
    assert room.status("job5")["state"] == "done"
    assert scans > 0


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
    post = StatusWriter.post

    def slow(board: StatusWriter, status: JobStatus) -> dict[str, Any]:
        room.clock.advance(0.02)
        return post(board, status)

    monkeypatch.setattr(StatusWriter, "post", slow)
    monkeypatch.setattr("hotfolder.server.execution.LARGE_QUEUE", 10)
    room.settings |= {"claim_limit": 1, "settle_seconds": 0.0}
    room.dispatcher.script = starts_only
    names = [f"job{number:02}" for number in range(40)]
    for name in names:
        room.drop_pair(name)
    room.step()
    assert len(list(room.folder.status.glob("job*.json"))) < 40
    room.step(60)
    assert [room.status(name)["position"] for name in names[1:]] == list(range(1, 40))
