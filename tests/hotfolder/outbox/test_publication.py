"""Where results, originals and failures go, and under which names."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import (
    LOSSES,
    Room,
    fails,
    paints,
    paints_a_series,
    paints_with_progression,
    starts_only,
)

from hotfolder.job import Job
from hotfolder.outbox.publisher import Publisher
from hotfolder.spool.entry import SpooledJob
from hotfolder.workers.events import Done, Event
from plugin.client import Client
from plugin.client.protocol import MAX_FILE_NAME_BYTES


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


def test_a_result_is_published_once_whatever_its_record_says(room: Room) -> None:
    """A restart reads the record from JSON, which knows no such numbers."""

    def paints_oddly(job: Job) -> Iterator[Event]:
        odd = {"losses": {**LOSSES, "total": math.nan}, "seconds": math.inf}
        for event in paints(job):
            yield replace(event, record=odd) if isinstance(event, Done) else event

    room.dispatcher.script = paints_oddly
    room.folder.done.rmdir()
    room.drop_pair("cat")
    room.step(4)
    assert "waits to be published" in room.status("cat")["message"]
    room.folder.done.mkdir()
    room.restart()
    room.step(4)
    assert room.status("cat")["state"] == "done"
    assert [path.name for path in room.folder.outbox.glob("*.png")] == ["cat.png"]


def test_a_taken_result_name_is_overwritten_if_asked(room: Room) -> None:
    room.settings["overwrite"] = True
    (room.folder.outbox / "cat.png").write_bytes(b"old")
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.outbox / "cat.png").read_bytes().startswith(b"painted cat")


def test_a_name_taken_in_the_last_instant_is_not_overwritten(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = Publisher._choose_result_name

    def race(self: Publisher, entry: SpooledJob) -> None:
        choose(self, entry)
        if entry.outcome is not None and entry.outcome.published == "cat":
            (room.folder.outbox / "cat.png").write_bytes(b"another program's")

    monkeypatch.setattr(Publisher, "_choose_result_name", race)
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
    extra_outputs = ["cat.progression.jpg", "cat.losses.png"]
    names = {path.name for path in room.folder.outbox.iterdir()}
    assert names == {"cat.png", "cat.result.yaml", *extra_outputs}
    assert room.record("cat")["progression"] == extra_outputs
    assert (room.folder.outbox / extra_outputs[1]).read_text().startswith("losses.png of cat")


def test_a_result_and_what_lies_beside_it_have_one_name(room: Room) -> None:
    (room.folder.outbox / "cat.losses.png").write_bytes(b"precious")
    room.dispatcher.script = paints_with_progression
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.outbox / "cat.losses.png").read_bytes() == b"precious"
    assert room.record("cat-2")["progression"] == ["cat-2.progression.jpg", "cat-2.losses.png"]
    assert room.status("cat")["result"] == "outbox/cat-2.png"


def test_each_painting_of_a_series_is_published_with_its_record(room: Room) -> None:
    room.dispatcher.script = paints_a_series
    room.drop_pair("cat")
    room.step(3)
    beside = ["cat.variation2.result.yaml", "cat.variation2.losses.png", "cat.variation2.png"]
    assert room.record("cat")["series"] == {
        **{"variations": 2, "number": 1},
        "files": [*beside, "cat.variations.jpg"],
    }
    assert "progression" not in room.record("cat")
    second = room.record("cat.variation2")
    assert second["picture"] == "cat.variation2.png"
    assert second["progression"] == ["cat.variation2.losses.png"]
    assert (second["name"], second["id"]) == ("cat", room.record("cat")["id"])
    assert (room.folder.outbox / second["picture"]).read_text() == "variation2.png of cat"
    results = {each.name for each in Client(room.folder.root).results()}
    assert results == {"cat", "cat.variation2"}


def test_a_series_has_a_name_that_is_free_for_all_of_it_and_short_enough(room: Room) -> None:
    (room.folder.outbox / "cat.variation2.png").write_bytes(b"precious")
    room.dispatcher.script = paints_a_series
    long = "n" * 200
    room.drop_pair("cat")
    room.drop_pair(long)
    room.step(4)
    assert (room.folder.outbox / "cat.variation2.png").read_bytes() == b"precious"
    assert room.record("cat-2")["series"]["files"][2] == "cat-2.variation2.png"
    assert room.status(long)["state"] == "done"
    names = [path.name for path in room.folder.outbox.iterdir()]
    assert max(map(len, names)) <= MAX_FILE_NAME_BYTES


@pytest.mark.parametrize("taken", ["cat.png", "cat.losses.png"])
def test_a_name_taken_in_the_last_instant_leaves_nothing_beside_it(
    room: Room, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    choose = Publisher._choose_result_name

    def race(self: Publisher, entry: SpooledJob) -> None:
        choose(self, entry)
        if entry.outcome is not None and entry.outcome.published == "cat":
            (room.folder.outbox / taken).write_bytes(b"another program's")

    monkeypatch.setattr(Publisher, "_choose_result_name", race)
    room.dispatcher.script = paints_with_progression
    room.drop_pair("cat")
    room.step(3)
    assert (room.folder.outbox / taken).read_bytes() == b"another program's"
    ours = {"cat-2.png", "cat-2.result.yaml", "cat-2.progression.jpg", "cat-2.losses.png"}
    assert {path.name for path in room.folder.outbox.iterdir()} == {taken, *ours}


@pytest.mark.parametrize("missing", ["result.png", "losses.png"])
def test_a_result_or_a_file_beside_it_that_is_not_there_fails_the_job(
    room: Room, missing: str
) -> None:
    def lies(job: Any) -> Any:
        for event in paints_with_progression(job):
            if type(event).__name__ == "Done":
                (Path(job.folder) / missing).unlink()
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
    assert {path.name for path in room.folder.done.rglob("[!.]*.*")} == {"p.yaml", "cat.jpg"}


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
