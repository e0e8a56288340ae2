"""Service definitions and commands of each platform, and `impasto service` with each of them.

systemd's own tool reads the units. launchd's and the Task Scheduler's definitions are read by the
standard library only: nobody has started a service with them here.
"""

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hotfolder.cli.main import main
from hotfolder.errors import ExitCode
from hotfolder.paths import FolderPaths
from hotfolder.platforms import system
from hotfolder.platforms.launchd import Launchd
from hotfolder.platforms.service import Service, ServiceManager
from hotfolder.platforms.systemd import Systemd
from hotfolder.platforms.task_scheduler import NAMESPACE, TaskScheduler

ODD_NAMES = ["hot", "with space", '100 % "quoted" $HOME \\ back', "a <b> & 'c'", "übung"]


def a_service(folder: Path, *, user: str | None = None, name: str = "impasto") -> Service:
    command = [sys.executable, "-P", "-m", "hotfolder.cli", "watch", "--hot", str(folder), "--wait"]
    return Service(name, command, folder, working_folder=folder.parent, user=user)


@pytest.fixture(params=["systemd", "launchd", "task_scheduler"])
def services(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ServiceManager:
    """Each service manager in turn, as if this were its platform, with a home of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    managers = {
        "systemd": Systemd(),
        "launchd": Launchd(tmp_path / "home", 501),
        "task_scheduler": TaskScheduler(tmp_path / "local"),
    }
    manager = managers[request.param]
    monkeypatch.setattr(type(system), "services", property(lambda self: manager))
    return manager


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """How the service managers' programs were called: they only note it, no test changes the
    machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("systemctl", "launchctl", "schtasks"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{tmp_path}/calls"\necho active\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("IMPASTO_HOT_FOLDER", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "calls"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_definition_tells_which_folder_it_serves(services: ServiceManager, name: str) -> None:
    folder = Path("/srv") / name
    definition = services.definition(a_service(folder))
    assert services.served_folder(definition) == str(folder)
    definition.encode(services.encoding)
    assert services.served_folder("something of somebody else") == ""


def test_a_service_is_installed_shown_and_uninstalled(
    services: ServiceManager,
    calls: Path,
    folder: FolderPaths,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def called() -> list[str]:
        lines = calls.read_text().splitlines()
        calls.unlink()
        return lines

    path = services.path("impasto", for_user=True)
    assert main(["service", "install", "--user", str(folder.root)]) == 0
    assert capsys.readouterr().out.strip() == str(path)
    definition = path.read_text(encoding=services.encoding)
    assert services.served_folder(definition) == str(folder.root)
    assert called() == [" ".join(words) for words in services.start("impasto", for_user=True)]
    assert main(["service", "status", "--user"]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == definition.strip()
    assert f"{path}: active" in shown.err
    assert called() == [" ".join(services.status("impasto", for_user=True))]
    assert main(["service", "uninstall", "--user"]) == 0
    assert not path.exists()
    ended = [
        *services.stop("impasto", for_user=True),
        *services.after_removal(for_user=True),
    ]
    assert called() == [" ".join(words) for words in ended]
    assert main(["service", "status"]) == 5
    assert f"there is no such {services.kind}" in capsys.readouterr().err


def test_a_dry_run_changes_nothing(
    services: ServiceManager,
    calls: Path,
    folder: FolderPaths,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = services.path("impasto", for_user=True)
    assert main(["service", "install", str(folder.root), "--dry-run"]) == 0
    said = capsys.readouterr()
    assert services.served_folder(said.out) == str(folder.root)
    assert str(path) in said.err
    assert services.start("impasto", for_user=True)[0][0] in said.err
    assert not path.exists()
    assert main(["service", "install", str(folder.root)]) == 0
    calls.unlink()
    assert main(["service", "uninstall", "--dry-run"]) == 0
    assert str(path) in capsys.readouterr().err
    assert path.exists()
    assert not calls.exists()


def test_a_service_manager_that_refuses_is_said_with_what_to_do(
    services: ServiceManager,
    calls: Path,
    folder: FolderPaths,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = services.start("impasto", for_user=True)[0][0]
    script = "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n"
    (calls.parent / "bin" / program).write_text(script)
    assert main(["service", "install", str(folder.root)]) == ExitCode.OTHER
    said = capsys.readouterr().err
    assert "Failed to connect to bus" in said
    assert " ".join(services.start("impasto", for_user=True)[-1][:2]) in said


def test_the_unit_says_what_a_service_needs() -> None:
    command = ["/usr/bin/python3", "-m", "x", "/srv/hot"]
    text = Systemd().definition(Service("impasto", command, Path("/srv/hot")))
    for line in (
        *("Type=notify", "Restart=on-failure", "WatchdogSec=120", "WantedBy=default.target"),
        *('ExecStart="/usr/bin/python3" "-m" "x" "/srv/hot"', 'RequiresMountsFor="/srv/hot"'),
    ):
        assert line in text.splitlines()
    assert "User=" not in text


@pytest.mark.parametrize("name", ODD_NAMES)
def test_systemds_own_tool_accepts_the_unit(tmp_path: Path, name: str) -> None:
    verifier = shutil.which("systemd-analyze")
    if verifier is None:
        pytest.skip("systemd-analyze is not here to read the unit")
    folder = tmp_path / name
    folder.mkdir()
    unit = tmp_path / "impasto.service"
    unit.write_text(Systemd().definition(a_service(folder, user="root")))
    answer = subprocess.run([verifier, "verify", str(unit)], capture_output=True, text=True)
    assert "impasto.service" not in answer.stderr, answer.stderr


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_property_list_says_what_an_agent_needs(tmp_path: Path, name: str) -> None:
    launchd = Launchd(tmp_path, 501)
    service = a_service(tmp_path / name)
    document = plistlib.loads(launchd.definition(service).encode())
    assert document["Label"] == "impasto"
    assert document["ProgramArguments"] == list(service.command)
    assert document["KeepAlive"] == {"SuccessfulExit": False}
    assert document["StandardErrorPath"] == str(tmp_path / "Library/Logs/impasto.log")
    assert "UserName" not in document
    assert launchd.path("impasto", for_user=True) == tmp_path / "Library/LaunchAgents/impasto.plist"
    machine = plistlib.loads(launchd.definition(a_service(tmp_path, user="me")).encode())
    assert machine["UserName"] == "me"
    assert launchd.start("impasto", for_user=False)[0][2] == "system"


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("user", [None, "me"])
def test_the_task_says_what_a_service_needs(tmp_path: Path, name: str, user: str | None) -> None:
    python = tmp_path / "Scripts" / "python.exe"
    python.parent.mkdir()
    python.touch()
    python.with_name("pythonw.exe").touch()
    command = [str(python), "-m", "hotfolder.cli", "watch", "--hot", str(tmp_path / name)]
    service = Service("work", command, tmp_path / name, user=user)
    scheduler = TaskScheduler(tmp_path)
    text = scheduler.definition(service)
    assert text.startswith('<?xml version="1.0" encoding="UTF-16"?>')
    task = ElementTree.fromstring(text.encode("utf-16"))

    def found(path: str) -> str | None:
        return task.findtext("/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/")))

    assert found("Actions/Exec/Command") == str(python.with_name("pythonw.exe"))
    log = ["--log-file", str(tmp_path / "work.log")]
    assert found("Actions/Exec/Arguments") == subprocess.list2cmdline([*command[1:], *log])
    assert found("Settings/ExecutionTimeLimit") == "PT0S"
    assert found("Settings/StopIfGoingOnBatteries") == "false"
    triggers = task.find(f"{{{NAMESPACE}}}Triggers")
    assert triggers is not None
    kinds = [trigger.tag.rpartition("}")[2] for trigger in triggers]
    assert kinds == (["LogonTrigger"] if user is None else ["BootTrigger"])
