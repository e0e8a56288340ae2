"""Under systemd: a real datagram socket hears the daemon, and systemd's own tool reads the unit."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import FakeClock

from hotfolder.paths import FolderPaths
from hotfolder.server.systemd import SystemdNotifier, unit_text

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


def test_the_unit_says_what_a_service_needs() -> None:
    text = unit_text(["/usr/bin/python3", "-m", "x", "/srv/hot"], [Path("/srv/hot")])
    for line in (
        *("Type=notify", "Restart=on-failure", "WatchdogSec=120", "WantedBy=default.target"),
        *('ExecStart="/usr/bin/python3" "-m" "x" "/srv/hot"', 'RequiresMountsFor="/srv/hot"'),
    ):
        assert line in text.splitlines()
    assert "User=" not in text


@pytest.mark.parametrize("name", ["hot", "with space", '100 % "quoted" $HOME \\ back'])
def test_systemds_own_tool_accepts_the_unit(tmp_path: Path, name: str) -> None:
    verifier = shutil.which("systemd-analyze")
    if verifier is None:
        pytest.skip("systemd-analyze is not here to read the unit")
    folder = tmp_path / name
    folder.mkdir()
    unit = tmp_path / "impasto.service"
    command = [sys.executable, "-P", "-m", "hotfolder.cli", "watch", str(folder)]
    unit.write_text(unit_text(command, [folder], working_folder=tmp_path, user="root"))
    answer = subprocess.run([verifier, "verify", str(unit)], capture_output=True, text=True)
    assert "impasto.service" not in answer.stderr, answer.stderr


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name that notes how it is called: no test changes the machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$*" >> "{tmp_path}/calls"\necho active\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "calls"


def test_the_service_is_installed_shown_and_uninstalled(
    systemctl: Path, folder: FolderPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    from hotfolder.cli.main import main

    assert main(["service", "install", "--user", str(folder.root)]) == 0
    unit = systemctl.parent / "config/systemd/user/impasto.service"
    assert capsys.readouterr().out.strip() == str(unit)
    assert f'"watch" "--hot" "{folder.root}"' in unit.read_text()
    assert systemctl.read_text().splitlines() == [
        *("--user daemon-reload", "--user enable --now impasto.service")
    ]
    assert main(["service", "show", "--user"]) == 0
    shown = capsys.readouterr()
    assert shown.out == unit.read_text()
    assert f"{unit}: active" in shown.err
    assert main(["service", "uninstall", "--user"]) == 0
    assert not unit.exists()
    assert systemctl.read_text().splitlines()[-2:] == [
        *("--user disable --now impasto.service", "--user daemon-reload")
    ]
    assert main(["service", "show"]) == 5
    assert "there is no such unit" in capsys.readouterr().err


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


def test_a_systemd_that_refuses_is_said_with_what_to_do(
    systemctl: Path, folder: FolderPaths, capsys: pytest.CaptureFixture[str]
) -> None:
    from hotfolder.cli.main import main

    program = systemctl.parent / "bin" / "systemctl"
    program.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    assert main(["service", "install", str(folder.root)]) == 15
    said = capsys.readouterr().err
    assert "Failed to connect to bus" in said
    assert "systemctl --user enable --now impasto.service" in said
