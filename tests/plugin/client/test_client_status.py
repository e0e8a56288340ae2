"""What the client reads in the status files, whatever is in them."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from client_requests import request
from fake_server import FakeServer

from plugin.client import (
    Client,
    ResultMissing,
    Server,
    Status,
)
from plugin.client.protocol import TICKET_KEY


@pytest.mark.parametrize(
    ("age", "state", "running"),
    [
        (0, "idle", True),
        (9, "busy", True),
        (11, "busy", False),
        (0, "stopped", False),
        (0, "stopping", False),
    ],
)
def test_the_heartbeat_tells_whether_somebody_serves(
    server: FakeServer, client: Client, age: float, state: str, running: bool
) -> None:
    server.send_heartbeat(state=state)
    server.now += age
    assert client.server().running is running


@pytest.mark.parametrize("error", [-25.0, 40.0])
def test_a_clock_that_is_wrong_is_told_from_a_server_that_is_gone(
    server: FakeServer, client: Client, error: float
) -> None:
    server.clock_error = error
    server.send_heartbeat()
    first = client.server()
    assert (first.running, first.unsure) == (False, True)
    found = client.find_server()
    assert (found.running, found.unsure) == (True, False)
    assert found.clock_behind == pytest.approx(-error, abs=1)
    side = "behind" if error < 0 else "ahead of"
    assert found.summary == f"Ready. Its clock is {abs(error):.0f} s {side} this machine's."


def test_one_that_does_not_change_is_looked_at_for_a_heartbeats_time(
    server: FakeServer, client: Client
) -> None:
    server.die()
    server.now += 60
    began = server.now
    assert not client.find_server().running
    assert 5 <= server.now - began <= 7
    # Of this machine the clock is known.
    server.send_heartbeat(host=socket.gethostname())
    server.now += 60
    assert not client.server().unsure


def test_no_heartbeat_is_no_server(server: FakeServer, client: Client) -> None:
    (server.root / "status/server.json").unlink()
    assert not client.server().running


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"state": 7, "client": 3, "fraction": "x"}'])
def test_a_damaged_status_is_survived(client: Client, cat: Path, text: str) -> None:
    ticket = client.submit(request(cat))
    (client.root / "status/cat.json").write_text(text)
    assert client.status(ticket).state == "delivered"
    assert all(isinstance(status.fraction, float) for status in client.jobs())


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_status_that_is_no_plain_file_is_none(
    client: Client, cat: Path, tmp_path: Path, kind: str
) -> None:
    ticket = client.submit(request(cat))
    path = client.root / "status/cat.json"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        document = {"state": "running", "client": {TICKET_KEY: ticket.key}}
        (tmp_path / "theirs.json").write_text(json.dumps(document))
        path.symlink_to(tmp_path / "theirs.json")
    assert client.status(ticket).state == "delivered"


@pytest.mark.parametrize(
    "facts",
    [
        {"position": "first", "losses": {"total": "none"}, "eta_seconds": "soon"},
        {"fraction": float("nan"), "attempt": True, "message": ["a", "list"], "step": 1.5},
    ],
)
def test_what_is_of_the_wrong_type_is_left_out(
    server: FakeServer, client: Client, facts: dict[str, Any]
) -> None:
    server.post("cat", "running", device="cpu", **facts)
    assert client.job("cat") == Status("cat", "running", device="cpu", updated=server.stamp())


def test_a_damaged_heartbeat_is_no_server(server: FakeServer, client: Client) -> None:
    server.send_heartbeat(updated=["today"], devices=["cpu", 3], queue={"queued": "many"})
    assert client.server() == Server(running=False, state="idle", pid=os.getpid(), host="here")


@pytest.mark.parametrize(
    ("facts", "age", "summary"),
    [
        ({"devices": [{"device": "cuda:0"}]}, 0, "Ready (cuda:0)."),
        ({"state": "busy", "queue": {"running": 1, "queued": 3}}, 0, "Busy: 1 being painted, 3 in"),
        ({"state": "starting"}, 0, "Starting."),
        ({"state": "busy", "queue": {"running": 1}, "paused": "me"}, 0, "Paused (me)."),
        ({}, 60, "Not running since "),
    ],
)
def test_the_server_in_one_line(
    server: FakeServer, client: Client, facts: dict[str, Any], age: float, summary: str
) -> None:
    server.send_heartbeat(**facts)
    server.now += age
    assert client.server().summary.startswith(summary)


@pytest.mark.parametrize("path", ["/etc/passwd", "../../secret.png", "outbox\\..\\x.png", ""])
def test_a_status_that_points_out_of_the_folder_is_not_followed(
    server: FakeServer, client: Client, path: str
) -> None:
    server.post("cat", "done", result=path, record=path, preview=path)
    status = client.status("cat")
    assert client.preview_of(status) is None
    with pytest.raises(ResultMissing):
        client.result_of(status)
