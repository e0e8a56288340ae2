"""An editor's whole session with a real server: started, asked, watched, left alone."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from hotfolder.paths import FolderPaths
from plugin.client import Client, NotStarted, Request, Ticket

ROOT = Path(__file__).resolve().parents[2]

IMPASTO = [
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {str(ROOT)!r}); from hotfolder.cli.main import main; "
    "sys.exit(main())",
]

QUICK = {"size": 64, "scales": 1, "steps": 2}

PATIENCE = 120.0


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, photograph: Path, painting: Path
) -> Iterator[Client]:
    folder = FolderPaths(tmp_path_factory.mktemp("session") / "hot")
    folder.create()
    with Image.open(painting) as picture:
        picture.convert("RGB").resize((96, 64)).save(folder.styles / "cup of coffee.png")
    client = Client(folder.root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_CLIENT_TIMEOUT", "3")
        patch.setenv("IMPASTO_WATCH__RESCAN_SECONDS", "0.5")
        patch.setenv("IMPASTO_SETTLE_SECONDS", "0.1")
        patch.setenv("IMPASTO_DEVICES", "[cpu]")
        pid = client.start_server(IMPASTO).pid
    assert pid is not None
    yield client
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while client.server().state != "stopped" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert client.server().summary.startswith("Not running since")


def request(photograph: Path, **facts: object) -> Request:
    style = "cup of coffee.png"
    return Request(**{"content": photograph, "styles": [style], "settings": QUICK} | facts)  # type: ignore[arg-type]


def test_a_second_server_is_not_started(client: Client) -> None:
    first = client.server().pid
    assert client.start_server(IMPASTO).pid == first


def test_a_preview_comes_with_a_heartbeat_and_goes_without_a_trace(
    client: Client, photograph: Path, until: Callable[..., None]
) -> None:
    ticket = client.submit(request(photograph, name="preview", heartbeat=True))
    seen = list(client.watch(ticket, timeout=PATIENCE))
    assert seen[-1].state == "done"
    with Image.open(client.result(ticket).picture) as picture:
        assert max(picture.size) == 64
    # One that comes as the job ends is removed by a later scan.
    until(lambda: not (client.inbox / "preview.heartbeat").exists(), PATIENCE)

    client.discard(ticket)
    left = [path for path in client.root.rglob("*preview*") if ".impasto" not in path.parts]
    assert left == []


def test_a_result_is_listed_with_its_style_and_settings(client: Client, photograph: Path) -> None:
    assert [style.title for style in client.styles()] == ["Cup of coffee"]
    ticket = client.submit(request(photograph))
    *_, end = client.watch(ticket, timeout=PATIENCE)
    assert end.state == "done"
    found = client.results()
    assert [each.name for each in found] == ["chelsea"]
    details = client.details(found[0])
    assert details.styles == ("cup of coffee.png",)
    assert details.settings["steps"] == 2


def test_a_client_that_was_killed_takes_its_job_with_it(client: Client, photograph: Path) -> None:
    long = {"size": 256, "scales": 1, "steps": 10_000}
    ticket = client.submit(request(photograph, name="long", settings=long, heartbeat=True))
    for status in client.watch(ticket, timeout=PATIENCE):
        if status.state == "running":
            break
    # Only watched from here on, by somebody whose job it is not.
    *_, end = client.watch(Ticket(ticket.name, ticket.key), timeout=PATIENCE)
    assert end.state == "cancelled"
    assert "heartbeat" in end.message


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    folder = FolderPaths(tmp_path / "hot")
    folder.create()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMPASTO_SETTLE_SECONDS", "soon")
        with pytest.raises(NotStarted, match=r"exit code 9: .*IMPASTO_SETTLE_SECONDS"):
            Client(folder.root).start_server(IMPASTO)
