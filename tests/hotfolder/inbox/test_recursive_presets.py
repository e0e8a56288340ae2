"""A preset that holds for the folders in its folder, too."""

from pathlib import Path

import pytest
from support import Room, fails, paints
from support_inbox import Folder

PRESET = "styles: [wave.jpg]\nsize: 640\n"


def test_a_recursive_preset_holds_for_the_folders_in_its_folder(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", "styles: [own.jpg]\nsize: 640\nrecursive: true")
    oil.put("own.jpg")
    for name in ("cat.jpg", "own.jpg", "dog.png"):
        oil.put(f"trip/day 1/{name}")
    oil.put("trip/day 1/dog.yaml", "size: 320")
    room.step(8)
    jobs = {job.source: (job.name, job.settings.size) for job in room.dispatcher.submitted}
    assert jobs == {
        "oil/trip/day 1/cat": ("oil-trip-day 1-cat", 640),
        "oil/trip/day 1/own": ("oil-trip-day 1-own", 640),
        "oil/trip/day 1/dog": ("oil-trip-day 1-dog", 320),
    }
    assert {job.styles for job in room.dispatcher.submitted} == {("own.jpg",), ("own-2.jpg",)}
    assert (oil.path / "own.jpg").exists()
    assert room.status("server")["strays"] == []


def test_the_nearer_preset_holds(room: Room, oil: Folder) -> None:
    oil.put("preset.yaml", f"{PRESET}recursive: true")
    for name in ("near", "far"):
        oil.put(f"{name}/cat.jpg")
    oil.put("near/preset.yaml", "styles: [wave.jpg]\nsize: 320")
    (oil.path / "near" / "deeper").mkdir()
    room.step(6)
    sizes = {job.source: job.settings.size for job in room.dispatcher.submitted}
    assert sizes == {"oil/near/cat": 320, "oil/far/cat": 640}
    assert room.status("server")["strays"] == ["oil/near/deeper/ (a folder in a folder)"]


def test_a_job_of_a_folder_in_a_folder_is_cancelled_and_tried_again_by_its_name(
    room: Room, oil: Folder
) -> None:
    oil.put("preset.yaml", f"{PRESET}recursive: true")
    for name in ("cat.jpg", "dog.jpg"):
        oil.put(f"trip/{name}")
    room.drop("oil-trip-dog.cancel", "")
    room.dispatcher.script = fails
    room.step(6)
    assert room.status("oil-trip-dog")["state"] == "cancelled"
    assert room.status("oil-trip-cat")["state"] == "failed"
    room.dispatcher.script = paints
    room.drop("oil-trip-cat.retry", "")
    room.step(4)
    assert room.status("oil-trip-cat")["state"] == "done"
    assert list(room.folder.failed.iterdir()) == []


@pytest.mark.parametrize("text", ["recursive: 1", "recursive: yes please", "recursive: [true]"])
def test_what_recursive_may_not_be_is_refused(room: Room, oil: Folder, text: str) -> None:
    oil.put("preset.yaml", PRESET + text)
    oil.put("cat.jpg")
    room.step(3)
    assert "recursive: " in room.status("oil-cat")["message"]
    assert "expected true or false" in room.status("oil-cat")["message"]
    room.drop_pair("dog", "recursive: true")
    room.step(3)
    assert "expected no such key but in a preset or a batch" in room.error("dog")


def test_links_in_a_recursive_folder_are_not_followed(
    room: Room, oil: Folder, tmp_path: Path
) -> None:
    oil.put("preset.yaml", f"{PRESET}recursive: true")
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "cat.jpg").write_bytes(b"x")
    (oil.path / "link").symlink_to(tmp_path / "away")
    (oil.path / "loop").symlink_to(oil.path)
    room.step(4)
    assert not room.dispatcher.submitted
    assert (tmp_path / "away" / "cat.jpg").exists()
    assert len(room.status("server")["strays"]) == 2


def test_a_folder_in_a_folder_is_named_with_what_is_wrong_with_the_preset(
    room: Room, oil: Folder
) -> None:
    """Nobody knows whether it is meant to be recursive."""
    oil.put("preset.yaml", f"{PRESET}recursive: 'yes'")
    oil.put("trip/cat.jpg")
    room.step(4)
    (stray,) = room.status("server")["strays"]
    assert stray.startswith("oil/trip/ (a folder in a folder; oil/preset.yaml, line ")
    assert "recursive: 'yes'; expected true or false" in stray
    oil.put("preset.yaml", f"{PRESET}recursive: true")
    room.step(4)
    assert room.status("oil-trip-cat")["state"] == "done"
