"""What is left of a job that was discarded: nothing."""

from pathlib import Path

import pytest
from client_requests import in_inbox, request
from fake_server import FakeServer

from plugin.client import (
    Client,
    DeliveryError,
    NotFinished,
    Ticket,
)


def test_of_a_discarded_job_nothing_is_left(server: FakeServer, client: Client, cat: Path) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    with pytest.raises(NotFinished, match="cat is queued; cancel it first"):
        client.discard(ticket)
    originals = server.root / "done/2026-11-24/cat"
    originals.mkdir(parents=True)
    (originals / "cat.content.png").touch()
    (server.root / "status/cat.preview.jpg").touch()
    (server.root / "outbox/cat.losses.png").touch()
    (server.root / "outbox/cat-2.png").touch()
    server.finish("cat")
    server.post("cat", "done", folder="done/2026-11-24/cat")
    client.discard(ticket)

    left = [path.relative_to(server.root).as_posix() for path in server.root.rglob("*.*")]
    assert sorted(left) == ["outbox/cat-2.png", "status/server.json"]
    client.discard(ticket)


@pytest.mark.parametrize("folder", ["done", "styles", "done/..", "..", "/", "inbox/cat", "done/x"])
def test_discarding_removes_no_folder_but_a_jobs_own(
    server: FakeServer, client: Client, cat: Path, folder: str
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    (server.root / "inbox/cat").mkdir()
    (server.root / "done/x").mkdir()
    server.post("cat", "cancelled", folder=folder, result="styles/night.jpg", record="inbox")
    (server.root / "styles/night.jpg").touch()
    client.discard(ticket)
    for name in ("done/x", "styles/night.jpg", "inbox/cat", "outbox", "status/server.json"):
        assert (server.root / name).exists()


@pytest.mark.parametrize("link", ["done/2026-11-24", "done/2026-11-24/cat", "failed/cat"])
def test_discarding_removes_nothing_through_a_link(
    server: FakeServer, client: Client, cat: Path, tmp_path: Path, link: str
) -> None:
    precious = tmp_path / "theirs/cat/precious.txt"
    precious.parent.mkdir(parents=True)
    precious.touch()
    ticket = client.submit(request(cat))
    server.claim("cat")
    (server.root / link).parent.mkdir(parents=True, exist_ok=True)
    by_name = link.endswith("cat")
    (server.root / link).symlink_to(precious.parent if by_name else precious.parents[1])
    server.post("cat", "cancelled", folder=link if by_name else f"{link}/cat")
    client.discard(ticket)
    assert precious.exists()


def test_a_request_to_cancel_touches_nothing_through_a_link(
    server: FakeServer, client: Client, cat: Path, tmp_path: Path
) -> None:
    ticket = client.submit(request(cat))
    server.claim("cat")
    (client.inbox / "cat.cancel").symlink_to(tmp_path / "theirs.txt")
    with pytest.raises(DeliveryError, match=r"cat\.cancel"):
        client.cancel(ticket)
    assert not (tmp_path / "theirs.txt").exists()


def test_a_drop_that_nobody_serves_can_be_taken_back(client: Client, cat: Path) -> None:
    for name in ("cat.2.content.png", "cat.note"):
        (client.inbox / name).touch()
    ticket = client.submit(request(cat, name="dog", styles=[cat], heartbeat=True))
    other = client.submit(request(cat, name="bird"))
    (client.inbox / "dog.2.content.png").touch()
    client.discard(ticket)
    client.discard(Ticket(other.name, "another client's"))
    assert in_inbox(client) == [
        *("bird.content.png", "bird.yaml", "cat.2.content.png", "cat.note", "dog.2.content.png"),
    ]
