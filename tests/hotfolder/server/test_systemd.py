"""Under systemd: a real datagram socket hears the daemon."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import FakeClock

from hotfolder.paths import FolderPaths
from hotfolder.server.systemd import SystemdNotifier

DAEMON = Path(__file__).parents[1] / "programs" / "daemon.py"


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """What systemd listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        yield listener


def heard(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().splitlines()


def test_the_manager_hears_the_start_the_loop_and_the_end(
    manager: socket.socket, folder: FolderPaths
) -> None:
    environment = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "400000"}
    daemon = subprocess.Popen(
        [sys.executable, str(DAEMON), str(folder.root)],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        first = heard(manager)
        assert first == ["READY=1", f"STATUS=serving {folder.root}"]
        for _ in range(3):  # Goes on: the loop feeds the watchdog.
            assert heard(manager)[0] == "WATCHDOG=1"
        (folder.inbox / "cat.content.jpg").write_bytes(b"a picture")
        (folder.inbox / "cat.style.jpg").write_bytes(b"a picture")
        status = ""
        while "1 done" not in status:
            status = heard(manager)[-1]
        daemon.send_signal(signal.SIGTERM)
        while heard(manager) != ["STOPPING=1"]:
            pass
    finally:
        try:
            daemon.wait(60)
        finally:
            daemon.kill()
    assert daemon.returncode == 0


def test_the_watchdog_is_fed_twice_as_often_as_it_asks(
    manager: socket.socket, clock: FakeClock
) -> None:
    manager.setblocking(False)
    environment = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": str(120 * 10**6)}
    notifier = SystemdNotifier(environment, clock=clock)
    fed = []
    for second in range(240):
        clock.advance(1)
        notifier.alive("idle")
        with contextlib.suppress(BlockingIOError):
            assert heard(manager) == ["WATCHDOG=1", "STATUS=idle"]
            fed.append(second)
    assert fed == [0, 60, 120, 180]


def test_without_systemd_nothing_is_sent_and_a_deaf_one_is_no_error(tmp_path: Path) -> None:
    SystemdNotifier({}).ready("serving")
    SystemdNotifier({"NOTIFY_SOCKET": str(tmp_path / "nowhere")}).ready("serving")
    SystemdNotifier({"NOTIFY_SOCKET": "@nowhere", "WATCHDOG_USEC": "soon"}).alive("idle")


def test_an_abstract_socket_is_understood() -> None:
    name = f"impasto-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.settimeout(60)
        SystemdNotifier({"NOTIFY_SOCKET": f"@{name}"}).stopping()
        assert heard(listener) == ["STOPPING=1"]


def test_a_service_whose_folder_is_mounted_late_reports_that_it_waits(
    manager: socket.socket, tmp_path: Path
) -> None:
    command = [sys.executable, "-P", "-m", "hotfolder.cli", "watch", "--device", "cpu"]
    place = tmp_path / "mnt" / "hot"
    environment = os.environ | {"NOTIFY_SOCKET": manager.getsockname()}
    daemon = subprocess.Popen(
        [*command, "--hot", str(place), "--wait"], cwd=tmp_path, env=environment
    )
    try:
        assert heard(manager)[0] == "READY=1"
        FolderPaths(place).create()
        while heard(manager)[-1] != "STATUS=0 running, 0 waiting; 0 done, 0 failed, 0 cancelled":
            assert daemon.poll() is None
        daemon.terminate()
        assert daemon.wait(60) == 0
    finally:
        daemon.kill()
        daemon.wait()


def test_without_being_asked_to_nobody_waits_for_a_folder_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hotfolder.cli.main import main

    assert main(["watch", "--hot", str(tmp_path / "typo")]) == 5
    assert "is not a hot folder: no such folder" in capsys.readouterr().err
