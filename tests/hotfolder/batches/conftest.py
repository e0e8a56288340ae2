"""A room for batches without contact sheets."""

import shutil

import pytest
from support import Room


@pytest.fixture
def unsheeted(room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """A room with a style library, whose batches get no contact sheet, which takes seconds."""
    for name in ("night.jpg", "night.labels.png", "wave.jpg"):
        (room.folder.styles / name).write_bytes(name.encode())
    monkeypatch.setattr("hotfolder.batches.publishing.sys.executable", shutil.which("true"))
    return room
