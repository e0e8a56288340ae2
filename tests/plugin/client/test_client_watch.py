"""Following jobs: to their end, over restarts, with heartbeats."""

import os
from pathlib import Path

import pytest
from client_requests import in_inbox, request, sidecar_of
from fake_server import FakeServer

from plugin.client import (
    Client,
    JobCancelled,
    JobFailed,
    NotFinished,
    ResultMissing,
    ServerGone,
    Ticket,
    TimedOut,
)


def test_a_job_is_followed_to_its_end(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    losses = {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}
    server.moves = [
        lambda: server.claim("cat"),
        lambda: server.post("cat", "running", fraction=0.5, losses=losses, a_later_key=1),
        lambda: None,
        lambda: server.finish("cat"),
    ]
    seen = list(client.watch(ticket))

    assert [status.state for status in seen] == ["delivered", "queued", "running", "done"]
    assert seen[2].losses == losses
    assert client.result(ticket).picture.read_bytes() == b"a picture"


def test_a_ticket_finds_its_job_under_another_name(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.post("cat", "running", client={"ticket": "somebody else's"})
    server.claim("cat", as_name="cat-2")

    assert client.status(ticket).name == "cat-2"
    server.finish("cat-2")
    assert client.result(ticket).picture == server.root / "outbox/cat-2.png"


def test_a_ticket_kept_by_another_process_still_finds_its_job(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat", as_name="cat-7")
    assert Client(server.root).status(Ticket(ticket.name, ticket.key)).name == "cat-7"


def test_a_dead_server_is_noticed(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    server.moves = [lambda: server.claim("cat"), server.die]
    before = server.now
    with pytest.raises(ServerGone, match=r"cat is queued and stays there; `impasto watch"):
        list(client.watch(ticket))
    assert 10 <= server.now - before < 22


def test_of_a_job_with_a_heartbeat_it_is_not_said_that_it_would_be_painted_anyhow(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat, heartbeat=True))
    server.moves = [lambda: server.claim("cat"), server.die]
    with pytest.raises(
        ServerGone, match=r"paints it while its client sends heartbeats, else cancels it"
    ):
        list(client.watch(ticket))


def test_a_server_that_comes_back_in_time_is_waited_for(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))

    def restart() -> None:
        server.alive = True
        server.claim("cat")

    server.moves = [server.die, *[lambda: None] * 60, restart, lambda: server.finish("cat")]
    assert list(client.watch(ticket))[-1].state == "done"


def test_a_server_whose_clock_is_wrong_is_not_taken_for_dead(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.clock_error = -3 * 86_400
    claim, finish = lambda: server.claim("cat"), lambda: server.finish("cat")
    server.moves = [*[lambda: None] * 100, claim, finish]
    server.send_heartbeat()
    assert not client.server().running
    assert list(client.watch(ticket))[-1].state == "done"


@pytest.mark.parametrize("jump", [8 * 3600.0, -8 * 3600.0], ids=["sleeps", "clock_set_back"])
def test_a_laptop_that_wakes_up_does_not_take_a_living_server_for_gone(
    server: FakeServer, client: Client, cat: Path, jump: float
) -> None:
    ticket = client.submit(request(cat, heartbeat=True))

    heartbeat = client.inbox / "cat.heartbeat"

    def wake_up() -> None:
        server.now += jump
        server.alive = False  # It has not had its turn yet.
        heartbeat.unlink(missing_ok=True)

    def go_on() -> None:
        assert heartbeat.exists()
        server.alive = True

    moves = [lambda: server.claim("cat"), wake_up, *[lambda: None] * 3, go_on]
    server.moves = [*moves, *[lambda: None] * 20, lambda: server.finish("cat")]
    assert list(client.watch(ticket, timeout=60))[-1].state == "done"


def test_after_a_jump_of_the_clock_the_server_is_judged_by_its_changes(
    server: FakeServer, client: Client
) -> None:
    assert client.server().running
    server.now += 3600
    assert not client.server().running  # Nobody knows.
    server.clock_error = -1800  # Of a server elsewhere.
    server.sleep(1)
    assert client.server().running
    server.die()
    server.sleep(5)
    assert client.server().running
    server.sleep(6)
    assert not client.server().running


def test_a_heartbeat_that_has_changed_while_nobody_looked_proves_nothing(
    server: FakeServer, client: Client
) -> None:
    assert client.server().running
    server.sleep(10)
    server.die()
    server.sleep(3600)
    assert not client.server().running


def test_patience_has_an_end(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    with pytest.raises(TimedOut, match="delivered after 3 s"):
        list(client.watch(ticket, timeout=3))


def test_cancelling_asks_under_the_name_that_the_server_gave(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat", as_name="cat-2")
    client.cancel(ticket)
    assert in_inbox(client) == ["cat-2.cancel"]

    server.post("cat-2", "cancelled")
    with pytest.raises(JobCancelled, match="cat-2 was cancelled"):
        client.result(ticket)


def test_a_failed_job_says_why(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    with pytest.raises(NotFinished, match="cat is queued"):
        client.result(ticket)
    server.post("cat", "failed", error="cat.jpg is truncated.\n", folder="failed/cat")
    with pytest.raises(JobFailed, match=r"^cat.jpg is truncated\.$") as raised:
        client.result(ticket)
    assert raised.value.status.folder == "failed/cat"


def test_a_result_that_was_taken_away_is_no_success(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    server.finish("cat")
    client.result(ticket).picture.unlink()
    with pytest.raises(ResultMissing, match=r"outbox/cat\.png is no longer in .*Paint it again"):
        client.result(ticket)


def test_a_server_that_never_looks_is_not_waited_for_without_end(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat))
    with pytest.raises(TimedOut, match="runs, but has not looked at cat for 300 s"):
        list(client.watch(ticket, interval=5))


def test_a_heartbeat_is_sent_while_the_job_is_watched(
    server: FakeServer, client: Client, cat: Path
) -> None:
    ticket = client.submit(request(cat, heartbeat=True))
    assert in_inbox(client) == ["cat.content.png", "cat.heartbeat", "cat.yaml"]
    assert sidecar_of(client, ticket)["owner"] == {"heartbeat": True}
    heart = client.inbox / "cat.heartbeat"
    beats = 0

    def look() -> None:
        nonlocal beats
        beats += heart.stat().st_mtime > 1
        os.utime(heart, (1, 1))

    # The server has it under another name; the heartbeat keeps the drop's.
    server.post("cat-2", "running", client={"ticket": ticket.key})
    server.moves = [*[look] * 42, lambda: server.finish("cat-2")]
    list(client.watch(ticket, interval=0.5))
    # 21 s at one beat in 2 s.
    assert 10 <= beats <= 12


def test_a_heart_stops_at_the_jobs_end_only(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat, heartbeat=True))
    heart = client.inbox / "cat.heartbeat"
    heart.unlink()
    assert client.send_heartbeat(ticket)
    assert heart.exists()

    server.claim("cat")
    server.finish("cat")
    assert not client.send_heartbeat(ticket)
    assert not heart.exists()


def test_a_job_without_a_heartbeat_has_none(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    assert "owner" not in sidecar_of(client, ticket)
    server.moves = [lambda: server.claim("cat"), lambda: server.finish("cat")]
    list(client.watch(ticket))
    assert in_inbox(client) == []
