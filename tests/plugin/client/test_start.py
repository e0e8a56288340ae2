"""Starting a server from an editor, with small programs in its place."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from fake_server import FakeServer

from plugin.client import Client, FolderMissing, NotStarted

SERVES = """
import datetime, json, pathlib, sys
root = pathlib.Path(sys.argv[-1])
beat = {"state": "idle", "pid": 7, "updated": datetime.datetime.now().astimezone().isoformat()}
(root / "status" / "server.json").write_text(json.dumps(beat))
"""


@pytest.fixture
def here(server: FakeServer) -> Client:
    """With the real clock, and nobody serving."""
    (server.root / "status/server.json").unlink()
    return Client(server.root)


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_it_returns_once_somebody_serves(here: Client) -> None:
    assert here.start_server(program(SERVES)).pid == 7
    assert here.server().running


def test_it_is_called_with_the_folder_and_keeps_what_it_says(here: Client) -> None:
    says = program(f"import sys; print(sys.argv[1:], flush=True); {SERVES}")
    here.start_server(says)
    log = here.root / ".impasto/watch.log"
    assert log.read_text() == f"{['watch', '--hot', str(here.root)]}\n"


def test_its_log_is_never_written_through_a_link(here: Client, tmp_path: Path) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("theirs")
    (here.root / ".impasto").mkdir(exist_ok=True)
    (here.root / ".impasto/watch.log").symlink_to(precious)
    with pytest.raises(NotStarted, match=r"watch\.log"):
        here.start_server(program(SERVES))
    assert precious.read_text() == "theirs"


def test_a_folder_that_is_served_is_left_alone(client: Client) -> None:
    assert client.start_server(["no such command"]).running


def test_an_editors_own_python_is_kept_from_it(
    here: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "APPIMAGE"):
        monkeypatch.setenv(name, "/editor")
    names = "('PYTHONHOME', 'PYTHONPATH', 'LD_LIBRARY_PATH', 'APPIMAGE')"
    here.start_server(
        program(f"import os; print([n for n in {names} if n in os.environ], flush=True);{SERVES}")
    )
    assert (here.root / ".impasto/watch.log").read_text() == "['APPIMAGE']\n"


def test_one_that_ends_at_once_says_why(here: Client) -> None:
    with pytest.raises(NotStarted) as raised:
        here.start_server(program("raise SystemExit('Error: no such device: cuda:7.')"))
    message = str(raised.value)
    assert "ended at once with exit code 1: Error: no such device: cuda:7." in message
    assert str(here.root / ".impasto/watch.log") in message


def test_one_that_never_serves_is_stopped(server: FakeServer, client: Client) -> None:
    server.die()
    server.now += 60
    pid_file = server.root / "pid"
    loops = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    client._sleep = lambda seconds: server.sleep(1) if pid_file.exists() else time.sleep(0.01)
    with pytest.raises(NotStarted, match=r"not begun to serve .* within 30 s .*: it said nothing"):
        client.start_server(program(loops), timeout=30)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(int(pid_file.read_text()), 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    pytest.fail("it still runs")


def test_one_that_starts_while_the_machine_sleeps_is_not_stopped(
    server: FakeServer, client: Client
) -> None:
    server.die()
    server.now += 60
    pid_file = server.root / "pid"
    draft, whole = f"{pid_file}.part", str(pid_file)
    loops = (
        f"import os, time; open({draft!r}, 'w').write(str(os.getpid()));"
        f"os.rename({draft!r}, {whole!r}); time.sleep(60)"
    )

    def fall_asleep() -> None:
        server.now += 8 * 3600

    def begin_to_serve() -> None:
        server.alive = True

    server.moves = [fall_asleep, *[lambda: None] * 10, begin_to_serve]
    client._sleep = lambda seconds: server.sleep(1) if pid_file.exists() else time.sleep(0.01)
    assert client.start_server(program(loops), timeout=30).running
    os.kill(int(pid_file.read_text()), signal.SIGTERM)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        pytest.param([], "Nothing says how to start", id="unknown"),
        pytest.param(
            ["/nowhere/impasto"], "cannot be started: /nowhere/impasto: No such file", id="moved"
        ),
        pytest.param([__file__], "Permission denied", id="not_executable"),
    ],
)
def test_a_command_that_cannot_be_run_is_named_with_what_to_do(
    here: Client, command: list[str], message: str
) -> None:
    with pytest.raises(NotStarted, match=message) as raised:
        here.start_server(command)
    assert f"In a terminal: impasto watch --hot {here.root}" in str(raised.value)


def test_where_there_is_no_hot_folder_nothing_is_started(tmp_path: Path) -> None:
    with pytest.raises(FolderMissing, match="impasto init"):
        Client(tmp_path / "nowhere").start_server(program("print()"))
