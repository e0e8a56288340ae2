import pytest
from support import FakeClock
from support_inbox import Inbox

from hotfolder.paths import FolderPaths


@pytest.fixture
def inbox(folder: FolderPaths, clock: FakeClock) -> Inbox:
    return Inbox(folder, clock)
