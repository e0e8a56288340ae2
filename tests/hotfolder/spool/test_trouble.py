"""Daemons that are killed, full disks, places that cannot be written: what must not be lost."""

import errno
from pathlib import Path
from typing import Any

import pytest
from support import Room, fails, paints, starts_only

from benchmarks.reliability.folder.rights import ordinary_rights
from hotfolder.atomic_files import write_json


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_killed_daemons_jobs_are_finished_after_the_restart(room: Room, state: str) -> None:
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    if state == "queued":
        room.drop_pair("ant")
    room.step(3)
    assert room.status("cat")["state"] == state
    room.restart()
    room.step(3)
    assert room.status("cat")["state"] == "done"
    assert {path.name for path in room.folder.outbox.glob("cat*")} == {"cat.png", "cat.result.yaml"}


class Killed(BaseException):
    """Stands for a SIGKILL at this instruction."""


def test_an_input_that_vanished_in_a_half_claim_fails_in_words(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.drop_pair("cat")

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.spool.claims.move", killed)
        with pytest.raises(Killed):
            room.step(2)
    (room.folder.inbox / "cat.content.jpg").unlink()
    room.restart()
    room.step(2)
    assert "cat.content.jpg: vanished" in room.error("cat")
    assert (room.folder.failed / "cat" / "cat.style.png").exists()


def test_an_unreadable_job_folder_is_shown_to_a_person(room: Room) -> None:
    broken = room.folder.spool / "20260101-000000-000000-dead"
    broken.mkdir()
    (broken / "job.json").write_text("{")
    room.drop_pair("cat")
    room.step(3)
    assert "job.json" in room.error(broken.name)
    assert room.status(broken.name)["state"] == "failed"
    assert room.status("cat")["state"] == "done"


def test_a_full_disk_at_the_claim_loses_nothing_and_is_tried_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    room.drop_pair("cat")
    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.spool.claims.write_json", full)
        room.step(2)
        assert room.tree() == {"inbox/cat.content.jpg", "inbox/cat.style.png"}
        assert list(room.folder.spool.iterdir()) == []
        assert "tried again" in room.status("cat")["message"]
    room.step(5)
    assert room.status("cat")["state"] == "done"


def test_a_claim_that_fails_half_way_puts_the_files_back(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotfolder.spool import claims

    real = claims.move

    def once(source: Path, target: Path, *seen: Any) -> None:
        if source.name == "cat.style.png":
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, target, *seen)

    room.drop_pair("cat")
    monkeypatch.setattr(claims, "move", once)
    room.step(2)
    assert room.tree() == {"inbox/cat.content.jpg", "inbox/cat.style.png"}


def test_an_unwritable_outbox_keeps_the_result_until_it_is_writable(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    room.drop_pair("cat")
    with monkeypatch.context() as patch:
        patch.setattr("hotfolder.atomic_files.publish", refused)
        room.step(3)
        assert "Read-only file system" in room.status("cat")["message"]
        assert not (room.folder.outbox / "cat.png").exists()
    room.step(5)
    assert room.status("cat")["state"] == "done"
    assert len(room.dispatcher.submitted) == 1


def test_an_unwritable_status_does_not_stop_the_work(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.drop_pair("cat")
    room.step()
    real = write_json

    def refused(path: Path, document: Any, **keywords: Any) -> None:
        if path.name == "server.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, document, **keywords)

    monkeypatch.setattr("hotfolder.outbox.status_files.write_json", refused)
    room.step(4)
    assert (room.folder.outbox / "cat.png").exists()


def test_an_inbox_out_of_reach_is_not_an_empty_one(room: Room) -> None:
    room.drop("cat.content.jpg")
    room.step(2)
    away = room.folder.inbox.rename(room.folder.root / "away")
    room.step(3)
    assert room.status("cat")["state"] == "waiting"
    away.rename(room.folder.inbox)
    room.drop("cat.style.png")
    room.step(6)
    assert room.status("cat")["state"] == "done"


@pytest.mark.parametrize("place", ["inbox", "inbox/oil", "outbox", "done", "failed"])
def test_a_folder_that_cannot_be_written_to_is_named_in_the_status(room: Room, place: str) -> None:
    folder = room.folder.root / place
    folder.mkdir(exist_ok=True)
    below = place.removeprefix("inbox").strip("/") if place.startswith("inbox") else ""
    room.dispatcher.script = fails if place == "failed" else paints
    for kind in ("content.jpg", "style.png"):
        room.drop(f"{below}/cat.{kind}".lstrip("/"))
    folder.chmod(0o555)
    try:
        with ordinary_rights():
            room.step(4)
            status = room.status("oil-cat" if below else "cat")
            assert f"{place}/ cannot be written to: Permission denied" in status["message"]
    finally:
        folder.chmod(0o755)
    room.step(4, seconds=10)
    assert room.status(status["name"])["state"] == ("failed" if place == "failed" else "done")
