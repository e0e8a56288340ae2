"""A page that runs, on a hot folder of its own."""

from collections.abc import Iterator

import pytest
from support_page import Served, served

from hotfolder.paths import FolderPaths


@pytest.fixture
def page(folder: FolderPaths) -> Iterator[Served]:
    """One for this test alone."""
    with served(folder) as running:
        yield running


@pytest.fixture(scope="module")
def shared_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all tests of a module that leave it as it was."""
    folder = FolderPaths(tmp_path_factory.mktemp("shared") / "hot")
    folder.create()
    with served(folder) as running:
        yield running
