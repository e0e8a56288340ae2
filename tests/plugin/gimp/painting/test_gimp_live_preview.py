"""The live preview against a scripted server; the clock is the test's."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from choices import Choices, Refusal
from client import Client
from fake_server import FakeServer
from painting.job import Exported
from painting.live_preview import LivePreview
from pictures import OpenPicture

NIGHT = Choices(style="night", strength=40, size=3000, preset="gatys")


@pytest.fixture
def server(tmp_path: Path) -> FakeServer:
    server = FakeServer(tmp_path / "hot")
    (server.root / "styles" / "night.jpg").write_bytes(b"a painting")
    return server


class Dialog:
    """What a dialog does with a `LivePreview`: it looks every 0.2 s."""

    def __init__(self, server: FakeServer, workplace: Path) -> None:
        self.server = server
        self.exported: list[Choices] = []
        workplace.mkdir()
        self.live = LivePreview(
            self.export,
            workplace,
            functools.cache(lambda root: Client(root, clock=server.clock, sleep=server.sleep)),
            with_files=lambda choices: choices.with_files(self.file_of),
            clock=server.clock,
        )

    def export(self, choices: Choices, folder: Path) -> Exported:
        self.exported.append(choices)
        content = folder / "content.png"
        content.write_bytes(b"x")
        return Exported(content, 320, 320)

    def file_of(self, picture: OpenPicture) -> Path:
        if picture.title == "gone":
            raise Refusal("The picture gone is no longer open in GIMP.")
        file = self.server.root.parent / f"{picture.title}.png"
        file.write_bytes(b"x")
        return file

    def request(self, choices: Choices) -> None:
        self.live.request(Choices(**{**vars(choices), "hot_folder": str(self.server.root)}))

    def look(self, seconds: float = 0.2) -> Any:
        view = self.live.poll()
        for _ in range(round(seconds / 0.2)):
            self.server.sleep(0.2)
            view = self.live.poll()
        return view


@pytest.fixture
def dialog(server: FakeServer, tmp_path: Path) -> Dialog:
    return Dialog(server, tmp_path / "workplace")


def delivered(server: FakeServer) -> list[str]:
    return sorted(path.stem for path in (server.root / "inbox").glob("*.yaml"))


def test_a_preview_is_small_quick_and_first_in_the_queue(
    server: FakeServer, dialog: Dialog
) -> None:
    dialog.request(NIGHT)
    dialog.look(1)
    sidecar = json.loads((server.root / "inbox" / "preview.yaml").read_text())
    assert sidecar["preset"] == "preview"
    assert sidecar["strength"] == 40
    assert "size" not in sidecar
    assert sidecar["priority"] == 9


def test_an_open_picture_goes_along_as_a_file_or_is_said_to_be_gone(
    server: FakeServer, dialog: Dialog
) -> None:
    sea, gone = str(OpenPicture(9, 1, "sea.png")), str(OpenPicture(9, 2, "gone.png"))
    dialog.request(Choices(style="night", colours="palette", palette=sea))
    dialog.look(1)
    sidecar = json.loads((server.root / "inbox" / "preview.yaml").read_text())
    assert sidecar["palette"] == "preview.palette.png"
    dialog.request(Choices(style=gone))
    assert dialog.look(1).text == "The picture gone is no longer open in GIMP."


def test_a_dial_that_is_being_turned_is_left_alone(server: FakeServer, dialog: Dialog) -> None:
    for strength in range(10):
        dialog.request(Choices(style="night", strength=strength))
        dialog.look(0.2)
    assert delivered(server) == []
    dialog.look(0.6)
    assert delivered(server) == ["preview"]
    assert [choices.strength for choices in dialog.exported] == [9]


def test_it_sharpens_and_is_taken_out_of_the_hot_folder_when_done(
    server: FakeServer, dialog: Dialog
) -> None:
    dialog.request(NIGHT)
    dialog.look(1)
    server.claim("preview")
    shown = server.root / "status" / "preview.preview.jpg"
    shown.write_bytes(b"half")
    server.post(
        "preview", "running", fraction=0.5, step=25, steps=50, preview="status/preview.preview.jpg"
    )
    view = dialog.look()
    assert (view.text, view.fraction, view.picture) == ("Painting: step 25 of 50", 0.5, shown)
    server.finish("preview")
    view = dialog.look()
    assert (view.painting, view.picture.read_bytes()) == (False, b"a picture")
    dialog.look()
    assert not list((server.root / "outbox").iterdir())
    assert [path.name for path in (server.root / "status").iterdir()] == ["server.json"]
    assert view.picture.exists()


def test_a_change_cancels_the_one_before(server: FakeServer, dialog: Dialog) -> None:
    dialog.request(NIGHT)
    dialog.look(1)
    server.claim("preview")
    server.post("preview", "running")
    dialog.look()
    dialog.request(Choices(style="night", strength=90))
    assert (server.root / "inbox" / "preview.cancel").exists()
    dialog.look(1)
    assert delivered(server) == ["preview-2"]
    server.post("preview", "cancelled")
    dialog.look()
    assert not (server.root / "status" / "preview.json").exists()


def test_the_server_hears_from_it(server: FakeServer, dialog: Dialog) -> None:
    dialog.request(NIGHT)
    dialog.look(1)
    heartbeat = server.root / "inbox" / "preview.heartbeat"
    heartbeat.unlink(missing_ok=True)
    server.claim("preview")
    dialog.look(3)
    assert heartbeat.exists()


def test_without_a_server_nothing_is_sent_and_it_says_so(
    server: FakeServer, dialog: Dialog
) -> None:
    server.die()
    server.send_heartbeat(state="stopped")
    dialog.request(NIGHT)
    view = dialog.look(1)
    assert view.text == "No preview: the server is not running"
    assert not view.painting
    assert delivered(server) == []


def test_a_server_with_another_clock_is_looked_at_until_it_is_seen_to_work(
    server: FakeServer, dialog: Dialog
) -> None:
    server.clock_error = -25
    server.send_heartbeat()
    dialog.request(NIGHT)
    assert dialog.look(0.4).text == "Looking for the server"
    dialog.look(1)
    assert delivered(server) == ["preview"]


def test_what_goes_wrong_is_said_in_the_pane(server: FakeServer, dialog: Dialog) -> None:
    dialog.request(Choices(style="moon"))
    assert "has no moon" in dialog.look(1).text
    dialog.request(NIGHT)
    dialog.look(1)
    server.claim("preview")
    server.post("preview", "failed", message="The paint ran out.", error="The long story.")
    assert dialog.look().text == "The server says: The paint ran out."

    def refuse(*_: object) -> tuple[int, int]:
        raise Refusal("The selection lies beside the layer.")

    dialog.live._export = refuse
    dialog.request(NIGHT)
    assert dialog.look(1).text == "The selection lies beside the layer."


def test_what_a_killed_dialog_left_is_swept_away(server: FakeServer, dialog: Dialog) -> None:
    left = {"editor": "gimp", "preview": True, "ticket": "0" * 16}
    server.post("preview", "cancelled", client=left)
    server.post("preview-of-a-person", "done", client={})
    dialog.request(NIGHT)
    dialog.look(1)
    assert not (server.root / "status" / "preview.json").exists()
    assert (server.root / "status" / "preview-of-a-person.json").exists()
