"""Names that Linux and macOS have and Windows has not: their jobs get the nearest that all have."""

from pathlib import Path

import pytest
from support import Room, fails

from hotfolder.cli.main import main
from hotfolder.errors import ExitCode
from plugin.client.protocol import portable_name

ODD = ["CON", "nul.2026", "a:b", "what?", "cat.", "COM1", "com\N{SUPERSCRIPT TWO}", "a\\b"]


@pytest.mark.parametrize("name", ODD)
def test_a_job_is_painted_under_the_nearest_portable_name(room: Room, name: str) -> None:
    room.drop_pair(name)
    room.step(3)
    job = portable_name(name)
    assert room.status(job)["state"] == "done"
    assert room.status(job)["source"] == name
    made = {each for each in room.tree() if not each.startswith("done/")}
    assert made == {f"outbox/{job}.png", f"outbox/{job}.result.yaml"}
    (originals,) = room.folder.done.glob(f"*/{job}")
    assert {path.name for path in originals.glob("[!.]*")} == {
        *(f"{name}.content.jpg", f"{name}.style.png")
    }


def test_it_keeps_that_name_while_it_waits_fails_and_is_tried_again(room: Room) -> None:
    room.drop("a:b.content.jpg")
    room.step(3)
    assert room.status("a-b")["state"] == "waiting"
    room.dispatcher.script = fails
    room.drop("a:b.style.jpg")
    room.step(3)
    assert room.status("a-b")["state"] == "failed"
    assert "not a picture" in room.error("a-b")
    room.restart()
    room.drop("a-b.retry")
    room.step(3)
    assert room.status("a-b")["state"] == "done"


def test_two_that_come_to_one_name_are_told_apart(room: Room) -> None:
    room.drop_pair("a:b")
    room.drop_pair("a?b")
    room.drop_pair("a-b")
    room.step(6)
    names = sorted(path.name for path in room.folder.outbox.glob("*.png"))
    assert names == ["a-b-2.png", "a-b-3.png", "a-b.png"]
    sources = {room.status(name.removesuffix(".png"))["source"] for name in names}
    assert sources == {"a:b", "a?b", "a-b"}


def test_of_preset_folders_and_batches_every_name_is_portable(room: Room) -> None:
    (room.folder.inbox / "aux").mkdir()
    room.drop("aux/preset.yaml", "styles: [night.jpg]")
    (room.folder.styles / "night.jpg").write_bytes(b"a style")
    room.drop("aux/what?.jpg")
    room.drop("con.batch.yaml", 'contents: ["q*.jpg"]\nstyles: [night.jpg]')
    room.drop("q<1.jpg")
    room.step(20)
    room.daemon._batches.close()
    assert {path.name for path in room.folder.status.glob("*.json")} - {"server.json"} == {
        *("aux-what-.json", "con-job.json", "con-job-q-1-night.json")
    }
    for path in room.folder.outbox.iterdir():
        assert portable_name(path.name) == path.name


def test_a_painting_is_refused_a_name_that_not_every_platform_can_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"a picture")
    assert main(["stylise", "a.jpg", "b.jpg", "-o", "con.png"]) == ExitCode.FILE_ACCESS
    assert (
        "Windows cannot have a file of that name. Call it con-job.png." in capsys.readouterr().err
    )
