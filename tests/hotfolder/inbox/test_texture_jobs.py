"""A sidecar that asks for a texture is a job without a content."""

import pytest
from support import Room
from support_inbox import Inbox, paths

from hotfolder.file_names import FileRole
from hotfolder.inbox.folder_scanner import ScanOptions
from hotfolder.inbox.model import Decision


@pytest.mark.parametrize("text", ["texture: true", "texture_size: [96, 64]"])
def test_a_texture_waits_for_its_style_and_for_no_content(inbox: Inbox, text: str) -> None:
    inbox.put(a=text)
    assert inbox.only_candidate().message == "lacks a style picture (a.style.jpg)"
    inbox.put("a.style.jpg")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.CLAIM
    assert candidate.settings is not None
    assert candidate.settings.texture
    assert paths(candidate, FileRole.CONTENT) == []


def test_a_texture_may_name_a_style_of_the_library(inbox: Inbox) -> None:
    (inbox.folder.styles / "wave.jpg").write_bytes(b"x")
    inbox.put(floor="texture: true\ntile: true\nstyles: [wave.jpg]")
    candidate = inbox.only_candidate()
    assert (candidate.name, candidate.decision) == ("floor", Decision.CLAIM)
    assert paths(candidate, FileRole.STYLE) == ["wave.jpg"]


def test_what_a_texture_cannot_be_is_refused_by_its_line(inbox: Inbox) -> None:
    inbox.put("a.style.jpg", a="texture: true\nsize: 500\ntile: true")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.REFUSE
    assert candidate.message.startswith("a.yaml, line 2: size: 500; expected a multiple of 16")


def test_without_texture_a_content_is_waited_for(inbox: Inbox) -> None:
    inbox.put("a.style.jpg", a="texture: false")
    assert inbox.only_candidate().message == "lacks a content picture (a.content.jpg)"


@pytest.mark.parametrize("sidecar", ["wave", "wave.jpg"])
def test_a_picture_with_a_sidecar_of_its_name_is_the_style_of_a_texture(
    inbox: Inbox, sidecar: str
) -> None:
    inbox.put("wave.jpg", **{sidecar: "texture: true"})
    candidate = inbox.only_candidate()
    assert (candidate.name, candidate.decision) == ("wave", Decision.CLAIM)
    assert paths(candidate, FileRole.STYLE) == ["wave.jpg"]
    assert paths(candidate, FileRole.CONTENT) == []
    assert inbox.scan_settled().unclaimed == ()


def test_a_texture_waits_anew_when_the_picture_of_its_name_goes(inbox: Inbox) -> None:
    inbox.put("wave.jpg", wave="texture: true")
    assert inbox.only_candidate().decision is Decision.CLAIM
    (inbox.folder.inbox / "wave.jpg").unlink()
    assert inbox.only_candidate().message == "lacks a style picture (wave.style.jpg)"


def test_the_style_of_a_texture_is_copied_while_others_name_it(inbox: Inbox) -> None:
    inbox.put("wave.jpg", "cat.jpg", wave="texture: true", cat="content: cat.jpg\nstyles: wave.jpg")
    texture, cat = sorted(inbox.scan_settled().candidates, key=lambda each: each.name != "wave")
    assert [style.shared for style in texture.of(FileRole.STYLE)] == [True]
    assert [style.shared for style in cat.of(FileRole.STYLE)] == [True]


def test_two_pictures_of_a_textures_name_are_asked_about(inbox: Inbox) -> None:
    inbox.put("wave.jpg", "wave.png", wave="texture: true")
    (candidate,) = inbox.scan_settled().candidates
    expected = "several files for style: wave.jpg, wave.png; take all but one away"
    assert (candidate.decision, candidate.message) == (Decision.WAIT, expected)


def test_named_styles_come_before_a_picture_of_a_textures_name(inbox: Inbox) -> None:
    inbox.put("wave.jpg", "night.jpg", wave="texture: true\nstyles: night.jpg")
    candidate = inbox.only_candidate()
    assert paths(candidate, FileRole.STYLE) == ["night.jpg"]
    assert [file.path.name for file in inbox.scan_settled().unclaimed] == ["wave.jpg"]


@pytest.mark.parametrize(
    ("files", "sidecar", "text", "message"),
    [
        (["a.content.jpg"], "a", "size: 64\ntexture: true", "a.yaml, line 2: texture: true;"),
        (["a.content.jpg"], "a", "texture_size: [64, 32]", "a.yaml, line 1: texture_size: [64, 3"),
        (["b.jpg"], "a", "content: b.jpg\ntexture: true", "a.yaml, line 2: texture: true;"),
        (["a.jpg"], "a.jpg", "texture: true", "a.jpg.yaml, line 1: texture: true;"),
    ],
)
def test_a_content_beside_a_texture_is_refused_by_its_line_and_goes_with_it(
    inbox: Inbox, files: list[str], sidecar: str, text: str, message: str
) -> None:
    inbox.put("a.style.jpg", *files, **{sidecar: text})
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.REFUSE
    assert candidate.message.startswith(message)
    assert "expected no such key, or no content: a texture has none" in candidate.message
    assert {file.path.name for file in candidate.inputs} == {
        *files,
        "a.style.jpg",
        f"{sidecar}.yaml",
    }


@pytest.mark.parametrize(
    ("files", "line", "message"),
    [
        (["a.mask.png"], "", "mask: a.mask.png; expected nothing, since a `texture` has no conte"),
        (["a.mask1.png"], "", "regions: ['a.mask1.png']; expected nothing, since a `texture` has"),
        ([], "keep_colours: true", "keep_colours: True; expected nothing, since a `texture` has"),
        ([], "size: content", "size: content; expected pixels, since a `texture` has no content"),
        ([], "texture_size: [10, 99]", "texture_size.0: 10; expected at least 32"),
    ],
)
def test_what_needs_a_content_is_refused_of_a_texture(
    inbox: Inbox, files: list[str], line: str, message: str
) -> None:
    inbox.put("a.style.jpg", *files, a=f"texture: true\n{line}")
    candidate = inbox.only_candidate()
    assert candidate.decision is Decision.REFUSE
    assert message in candidate.message


def test_a_texture_takes_no_strength_from_the_configuration(inbox: Inbox) -> None:
    inbox.options = ScanOptions({"strength": 40}, settle_seconds=1.0, wait_seconds=60.0)
    inbox.put("a.style.jpg", a="texture: true")
    assert inbox.only_candidate().decision is Decision.CLAIM


def test_a_texture_goes_through_its_whole_life(room: Room) -> None:
    room.drop("floor.yaml", "texture: true\nname: '{style}-{content}-{seed}'\n")
    room.drop("floor.style.jpg")
    room.step(4)
    (job,) = room.dispatcher.submitted
    assert (job.content, job.styles) == ("", ("floor.style.jpg",))
    assert room.status("floor")["state"] == "done"
    assert room.status("floor")["result"] == "outbox/floor-texture-0.png"
