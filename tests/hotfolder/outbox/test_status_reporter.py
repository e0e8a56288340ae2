"""What the status of a job says, and when it is written."""

import errno
import json
import logging
import math
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from pydantic_core import from_json
from support import Room, progress, starts_only

from hotfolder.config.logs import TextFormatter
from hotfolder.inbox import folder_scanner
from hotfolder.job import Job
from hotfolder.outbox.status_reporter import REFRESHED
from hotfolder.spool.spool import Spool
from hotfolder.workers.events import Event, Progress, Started, WorkerLost
from plugin.client._status import MAX_DOCUMENT_BYTES, parse_status


def states(room: Room, name: str) -> list[str]:
    """Those written for a job, without repetitions."""
    written = [str(status["state"]) for status in room.heard if status["name"] == name]
    return [
        state for state, before in zip(written, ["", *written], strict=False) if state != before
    ]


def test_a_job_is_shown_in_the_queue_before_it_runs_and_its_end_comes_last(room: Room) -> None:
    room.drop_pair("cat")
    room.step(6)
    assert states(room, "cat") == ["waiting", "queued", "running", "done"]


def test_a_job_whose_worker_was_lost_waits_without_the_progress_of_that_attempt(room: Room) -> None:
    def is_lost_half_way(job: Job) -> Iterator[Event]:
        yield Started(job.id, "fake")
        preview = room.folder.spool / job.id / "preview.jpg"
        preview.write_bytes(b"a preview")
        yield progress(job, preview=str(preview))
        yield WorkerLost(job.id, "the worker was ended by SIGKILL")

    def starts_without_progress(job: Job) -> Iterator[Event]:
        yield Started(job.id, "fake")

    room.dispatcher.script = is_lost_half_way
    room.drop_pair("cat")
    room.step(2)
    status = room.status("cat")
    assert (status["state"], status["position"]) == ("queued", 1)
    assert "its worker was lost; attempt 2 after a pause" in status["message"]
    assert (status["step"], status["device"], status["preview"]) == (None, None, None)
    room.dispatcher.script = starts_without_progress
    room.step(5)
    status = room.status("cat")
    assert (status["state"], status["attempt"], status["step"]) == ("running", 2, None)
    assert not (room.folder.status / "cat.preview.jpg").exists()


def test_a_published_job_that_cannot_leave_the_spool_yet_has_ended_for_its_readers(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    room.drop_pair("cat")
    with monkeypatch.context() as patch:
        patch.setattr(Spool, "remove", refused)
        room.step(8)
        assert (room.status("cat")["state"], room.status("cat")["message"]) == ("done", "done")
    room.step(5)
    assert states(room, "cat")[-2:] == ["running", "done"]
    assert room.status("cat")["losses"] is not None
    assert list(room.folder.spool.iterdir()) == []


def test_what_runs_and_the_first_that_wait_are_written_again_and_again(room: Room) -> None:
    room.dispatcher.script = starts_only
    names = [f"job{number:02}" for number in range(REFRESHED + 5)]
    for name in names:
        room.drop_pair(name)
    room.step(3)
    room.heard.clear()
    room.step(4)
    counts = {name: sum(each["name"] == name for each in room.heard) for name in names}
    assert set(counts.values()) == {0, 4}
    assert [name for name, count in counts.items() if count] == names[: REFRESHED + 1]


HOSTILE = {
    "many_problems": "\n".join(f"{'名' * 9}{n}: 1" for n in range(1900)),
    "a_long_name_of_weights": f"weights: {'名' * 20_000}",
    "a_long_value": f"preset: '{'x' * 60_000}'",
    "a_long_tag": f"size: !{'x' * 60_000} 1",
    "many_styles": f"styles: [{', '.join(['😀' * 60 + '.jpg'] * 64)}]",
    "many_problems_of_pictures": f"styles: [{', '.join(['a'] * 9000)}]",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_sidecar_makes_a_status_that_clients_cannot_read(
    room: Room, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(text.encode()) <= 64 * 1024
    caplog.set_level(logging.INFO)
    room.drop_pair("cat", text)
    room.step(4)
    room.step(1, seconds=3600)
    room.step(3)
    for name in ("cat", "server"):
        assert (room.folder.status / f"{name}.json").stat().st_size < MAX_DOCUMENT_BYTES // 2
    assert len(room.status("cat")["message"]) < 3000
    for error in room.folder.failed.rglob("error.txt"):
        assert error.stat().st_size < 100_000
    assert all(len(TextFormatter().format(record)) < 10_000 for record in caplog.records)


def test_what_was_cut_off_is_said(room: Room) -> None:
    room.drop_pair("cat", f"? {'x' * 30_000}\n: 1")
    room.step(4)
    status = room.status("cat")
    assert status["message"].endswith("more characters)")
    assert "more characters)" in status["error"]
    assert "more characters)" in room.error("cat")


def test_a_thousand_missing_styles_are_counted(room: Room) -> None:
    room.drop("cat.content.jpg")
    room.drop("cat.style999.jpg")
    room.step(3)
    message = room.status("cat")["message"]
    assert message.startswith("lacks a style picture (cat.style.jpg); a style picture (cat.style2")
    assert message.endswith("; 978 more")
    assert len(message) < 1500


@pytest.mark.parametrize("kind", ["yaml", "batch.yaml"])
def test_a_message_is_one_line_that_steers_no_terminal(room: Room, kind: str) -> None:
    """Whatever names a sidecar or a batch asks for."""
    content = "contents" if kind == "batch.yaml" else "content"
    room.drop(f"cat.{kind}", f'{content}: "a\\nb.jpg"\nstyles: ["\\e[2J.jpg"]\n')
    room.step(4)
    message = room.status("cat")["message"]
    assert message.isprintable()
    assert "a\\nb.jpg" in message
    assert "\\x1b[2J.jpg" in message


def test_a_number_that_json_does_not_know_is_null_in_a_status(room: Room) -> None:
    def diverges(job: Job) -> Iterator[Event]:
        yield Started(job.id, "fake")
        yield Progress(job.id, 1, 2, 3, 10, 0.25, {"total": math.inf}, 1.0, math.nan, None)

    def refuse(word: str) -> NoReturn:
        raise ValueError(word)

    room.dispatcher.script = diverges
    room.drop_pair("cat")
    room.step(3)
    text = (room.folder.status / "cat.json").read_text()
    status = json.loads(text, parse_constant=refuse)
    assert (status["losses"], status["eta_seconds"]) == ({"total": None}, None)
    assert [parse_status("cat", status).state] == ["running"]


def test_the_heartbeat_is_json_for_everybody_whatever_a_folder_is_called(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    (room.folder.inbox / "\udcff").mkdir()
    real = folder_scanner.FolderScanner.steps

    def refused(scanner: folder_scanner.FolderScanner, *arguments: Any) -> Any:
        if scanner._folder == "\udcff":
            raise OSError(errno.EIO, "Input/output error")
        return real(scanner, *arguments)

    monkeypatch.setattr(folder_scanner.FolderScanner, "steps", refused)
    room.step(2)
    text = (room.folder.status / "server.json").read_text()
    assert from_json(text)["strays"] == ["\\udcff/ (Input/output error)"]
