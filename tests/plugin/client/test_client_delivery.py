"""Requests as they arrive in the inbox."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from client_requests import in_inbox, request, sidecar_of

from hotfolder.file_names import FileRole, parse
from plugin.client import (
    Client,
    DeliveryError,
    Request,
    RequestError,
)
from plugin.client.protocol import RESERVED_NAMES, ControlFile, fold_name


def test_a_request_lies_in_the_inbox_whole(client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))

    assert in_inbox(client) == ["cat.content.png", "cat.yaml"]
    assert (client.inbox / "cat.content.png").read_bytes() == b"the cat's pixels"
    assert sidecar_of(client, ticket) == {
        "content": "cat.content.png",
        "styles": ["night.jpg"],
        "client": {"ticket": ticket.key},
    }


def test_files_and_names_of_styles_mix(client: Client, cat: Path, tmp_path: Path) -> None:
    wave = tmp_path / "wave.jpg"
    wave.write_bytes(b"a wave")
    ticket = client.submit(request(cat, styles=["night.jpg", wave], init=wave))

    assert in_inbox(client) == [
        "cat.content.png",
        "cat.init.jpg",
        "cat.style2.jpg",
        "cat.yaml",
    ]
    sidecar = sidecar_of(client, ticket)
    assert sidecar["styles"] == ["night.jpg", "cat.style2.jpg"]
    assert (sidecar["init"], sidecar["init_file"]) == ("file", "cat.init.jpg")


def test_a_request_without_a_content_is_a_texture_called_after_its_styles(
    client: Client, tmp_path: Path
) -> None:
    wave = tmp_path / "wave.jpg"
    wave.write_bytes(b"a wave")
    ticket = client.submit(Request(None, ["night.jpg", wave], {"tile": True}))
    assert in_inbox(client) == ["night+wave.style2.jpg", "night+wave.yaml"]
    sidecar = sidecar_of(client, ticket)
    assert sidecar.pop("client")
    assert sidecar == {
        "styles": ["night.jpg", "night+wave.style2.jpg"],
        "tile": True,
        "texture": True,
    }


def test_a_texture_with_a_content_and_a_painting_without_are_refused(
    client: Client, cat: Path
) -> None:
    for asked in ({"texture": True}, {"texture_size": [64, 32]}):
        with pytest.raises(RequestError, match="A texture has no content"):
            client.submit(request(cat, settings=asked))
    with pytest.raises(RequestError, match="No picture to paint"):
        client.submit(Request(None, ["night.jpg"], {"texture": False}))
    assert in_inbox(client) == []


def test_a_palette_is_delivered_or_named(client: Client, cat: Path, tmp_path: Path) -> None:
    sunset = tmp_path / "sunset.JPG"
    sunset.write_bytes(b"a sunset")
    ticket = client.submit(request(cat, palette=sunset))
    assert sidecar_of(client, ticket)["palette"] == "cat.palette.jpg"
    assert (client.inbox / "cat.palette.jpg").read_bytes() == b"a sunset"
    client.discard(ticket)
    assert in_inbox(client) == []
    assert sidecar_of(client, client.submit(request(cat, palette="brand.png")))["palette"] == (
        "brand.png"
    )


def test_the_server_reads_what_was_written(client: Client, cat: Path) -> None:
    from hotfolder.inbox.sidecar import read_sidecar

    awkward = "café \U0001f600 \u2028 \x85 \x7f"
    settings = {"size": 640, "style_weight": 1e-7, "style_layers": {"relu1_1": 2}}
    ticket = client.submit(request(cat, settings=settings, client={"note": awkward}))

    sidecar = read_sidecar(client.inbox / f"{ticket.name}.yaml", "cat.yaml")
    resolved = sidecar.settings({})
    assert (resolved.size, resolved.style_weight) == (640, 1e-7)
    assert sidecar.client == {"note": awkward, "ticket": ticket.key}
    assert (sidecar.content, sidecar.styles) == ("cat.content.png", ("night.jpg",))


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param("inbox/cat.yaml", id="waiting_to_be_claimed"),
        pytest.param("inbox/CAT.content.jpg", id="another_case"),
        pytest.param("status/cat.json", id="has_a_status"),
        pytest.param("outbox/cat.png", id="painted_before"),
    ],
)
def test_a_taken_name_is_not_used_again(client: Client, cat: Path, taken: str) -> None:
    (client.root / taken).write_text("{}")
    assert client.submit(request(cat)).name == "cat-2"
    assert (client.root / taken).read_text() == "{}"


def test_of_two_clients_with_one_name_the_slower_takes_the_next(
    client: Client, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    def overtaken(source: Path, target: Path) -> None:
        # The faster one is done between this one's look and its delivery.
        if Path(target).name == "cat.yaml" and not Path(target).exists():
            Path(target).write_text("the faster one's")
        real_link(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    ticket = client.submit(request(cat))

    assert ticket.name == "cat-2"
    assert in_inbox(client) == ["cat-2.content.png", "cat-2.yaml", "cat.yaml"]
    assert sidecar_of(client, ticket)["content"] == "cat-2.content.png"


def test_a_clash_in_the_middle_takes_the_delivered_part_back(
    client: Client, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_link = os.link

    def overtaken(source: Path, target: Path) -> None:
        if Path(target).name == "cat.content.png":
            Path(target).write_text("somebody's")
        real_link(source, target)

    monkeypatch.setattr(os, "link", overtaken)
    client.submit(request(cat))

    assert in_inbox(client) == ["cat-2.content.png", "cat-2.yaml", "cat.content.png"]
    assert (client.inbox / "cat.content.png").read_text() == "somebody's"
    assert (client.inbox / "cat-2.content.png").read_bytes() == b"the cat's pixels"


def test_without_hard_links_a_request_arrives_as_well(
    client: Client, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert client.submit(request(cat)).name == "cat"
    assert in_inbox(client) == ["cat.content.png", "cat.yaml"]
    (client.root / "inbox/cat.yaml").rename(client.root / "inbox/cat.other")
    assert client.submit(request(cat)).name == "cat-2"


def test_nothing_is_left_behind_when_the_disk_is_full(
    client: Client, cat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(DeliveryError, match="No space left on device"):
        client.submit(request(cat))
    assert in_inbox(client) == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        pytest.param({"styles": []}, "at least one style", id="no_style"),
        pytest.param({"styles": [Path("nowhere.jpg")]}, "nowhere.jpg: no such", id="style_missing"),
        pytest.param({"content": Path(__file__)}, "not a picture", id="not_a_picture"),
        pytest.param({"client": {"note": "x" * 3000}}, "at most 2048", id="too_much_to_echo"),
        pytest.param({"settings": {"size": float("nan")}}, "cannot be written", id="nan"),
    ],
)
def test_a_hopeless_request_is_refused_before_anything_is_delivered(
    client: Client, cat: Path, facts: dict[str, Any], message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        client.submit(request(cat, **facts))
    assert in_inbox(client) == []


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("../../etc/cat", "-..-etc-cat"),
        ("server", "server-job"),
        ("two\nlines", "two-lines"),
        ("cat.style2", "cat"),
        ("Server", "Server-job"),
        ("preset", "preset-job"),
        ("holiday.batch", "holiday-batch"),
        ("holiday.Batch.content", "holiday-batch"),
        ("x.content.style", "x"),
        ("con", "con-job"),
        ("NUL.old", "NUL-job.old"),
        ("com¹", "com¹-job"),
        ("a:b. ", "a-b"),
        ("x" * 194 + ".batchelor", "x" * 194 + "-batch"),
        ("", "cat"),
        ("é" * 300, "é" * 100),
    ],
)
def test_awkward_names_become_usable(client: Client, cat: Path, wanted: str, name: str) -> None:
    assert client.submit(request(cat, name=wanted)).name == name


@pytest.mark.parametrize(
    "wanted",
    [
        *("cat", "a.b", "holiday.batch", "x.content", "x.content.style3", "preset", "server"),
        *("cat.cancel", "cat.retry", "cat.yaml", "x.jpg", "NUL", " .hidden", "x~", "thumbs.db"),
        *("Cafe\u0301", "x.init.", "x.part", "desktop", "x" * 300, "x" * 193 + ".content.y"),
    ],
)
def test_the_server_reads_every_file_of_a_delivery_as_that_jobs(
    client: Client, cat: Path, wanted: str
) -> None:
    ticket = client.submit(request(cat, styles=[cat, cat], init=cat, name=wanted, heartbeat=True))
    parsed = [parse(name) for name in in_inbox(client)]
    assert len(parsed) == 6
    roles = {FileRole.CONTENT, FileRole.STYLE, FileRole.INIT, FileRole.SIDECAR}
    assert {each.role for each in parsed if each} == {*roles, ControlFile.HEARTBEAT}
    assert {each.job for each in parsed if each} == {ticket.name}
    assert fold_name(ticket.name) not in RESERVED_NAMES


def test_drafts_of_a_killed_client_are_removed_by_the_next(client: Client, cat: Path) -> None:
    abandoned, recent = (client.inbox / f".client-{n}.part" for n in "12")
    for path, age in ((abandoned, 7200), (recent, 60)):
        path.touch()
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    client.submit(request(cat))
    assert in_inbox(client) == [".client-2.part", "cat.content.png", "cat.yaml"]


def test_a_starting_server_leaves_the_drafts_of_clients_alone(client: Client) -> None:
    from hotfolder.atomic_files import remove_leftovers

    draft = client.inbox / ".client-1.part"
    draft.touch()
    remove_leftovers(client.inbox)
    assert draft.exists()
