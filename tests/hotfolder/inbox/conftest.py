import pytest
from support import FakeClock, Room
from support_inbox import Folder, Inbox

from hotfolder.paths import FolderPaths


@pytest.fixture
def inbox(folder: FolderPaths, clock: FakeClock) -> Inbox:
    return Inbox(folder, clock)


@pytest.fixture
def oil(room: Room) -> Folder:
    return Folder(room, "oil")
