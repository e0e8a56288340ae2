"""A folder whose preset asks for textures: each picture in it is the style of one."""

from pathlib import Path

import pytest
from support import Room, fails
from support_inbox import Folder, Inbox, paths

from hotfolder.file_names import FileRole
from hotfolder.inbox.candidate import JobCandidate
from hotfolder.inbox.model import Decision

PRESET = "texture: true\ntile: true\nsize: 96\n"


def put(inbox: Inbox, preset: str, *names: str, **texts: str) -> JobCandidate:
    """The only candidate of a folder with the preset and such files."""
    folder = inbox.folder.inbox / "tiles"
    folder.mkdir(exist_ok=True)
    (folder / "preset.yaml").write_text(preset)
    inbox.put(*(f"tiles/{name}" for name in names))
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return inbox.only_candidate()


def test_each_picture_becomes_a_texture_and_stays_nowhere(room: Room) -> None:
    tiles = Folder(room, "tiles")
    tiles.put("preset.yaml", f"{PRESET}name: '{{style}}-{{size}}'")
    for name in ("wave.jpg", "moss.png"):
        tiles.put(name)
    room.step(6)
    assert {path.name for path in room.folder.outbox.glob("*.png")} == {
        "wave-96.png",
        "moss-96.png",
    }
    jobs = {job.name: job for job in room.dispatcher.submitted}
    assert {name: (job.content, job.styles) for name, job in jobs.items()} == {
        "tiles-wave": ("", ("wave.jpg",)),
        "tiles-moss": ("", ("moss.png",)),
    }
    assert all(job.settings.texture and job.settings.tile for job in jobs.values())
    assert [path.name for path in tiles.path.iterdir()] == ["preset.yaml"]
    assert room.status("server")["strays"] == []


def test_the_presets_styles_come_after_the_picture_and_are_blended_with_it(inbox: Inbox) -> None:
    (inbox.folder.styles / "night.jpg").write_bytes(b"x")
    preset = f"{PRESET}styles: [paper.jpg, night.jpg]\nstyle_blend: [2, 1, 1]"
    candidate = put(inbox, preset, "wave.jpg", "paper.jpg")
    assert (candidate.name, candidate.decision) == ("tiles/wave", Decision.CLAIM)
    assert paths(candidate, FileRole.STYLE) == ["wave.jpg", "paper.jpg", "night.jpg"]
    assert [file.stays for file in candidate.of(FileRole.STYLE)] == [False, True, True]


@pytest.mark.parametrize(
    ("names", "sidecar", "styles"),
    [
        (["wave.style.jpg"], "", ["wave.jpg", "wave.style.jpg"]),
        (["moss.jpg"], "styles: moss.jpg", ["wave.jpg", "moss.jpg"]),
        (["moss.jpg"], "styles: [wave.jpg, moss.jpg]", ["wave.jpg", "moss.jpg"]),
    ],
)
def test_a_pictures_own_further_styles_take_the_place_of_the_presets(
    inbox: Inbox, names: list[str], sidecar: str, styles: list[str]
) -> None:
    preset = f"{PRESET}styles: paper.jpg"
    texts = {"wave": sidecar} if sidecar else {}
    candidate = put(inbox, preset, "paper.jpg", "wave.jpg", *names, **texts)
    assert candidate.decision is Decision.CLAIM
    assert paths(candidate, FileRole.STYLE) == styles


def test_a_sidecar_lies_over_the_preset_and_waits_for_its_picture(inbox: Inbox) -> None:
    preset = f"{PRESET}styles: paper.jpg"
    candidate = put(inbox, preset, "paper.jpg", wave="texture_size: [64, 32]")
    assert candidate.message == "lacks a style picture (wave.style.jpg)"
    inbox.put("tiles/wave.jpg")
    candidate = inbox.only_candidate()
    assert candidate.settings is not None
    assert (candidate.settings.texture_size, candidate.settings.tile) == ([64, 32], True)
    assert paths(candidate, FileRole.STYLE) == ["wave.jpg", "paper.jpg"]


def test_a_sidecar_without_texture_makes_the_picture_a_content(inbox: Inbox) -> None:
    preset = "texture_size: [64, 32]\ntile: true\nstyles: paper.jpg"
    candidate = put(inbox, preset, "paper.jpg", "cat.jpg", cat="texture: false")
    assert candidate.decision is Decision.CLAIM
    assert candidate.settings is not None
    assert not candidate.settings.texture
    assert paths(candidate, FileRole.CONTENT) == ["cat.jpg"]
    assert paths(candidate, FileRole.STYLE) == ["paper.jpg"]


@pytest.mark.parametrize(
    ("names", "texts", "message"),
    [
        (["cat.content.jpg", "cat.style.jpg"], {}, "tiles/preset.yaml, line 1: texture: true; exp"),
        (
            ["cat.jpg", "cat.mask.png"],
            {},
            "mask: cat.mask.png; expected nothing, since a `texture`",
        ),
        (
            ["cat.jpg"],
            {"cat": "strength: 40"},
            "tiles/cat.yaml, line 1: strength: 40.0; expected no",
        ),
        (
            ["b.jpg", "cat.style.jpg"],
            {"cat": "content: b.jpg"},
            "tiles/preset.yaml, line 1: texture: true; expected",
        ),
    ],
)
def test_what_needs_a_content_is_refused_in_words(
    inbox: Inbox, names: list[str], texts: dict[str, str], message: str
) -> None:
    candidate = put(inbox, PRESET, *names, **texts)
    assert candidate.decision is Decision.REFUSE
    assert candidate.message.startswith(message)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("mask: paper.jpg", "mask: paper.jpg; expected nothing, since a `texture`"),
        (
            "styles: paper.jpg\nregions: oval.png",
            "regions: ['oval.png']; expected nothing, since a",
        ),
        ("strength: 40", "strength: 40.0; expected nothing"),
        ("colours: content", "colours: content; expected nothing"),
        ("size: 100", "size: 100; expected a multiple of 16"),
    ],
)
def test_a_preset_of_textures_that_asks_for_a_content_holds_its_pictures(
    inbox: Inbox, line: str, message: str
) -> None:
    candidate = put(inbox, f"texture: true\ntile: true\n{line}", "wave.jpg")
    assert candidate.decision is Decision.HOLD
    assert f"tiles/preset.yaml, line {3 + line.count(chr(10))}: {message}" in candidate.message


def test_a_link_in_such_a_folder_is_refused_as_one(inbox: Inbox) -> None:
    (inbox.folder.inbox / "tiles").mkdir()
    (inbox.folder.inbox / "tiles/wave.jpg").symlink_to("/etc/hostname")
    candidate = put(inbox, PRESET)
    assert candidate.message == "wave.jpg: a link. Put the picture itself into the inbox."


def test_a_failed_texture_is_tried_again_with_all_that_it_needs(room: Room) -> None:
    script, room.dispatcher.script = room.dispatcher.script, fails
    tiles = Folder(room, "tiles")
    tiles.put("preset.yaml", f"{PRESET}styles: paper.jpg")
    for name in ("wave.jpg", "paper.jpg"):
        tiles.put(name)
    room.step(4)
    failed = {path.name for path in Path(room.folder.failed / "tiles-wave").iterdir()}
    assert failed == {"wave.jpg", "paper.jpg", "preset.yaml", "error.txt"}
    room.dispatcher.script = script
    room.drop("tiles-wave.retry", "")
    room.step(6)
    assert [job.styles for job in room.dispatcher.submitted][1:] == [("wave.jpg", "paper.jpg")]
    assert room.status("tiles-wave")["state"] == "done"
