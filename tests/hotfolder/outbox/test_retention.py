"""How long done/, failed/ and the status are kept."""

import json
import os
from pathlib import Path

import pytest
from support import FakeClock, Room, fails

from hotfolder.config.model import Config
from hotfolder.outbox.originals import ARCHIVED, move_originals
from hotfolder.outbox.retention import CLEANING_SECONDS, RetainedItem, RetentionCleaner, outdated
from hotfolder.paths import FolderPaths

DAY = 86_400
NOW = 100.0 * DAY


def names(items: list[RetainedItem]) -> list[str]:
    return [each.path.name for each in items]


ITEMS = [RetainedItem(Path(f"{age}"), NOW - age * DAY) for age in (1, 3, 2, 30)]


@pytest.mark.parametrize(
    ("days", "count", "expected"),
    [
        pytest.param(None, None, [], id="for_ever"),
        pytest.param(2.5, None, ["30", "3"], id="by_age"),
        pytest.param(None, 1, ["30", "3", "2"], id="the_newest"),
        pytest.param(10, 3, ["30"], id="both"),
        pytest.param(0, None, ["30", "3", "2", "1"], id="nothing"),
    ],
)
def test_what_is_outdated_goes_the_oldest_first(
    days: float | None, count: int | None, expected: list[str]
) -> None:
    assert names(outdated(ITEMS, days=days, count=count, now=NOW)) == expected


def cleaner(folder: FolderPaths, clock: FakeClock, **rules: float) -> RetentionCleaner:
    config = Config.model_validate({"retention": rules})
    return RetentionCleaner(lambda: config, folder, clock=clock, now=lambda: NOW)


def put(path: Path, age: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    for each in (path, path.parent):
        os.utime(each, (NOW - age * DAY,) * 2)


def archive(folder: FolderPaths, name: str, age: float) -> None:
    """As the server puts away an original, so many days ago."""
    source = folder.root / "source"
    source.write_text("{}")
    path = folder.done / name
    path.parent.parent.mkdir(exist_ok=True)
    move_originals(folder, path.parent, [(source, path.name)])
    for each in (path.parent / ARCHIVED, path, path.parent):
        os.utime(each, (NOW - age * DAY,) * 2)


def left(folder: Path) -> set[str]:
    return {
        p.relative_to(folder).as_posix()
        for p in folder.rglob("*")
        if p.is_file() and p.name != ARCHIVED
    }


def test_old_originals_go_with_their_days_folder(folder: FolderPaths, clock: FakeClock) -> None:
    archive(folder, "2026-01-01/cat/cat.jpg", 40)
    archive(folder, "2026-01-01/dog/dog.jpg", 40)
    archive(folder, "2026-02-01/cat/cat.jpg", 5)
    archive(folder, "mine/cat/cat.jpg", 90)
    cleaner(folder, clock, done_days=30).step(frozenset())
    assert left(folder.done) == {"2026-02-01/cat/cat.jpg", "mine/cat/cat.jpg"}
    assert not (folder.done / "2026-01-01").exists()


def test_only_what_the_server_put_into_done_is_removed(
    folder: FolderPaths, clock: FakeClock, tmp_path: Path
) -> None:
    """A person's folder of that date, a person's file among the originals, a link to elsewhere."""
    put(folder.done / "2026-01-01/by-hand/cat.jpg", 40)
    archive(folder, "2026-01-02/cat/cat.jpg", 40)
    put(folder.done / "2026-01-02/cat/retouched.jpg", 40)
    elsewhere = FolderPaths(tmp_path / "elsewhere")
    elsewhere.create()
    archive(elsewhere, "2026-01-03/dog/dog.jpg", 40)
    (folder.done / "2026-01-03").symlink_to(elsewhere.done / "2026-01-03")
    (folder.done / "2026-01-04").mkdir()
    (folder.done / "2026-01-04/link").symlink_to(elsewhere.done / "2026-01-03/dog")
    cleaner(folder, clock, done_days=30).step(frozenset())
    assert left(folder.done) == {"2026-01-01/by-hand/cat.jpg", "2026-01-02/cat/retouched.jpg"}
    assert left(elsewhere.done) == {"2026-01-03/dog/dog.jpg"}
    assert (folder.done / "2026-01-04/link").is_symlink()


def test_a_mark_that_somebody_has_written_removes_nothing_outside_its_folder(
    folder: FolderPaths, clock: FakeClock
) -> None:
    archive(folder, "2026-01-01/cat/cat.jpg", 40)
    archive(folder, "2026-01-01/dog/dog.jpg", 40)
    put(folder.done / "precious.jpg", 40)
    files = ["../../precious.jpg", str(folder.done / "precious.jpg"), ".."]
    put(folder.done / "2026-01-01/cat" / ARCHIVED, 40)
    (folder.done / "2026-01-01/cat" / ARCHIVED).write_text(json.dumps({"files": files}))
    (folder.done / "2026-01-01/dog" / ARCHIVED).write_text("[" * 100_000)
    cleaner(folder, clock, done_count=0).step(frozenset())
    assert left(folder.done) == {"precious.jpg", "2026-01-01/cat/cat.jpg", "2026-01-01/dog/dog.jpg"}


def test_only_what_the_daemon_put_into_failed_is_removed(
    folder: FolderPaths, clock: FakeClock, tmp_path: Path
) -> None:
    put(folder.failed / "cat/error.txt", 40)
    put(folder.failed / "mine/notes.txt", 40)
    put(tmp_path / "elsewhere/error.txt", 40)
    (folder.failed / "link").symlink_to(tmp_path / "elsewhere")
    cleaner(folder, clock, failed_days=30).step(frozenset())
    assert left(folder.failed) == {"mine/notes.txt"}
    assert left(tmp_path / "elsewhere") == {"error.txt"}


def test_by_default_everything_is_kept(folder: FolderPaths, clock: FakeClock) -> None:
    archive(folder, "2001-01-01/cat/cat.jpg", 9000)
    put(folder.failed / "cat/error.txt", 9000)
    cleaner(folder, clock).step(frozenset())
    assert left(folder.done) | left(folder.failed) == {"2001-01-01/cat/cat.jpg", "cat/error.txt"}


def test_cleaning_is_done_in_steps_and_again_after_an_hour(
    folder: FolderPaths, clock: FakeClock
) -> None:
    for number in range(50):
        archive(folder, f"2026-01-01/{number}/a.jpg", 40)
    retention = cleaner(folder, clock, done_days=30)
    counts = []
    for _ in range(4):
        retention.step(frozenset())
        counts.append(len(left(folder.done)))
    assert counts == [30, 10, 0, 0]
    archive(folder, "2026-01-02/cat/a.jpg", 40)
    retention.step(frozenset())
    assert left(folder.done)
    clock.advance(CLEANING_SECONDS)
    retention.step(frozenset())
    assert not left(folder.done)


def test_the_status_of_live_jobs_stays(room: Room) -> None:
    room.settings["retention"] = {"status_count": 1}
    room.drop_pair("one")
    room.step(3)
    room.drop_pair("two")
    room.step(3)
    room.dispatcher.script = fails
    room.drop_pair("three")
    room.drop("half.content.jpg")
    room.step(3)
    room.step(seconds=CLEANING_SECONDS)
    room.step()
    there = {path.name for path in room.folder.status.iterdir()}
    assert there == {"server.json", "three.json", "half.json"}


def test_the_files_of_a_job_whose_end_is_not_published_yet_stay(room: Room) -> None:
    room.settings["retention"] = {"failed_count": 0}
    (room.folder.failed / "three").mkdir()  # somebody else's
    room.dispatcher.script = fails
    (room.folder.status / "three.json").mkdir()
    room.drop_pair("three")
    room.step(4)
    room.step(2, seconds=CLEANING_SECONDS)
    assert {path.name for path in (room.folder.failed / "three-2").iterdir()} == {
        *("three.content.jpg", "three.style.png", "error.txt")
    }
    (room.folder.status / "three.json").rmdir()
    room.step(4, seconds=CLEANING_SECONDS)
    assert not (room.folder.failed / "three-2").exists()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000 + "]" * 100_000, id="nested_deeply"),
        pytest.param('{"state": ' + "[" * 100_000 + "]" * 100_000 + "}", id="state_nested_deeply"),
        pytest.param('{"state": ["done"]}', id="state_is_a_list"),
        pytest.param('{"state": {"done": 1}}', id="state_is_a_mapping"),
        pytest.param(f'{{"state": "done", "x": {"9" * 10_000}}}', id="long_number"),
    ],
)
def test_a_status_that_somebody_has_written_keeps_no_old_status_from_removal(
    folder: FolderPaths, clock: FakeClock, text: str
) -> None:
    for name in ("a", "z"):
        put(folder.status / f"{name}.json", 40)
        (folder.status / f"{name}.json").write_text('{"state": "done"}')
    (folder.status / "m.json").write_text(text)
    for path in folder.status.iterdir():
        os.utime(path, (NOW - 40 * DAY,) * 2)
    cleaner(folder, clock, status_days=30).step(set())
    assert left(folder.status) == {"m.json"}


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "", "..", 5, None, ["cat.jpg"]])
def test_a_mark_that_somebody_has_written_keeps_no_other_originals_from_removal(
    folder: FolderPaths, clock: FakeClock, name: object
) -> None:
    for job in ("cat", "dog"):
        archive(folder, f"2026-01-01/{job}/{job}.jpg", 40)
    mark = folder.done / "2026-01-01" / "cat" / ARCHIVED
    mark.write_text(json.dumps({"files": ["cat.jpg", name]}))
    os.utime(mark, (NOW - 41 * DAY,) * 2)
    cleaner(folder, clock, done_days=30).step(set())
    assert "2026-01-01/dog/dog.jpg" not in left(folder.done)
