"""A process that is killed, as GIMP's Cancel kills the plug-in, and the job it had asked for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from client import Client, Ticket
from fake_server import FakeServer
from guard import guarded

KILLED = """
import os, signal, sys
from client import Client, Ticket
from guard import guarded
with guarded(Client(sys.argv[1]), Ticket("cat", "0" * 16)):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def modules_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """By other processes too; beside the installed plug-in they lie in its folder."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def test_a_killed_process_leaves_a_cancelled_job(tmp_path: Path) -> None:
    server = FakeServer(tmp_path / "hot")
    server.post("cat", "running", client={"ticket": "0" * 16})
    command = [sys.executable, "-c", KILLED, str(server.root)]
    killed = subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
    assert killed.returncode == -signal.SIGKILL
    cancel = server.root / "inbox" / "cat.cancel"
    end = time.monotonic() + 60
    while not cancel.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert cancel.exists()


def test_one_that_goes_on_does_not(tmp_path: Path) -> None:
    server = FakeServer(tmp_path / "hot")
    with guarded(Client(server.root), Ticket("cat", "0" * 16)):
        pass
    assert list((server.root / "inbox").iterdir()) == []
