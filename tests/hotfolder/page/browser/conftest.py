"""A real browser, a real server with the real engine, and its page."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import PATIENCE, Eyes, Studio
from playwright.sync_api import Browser, expect, sync_playwright

HERE = Path(__file__).parent

expect.set_options(timeout=PATIENCE * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder is marked, and skipped in words where nothing has found a browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("browser")
            if "IMPASTO_BROWSER" not in os.environ:
                item.add_marker(pytest.mark.skip("no browser here; `make test-page` finds one"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = os.environ["IMPASTO_BROWSER"]
    sandbox = [] if os.getuid() else ["--no-sandbox"]  # chromium refuses root one
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=sandbox)
        yield found
        found.close()


@pytest.fixture(scope="session")
def studio(
    tmp_path_factory: pytest.TempPathFactory, photograph: Path, painting: Path
) -> Iterator[Studio]:
    """A hot folder that a real server serves, with its page."""
    studio = Studio(tmp_path_factory.mktemp("studio"), photograph, painting)
    studio.start()
    yield studio
    studio.stop()


@pytest.fixture
def eyes(browser: Browser, studio: Studio) -> Iterator[Eyes]:
    """A person at a desk. What the browser complains of fails the test."""
    eyes = Eyes(browser, studio.address)
    yield eyes
    eyes.close()
