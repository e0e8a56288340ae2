"""No job waits for ever without a reason that a person sees: every state, what it shows, and what
ends it. A state here is that of a status, as its readers see it."""

import json
from pathlib import Path
from typing import Any

import pytest
from status_rows import REFUSED, Act, Patch, Row, drops, heal, nothing, refuse
from support import FakeDispatcher, Room, fails, is_lost, paints, starts_only

from hotfolder.server.pause import Pause
from hotfolder.spool import claims
from hotfolder.spool.disk_space import DiskSpace
from hotfolder.spool.spool import Spool
from hotfolder.workers.dispatcher import DeviceState
from plugin.client.protocol import END_STATES, JobState, ServerState


def half(steps: int) -> Act:
    def arrange(room: Room, _: Patch) -> None:
        room.drop("cat.content.jpg")
        room.step(steps)

    return arrange


def arriving(room: Room, _: Patch) -> None:
    room.drop_pair("cat")
    room.step(1, seconds=0.1)


def refused_claim(room: Room, patch: Patch) -> None:
    patch.setattr(Spool, "claim", refuse)
    room.drop_pair("cat")
    room.step(3)


def held_by_a_person(room: Room, _: Patch) -> None:
    room.drop("cat.hold", "")
    room.drop_pair("cat")
    room.step(3)


def held_in_the_spool(room: Room, _: Patch) -> None:
    room.dispatcher.capacity = 0
    room.drop_pair("cat")
    room.step(3)
    room.drop("cat.hold", "")
    room.step(2)
    room.dispatcher.capacity = 1


def behind_another(room: Room, _: Patch) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("ant")
    room.step(3)
    room.drop_pair("cat")
    room.step(3)


def finish_what_runs(room: Room, _: Patch) -> None:
    room.dispatcher.script = paints
    job = room.dispatcher.submitted[-1]
    room.dispatcher._events.extend(list(paints(job))[1:])


def paused(room: Room, _: Patch) -> None:
    Pause(room.folder).begin("lunch")
    room.drop_pair("cat")
    room.step(3)


def resume(room: Room, _: Patch) -> None:
    Pause(room.folder).end()


def disk_full(room: Room, patch: Patch) -> None:
    patch.setattr(DiskSpace, "shortage", lambda _: "the disk of hot is full")
    room.drop_pair("cat")
    room.step(3)


def device(state: str, silent: float, message: str = "") -> Act:
    def arrange(room: Room, patch: Patch) -> None:
        known = DeviceState("cuda:0", state, None, None, message, silent, 3600.0)
        patch.setattr(room.dispatcher, "devices", lambda: [known])
        room.dispatcher.capacity = 0
        room.drop_pair("cat")
        room.step(3)

    return arrange


def device_is_back(room: Room, patch: Patch) -> None:
    patch.undo()
    room.dispatcher.capacity = 1


def lost(room: Room, _: Patch) -> None:
    room.settings["retry"] = {"backoff": 10.0}
    room.dispatcher.script = is_lost
    room.drop_pair("cat")
    room.step(2)
    room.dispatcher.script = paints


def unreadable_in_the_spool(room: Room, patch: Patch) -> None:
    room.dispatcher.capacity = 0
    room.drop_pair("cat")
    room.step(3)
    room.restart()
    patch.setattr(claims, "read_json", refuse)
    room.step(3)


def undone_in_part(room: Room, patch: Patch) -> None:
    """A claim that could neither be completed nor undone."""
    real = claims.move

    def move(source: Path, target: Path, *seen: Any) -> None:
        if source.name == "cat.style.png" or target.parent == room.folder.inbox:
            raise REFUSED
        real(source, target, *seen)

    patch.setattr(claims, "move", move)
    room.drop_pair("cat")
    room.step(4)


def unnoted(room: Room, _: Patch) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    (state,) = room.folder.spool.glob("*/state.json")
    state.unlink()
    state.mkdir()
    finish_what_runs(room, _)
    room.step(2)


def notable_again(room: Room, _: Patch) -> None:
    (state,) = room.folder.spool.glob("*/state.json")
    state.rmdir()


def runs(room: Room, _: Patch) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)


def hangs(room: Room, _: Patch) -> None:
    room.dispatcher = FakeDispatcher(starts_only, stall_seconds=3600.0, clock=room.clock)
    room.drop_pair("cat")
    room.step(3)
    room.step(30, seconds=10.0)
    room.dispatcher.script = paints


def the_hour_passes(room: Room, _: Patch) -> None:
    room.step(56, seconds=60.0)


def unpublished(room: Room, patch: Patch) -> None:
    patch.setattr("hotfolder.atomic_files.publish", refuse)
    room.drop_pair("cat")
    room.step(4)


def failed(room: Room, _: Patch) -> None:
    room.dispatcher.script = fails
    room.drop_pair("cat")
    room.step(4)
    room.dispatcher.script = paints


def cancelled(room: Room, patch: Patch) -> None:
    runs(room, patch)
    room.drop("cat.cancel", "")
    room.step(3)
    room.dispatcher.script = paints


def ended(room: Room, _: Patch) -> None:
    room.drop_pair("cat")
    room.step(4)


def drop_again(room: Room, _: Patch) -> None:
    room.drop_pair("cat")


LOST = "the worker on cuda:0 was ended by SIGKILL; another is started"

ROWS = {
    "waiting_lacks": Row("waiting", "lacks a style picture", half(3), drops("cat.style.jpg")),
    "waiting_arriving": Row("waiting", "arriving", arriving, nothing),
    "waiting_not_claimed": Row(
        "waiting",
        "cannot be taken in: Read-only file system; it is tried again",
        refused_claim,
        heal,
    ),
    "waiting_cancelled": Row(
        "waiting", "lacks a style picture", half(3), drops("cat.cancel"), "cancelled"
    ),
    "held_lacks": Row("held", "lacks a style picture", half(35), drops("cat.style.jpg")),
    "held_by_a_person": Row(
        "held", "`impasto release cat` lets it go on", held_by_a_person, drops("cat.release")
    ),
    "held_in_the_spool": Row(
        "held", "`impasto release cat` lets it go on", held_in_the_spool, drops("cat.release")
    ),
    "held_cancelled": Row(
        "held", "somebody holds it", held_in_the_spool, drops("cat.cancel"), "cancelled"
    ),
    "queued_behind_another": Row("queued", "in the queue", behind_another, finish_what_runs),
    "queued_paused": Row("queued", "the server is paused (lunch)", paused, resume),
    "queued_disk_full": Row(
        "queued", "the server is paused (the disk of hot is full)", disk_full, heal
    ),
    "queued_device_lost": Row(
        "queued",
        f"there is no worker (cuda:0: {LOST})",
        device("lost", 60.0, LOST),
        device_is_back,
    ),
    "queued_device_starting": Row(
        "queued",
        "there is no worker (cuda:0: no progress for 5 min; the worker is ended after 60 min)",
        device("starting", 300.0),
        device_is_back,
    ),
    "queued_after_a_loss": Row(
        "queued", "attempt 2 after a pause of 10 s (the worker was ended by SIGKILL)", lost, nothing
    ),
    "queued_not_taken_up": Row(
        "queued",
        "cannot be taken up: ",
        unreadable_in_the_spool,
        heal,
    ),
    "queued_half_claimed": Row(
        "queued", "Read-only file system; it is tried again", undone_in_part, heal
    ),
    "running": Row("running", "step 3 of 10, scale 1 of 2", runs, finish_what_runs),
    "running_not_noted": Row(
        "running", "its progress cannot be noted: Is a directory", unnoted, notable_again
    ),
    "running_hangs": Row(
        "running",
        "no progress for 5 min; the worker is ended after 60 min",
        hangs,
        the_hour_passes,
    ),
    "running_not_published": Row(
        "running",
        "waits to be published: Read-only file system; it is tried again",
        unpublished,
        heal,
    ),
    "running_cancelled": Row("running", "step 3 of 10", runs, drops("cat.cancel"), "cancelled"),
    "failed": Row("failed", "cat.content.jpg: not a picture", failed, drops("cat.retry")),
    "cancelled": Row("cancelled", "cancelled", cancelled, drop_again),
    "done": Row("done", "done", ended, drop_again),
}


def test_there_is_a_row_for_every_state_of_a_job() -> None:
    assert {row.state for row in ROWS.values()} == {str(state) for state in JobState}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_state_says_what_it_waits_for_and_that_ends_it(
    room: Room, monkeypatch: Patch, row: Row
) -> None:
    row.arrange(room, monkeypatch)
    status = room.status("cat")
    assert (status["state"], row.message in status["message"]) == (row.state, True), status
    before = len(room.heard)
    if row.state not in END_STATES:
        room.step(2)  # It stays, and goes on saying so.
        if row.leave is not nothing:
            assert room.status("cat")["state"] == row.state
            assert room.status("cat")["message"]
    row.leave(room, monkeypatch)
    room.step(row.steps)
    assert room.status("cat")["state"] == row.end, room.status("cat")
    assert len(room.heard) > before
    assert all(heard["message"] for heard in room.heard)


# --- the server's own states -----------------------------------------------------------------


def server(room: Room) -> dict[str, Any]:
    document = json.loads((room.folder.status / "server.json").read_text())
    assert isinstance(document, dict)
    return document


def test_the_server_says_of_every_state_of_its_own_what_it_is(room: Room) -> None:
    seen = []
    daemon = room.daemon  # It has begun, and made no step.
    seen.append(server(room)["state"])
    room.step()
    seen.append(server(room)["state"])
    Pause(room.folder).begin("lunch")
    room.drop_pair("cat")
    room.step(2)
    seen.append(server(room)["state"])
    assert (server(room)["paused"], server(room)["queue"]["queued"]) == ("lunch", 1)
    Pause(room.folder).end()
    room.step(4)
    assert (server(room)["paused"], server(room)["state"]) == (None, "idle")
    assert room.status("cat")["state"] == "done"
    daemon.report_stopping()
    seen.append(server(room)["state"])
    daemon._shut_down()
    seen.append(server(room)["state"])
    assert seen == ["starting", "idle", "busy", "stopping", "stopped"]
    assert set(seen) == {str(state) for state in ServerState}
