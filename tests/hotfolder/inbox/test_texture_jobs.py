"""A sidecar that asks for a texture is a job without a content."""

import pytest
from support import Room
from support_inbox import Inbox, paths

from hotfolder.file_names import FileRole
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


def test_a_preset_whose_pictures_are_contents_asks_for_no_texture(inbox: Inbox) -> None:
    (inbox.folder.inbox / "oil").mkdir()
    inbox.put("oil/cat.jpg", "oil/wave.jpg")
    text = "styles: [wave.jpg]\ntexture: true\n"
    (inbox.folder.inbox / "oil" / "preset.yaml").write_text(text)
    messages = [each.message for each in inbox.scan_settled().candidates]
    assert messages
    expected = "preset.yaml, line 2: texture: 'true'; expected no such key in a preset"
    assert all(expected in message for message in messages)


def test_without_texture_a_content_is_waited_for(inbox: Inbox) -> None:
    inbox.put("a.style.jpg", a="texture: false")
    assert inbox.only_candidate().message == "lacks a content picture (a.content.jpg)"


def test_a_texture_goes_through_its_whole_life(room: Room) -> None:
    room.drop("floor.yaml", "texture: true\nname: '{style}-{content}-{seed}'\n")
    room.drop("floor.style.jpg")
    room.step(4)
    (job,) = room.dispatcher.submitted
    assert (job.content, job.styles) == ("", ("floor.style.jpg",))
    assert room.status("floor")["state"] == "done"
    assert room.status("floor")["result"] == "outbox/floor-texture-0.png"
