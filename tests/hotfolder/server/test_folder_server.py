"""The daemon's loop with a dispatcher that computes nothing and a clock that tests turn."""

import json
import os

import pytest
from support import STATUS_KEYS, Room, starts_only

from hotfolder.atomic_files import write_json
from hotfolder.server.run_summary import RunSummary
from hotfolder.spool.spool import Spool
from hotfolder.workers.dispatcher import DeviceState, StyleCache
from plugin.client.protocol import JobState


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
    assert status.keys() == STATUS_KEYS
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
    assert all(heard.keys() == STATUS_KEYS for heard in room.heard)


def test_half_a_job_is_shown_with_what_it_lacks(room: Room) -> None:
    room.drop("cat.content.jpg")
    room.step(2)
    status = room.status("cat")
    assert status.keys() == STATUS_KEYS
    assert (status["state"], status["id"]) == ("waiting", None)
    assert status["message"] == "lacks a style picture (cat.style.jpg)"
    (room.folder.inbox / "cat.content.jpg").unlink()
    room.step()
    assert not (room.folder.status / "cat.json").exists()


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
    assert (first["state"], first["strays"], first["pid"]) == (
        "idle",
        ["stray.jpg (a picture that no job names)"],
        os.getpid(),
    )
    assert first.keys() == {
        *("protocol", "pid", "host", "version", "started", "updated", "state", "devices"),
        *("queue", "totals", "strays", "paused", "config_problem", "problem"),
    }
    (room.folder.status / "server.json").unlink()
    room.step()
    assert (room.folder.status / "server.json").exists()


def test_leftovers_of_a_killed_daemon_are_removed(room: Room) -> None:
    folder = room.folder
    places = (folder.inbox, folder.outbox, folder.done, folder.failed, folder.status, folder.spool)
    for place in places:
        (place / ".impasto-0123456789abcdef.part").write_bytes(b"half")
    write_json(folder.status / "gone.json", {"state": "waiting"})
    write_json(folder.status / "taken.json", {"state": "queued", "id": "20200101-000000-000000-0"})
    write_json(folder.status / "trip.json", {"state": "running", "id": None, "name": "trip"})
    write_json(folder.status / "odd.json", {"state": "running", "id": "../../inbox"})
    room.restart()
    room.step()
    assert {path.name for path in folder.status.iterdir()} == {"server.json"}
    assert not [path for place in places for path in place.glob(".impasto-*")]


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
    run_summary = room.run_once()
    assert run_summary == RunSummary(done=1, failed=1, waiting=2, once=True)
    assert (room.status("c")["state"], room.status("d")["state"]) == ("held", "held")
    assert run_summary.exit_code == 10


def test_once_with_success_alone_ends_with_zero(room: Room) -> None:
    room.settings["settle_seconds"] = 0.0
    room.drop_pair("a")
    assert room.run_once().exit_code == 0


def test_the_spool_refuses_steps_that_the_table_does_not_have(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    (entry,) = room.daemon._live.values()
    spool = Spool(room.folder)
    spool.change(entry, JobState.FAILED)
    with pytest.raises(ValueError, match="from failed to running"):
        spool.change(entry, JobState.RUNNING)
