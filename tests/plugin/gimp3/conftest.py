"""A real GIMP 3, a real server, and the folder that both see."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from scripted import ScriptedServer, paints
from session import SCREENSHOTS, Gimp, console, until, window

from hotfolder.paths import FolderPaths
from plugin.client import Client

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this folder is marked, and skipped in words where nothing has put up a GIMP."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("gimp3")
            if "IMPASTO_GIMP_ROOT" not in os.environ:
                item.add_marker(pytest.mark.skip("no real GIMP here; `make test-gimp` puts one up"))


@pytest.fixture(scope="session")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """/share, as GIMP without a window calls it."""
    return tmp_path_factory.mktemp("share")


@pytest.fixture(scope="session")
def gimp(share: Path) -> Iterator[Gimp]:
    """GIMP without a window, for all tests."""
    session = console(share)
    yield session
    session.close()


@pytest.fixture(scope="session")
def session_screen(share: Path) -> Iterator[Gimp]:
    session = window(share)
    yield session
    session.close()


@pytest.fixture
def screen(session_screen: Gimp, request: pytest.FixtureRequest) -> Iterator[Gimp]:
    """GIMP with its window. What it looks like at each test's end is kept."""
    yield session_screen
    session_screen.photograph(request.node.name, SCREENSHOTS)
    session_screen.run("put_away()")


@pytest.fixture
def photo(screen: Gimp, photograph: Path) -> None:
    """The cat, open in a window, as `image`; its layer is `layer`."""
    shutil.copy(photograph, screen.share / "cat.png")
    screen.run("image = show('/share/cat.png'); layer = image.get_layers()[0]; time.sleep(0.5)")


@pytest.fixture(scope="session")
def server(share: Path, photograph: Path) -> Iterator[Client]:
    """A client of /share/hot, which a real server watches. Its library has coffee.png."""
    hot = FolderPaths(share / "hot")
    hot.create()
    (hot.styles / "coffee.png").write_bytes(photograph.with_name("coffee.png").read_bytes())
    # Real weights, real steps, few of them.
    config = share / "config.yaml"
    config.write_text(
        "settings: {steps: 6, coarse_steps: 3}\nclient_timeout: 8\nwatch: {rescan_seconds: 1}\n"
    )
    with served(hot, "--config", str(config)) as client:
        yield client


@pytest.fixture(scope="session")
def session_scripted(share: Path) -> Iterator[ScriptedServer]:
    server = ScriptedServer(share / "scripted")
    Image.new("RGB", (64, 64), "orange").save(server.root / "styles" / "sun.png")
    yield server
    server.close()


@pytest.fixture
def scripted(session_scripted: ScriptedServer) -> ScriptedServer:
    """The server of /share/scripted, whose paint is known. Its library has sun.png."""
    session_scripted.script = paints
    session_scripted.alive = True
    session_scripted.send_heartbeat()
    session_scripted.contents.clear()
    session_scripted.sidecars.clear()
    session_scripted.pictures.clear()
    return session_scripted


@contextlib.contextmanager
def served(hot: FolderPaths, *options: str) -> Iterator[Client]:
    """`impasto watch`, as a person would start it."""
    client = Client(hot.root)
    command = [
        sys.executable,
        "-P",
        "-m",
        "hotfolder.cli",
        "watch",
        "--hot",
        str(hot.root),
        *options,
    ]
    with (hot.root / "watch.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            until(lambda: client.server().running or process.poll() is not None, "the server")
            assert process.poll() is None, (hot.root / "watch.log").read_text()
            yield client
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
