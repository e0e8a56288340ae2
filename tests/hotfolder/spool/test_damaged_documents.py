"""Documents in the spool that a disk has damaged, or that another program has written."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import FakeDispatcher, Room, paints

from hotfolder.batches.publishing import BatchPublisher
from hotfolder.spool import claims

DAMAGES: dict[str, Callable[[dict[str, Any]], bytes | str]] = {
    "empty": lambda _: b"",
    "truncated": lambda document: json.dumps(document)[:-20],
    "garbage": lambda _: b"\x00\xff\xfe" * 300,
    "a_number": lambda _: "5",
    "a_list": lambda _: "[1, 2]",
    "nothing": lambda _: "null",
    "deep": lambda _: "[" * 200_000 + "]" * 200_000,
    "not_finite": lambda document: json.dumps({**document, "ran": float("nan")}),
    "too_large_a_number": lambda document: json.dumps(document).replace(
        '"ran": 0.0', '"ran": 1e999'
    ),
    "a_word_for_a_number": lambda document: json.dumps({**document, "attempt": "many"}),
    "an_end_in_the_queue": lambda document: json.dumps({**document, "outcome": {"error": "x"}}),
    "an_unknown_state": lambda document: json.dumps({**document, "state": "asleep"}),
    "an_end_at_no_time": lambda d: json.dumps(
        {**d, "state": "cancelled", "outcome": {"error": "x"}}
    ),
    "without_a_key": lambda document: json.dumps({**document, "lost": None}),
}

OF_JOBS: dict[str, Callable[[dict[str, Any]], bytes | str]] = {
    "another_protocol": lambda document: json.dumps({**document, "protocol": 2}),
    "a_job_that_is_a_number": lambda document: json.dumps({**document, "job": 5}),
    "moves_that_are_a_word": lambda document: json.dumps({**document, "moves": "all"}),
    "a_name_that_is_a_number": lambda d: json.dumps({**d, "job": {**d["job"], "name": 5}}),
    "a_name_that_is_a_path": lambda d: json.dumps({**d, "job": {**d["job"], "name": "../../x"}}),
    "the_name_of_the_heartbeat": lambda d: json.dumps({**d, "job": {**d["job"], "name": "server"}}),
    "a_name_that_hides": lambda d: json.dumps({**d, "job": {**d["job"], "name": "a\x1b[8m"}}),
    "a_name_of_half_a_letter": lambda d: json.dumps({**d, "job": {**d["job"], "name": "\ud800"}}),
    "a_source_without_a_name": lambda d: json.dumps(
        {**d, "moves": [{**step, "source": f"{step['source']}/.."} for step in d["moves"]]}
    ),
    "styles_that_are_a_word": lambda d: json.dumps({**d, "job": {**d["job"], "styles": "ab"}}),
    "settings_that_are_a_list": lambda d: json.dumps({**d, "job": {**d["job"], "settings": []}}),
    "the_id_of_another": lambda d: json.dumps({**d, "job": {**d["job"], "id": "another"}}),
}


def damage(path: Path, how: Callable[[dict[str, Any]], bytes | str]) -> None:
    damaged = how(json.loads(path.read_bytes()))
    path.write_bytes(damaged.encode() if isinstance(damaged, str) else damaged)


@pytest.mark.parametrize(
    ("file", "how"),
    [
        *(pytest.param("job.json", how, id=f"job-{name}") for name, how in DAMAGES.items()),
        *(pytest.param("job.json", how, id=f"job-{name}") for name, how in OF_JOBS.items()),
        *(pytest.param("state.json", how, id=f"state-{name}") for name, how in DAMAGES.items()),
    ],
)
def test_a_job_whose_documents_cannot_be_read_fails_in_words_and_can_be_tried_again(
    room: Room, file: str, how: Callable[[dict[str, Any]], bytes | str]
) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    room.drop_pair("cat", "size: 640")
    room.drop_pair("dog")
    room.step(3)
    folder = room.folder.spool / room.status("cat")["id"]
    damage(folder / file, how)
    room.restart()
    room.step(3)
    status = room.status("cat")
    assert (status["state"], status["folder"]) == ("failed", "failed/cat")
    assert file.removesuffix(".json") in status["message"] or "cannot be read" in status["message"]
    assert room.error("cat") == status["error"]
    assert {path.name for path in (room.folder.failed / "cat").iterdir()} == {
        *("cat.content.jpg", "cat.style.png", "cat.yaml", "error.txt")
    }
    assert room.status("dog")["state"] == "done"
    assert list(room.folder.spool.iterdir()) == []
    room.drop("cat.retry", "")
    room.step(4)
    assert (room.status("cat")["state"], room.status("cat")["size"]) == ("done", 640)


def test_a_document_of_a_gigabyte_is_not_read(room: Room) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    room.drop_pair("cat")
    room.step(3)
    with (room.folder.spool / room.status("cat")["id"] / "job.json").open("r+b") as file:
        file.truncate(1 << 30)
    room.restart()
    room.step(3)
    assert "job.json: 1073741824 bytes" in room.error("cat")


def test_a_preset_folders_job_keeps_its_name_and_is_tried_again(room: Room) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    oil = room.folder.inbox / "oil"
    oil.mkdir()
    (oil / "preset.yaml").write_text("styles: [own.jpg]\nsize: 640")
    for name in ("own.jpg", "cat.jpg"):
        (oil / name).write_bytes(b"x")
    room.step(3)
    (room.folder.spool / room.status("oil-cat")["id"] / "job.json").write_text("{")
    room.restart()
    room.step(3)
    assert room.status("oil-cat")["state"] == "failed"
    assert room.status("oil-cat")["source"] == "oil/cat"
    room.drop("oil-cat.retry", "")
    room.step(4)
    assert (room.status("oil-cat")["state"], room.status("oil-cat")["size"]) == ("done", 640)


def test_without_a_status_the_names_of_the_files_say_which_job_it_was(room: Room) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    room.drop_pair("cat")
    room.step(3)
    (room.folder.spool / room.status("cat")["id"] / "job.json").write_text("{")
    (room.folder.status / "cat.json").unlink()
    room.restart()
    room.step(3)
    assert room.status("cat")["state"] == "failed"
    assert "drop it anew" not in room.error("cat")


def test_a_folder_that_nobody_knows_is_shown_and_no_new_id_goes_by_it(room: Room) -> None:
    strange = room.folder.spool / "zzz"
    (strange / "inputs").mkdir(parents=True)
    (strange / "job.json").write_text("{}")
    (strange / "inputs" / "picture.jpg").write_bytes(b"x")
    room.drop_pair("cat")
    room.step(3)
    assert "drop it anew" in room.error("zzz")
    assert (room.folder.failed / "zzz" / "picture.jpg").exists()
    assert room.status("cat")["state"] == "done"


def drop_batch(room: Room) -> None:
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    for name in ("a.jpg", "b.jpg"):
        room.drop(name)
    room.drop("trip.batch.yaml", "contents: '*.jpg'\nstyles: wave.jpg\n")


BATCHES = {
    **{
        name: DAMAGES[name]
        for name in ("empty", "truncated", "garbage", "a_number", "a_list", "nothing", "deep")
    },
}


@pytest.mark.parametrize(
    ("file", "how"),
    [
        *(pytest.param("plan.json", how, id=f"plan-{name}") for name, how in BATCHES.items()),
        *(pytest.param("state.json", how, id=f"state-{name}") for name, how in BATCHES.items()),
        pytest.param("plan.json", lambda d: json.dumps({**d, "items": []}), id="plan-no_items"),
        pytest.param("plan.json", lambda d: json.dumps({**d, "name": "x"}), id="plan-another"),
        pytest.param("plan.json", lambda d: json.dumps({**d, "client": 5}), id="plan-client"),
        pytest.param("state.json", lambda _: '{"cancelled": [1]}', id="state-cancelled"),
        pytest.param("state.json", lambda _: '{"started": "now"}', id="state-no_time"),
        pytest.param(
            "state.json", lambda _: '{"cancelled": true, "finished": true}', id="state-no_text"
        ),
    ],
)
def test_a_batch_whose_documents_cannot_be_read_fails_in_words_with_its_files(
    room: Room, file: str, how: Callable[[dict[str, Any]], bytes | str]
) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    drop_batch(room)
    room.step(4)
    damage(room.folder.batches / "trip" / file, how)
    room.restart()
    room.step(8)
    assert room.status("trip")["state"] == "failed"
    assert "cannot be read" in room.error("trip")
    assert {path.name for path in (room.folder.failed / "trip").iterdir()} >= {
        *("a.jpg", "b.jpg", "trip.batch.yaml", "error.txt")
    }
    assert not (room.folder.batches / "trip").exists()
    assert list(room.folder.spool.iterdir()) == []


@pytest.mark.parametrize(
    "line", [b"{", b"5", b'{"item": "x"}', b'{"item": 77, "state": "done"}', b"[" * 100_000]
)
def test_a_damaged_line_of_ends_hides_no_other(
    room: Room, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(BatchPublisher, "_sheet_is_made", lambda *_: True)
    room.dispatcher = FakeDispatcher(capacity=0)
    drop_batch(room)
    room.step(4)
    end = b'{"item": 0, "state": "failed", "reason": "no picture"}'
    (room.folder.batches / "trip" / "ends.jsonl").write_bytes(line + b"\n" + end + b"\n")
    for job in room.folder.spool.iterdir():
        shutil.rmtree(job)
    room.restart(paints)
    room.step(8)
    assert [job.source for job in room.dispatcher.submitted] == ["trip.batch/1"]
    assert room.status("trip")["state"] == "failed"
    assert "no picture" in room.status("trip")["error"]


def test_a_job_that_cannot_be_taken_up_now_is_shown_with_the_reason_until_it_can(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    room.drop_pair("cat")
    room.drop_pair("dog")
    room.step(3)
    broken = room.status("cat")["id"]
    real = claims.read_json

    def unreadable(path: Path) -> Any:
        if path.parent.name == broken:
            raise OSError(errno.EIO, "Input/output error", str(path))
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(claims, "read_json", unreadable)
        room.restart()
        room.step(4)
        assert room.status("dog")["state"] == "done"
        assert room.status("cat")["state"] == "queued"
        message = "cannot be taken up: job.json: Input/output error; it is tried again"
        assert room.status("cat")["message"] == message
        strays = room.status("server")["strays"]
        assert f"{broken} (cannot be taken up: job.json: Input/output error)" in strays
    room.step(8)
    assert room.status("cat")["state"] == "done"


def test_what_is_left_of_a_job_that_has_ended_does_not_make_it_live_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder cannot be removed, nor even be looked into."""

    def refused(*_: Any) -> Any:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("hotfolder.folder_access.remove_tree", refused)
    room.drop_pair("cat")
    room.step(3)
    monkeypatch.setattr(claims, "remove_leftovers", refused)
    room.step(8)
    assert len(list(room.folder.spool.iterdir())) == 1
    assert room.status("cat")["state"] == "done"
    monkeypatch.undo()
    room.step(8)
    assert list(room.folder.spool.iterdir()) == []
    assert room.status("cat")["state"] == "done"


def test_a_folder_that_cannot_be_taken_up_and_is_then_removed_is_forgotten(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    room.drop_pair("cat")
    room.step(3)
    folder = room.folder.spool / room.status("cat")["id"]

    def unreadable(path: Path) -> Any:
        raise OSError(errno.EIO, "Input/output error", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(claims, "read_json", unreadable)
        room.restart()
        room.step(3)
    assert "Input/output error" in room.status("cat")["message"]
    shutil.rmtree(folder)
    room.step(30)
    assert not (room.folder.status / "cat.json").exists()
    server = json.loads((room.folder.status / "server.json").read_text())
    assert server["strays"] == []


@pytest.mark.parametrize("name", ["server", "x\x1b[31m", "bro\udcffken"])
def test_no_status_that_somebody_has_written_gives_a_job_a_name_that_none_can_have(
    room: Room, name: str
) -> None:
    room.dispatcher = FakeDispatcher(capacity=0)
    room.drop_pair("cat")
    room.step(3)
    job_id = room.status("cat")["id"]
    (room.folder.spool / job_id / "job.json").write_bytes(b"")
    (room.folder.status / "cat.json").unlink()
    forged = {"id": job_id, "source": "cat", "state": "queued"}
    (room.folder.status / f"{name}.json").write_text(json.dumps(forged))
    (room.folder.status / "list.json").write_text(json.dumps({**forged, "state": ["queued"]}))
    room.restart()
    room.step(3)
    assert room.status("cat")["state"] == "failed"


def test_files_in_a_folder_of_the_queue_without_its_plan_stay_and_are_named(room: Room) -> None:
    folder = room.folder.spool / "20200101-000000-000000-0000"
    (folder / "inputs").mkdir(parents=True)
    (folder / "inputs" / "cat.jpg").write_bytes(b"somebody's")
    room.restart()
    room.step(3)
    assert (folder / "inputs" / "cat.jpg").read_bytes() == b"somebody's"
    (stray,) = room.status("server")["strays"]
    assert "job.json is missing, and files are in inputs/" in stray
    (folder / "inputs" / "cat.jpg").unlink()
    room.step(4, seconds=10)
    assert not folder.exists()
    assert room.status("server")["strays"] == []


def job_with_a_link_for_its_inputs(room: Room, target: Path) -> Path:
    room.dispatcher = FakeDispatcher(capacity=0)
    room.drop_pair("cat")
    room.step(3)
    folder = room.folder.spool / str(room.status("cat")["id"])
    (folder / "inputs").rename(target)
    (folder / "inputs").symlink_to(target)
    return folder


def test_a_damaged_job_in_whose_folder_a_link_lies_for_its_inputs_fails_in_words(
    room: Room, tmp_path: Path
) -> None:
    folder = job_with_a_link_for_its_inputs(room, tmp_path / "theirs")
    (folder / "job.json").write_text("[]")
    room.restart()
    room.step(4)
    assert room.status("cat")["state"] == "failed"
    assert "drop it anew" in room.error("cat")
    assert not folder.exists()
    assert len(list((tmp_path / "theirs").iterdir())) == 2


def test_what_cannot_be_taken_up_for_long_is_logged_once(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    folder = room.folder.spool / "20200101-000000-000000-0000"
    (folder / "inputs").mkdir(parents=True)
    (folder / "inputs" / "cat.jpg").write_bytes(b"somebody's")
    room.restart()
    room.step(8, seconds=10)
    assert caplog.text.count("cannot be taken up yet") == 1


def test_a_half_claimed_job_in_whose_folder_a_link_lies_for_its_inputs_fails_in_words(
    room: Room, tmp_path: Path
) -> None:
    folder = job_with_a_link_for_its_inputs(room, tmp_path / "theirs")
    (folder / "state.json").unlink()
    room.restart()
    room.step(4)
    assert room.status("cat")["state"] == "failed"
    assert "vanished" in room.error("cat")
    assert len(list((tmp_path / "theirs").iterdir())) == 2


def test_files_in_a_batchs_folder_without_its_plan_stay_and_are_named(room: Room) -> None:
    inputs = room.folder.batches / "trip" / "inputs"
    inputs.mkdir(parents=True)
    (inputs / "cat.jpg").write_bytes(b"somebody's")
    room.restart()
    room.step(3)
    assert (inputs / "cat.jpg").read_bytes() == b"somebody's"
    (stray,) = room.status("server")["strays"]
    assert stray.startswith("trip (cannot be taken up: trip: plan.json is missing")
