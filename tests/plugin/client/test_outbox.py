"""The lists an editor shows: finished results and the style library."""

import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from fake_server import FakeServer

from engine.images.picture import Format, Picture, write_picture
from plugin.client import Client, FolderMissing, Style

SETTINGS = '{"preset": "standard", "strength": 60.0, "note": "Näh \U0001f600"}'


def finish(server: FakeServer, name: str, *, at: float, suffix: str = "png") -> Path:
    """A result as the server publishes it, painted `at` seconds after 1970."""
    picture = server.root / "outbox" / f"{name}.{suffix}"
    pixels = np.full((4, 6, 3), 0.5, np.float32)
    kind: Format = {"png": "png", "jpg": "jpeg", "tif": "tiff"}[suffix]  # type: ignore[assignment]
    write_picture(Picture(pixels), picture, format=kind, text=SETTINGS)
    record(picture.with_name(f"{name}.result.yaml"), ["night.jpg"])
    os.utime(picture, (at, at))
    return picture


def record(path: Path, styles: list[str]) -> None:
    document: dict[str, Any] = {
        "name": "cat",
        "content": {"file": "cat.jpg", "size": [6, 4]},
        "styles": [{"file": style, "size": [3, 3], "sha256": "0"} for style in styles],
        "settings": {"preset": "standard", "style_layers": {"relu1_1": 1.0}},
        "file": "no style",
    }
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))


def test_results_come_newest_first(server: FakeServer, client: Client) -> None:
    for name, at in (("old", 1000), ("new", 3000), ("middle", 2000)):
        finish(server, name, at=at)
    found = client.results()
    assert [each.name for each in found] == ["new", "middle", "old"]
    assert [each.time.timestamp() for each in found] == [3000, 2000, 1000]
    assert [each.name for each in client.results(limit=2)] == ["new", "middle"]


def test_only_pictures_with_a_record_are_results(server: FakeServer, client: Client) -> None:
    outbox = server.root / "outbox"
    finish(server, "cat", at=1000)
    for name in ("cat.progression.jpg", "cat.losses.png", "mine.png", "notes.txt", "a.result.yaml"):
        (outbox / name).write_bytes(b"x")
    for name in ("empty", "link", "folder", ".hidden"):
        (outbox / f"{name}.result.yaml").touch()
    (outbox / "empty.png").touch()
    (outbox / "link.png").symlink_to(__file__)
    (outbox / "folder.png").mkdir()
    (outbox / ".hidden.png").write_bytes(b"x")
    assert [each.name for each in client.results()] == ["cat"]


def test_a_preview_is_shown_only_of_the_result_that_it_is_of(
    server: FakeServer, client: Client
) -> None:
    finish(server, "cat", at=2000)
    finish(server, "cat-2", at=1000)
    for name, result in (("cat", "outbox/cat.png"), ("cat-2", "outbox/other.png")):
        server.post(name, "done", result=result)
        (server.root / f"status/{name}.preview.jpg").touch()
    previews = [each.preview for each in client.results()]
    assert previews == [server.root / "status/cat.preview.jpg", None]


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_the_settings_come_out_of_the_picture(
    server: FakeServer, client: Client, suffix: str
) -> None:
    finish(server, "cat", at=1000, suffix=suffix)
    details = client.details(client.results()[0])
    assert details.settings["strength"] == 60.0
    assert details.settings["note"] == "Näh \U0001f600"
    assert details.styles == ("night.jpg",)


@pytest.mark.parametrize(
    "styles", [["it's.jpg", "a: b.png"], ["# no.jpg", "Näh \U0001f600.jpg"], ["3.jpg", "yes.png"]]
)
def test_the_styles_come_out_of_the_record(
    server: FakeServer, client: Client, styles: list[str]
) -> None:
    picture = finish(server, "cat", at=1000)
    record(picture.with_name("cat.result.yaml"), styles)
    assert client.details(client.results()[0]).styles == tuple(styles)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"styles:\n",
        b"\xff\xfe\0\0",
        b'styles:\n- file: \'\n- file: "\\q"\n',
        b"styles: [" * 99,
    ],
)
def test_a_damaged_record_leaves_a_result_without_styles(
    server: FakeServer, client: Client, text: bytes
) -> None:
    picture = finish(server, "cat", at=1000)
    picture.with_name("cat.result.yaml").write_bytes(text)
    assert client.details(client.results()[0]).styles == ()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x89PNG\r\n\x1a\n", id="nothing_more"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 2**32 - 1, b"iTXt"), id="endless"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0abcd\0\0\0\0" * 5000, id="many_chunks"),
        pytest.param(
            b"\x89PNG\r\n\x1a\n"
            + struct.pack(">I4s", 29, b"iTXt")
            + b"impasto\0\0\0\0\0"
            + b"[" * 17,
            id="no_json",
        ),
        pytest.param(b"\xff\xd8\xff\xfe\0\0\xff\xfe", id="jpeg_without_length"),
        pytest.param(b"\xff\xd8\xff\xfe\0\x09[[[[[[[", id="jpeg_no_json"),
        pytest.param(b"II*\0\xff\xff\xff\xff", id="tiff_without_end"),
        pytest.param(b"II+\0\x08\0\0\0" + b"\xff" * 99, id="bigtiff_far_away"),
        pytest.param(b"II*\0\x08\0\0\0\xff\xff" + b"\0" * 99, id="tiff_of_many_tags"),
        pytest.param(b"Dear diary", id="no_picture"),
    ],
)
def test_a_damaged_picture_leaves_a_result_without_settings(
    server: FakeServer, client: Client, data: bytes
) -> None:
    finish(server, "cat", at=1000).write_bytes(data)
    assert client.details(client.results()[0]).settings == {}


def test_a_result_that_vanishes_meanwhile_has_no_details(
    server: FakeServer, client: Client
) -> None:
    picture = finish(server, "cat", at=1000)
    found = client.results()[0]
    picture.unlink()
    picture.with_name("cat.result.yaml").unlink()
    assert client.details(found).settings == {}


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_bigtiff_is_read_too(client: Client, server: FakeServer, order: str) -> None:
    text = SETTINGS.encode()
    head = {"<": b"II+\0", ">": b"MM\0+"}[order] + struct.pack(order + "HHQQ", 8, 0, 16, 1)
    entry = struct.pack(order + "HHQQ", 270, 2, len(text), 60)
    finish(server, "cat", at=1000, suffix="tif").write_bytes((head + entry).ljust(60) + text)
    assert client.details(client.results()[0]).settings["strength"] == 60.0


def test_the_styles_have_names_for_requests_and_titles_for_people(
    server: FakeServer, client: Client
) -> None:
    styles = server.root / "styles"
    (styles / "masters").mkdir()
    (styles / ".cache").mkdir()
    for name in (
        *("starry_night.JPG", "Wave.png", "masters/a-cup.webp", "README.txt"),
        *(".cache/x.png", ".y.png"),
    ):
        (styles / name).touch()
    (styles / "folder.png").mkdir()
    assert client.styles() == [
        Style("masters/a-cup.webp", "A cup", styles / "masters/a-cup.webp"),
        Style("starry_night.JPG", "Starry night", styles / "starry_night.JPG"),
        Style("Wave.png", "Wave", styles / "Wave.png"),
    ]


def test_label_pictures_beside_their_styles_are_no_styles(
    server: FakeServer, client: Client
) -> None:
    for name in ("wave.jpg", "wave.labels.png", "pots.labels.jpg"):
        (server.root / "styles" / name).touch()
    assert [style.name for style in client.styles()] == ["pots.labels.jpg", "wave.jpg"]


def test_a_folder_without_library_and_outbox_has_none(client: Client) -> None:
    for name in ("styles", "outbox"):
        (client.root / name).rmdir()
    assert client.styles() == []
    assert client.results() == []


def test_a_folder_that_is_none_has_no_lists(tmp_path: Path) -> None:
    nowhere = Client(tmp_path / "nowhere")
    for look in (nowhere.styles, nowhere.results):
        with pytest.raises(FolderMissing):
            look()
