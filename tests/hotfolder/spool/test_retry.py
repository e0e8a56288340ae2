"""Failed jobs that are tried again: out of failed/, with all they had, under their name."""

import contextlib
import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import Room, fails, paints, starts_only

from hotfolder.outbox import originals, publisher


def again(room: Room, *names: str, steps: int = 4) -> None:
    for name in names:
        room.drop(f"{name}.retry", "")
    room.step(steps)


def fail(room: Room, steps: int = 4) -> None:
    room.dispatcher.script = fails
    room.step(steps)
    room.dispatcher.script = paints


def test_a_failed_job_is_tried_again_with_its_settings_and_under_its_name(room: Room) -> None:
    room.drop_pair("cat", "size: 640\npriority: 7\nclient: {window: 3}")
    fail(room)
    assert room.status("cat")["state"] == "failed"
    again(room, "cat")
    status = room.status("cat")
    assert (status["state"], status["size"], status["client"]) == ("done", 640, {"window": 3})
    assert room.dispatcher.submitted[-1].options.priority == 7
    assert list(room.folder.failed.iterdir()) == []
    assert list(room.folder.inbox.iterdir()) == []
    assert (room.folder.root / status["folder"] / "cat.content.jpg").exists()


def test_a_job_called_preset_is_tried_again_as_any_other(room: Room) -> None:
    room.drop_pair("preset", "size: 640")
    fail(room)
    again(room, "preset")
    assert (room.status("preset")["state"], room.status("preset")["size"]) == ("done", 640)
    room.drop("preset.yaml", "content: cat.jpg\nstyles: cup.jpg\nsize: 320")
    for name in ("cat.jpg", "cup.jpg"):
        room.drop(name)
    fail(room)
    again(room, "preset")
    assert (room.status("preset")["state"], room.status("preset")["size"]) == ("done", 320)
    assert list(room.folder.failed.iterdir()) == []


def test_a_mended_sidecar_is_read_again(room: Room) -> None:
    room.drop_pair("cat", "siez: 640")
    room.step(4)
    assert "`impasto retry cat` tries again" in room.error("cat")
    (room.folder.failed / "cat/cat.yaml").write_text("size: 640")
    again(room, "cat")
    assert (room.status("cat")["state"], room.status("cat")["size"]) == ("done", 640)


BROKEN = {
    "tab": b"content: p.jpg\nstyles:\n\t- own.jpg\n",
    "twice": b"content: p.jpg\ncontent: p.jpg\nstyles: own.jpg\n",
    "utf16": "content: p.jpg\nstyles: own.jpg\n".encode("utf-16"),
    "curly_quotes": "content: \u201cp.jpg\u201d\nstyles: [own.jpg]\n".encode(),
    "windows_path": b"content: C:\\photos\\p.jpg\nstyles: own.jpg\n",
    "no_suffix": b"content: p.jpg\nstyles: [own.jpg, night]\n",
    "a_list": b"- content: p.jpg\n- styles: [own.jpg]\n",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("mended_in", ["failed", "inbox"])
def test_a_job_with_a_broken_sidecar_fails_as_a_whole_and_is_painted_when_that_is_mended(
    room: Room, broken: bytes, mended_in: str
) -> None:
    for name in ("p.jpg", "own.jpg", "other.jpg"):
        room.drop(name)
    room.drop("p.yaml", broken)
    room.step(3)
    room.step(3, seconds=61)
    failed = room.folder.failed / "p"
    assert {path.name for path in failed.iterdir()} == {"p.jpg", "own.jpg", "p.yaml", "error.txt"}
    mended = room.folder.inbox if mended_in == "inbox" else failed
    (mended / "p.yaml").write_text("content: p.jpg\nstyles: [own.jpg]\nsize: 320")
    room.step(2)
    again(room, "p")
    assert (room.status("p")["state"], room.status("p")["size"]) == ("done", 320)
    assert list(room.folder.failed.iterdir()) == []
    assert [path.name for path in room.folder.inbox.iterdir()] == ["other.jpg"]
    kept = {path.name for path in room.folder.done.glob("*/p/*") if path.name[0] != "."}
    assert kept == {"p.jpg", "own.jpg", "p.yaml"} | (
        {"p.yaml.old"} if mended_in == "inbox" else set()
    )


def test_a_broken_sidecar_takes_no_picture_of_another_job_away(room: Room) -> None:
    room.drop("p.yaml", "content: p.jpg\nstyles:\n\t- cat.jpg\n")
    room.drop("q.yaml", "content: q.jpg\nstyles: cat.jpg\n")
    for name in ("p.jpg", "q.jpg", "cat.jpg"):
        room.drop(name)
    room.step(3)
    room.step(3, seconds=61)
    assert (room.status("p")["state"], room.status("q")["state"]) == ("failed", "done")
    assert (room.folder.failed / "p" / "cat.jpg").exists()


def test_what_fails_again_lies_in_failed_again_with_the_new_error(room: Room) -> None:
    room.drop_pair("cat", "siez: 640")
    room.step(4)
    (room.folder.failed / "cat/cat.yaml").write_text("steps: many")
    again(room, "cat")
    assert "steps: 'many'" in room.error("cat")
    assert [path.name for path in room.folder.failed.iterdir()] == ["cat"]
    (room.folder.failed / "cat/cat.style.png").unlink()
    (room.folder.failed / "cat/cat.yaml").unlink()
    again(room, "cat")
    assert "lacks a style picture (cat.style.jpg)" in room.error("cat")
    assert (room.folder.failed / "cat/cat.content.jpg").exists()


def test_a_second_failure_of_a_name_keeps_the_folders_name(room: Room) -> None:
    for _ in range(2):
        room.drop_pair("cat")
        fail(room)
    again(room, "cat-2")
    assert (room.status("cat-2")["state"], room.status("cat")["state"]) == ("done", "failed")
    again(room, "cat")
    assert room.status("cat")["state"] == "done"


def test_a_preset_folders_picture_is_tried_again_with_its_preset(room: Room) -> None:
    oil = room.folder.inbox / "oil"
    oil.mkdir()
    (oil / "preset.yaml").write_text("styles: [own.jpg]\nsize: 640")
    for name in ("own.jpg", "cat.jpg", "dog.jpg"):
        (oil / name).write_bytes(b"x")
    fail(room, 6)
    for path in oil.iterdir():
        path.unlink()
    again(room, "oil-cat", "oil-dog", steps=6)
    for name in ("oil-cat", "oil-dog"):
        assert (room.status(name)["state"], room.status(name)["size"]) == ("done", 640)
    assert room.dispatcher.submitted[-1].styles == ("own.jpg",)
    assert list(room.folder.failed.iterdir()) == []


def test_a_shared_picture_is_there_for_the_next_attempt(room: Room) -> None:
    room.drop("cat.jpg")
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    for name in "ab":
        room.drop(f"{name}.yaml", "content: cat.jpg\nstyles: wave.jpg")
    fail(room, 8)
    assert [room.status(name)["state"] for name in "ab"] == ["failed", "failed"]
    again(room, "a", "b", steps=8)
    assert [room.status(name)["state"] for name in "ab"] == ["done", "done"]
    assert list(room.folder.failed.iterdir()) == []


def test_a_retry_that_was_asked_for_while_the_server_was_down_is_heard(room: Room) -> None:
    room.drop_pair("cat")
    fail(room)
    room.drop("cat.retry", "")
    room.restart()
    room.step(4)
    assert room.status("cat")["state"] == "done"


def test_a_retry_of_nothing_is_removed(room: Room, tmp_path: Path) -> None:
    (tmp_path / "cat.content.jpg").write_bytes(b"x")
    (tmp_path / "cat.style.jpg").write_bytes(b"x")
    (room.folder.failed / "elsewhere").symlink_to(tmp_path)
    again(room, "nobody", "elsewhere")
    assert list(room.folder.inbox.iterdir()) == []
    assert room.dispatcher.submitted == []
    assert (tmp_path / "cat.content.jpg").exists()


def test_another_job_of_the_same_name_is_not_disturbed(room: Room) -> None:
    room.drop_pair("cat")
    fail(room)
    room.dispatcher.script = starts_only
    room.drop_pair("cat")
    room.step(3)
    again(room, "cat")
    assert room.status("cat")["state"] == "running"
    assert room.status("cat-2")["state"] == "queued"


def test_a_job_that_failed_without_a_sidecar_is_tried_again_with_one_of_its_name(
    room: Room,
) -> None:
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    (room.folder.inbox / "oil").mkdir()
    room.drop("oil/preset.yaml", "styles: wave.jpg")
    room.drop("oil/cat.jpg")
    fail(room)
    room.drop("oil-cat.yaml", "size: 640")
    room.step(2)
    again(room, "oil-cat")
    assert (room.status("oil-cat")["state"], room.status("oil-cat")["size"]) == ("done", 640)
    assert list(room.folder.failed.iterdir()) == []


@pytest.mark.parametrize("lasting", ["content", "style", "error"])
def test_a_job_of_which_only_a_part_is_in_failed_is_tried_again_as_a_whole(
    room: Room, monkeypatch: pytest.MonkeyPatch, lasting: str
) -> None:
    def full(function: Callable[..., None]) -> Callable[..., None]:
        def refuses(source: Path, *rest: Any) -> None:
            if lasting in source.name:
                raise OSError(errno.ENOSPC, "No space left on device", str(source))
            function(source, *rest)

        return refuses

    room.drop_pair("cat", "size: 640")
    with monkeypatch.context() as patch:
        patch.setattr(originals, "move", full(originals.move))
        patch.setattr(publisher, "write_whole", full(publisher.write_whole))
        fail(room)
        again(room, "cat")
        assert room.dispatcher.submitted[1:] == []
    room.step(12)
    status = room.status("cat")
    assert (status["state"], status["size"]) == ("done", 640)
    assert list(room.folder.failed.iterdir()) == []
    assert list(room.folder.inbox.iterdir()) == []
    assert {path.stem for path in room.folder.status.glob("cat*.json")} == {"cat"}


@pytest.mark.parametrize("function", ["move", "rename"])
def test_a_sidecar_that_cannot_be_put_to_its_failed_job_is_waited_for(
    room: Room, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    room.drop_pair("cat", "size: 320")
    fail(room)
    room.drop("cat.yaml", "size: 640")
    room.step(2)

    def refused(source: Path, _: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(source))

    with monkeypatch.context() as patch:
        patch.setattr(f"hotfolder.inbox.scanner.{function}", refused)
        room.drop("cat.retry")
        room.step(8)
        assert len(room.dispatcher.submitted) == 1
        assert room.status("cat")["state"] in ("waiting", "held")
        assert "failed/cat/: Permission denied; it is tried again" in room.status("cat")["message"]
    room.dispatcher.script = paints
    room.step(4)
    assert (room.status("cat")["state"], room.status("cat")["size"]) == ("done", 640)
    assert list(room.folder.failed.iterdir()) == []


def test_a_persons_own_old_file_is_not_taken_for_a_sidecar_that_was_replaced(room: Room) -> None:
    room.drop_pair("cat")
    fail(room)
    (room.folder.failed / "cat/notes.old").write_text("why?")
    room.drop("cat.yaml", "size: 640")
    room.step(2)
    again(room, "cat")
    assert (room.status("cat")["state"], room.status("cat")["size"]) == ("done", 640)
    assert [path.name for path in (room.folder.failed / "cat").iterdir()] == ["notes.old"]


def test_a_persons_own_files_stay_in_the_failed_folder(room: Room) -> None:
    room.drop_pair("cat")
    fail(room)
    (room.folder.failed / "cat/notes.txt").write_text("why?")
    again(room, "cat")
    assert [path.name for path in (room.folder.failed / "cat").iterdir()] == ["notes.txt"]


def test_a_crowd_of_retries_is_claimed_by_and_by(room: Room) -> None:
    room.settings["claim_limit"] = 2
    names = [f"job{number}" for number in range(7)]
    for name in names:
        room.drop_pair(name)
    fail(room, 20)
    room.dispatcher.script = starts_only
    again(room, *names)
    assert len(list(room.folder.spool.iterdir())) <= 4
    room.restart()
    room.step(30)
    assert [room.status(name)["state"] for name in names] == ["done"] * 7


class Killed(BaseException):
    """Stands for a SIGKILL at this instruction."""


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_daemon_killed_in_a_retry_finishes_it_exactly_once(
    room: Room, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    from hotfolder.inbox.scanner import InboxScanner
    from hotfolder.spool import claims

    real = {
        "move": claims.move,
        "write_json": claims.write_json,
        "clear": InboxScanner.clear_failed,
    }
    for fatal in range(1, 12):
        name = f"job{fatal}"
        room.drop_pair(name, "size: 640")
        room.restart(fails)
        room.step(4)
        room.restart()
        room.drop(f"{name}.retry", "")
        calls = 0

        def dying(what: str, fatal: int = fatal) -> object:
            def call(*arguments: object, **keywords: object) -> object:
                nonlocal calls
                calls += 1
                if calls == fatal and before:
                    raise Killed
                result = real[what](*arguments, **keywords)  # type: ignore[operator]
                if calls == fatal:
                    raise Killed
                return result

            return call

        with monkeypatch.context() as patch:
            patch.setattr(claims, "move", dying("move"))
            patch.setattr(claims, "write_json", dying("write_json"))
            patch.setattr(InboxScanner, "clear_failed", dying("clear"))
            with contextlib.suppress(Killed):
                room.step(4)
        room.restart()
        room.step(4)
        assert (room.status(name)["state"], room.status(name)["size"]) == ("done", 640), fatal
        assert len(list(room.folder.outbox.glob(f"{name}*.png"))) == 1, fatal
        assert len(list(room.folder.root.rglob(f"{name}.content.jpg"))) == 1, fatal
        assert list(room.folder.failed.iterdir()) == [], fatal
        assert list(room.folder.inbox.iterdir()) == [], fatal


def test_a_daemon_killed_while_a_new_sidecar_takes_its_place_finishes_the_retry(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hotfolder.inbox import scanner

    oil = room.folder.inbox / "oil"
    oil.mkdir()
    (oil / "preset.yaml").write_text("styles: [wave.jpg]")
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    for name, function in (("a", "rename"), ("b", "move")):
        (oil / f"{name}.jpg").write_bytes(b"x")
        (oil / f"{name}.yaml").write_text("siez: 320")
        room.restart()
        room.step(4)
        assert room.status(f"oil-{name}")["state"] == "failed"
        room.drop(f"oil-{name}.yaml", "size: 320")
        room.step(2)
        room.drop(f"oil-{name}.retry", "")
        real = getattr(scanner, function)

        def dying(*arguments: object, real: Callable[..., None] = real) -> None:
            real(*arguments)
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(scanner, function, dying)
            with contextlib.suppress(Killed):
                room.step(2)
        room.restart()
        room.step(5)
        status = room.status(f"oil-{name}")
        assert (status["state"], status["size"]) == ("done", 320)
        assert list(room.folder.failed.iterdir()) == []
        kept = {path.name for path in (room.folder.root / status["folder"]).iterdir()}
        assert {f"{name}.jpg", f"{name}.yaml", f"{name}.yaml.old"} <= kept


def test_sidecar_after_sidecar_may_be_tried(room: Room) -> None:
    room.drop_pair("p", "siez: 1")
    room.step(4)
    for text in ("steps: many", "size: big", "size: 320"):
        room.drop("p.yaml", text)
        again(room, "p", steps=6)
    assert (room.status("p")["state"], room.status("p")["size"]) == ("done", 320)
    assert list(room.folder.failed.iterdir()) == []
    assert list(room.folder.inbox.iterdir()) == []
    texts = {path.read_text() for path in room.folder.done.glob("*/p/*") if "yaml" in path.name}
    assert texts >= {"siez: 1", "steps: many", "size: big", "size: 320"}
