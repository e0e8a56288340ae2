"""Hot folders in temporary places, a clock that tests turn, a dispatcher that needs no worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from processes import Running
from support import FakeClock, Room

from hotfolder.paths import FolderPaths


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def folder(tmp_path: Path) -> FolderPaths:
    folder = FolderPaths(tmp_path / "hot")
    folder.create()
    return folder


@pytest.fixture
def room(folder: FolderPaths, clock: FakeClock) -> Iterator[Room]:
    room = Room(folder, clock)
    yield room
    room.close()


@pytest.fixture(scope="session")
def small_pictures(
    tmp_path_factory: pytest.TempPathFactory, photograph: Path, painting: Path
) -> tuple[Path, Path]:
    """The photograph and the painting at 96 px, as JPEG and PNG."""
    folder = tmp_path_factory.mktemp("pictures")
    made = (folder / "cat.jpg", folder / "cup.png")
    for source, target in zip((photograph, painting), made, strict=True):
        with Image.open(source) as picture:
            picture.convert("RGB").resize((96, 64)).save(target)
    return made


@pytest.fixture
def running(folder: FolderPaths) -> Iterator[Running]:
    running = Running(folder)
    yield running
    for process in running.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
