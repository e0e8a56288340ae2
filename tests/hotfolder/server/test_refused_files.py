"""Whatever lies in the folder is read or refused, each file for itself: the server goes on."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import Room, starts_only

from hotfolder.batches import candidates, matching
from hotfolder.inbox import model
from hotfolder.spool import control_files

PRESET = "styles: [wave.jpg]\n"
BATCH = "contents: fish.jpg\nstyles: wave.jpg"


@pytest.fixture(autouse=True)
def library(room: Room) -> None:
    (room.folder.styles / "wave.jpg").write_bytes(b"the library's wave")


def in_folder(room: Room, name: str, **texts: str) -> Path:
    path = room.folder.inbox / name
    path.mkdir()
    for stem, text in texts.items():
        (path / f"{stem}.yaml").write_text(text)
    return path


def raising(error: BaseException, name: str, real: Callable[..., object]) -> Callable[..., object]:
    """`real`, but the file called `name` makes it raise."""

    def reader(*arguments: object, **keywords: object) -> object:
        if any(name in str(argument)[:1000] for argument in arguments):
            raise error
        return real(*arguments, **keywords)

    return reader


UNFORESEEN = [
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    OverflowError("int too large"),
    UnicodeDecodeError("utf-8", b"\xff" * 10_000, 0, 1, "invalid start byte"),
    ValueError("embedded null byte"),
    KeyError("x"),
]


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_a_sidecar_that_makes_the_reader_raise_is_refused_alone(
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    monkeypatch.setattr(model, "read_sidecar", raising(error, "evil.yaml", model.read_sidecar))
    room.drop_pair("evil", "size: 64")
    room.drop_pair("good", "size: 64")
    in_folder(room, "oil", preset=PRESET, evil="size: 64")
    for name in ("evil.jpg", "cat.jpg"):
        (room.folder.inbox / "oil" / name).write_bytes(b"picture")
    room.step(8)
    for name in ("good", "oil-cat"):
        assert room.status(name)["state"] == "done"
    for name in ("evil", "oil-evil"):
        assert room.status(name)["state"] == "failed"
        assert f"evil.yaml: cannot be understood: {type(error).__name__}" in room.error(name)
    tracebacks = [record for record in caplog.records if record.exc_info]
    assert len(tracebacks) == 2


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_a_preset_that_makes_the_reader_raise_holds_its_folder_alone(
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    monkeypatch.setattr(model, "read_sidecar", raising(error, "oil/preset", model.read_sidecar))
    for name in ("oil", "ink"):
        in_folder(room, name, preset=PRESET)
        (room.folder.inbox / name / "cat.jpg").write_bytes(b"picture")
    room.step(8)
    assert room.status("ink-cat")["state"] == "done"
    status = room.status("oil-cat")
    assert status["state"] == "held"
    assert "oil/preset.yaml: cannot be understood" in status["message"]
    assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_a_batch_file_that_makes_the_reader_raise_is_refused_alone(
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    real = candidates.parse_batch
    monkeypatch.setattr(candidates, "parse_batch", raising(error, "evil.batch", real))
    room.drop("evil.batch.yaml", BATCH)
    room.drop("good.batch.yaml", BATCH)
    room.drop("fish.jpg")
    room.step(5)
    assert "evil.batch.yaml: cannot be understood" in room.error("evil")
    assert room.dispatcher.submitted[0].name == "good-fish-wave"
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_a_pattern_of_two_thousand_folders_fails_its_batch_alone(room: Room) -> None:
    room.drop("evil.batch.yaml", f"contents: '{'**/' * 2000}*.jpg'\nstyles: wave.jpg")
    room.drop_pair("good")
    room.step(5)
    assert "line 1: contents: " in room.error("evil")
    assert "expected at most 1000 characters" in room.error("evil")
    assert room.status("good")["state"] == "done"


TIMES = [
    pytest.param(-(10**9) * 3_000_000_000, id="before_1900"),
    pytest.param(-1, id="before_1970"),
    pytest.param(10**9 * 253_402_300_800, id="year_10000"),
    pytest.param(2**63 - 1, id="all_nanoseconds_of_64_bits"),
    pytest.param(10**9 * 4_000_000_000 + 999_999_999, id="far_future"),
]


@pytest.mark.parametrize("time_ns", TIMES)
def test_files_of_any_time_are_files_like_others(room: Room, time_ns: int) -> None:
    room.drop_pair("pair", "size: 64")
    room.drop("fish.jpg")
    room.drop("trip.batch.yaml", BATCH)
    room.drop("wait.content.jpg")
    room.drop("wait.cancel")
    oil = in_folder(room, "oil", preset=PRESET)
    (oil / "cat.jpg").write_bytes(b"picture")
    for path in [*room.folder.inbox.rglob("*.*"), *room.folder.styles.iterdir()]:
        try:
            os.utime(path, ns=(time_ns, time_ns))
        except OSError:
            pytest.skip("this file system has no such times")
    room.step(10)
    states = {name: room.status(name)["state"] for name in ("pair", "oil-cat", "wait")}
    assert states == {"pair": "done", "oil-cat": "done", "wait": "cancelled"}
    assert room.status("trip-fish-wave")["state"] == "done"


# --- what cannot be read -----------------------------------------------------------------------


def denied(path: Path) -> PermissionError:
    return PermissionError(errno.EACCES, "Permission denied", str(path))


def test_an_unreadable_sidecar_in_a_preset_folder_hides_its_own_job_alone(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    oil = in_folder(room, "oil", preset=PRESET, cat="size: 64")
    for name in ("cat.jpg", "dog.jpg", "cow.jpg"):
        (oil / name).write_bytes(b"picture")
    with monkeypatch.context() as patch:
        error = denied(oil / "cat.yaml")
        patch.setattr(model, "read_sidecar", raising(error, "oil/cat.yaml", model.read_sidecar))
        room.step(6)
        assert {room.status(f"oil-{name}")["state"] for name in ("dog", "cow")} == {"done"}
        status = room.status("oil-cat")
        assert status["state"] == "waiting"
        assert status["message"].startswith("oil/cat.yaml: cannot be read: Permission denied")
    room.step(5)
    assert room.status("oil-cat")["state"] == "done"
    assert room.status("oil-cat")["size"] == 64


def test_an_unreadable_sidecar_without_a_picture_may_name_any_of_its_folder(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    oil = in_folder(room, "oil", preset=PRESET, pair="content: cat.jpg\nsize: 64")
    (oil / "cat.jpg").write_bytes(b"picture")
    with monkeypatch.context() as patch:
        error = denied(oil / "pair.yaml")
        patch.setattr(model, "read_sidecar", raising(error, "oil/pair.yaml", model.read_sidecar))
        room.step(6)
        assert room.status("oil-pair")["message"].startswith("oil/pair.yaml: cannot be read")
        assert room.status("oil-cat")["message"] == ("waits until the sidecar of pair can be read")
        assert room.status("oil-cat")["state"] == "waiting"
    room.step(5)
    assert room.status("oil-pair")["state"] == "done"
    assert not (room.folder.status / "oil-cat.json").exists()


def test_an_unreadable_preset_holds_its_folder_and_says_so(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    oil = in_folder(room, "oil", preset=PRESET)
    (oil / "cat.jpg").write_bytes(b"picture")
    with monkeypatch.context() as patch:
        error = denied(oil / "preset.yaml")
        patch.setattr(model, "read_sidecar", raising(error, "preset.yaml", model.read_sidecar))
        room.drop_pair("good")
        room.step(5)
        assert room.status("good")["state"] == "done"
        status = room.status("oil-cat")
        assert (status["state"], status["message"]) == (
            "held",
            "held: oil/preset.yaml: cannot be read now: Permission denied",
        )
    room.step(5)
    assert room.status("oil-cat")["state"] == "done"


def test_an_unreadable_batch_file_waits_is_held_and_goes_on_when_it_can_be_read(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.drop("trip.batch.yaml", BATCH)
    room.drop("fish.jpg")
    with monkeypatch.context() as patch:
        error = denied(room.folder.inbox / "trip.batch.yaml")
        patch.setattr(candidates, "read_text", raising(error, "trip", candidates.read_text))
        room.step(5)
        status = room.status("trip")
        assert (status["state"], status["message"]) == (
            "waiting",
            "cannot be read now: Permission denied",
        )
        room.step(40)
        assert room.status("trip")["state"] == "held"
    room.step(5)
    assert room.status("trip-fish-wave")["state"] == "done"


def test_one_name_that_cannot_be_looked_at_does_not_hide_its_folder(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.drop_pair("good")
    room.drop("bad.content.jpg")
    real = os.scandir

    class Entry:
        def __init__(self, entry: "os.DirEntry[str]") -> None:
            self.name = entry.name
            self.stat = self._refuse if "bad" in entry.name else entry.stat

        def _refuse(self, **_: bool) -> os.stat_result:
            raise OSError(errno.ESTALE, "Stale file handle", self.name)

    class Entries:
        def __init__(self, path: Path) -> None:
            self._entries = real(path)

        def __enter__(self) -> Iterator[Entry]:
            return (Entry(entry) for entry in self._entries)

        def __exit__(self, *_: object) -> None:
            self._entries.close()

    monkeypatch.setattr("hotfolder.folder_access.os.scandir", Entries)
    room.step(4)
    assert room.status("good")["state"] == "done"
    assert any("Stale file handle" in stray for stray in room.status("server")["strays"])


def test_a_folder_called_like_a_picture_is_a_folder(room: Room) -> None:
    room.drop("x.content.jpg")
    path = in_folder(room, "x.style.jpg", preset=PRESET)
    (path / "cat.jpg").write_bytes(b"picture")
    (path / "deeper").mkdir()
    (path / "deeper" / "dog.jpg").write_bytes(b"picture")
    room.step(5)
    assert room.status("x")["message"] == "lacks a style picture (x.style.jpg)"
    assert room.status("x.style.jpg-cat")["state"] == "done"
    assert "x.style.jpg/deeper/ (a folder in a folder)" in room.status("server")["strays"]


def test_a_file_that_changes_at_every_look_says_since_when(room: Room) -> None:
    room.drop_pair("cat")
    for _ in range(3):
        room.drop("cat.content.jpg", os.urandom(8) * (os.urandom(1)[0] + 1))
        os.utime(room.folder.inbox / "cat.content.jpg", (room.clock.now, room.clock.now))
        room.step(seconds=0.7)
    assert room.status("cat")["message"] == "arriving"
    for _ in range(10):
        os.utime(room.folder.inbox / "cat.content.jpg", (room.clock.now, room.clock.now))
        room.step()
    status = room.status("cat")
    assert status["state"] == "waiting"
    assert status["message"].startswith("arriving: cat.content.jpg has been changing since 20")
    room.step(4)
    assert room.status("cat")["state"] == "done"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"9" + b" " * 100_000, id="large"),
        pytest.param(b"NaN", id="nan"),
        pytest.param(b"-1", id="negative"),
        pytest.param(b"\xb2", id="not_utf8"),
        pytest.param("\N{ARABIC-INDIC DIGIT FIVE}".encode(), id="another_digit"),
        pytest.param(b"\0", id="null"),
        pytest.param(b"", id="empty"),
    ],
)
def test_a_priority_that_is_none_is_named_and_changes_nothing(room: Room, text: bytes) -> None:
    room.dispatcher.script = starts_only
    room.drop("cat.priority", text)
    room.drop_pair("cat")
    room.step(4)
    assert room.status("cat")["priority"] == 5
    assert room.status("server")["strays"] == ["cat.priority (expected a digit in it, from 0 to 9)"]


def test_a_priority_that_cannot_be_read_is_named(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.dispatcher.script = starts_only
    path = room.drop("cat.priority", "9")
    real = control_files.open_regular
    monkeypatch.setattr(control_files, "open_regular", raising(denied(path), "cat.priority", real))
    room.drop_pair("cat")
    room.step(4)
    assert room.status("server")["strays"] == ["cat.priority (cannot be read: Permission denied)"]


def test_a_batch_whose_plan_raises_waits_alone_and_says_why(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room.drop("evil.batch.yaml", BATCH)
    room.drop("good.batch.yaml", BATCH.replace("fish", "cat"))
    room.drop("fish.jpg")
    room.drop("cat.jpg")
    real = matching.expand
    monkeypatch.setattr(matching, "expand", raising(RecursionError("deep"), "fish", real))
    room.step(20)
    assert room.status("good-cat-wave")["state"] == "done"
    status = room.status("evil")
    assert status["state"] == "waiting"
    assert status["message"] == (
        "it cannot be taken in (evil: cannot be understood: RecursionError: deep); "
        "it is tried again"
    )
    assert len([record for record in caplog.records if record.exc_info]) == 1
