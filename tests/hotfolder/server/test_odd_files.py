"""What only looks like a control file or a batch, and names that no file can have: the server goes
on."""

import os
import socket

import pytest
from support import Room, starts_only


@pytest.mark.parametrize(
    "name", ["a.cancel", "a.hold", "a.release", "a.priority", "a.retry", "trip.batch.yaml"]
)
@pytest.mark.parametrize("kind", ["link", "pipe", "socket", "folder"])
def test_what_is_no_plain_file_controls_nothing_and_is_named(
    room: Room, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = room.folder.inbox / name
    match kind:
        case "link":
            (room.folder.root / "elsewhere").write_text("9")
            path.symlink_to(room.folder.root / "elsewhere")
        case "pipe":
            os.mkfifo(path)
        case "socket":
            monkeypatch.chdir(room.folder.inbox)  # A socket's path may not be long.
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(name)
        case "folder":
            path.mkdir()
    room.dispatcher.script = starts_only
    room.drop_pair("a")
    room.step(5)
    assert room.status("a")["state"] == "running"
    assert room.status("a")["priority"] == 5
    if kind != "folder":
        assert f"{name} (not a plain file)" in room.status("server")["strays"]


@pytest.mark.parametrize("place", ["", "oil/", "\udcff/"])
def test_a_batch_leaves_pictures_alone_whose_names_cannot_be_shown(room: Room, place: str) -> None:
    """Its summary would have such a name, and could not be written."""
    room.dispatcher.script = starts_only
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    (room.folder.inbox / place).mkdir(exist_ok=True)
    for name in ("a\udcff.jpg", "b\n.jpg", "good.jpg"):
        (room.folder.inbox / place / name).write_bytes(b"picture")
    room.drop("fish.jpg")
    room.drop("trip.batch.yaml", "contents: ['**/*.jpg']\nstyles: wave.jpg")
    room.step(3)
    room.drop("trip.cancel")
    room.step(5)
    assert room.status("trip")["state"] == "cancelled"
    names = {path.name for path in (room.folder.inbox / place).iterdir()}
    assert {"a\udcff.jpg", "b\n.jpg"} <= names


@pytest.mark.parametrize(
    "style",
    [
        pytest.param('"x\\0/y.jpg"', id="null"),
        pytest.param("x" * 300 + ".jpg", id="longer_than_a_name_can_be"),
        pytest.param("loop.jpg", id="a_link_to_itself"),
        pytest.param("there.jpg", id="a_link_to_a_link_back"),
        pytest.param("a/" * 200 + "b.jpg", id="deep"),
    ],
)
def test_a_style_of_an_impossible_name_is_told_and_the_rest_goes_on(
    room: Room, style: str, caplog: pytest.LogCaptureFixture
) -> None:
    (room.folder.styles / "loop.jpg").symlink_to("loop.jpg")
    (room.folder.styles / "there.jpg").symlink_to("back.jpg")
    (room.folder.styles / "back.jpg").symlink_to("there.jpg")
    room.drop("evil.content.jpg")
    room.drop("evil.yaml", f"styles: [{style}]")
    room.drop("fish.jpg")
    room.drop("evil2.batch.yaml", f"contents: fish.jpg\nstyles: [{style}]")
    room.drop_pair("good")
    room.step(5)
    assert room.status("good")["state"] == "done"
    assert room.status("evil")["state"] in ("failed", "waiting")
    assert room.status("evil2")["state"] in ("failed", "waiting")
    assert not [record for record in caplog.records if record.exc_info]
