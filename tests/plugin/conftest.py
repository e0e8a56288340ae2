"""A scripted server, and a client whose clock it turns."""

from pathlib import Path

import pytest
from fake_server import FakeServer

from plugin.client import Client


@pytest.fixture
def server(tmp_path: Path) -> FakeServer:
    return FakeServer(tmp_path / "hot")


@pytest.fixture
def client(server: FakeServer) -> Client:
    return Client(server.root, clock=server.clock, sleep=server.sleep)


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "cat.PNG"
    path.write_bytes(b"the cat's pixels")
    return path
