"""Batches that wait, are held, released, prioritised, cancelled, or taken in part; their names."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import Room, starts_only

from hotfolder.atomic_files import ASIDE_PREFIX
from hotfolder.batches.results.summary import SHEET, SUMMARY
from hotfolder.file_names import FILE_NAME_BYTES, FreeNames
from plugin.client.protocol import (
    EXTRA_OUTPUT_SUFFIXES,
    MAX_NAME_BYTES,
    PREVIEW_SUFFIX,
    RECORD_SUFFIX,
    RESULT_SUFFIXES,
    STATUS_SUFFIX,
    ControlFile,
)

BATCH = "contents: '*.jpg'\nstyles: night.jpg\npriority: 3"


@pytest.fixture(autouse=True)
def library(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    (room.folder.styles / "night.jpg").write_bytes(b"night")
    # No contact sheet: the child that makes one takes seconds.
    monkeypatch.setattr("hotfolder.batches.publishing.sys.executable", shutil.which("true"))


def jobs(room: Room) -> set[str]:
    return {job.name for job in room.dispatcher.submitted}


# --- waiting, held ------------------------------------------------------------------------------


def test_a_batch_that_lacks_something_is_held_and_goes_on_when_that_comes(room: Room) -> None:
    room.drop("trip.batch.yaml", BATCH)
    room.step(3)
    status = room.status("trip")
    assert (status["state"], status["message"]) == ("waiting", "lacks a picture for *.jpg")
    assert status["priority"] == 3
    room.step(35)
    status = room.status("trip")
    assert (status["state"], status["message"]) == ("held", "held: lacks a picture for *.jpg")
    room.drop("fish.jpg")
    room.step(4)
    assert jobs(room) == {"trip-fish-night"}


def test_what_a_held_batch_lacks_may_change_and_is_waited_for_anew(room: Room) -> None:
    room.drop("trip.batch.yaml", "contents: [a.jpg, b.jpg]\nstyles: night.jpg")
    room.step(35)
    assert room.status("trip")["state"] == "held"
    room.drop("a.jpg")
    room.step(4)
    status = room.status("trip")
    assert (status["state"], status["message"]) == ("waiting", "lacks a picture for b.jpg")


def test_released_it_waits_anew(room: Room) -> None:
    room.drop("trip.batch.yaml", BATCH)
    room.step(35)
    assert room.status("trip")["state"] == "held"
    release = room.drop("trip.release")
    room.step(2)
    assert room.status("trip")["state"] == "waiting"
    assert not release.exists()
    room.step(35)
    assert room.status("trip")["state"] == "held"


def test_once_holds_at_once_what_a_batch_lacks(room: Room) -> None:
    room.drop("trip.batch.yaml", BATCH)
    room.settings["settle_seconds"] = 0
    assert room.run_once().waiting == 1
    assert room.status("trip")["state"] == "held"


def test_a_picture_that_keeps_changing_is_named_with_its_time(room: Room) -> None:
    room.drop("trip.batch.yaml", BATCH)
    path = room.drop("fish.jpg")
    for _ in range(12):
        os.utime(path, (room.clock.now, room.clock.now))
        room.step()
    status = room.status("trip")
    assert status["state"] == "waiting"
    assert status["message"].startswith("arriving: fish.jpg has been changing since 20")


# --- control files ------------------------------------------------------------------------------


def test_a_batch_that_somebody_holds_is_not_begun_until_it_is_released(room: Room) -> None:
    hold = room.drop("trip.hold")
    room.drop("trip.batch.yaml", BATCH)
    room.drop("fish.jpg")
    room.step(5)
    status = room.status("trip")
    assert status["state"] == "held"
    assert status["message"] == ("held: somebody holds it; `impasto release trip` lets it go on")
    assert (room.folder.inbox / "fish.jpg").exists()
    release = room.drop("trip.release")
    room.step(4)
    assert jobs(room) == {"trip-fish-night"}
    assert not hold.exists()
    assert not release.exists()


def test_a_batch_that_lives_is_held_with_its_queued_jobs_and_goes_on_when_released(
    room: Room,
) -> None:
    room.dispatcher.script = starts_only
    for number in range(20):
        room.drop(f"{number:02}.jpg")
    room.drop("trip.batch.yaml", BATCH)
    room.step(3)
    assert len(jobs(room)) == 1
    room.drop("trip.hold")
    room.step(3)
    status = room.status("trip")
    assert status["state"] == "held"
    assert status["message"].startswith("held: somebody holds it; `impasto release trip`")
    states = {room.status(f"trip-{number:02}-night")["state"] for number in range(1, 16)}
    assert states == {"held"}
    assert room.status("trip-00-night")["state"] == "running"  # What runs goes on.
    room.drop("trip.release")
    room.step(3)
    assert room.status("trip")["state"] == "running"
    assert room.status("trip-01-night")["state"] == "queued"
    assert not list(room.folder.inbox.glob("trip.*"))


def test_the_priority_of_a_batch_is_that_of_its_jobs(room: Room) -> None:
    room.dispatcher.script = starts_only
    for number in range(3):
        room.drop(f"{number}.jpg")
    room.drop("trip.batch.yaml", BATCH)
    room.drop("trip.priority", "9")
    room.step(3)
    assert room.status("trip")["priority"] == 9
    assert {room.status(f"trip-{n}-night")["priority"] for n in range(3)} == {9}
    room.drop("trip-2-night.priority", "1")
    room.drop("trip.priority", "7")
    room.step(4)
    assert room.status("trip")["priority"] == 7
    assert room.status("trip-1-night")["priority"] == 7
    assert room.status("trip-2-night")["priority"] == 1


def test_control_files_of_a_batch_end_with_it(room: Room) -> None:
    room.drop("trip.batch.yaml", BATCH)
    room.drop("trip.priority", "9")
    room.drop("fish.jpg")
    room.step(12)
    assert room.status("trip")["state"] == "done"
    assert not list(room.folder.inbox.iterdir())


@pytest.mark.parametrize("state", ["waiting", "held", "live"])
def test_a_batch_is_cancelled_in_whatever_state_it_is(room: Room, state: str) -> None:
    room.dispatcher.script = starts_only
    room.drop("trip.batch.yaml", BATCH)
    if state == "live":
        room.drop("fish.jpg")
    room.step(35 if state == "held" else 3)
    assert room.status("trip")["state"] == ("running" if state == "live" else state)
    room.drop("trip.hold")
    room.drop("trip.cancel")
    room.step(6)
    assert room.status("trip")["state"] == "cancelled"
    assert not list(room.folder.inbox.iterdir())


# --- in part ------------------------------------------------------------------------------------


def refusing(path: str, real: Callable[..., None]) -> Callable[..., None]:
    def move(source: Path, target: Path, *arguments: Any, **keywords: Any) -> None:
        if path in (source.name, target.name):
            raise PermissionError(errno.EACCES, "Permission denied", str(source))
        real(source, target, *arguments, **keywords)

    return move


def test_a_batch_that_is_taken_in_part_stays_visible_and_says_why(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One picture can be moved neither in nor, once it is, out again."""
    from hotfolder.spool import claims

    for name in ("a.jpg", "b.jpg", "c.jpg"):
        room.drop(name)
    room.drop("trip.batch.yaml", BATCH)
    real = claims.move

    def move(source: Path, target: Path, *arguments: Any, **keywords: Any) -> None:
        if source.name == "b.jpg" or (source.name == "a.jpg" and target.parent.name == "inbox"):
            raise PermissionError(errno.EACCES, "Permission denied", str(source))
        real(source, target, *arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(claims, "move", move)
        room.step(4)
        status = room.status("trip")
        assert status["state"] == "waiting"
        assert status["message"] == (
            "taken out of the inbox in part (b.jpg: Permission denied); it is tried again"
        )
        assert not list(room.folder.inbox.glob("*.yaml"))  # It is no other batch, either.
        room.drop_pair("trip")
        room.step(5)
        assert room.status("trip")["message"] == (
            "taken out of the inbox in part (b.jpg: Permission denied); it is tried again"
        )
        assert room.status("trip-2")["source"] == "trip"
    room.step(30)
    assert room.status("trip")["state"] == "done"
    assert room.status("trip")["message"] == "batch: 3 done of 3"


def test_a_batch_that_cannot_be_taken_in_says_why(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotfolder.spool import claims

    room.drop("a.jpg")
    room.drop("trip.batch.yaml", BATCH)
    with monkeypatch.context() as patch:
        patch.setattr(claims, "move", refusing("a.jpg", claims.move))
        room.step(6)
        status = room.status("trip")
        assert (status["state"], status["message"]) == (
            "waiting",
            "it cannot be taken in (Permission denied); it is tried again",
        )
    room.step(20)
    assert room.status("trip")["state"] == "done"


def test_a_batch_whose_jobs_cannot_be_made_says_why_and_others_go_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotfolder.spool import claims

    room.drop("a.jpg")
    room.drop("trip.batch.yaml", "contents: a.jpg\nstyles: night.jpg")
    room.drop("b.jpg")
    room.drop("walk.batch.yaml", "contents: b.jpg\nstyles: night.jpg")
    with monkeypatch.context() as patch:
        patch.setattr(claims, "copy", refusing("a.jpg", claims.copy))
        room.step(10)
        assert room.status("trip")["message"] == (
            "batch: nothing of 1; no job can be made (Permission denied); it is tried again"
        )
        assert room.status("walk")["state"] == "done"
    room.step(10)
    assert room.status("trip")["state"] == "done"


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["x", "é", "猫", "🎨"])
def test_a_batch_of_long_names_comes_to_its_end(room: Room, letter: str) -> None:
    long = (letter * 255).encode()
    name = long[: MAX_NAME_BYTES - len(".batch.yaml")].decode(errors="ignore")
    stem = long[: FILE_NAME_BYTES - 4].decode(errors="ignore")
    for number in range(3):
        (room.folder.inbox / str(number)).mkdir()
        room.drop(f"{number}/{stem}.jpg")
    (room.folder.styles / f"{stem}.jpg").write_bytes(b"style")
    room.drop(f"{name}.batch.yaml", f"contents: ['**/*.jpg']\nstyles: ['{stem}.jpg']")
    room.step(20)
    status = room.status(name)
    assert (status["state"], status["message"]) == ("done", "batch: 3 done of 3")
    names = [path.name for path in room.folder.outbox.glob("*.png")]
    assert len(names) == 3
    assert all(len(each.encode()) <= MAX_NAME_BYTES + len(".png") for each in names)
    summary = yaml.safe_load((room.folder.outbox / f"{name}.{SUMMARY}").read_text())
    assert len({job["name"] for job in summary["jobs"]}) == 3
    (day,) = room.folder.done.iterdir()
    assert len(list((day / name).glob("[!.]*"))) == 4


def test_every_suffix_that_is_put_to_a_name_fits_beside_the_longest() -> None:
    suffixes = [*RESULT_SUFFIXES, RECORD_SUFFIX, *EXTRA_OUTPUT_SUFFIXES, f".{SHEET}", f".{SUMMARY}"]
    suffixes += [STATUS_SUFFIX, PREVIEW_SUFFIX, *(control.suffix for control in ControlFile)]
    longest = max(len(suffix.encode()) for suffix in suffixes)
    assert len(ASIDE_PREFIX) + MAX_NAME_BYTES + longest <= FILE_NAME_BYTES


@pytest.mark.parametrize("letter", ["x", "猫", "🎨"])
def test_a_number_never_makes_a_name_too_long(letter: str) -> None:
    wanted = (letter * 255).encode()[:MAX_NAME_BYTES].decode(errors="ignore")
    names = FreeNames()
    taken = [names.take(wanted) for _ in range(1200)]
    assert len(set(taken)) == 1200
    assert max(len(name.encode()) for name in taken) <= MAX_NAME_BYTES
    assert taken[-1].endswith(f"{letter}-1200")


def test_a_longest_name_that_is_there_twice_can_be_cancelled_and_retried(room: Room) -> None:
    room.dispatcher.script = starts_only
    name = "x" * MAX_NAME_BYTES
    room.drop_pair(name)
    room.step(3)
    room.drop_pair(name)
    room.step(3)
    second = f"{name[:-2]}-2"
    assert room.status(second)["source"] == name
    room.drop(f"{second}.cancel")
    room.step(4)
    assert room.status(second)["state"] == "cancelled"


@pytest.mark.parametrize(
    ("first", "second"),
    [("Trip.batch.yaml", "trip.batch.yaml"), ("caf\xe9.batch.yaml", "cafe\u0301.batch.yml")],
)
def test_names_that_some_file_system_takes_for_one_are_two(
    room: Room, first: str, second: str
) -> None:
    room.dispatcher.script = starts_only
    room.drop(first, "contents: a.jpg\nstyles: night.jpg")
    room.drop(second, "contents: b.jpg\nstyles: night.jpg")
    room.step(3)
    waiting = {path.stem.casefold() for path in room.folder.status.glob("*.json")} - {"server"}
    if first.startswith("T"):
        assert waiting == {"trip", "trip-2"}
    room.drop("a.jpg")
    room.drop("b.jpg")
    room.step(6)
    folders = {path.name.casefold() for path in room.folder.batches.iterdir()}
    assert len(folders) == len(list(room.folder.batches.iterdir()))


def test_a_job_takes_no_name_of_a_batch_that_differs_in_case_alone(room: Room) -> None:
    room.dispatcher.script = starts_only
    room.drop("trip.batch.yaml", BATCH)
    room.step(3)
    room.drop_pair("TRIP")
    room.step(3)
    assert room.status("TRIP-2")["source"] == "TRIP"
    assert room.status("trip")["state"] == "waiting"
    room.drop_pair("walk")
    room.step(3)
    room.drop("Walk.batch.yaml", "contents: nowhere.jpg\nstyles: night.jpg")
    room.step(3)
    assert room.status("Walk-2")["state"] == "waiting"
