"""`NAME.batch.yaml` in the inbox: contents x styles x settings, and one summary."""

import contextlib
import importlib
import itertools
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from PIL import Image
from support import Room, fails, paints, starts_only

from hotfolder.batches.batch_file import parse_batch
from hotfolder.batches.expansion import MAX_ACTIVE
from hotfolder.errors import SidecarError
from hotfolder.job import Job
from hotfolder.outbox.originals import ARCHIVED
from hotfolder.workers.events import Event

TEXT = """\
contents: ["*.jpg", sea/*.png]
styles: [night.jpg, [wave.jpg, night.jpg]]
settings:
  - {preset: preview}
  - {preset: standard, size: 640}
"""


@pytest.fixture(autouse=True)
def library(room: Room) -> None:
    for name in ("night.jpg", "wave.jpg"):
        (room.folder.styles / name).write_bytes(name.encode())


def deliver(room: Room, text: str = TEXT) -> None:
    (room.folder.inbox / "sea").mkdir(exist_ok=True)
    room.drop("cat.jpg")
    room.drop("sea/fish.png")
    room.drop("trip.batch.yaml", text)


def until_ended(room: Room, name: str = "trip", steps: int = 80) -> dict[str, object]:
    for _ in range(steps):
        room.step()
        # The contact sheet is made by a child, in real time.
        for process, _ in room.daemon._batches._publisher._sheets.values():
            process.wait(60)
        path = room.folder.status / f"{name}.json"
        if path.exists() and (status := room.status(name))["state"] in ("done", "failed"):
            return status
    raise AssertionError("the batch has not ended")


def summary(room: Room) -> dict[str, object]:
    document = yaml.safe_load((room.folder.outbox / "trip.summary.yaml").read_text())
    assert isinstance(document, dict)
    return document


def originals(room: Room) -> set[str]:
    (day,) = room.folder.done.iterdir()
    return {path.name for path in (day / "trip").iterdir() if path.name != ARCHIVED}


def really_paints(job: Job) -> Iterator[Event]:
    for event in paints(job):
        picture = Path(job.folder) / "result.png"
        if picture.exists():
            Image.new("RGB", (60, 40), "red").save(picture)
        yield event


def test_a_batch_becomes_jobs_and_one_summary_with_a_contact_sheet(room: Room) -> None:
    room.dispatcher.script = really_paints
    deliver(room)
    status = until_ended(room)
    names = {
        f"trip-{content}-{style}-{preset}"
        for content in ("cat", "fish")
        for style in ("night", "wave+night")
        for preset in ("preview", "standard")
    }
    records = room.folder.outbox.glob("*.result.yaml")
    assert {path.name.removesuffix(".result.yaml") for path in records} == names
    assert summary(room)["totals"] == {"jobs": 8, "done": 8}
    jobs = summary(room)["jobs"]
    assert isinstance(jobs, list)
    assert [job["size"] for job in jobs[:2]] == [256, 640]
    with Image.open(room.folder.outbox / "trip.contact-sheet.jpg") as sheet:
        sheet.load()
        assert sheet.width > sheet.height  # two rows of four
    assert (status["state"], status["fraction"]) == ("done", 1)
    assert status["message"] == "batch: 8 done of 8"
    assert status["record"] == "outbox/trip.summary.yaml"
    assert status["result"] == "outbox/trip.contact-sheet.jpg"
    assert originals(room) == {"cat.jpg", "fish.png", "trip.batch.yaml"}
    assert not any(room.folder.batches.iterdir())
    assert [path.name for path in room.folder.inbox.iterdir()] == ["sea"]


def test_a_failure_is_in_the_summary_with_its_reason(room: Room) -> None:
    def script(job: Job) -> Iterator[Event]:
        return fails(job) if "fish" in job.name else paints(job)

    room.dispatcher.script = script
    deliver(room, 'contents: ["**/*.*"]\nstyles: night.jpg')
    status = until_ended(room)
    assert (status["state"], status["message"]) == ("failed", "batch: 1 done, 1 failed of 2")
    assert status["error"] == "trip-fish-night: fish.png: not a picture"
    assert summary(room)["failures"] == [
        {"name": "trip-fish-night", "reason": "fish.png: not a picture"}
    ]


def test_a_batch_waits_for_its_pictures(room: Room) -> None:
    room.drop("trip.batch.yaml", 'contents: ["*.jpg"]\nstyles: [nowhere.jpg]')
    room.step(3)
    status = room.status("trip")
    assert status["state"] == "waiting"
    assert status["message"] == "lacks the style nowhere.jpg; a picture for *.jpg"
    (room.folder.inbox / "trip.batch.yaml").unlink()
    room.step()
    assert not (room.folder.status / "trip.json").exists()


def test_a_picture_that_still_arrives_is_waited_for(room: Room) -> None:
    (room.folder.inbox / "sea").mkdir()
    room.drop("sea/fish.png", b"half")
    room.drop("trip.batch.yaml", "contents: sea/*.png\nstyles: night.jpg")
    for part in range(5):
        room.drop("sea/fish.png", b"part" * (part + 2))
        room.step(seconds=0.7)
    assert room.status("trip")["message"] == "arriving"
    room.step(3)
    assert room.dispatcher.submitted


def test_pictures_of_other_jobs_are_left_to_them(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("dog")
    room.drop("mine.jpg")
    room.drop("mine.yaml", "content: mine.jpg\nstyles: [night.jpg]\nsize: 64")
    deliver(room, 'contents: ["*.jpg"]\nstyles: night.jpg')
    room.step(3)
    names = {path.stem for path in room.folder.status.glob("*.json")} - {"server"}
    sources = {room.status(name)["source"] for name in names}
    assert sources == {"dog", "mine", "trip", "trip.batch/0"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("contents: '*.jpg'", "line 1: styles: missing"),
        ("contents: ../*.jpg\nstyles: night.jpg", "line 1: contents: '../*.jpg'; expected a path"),
        ("contents: /etc/*.jpg\nstyles: night.jpg", "expected a path below the inbox"),
        ("contents: '*.gif'\nstyles: night.jpg", "expected a picture ending in"),
        ("contents: a.jpg\nstyles: n.jpg\nsetings: {}", "Did you mean 'settings'?"),
        ("contents: a.jpg\nstyles: n.jpg\nsettings: {sise: 3}", "line 3: settings.sise: unknown"),
        ("contents: a.jpg\nstyles: n.jpg\nsettings: [{size: 64}, {size: big}]", "settings.1.size"),
        (
            "contents: a.jpg\nstyles: n.jpg\npriority: 11",
            "line 3: priority: 11; expected at most 9",
        ),
        ("contents: []\nstyles: n.jpg", "contents: 0 entries"),
        ("contents: a.jpg\nstyles: []", "styles: 0 entries"),
        ("contents: [3]\nstyles: n.jpg", "contents: 3; expected a picture's name"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(text: str, expected: str) -> None:
    with pytest.raises(SidecarError) as caught:
        parse_batch(text.encode(), "trip.batch.yaml", {})
    assert expected in str(caught.value)


def test_a_wrong_batch_fails_and_takes_no_picture(room: Room) -> None:
    deliver(room, "contents: '*.jpg'\nstiles: night.jpg")
    room.step(3)
    assert "Did you mean 'styles'?" in room.error("trip")
    assert (room.folder.failed / "trip/trip.batch.yaml").exists()
    assert (room.folder.inbox / "cat.jpg").exists()


def test_a_batch_that_is_cancelled_ends_with_what_it_has(room: Room) -> None:
    room.dispatcher.script = starts_only
    deliver(room)
    room.step(3)
    room.drop("trip.cancel")
    room.step(4)
    assert room.status("trip")["state"] == "cancelled"
    assert summary(room)["totals"] == {"jobs": 8, "cancelled": 8}
    assert not (room.folder.inbox / "trip.cancel").exists()
    assert not any(room.folder.spool.iterdir())


def test_few_of_its_jobs_are_in_the_spool_and_others_have_their_turn(room: Room) -> None:
    room.dispatcher.script = starts_only
    for number in range(40):
        room.drop(f"{number}.jpg")
    room.drop("trip.batch.yaml", "contents: '*.jpg'\nstyles: night.jpg")
    room.step(3)
    assert len(list(room.folder.spool.iterdir())) == MAX_ACTIVE
    room.drop_pair("dog")
    room.step(3)
    assert room.status("dog")["position"] == 1


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_utc")
def test_the_times_of_a_batch_and_of_its_jobs_are_utc(room: Room) -> None:
    path = room.drop("trip.batch.yaml", "contents: cat.jpg\nstyles: night.jpg")
    os.utime(path, (1_700_000_000,) * 2)
    room.step(3)
    assert room.status("trip")["dropped"] == "2023-11-14T22:13:20+00:00"
    room.drop("cat.jpg")
    until_ended(room)
    for path in room.folder.status.glob("*.json"):
        document = json.loads(path.read_text())
        times = [document[key] for key in ("dropped", "started", "updated") if document.get(key)]
        assert times
        assert all(text.endswith("+00:00") for text in times), path.name
    assert str(summary(room)["started"]).endswith("+00:00")


def test_a_batch_file_from_the_year_10000_is_a_batch_like_any_other(room: Room) -> None:
    path = room.drop("trip.batch.yaml", "contents: cat.jpg\nstyles: night.jpg")
    os.utime(path, (300_000_000_000,) * 2)
    room.drop("cat.jpg")
    assert until_ended(room)["state"] == "done"


@pytest.mark.parametrize("name", ["server", "Server"])
def test_no_batch_takes_the_heartbeats_name(room: Room, name: str) -> None:
    room.drop(f"{name}.batch.yaml", "contents: cat.jpg\nstyles: night.jpg")
    room.step(3)
    assert room.status(f"{name}-2")["state"] == "waiting"
    room.drop("cat.jpg")
    until_ended(room, f"{name}-2")
    assert "pid" in room.status("server")
    assert {path.name for path in room.folder.status.glob("[Ss]erver.json")} == {"server.json"}


def test_a_job_whose_sidecar_is_a_batch_is_not_painted_without_it(room: Room) -> None:
    room.drop_pair("trip.batch", "size: 640")
    room.step(4)
    assert not room.dispatcher.submitted
    assert room.status("trip")["state"] == "failed"
    strays = room.status("server")["strays"]
    assert "trip.batch.content.jpg (no job can have this name)" in strays


def test_the_same_name_again_is_another_batch(room: Room) -> None:
    room.dispatcher.script = starts_only
    deliver(room)
    room.step(3)
    room.drop("cat.jpg")
    room.drop("trip.batch.yaml", "contents: cat.jpg\nstyles: night.jpg")
    room.drop_pair("trip")
    room.step(3)
    assert room.status("trip")["message"] == "batch: nothing of 8"
    assert {room.status("trip-2")["source"], room.status("trip-3")["source"]} == {"trip"}


class Killed(BaseException):
    pass


WRITES = [
    *("batches.publishing.publish_all", "batches.publishing.write_whole"),
    *("outbox.originals.move", "batches.store.write_json"),
    *("spool.claims.write_json", "spool.claims.move", "spool.claims.copy"),
    "atomic_files.publish",
]


@pytest.mark.parametrize("last", range(0, 48, 3))
def test_a_batch_killed_at_any_step_paints_each_item_once(
    room: Room, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    """The daemon dies at the n-th change of the disk that the batch or its jobs make."""
    calls = itertools.count()
    # No contact sheet: the child that makes one takes seconds.
    monkeypatch.setattr("hotfolder.batches.publishing.sys.executable", shutil.which("true"))

    def mortal(write: Callable[..., object]) -> Callable[..., object]:
        def wrapper(*arguments: object, **keywords: object) -> object:
            if next(calls) == last:
                raise Killed
            return write(*arguments, **keywords)

        return wrapper

    deliver(room, "contents: ['*.jpg', sea/*.png]\nstyles: night.jpg")
    with monkeypatch.context() as patch:
        for name in WRITES:
            module, _, function = name.rpartition(".")
            write = getattr(importlib.import_module(f"hotfolder.{module}"), function)
            patch.setattr(f"hotfolder.{name}", mortal(write))
        with contextlib.suppress(Killed):
            until_ended(room)
        room.daemon._batches.close()
    room.restart()
    for _ in range(80):
        room.step()
    assert not room.daemon._batches.names
    assert summary(room)["totals"] == {"jobs": 2, "done": 2}
    pictures = {path.name for path in room.folder.outbox.glob("*.png")}
    assert pictures == {"trip-cat-night.png", "trip-fish-night.png"}
    assert originals(room) == {"cat.jpg", "fish.png", "trip.batch.yaml"}
    assert not any(room.folder.spool.iterdir())
    assert not any(room.folder.batches.iterdir())


def test_a_crowd_in_the_inbox_does_not_make_a_batch_start_twice(room: Room) -> None:
    room.settings["claim_limit"] = 1
    deliver(room, 'contents: ["cat.jpg"]\nstyles: [night.jpg]')
    for number in range(6):
        room.drop_pair(f"job{number}")
    room.step(2)
    room.step(20, seconds=0.0)  # claims from the last look, which still has the batch's file
    until_ended(room)
    room.step(10)
    assert [job.name for job in room.dispatcher.submitted].count("trip-cat-night") == 1
    assert [path.name for path in room.folder.outbox.glob("trip*.summary.yaml")] == [
        "trip.summary.yaml"
    ]


def test_a_batch_whose_status_cannot_be_written_or_removed_hides_no_other_and_is_named(
    room: Room,
) -> None:
    (room.folder.status / "gone.json").mkdir()
    room.drop("gone.batch.yaml", "contents: none.jpg\nstyles: night.jpg\n")
    room.drop("cat.jpg")
    room.drop("trip.batch.yaml", "contents: cat.jpg\nstyles: night.jpg\n")
    room.dispatcher.capacity = 0
    room.step(4)
    assert room.status("trip")["state"] == "running"
    strays = json.loads((room.folder.status / "server.json").read_text())["strays"]
    assert "status/gone.json (cannot be written: Is a directory)" in strays
    (room.folder.inbox / "gone.batch.yaml").unlink()
    room.drop("bad.batch.yaml", "nonsense: 1\n")
    room.step(4)
    assert room.status("bad")["state"] == "failed"
    room.dispatcher.capacity = 1
    assert until_ended(room)["state"] == "done"


def test_a_line_of_ends_that_lacks_its_reason_stops_no_batch(room: Room) -> None:
    room.dispatcher.capacity = 0
    deliver(room)
    room.step(4)
    ends = room.folder.batches / "trip" / "ends.jsonl"
    ends.write_text('{"item": 0, "state": "failed"}\n')
    room.restart()
    room.dispatcher.capacity = 0
    room.step(3)
    assert "1 failed" in str(room.status("trip")["message"])
