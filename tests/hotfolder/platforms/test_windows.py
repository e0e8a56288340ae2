"""The real server and its workers where Windows is simulated (`benchmarks/reliability/windows.py`):
every process from its first import on, with whatever Windows does not have taken away."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from benchmarks.process import ROOT
from benchmarks.reliability.windows import SIGBREAK, VARIABLE
from hotfolder.atomic_files import TEMPORARY_PREFIX
from hotfolder.paths import FolderPaths

Until = Callable[..., None]

PROGRAMS = Path(__file__).parents[1] / "programs"
CONFIG = {"retry": {"lost": 1, "backoff": 0.1}, "claim_limit": 5}


class Windows:
    """Starts Python programs on the simulated Windows."""

    def __init__(self, wishes: str = "yes") -> None:
        path = os.pathsep.join([str(PROGRAMS / "windows"), str(ROOT)])
        self.environment = os.environ | {VARIABLE: wishes, "PYTHONPATH": path}
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *command: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, *command],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def serve(self, folder: FolderPaths, *more: str) -> "subprocess.Popen[str]":
        words = [
            "-W",
            "error",
            str(PROGRAMS / "daemon.py"),
            str(folder.root),
            "--config",
            json.dumps(CONFIG),
        ]
        return self.start(*words, *more)

    def run(self, text: str) -> str:
        output, error = self.start("-c", text).communicate(timeout=60)
        assert not error, error
        return output

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture(params=["yes", "no-inodes", "no-locks"])
def windows(request: pytest.FixtureRequest) -> Iterator[Windows]:
    windows = Windows(request.param)
    yield windows
    windows.close()


@pytest.fixture
def plain_windows() -> Iterator[Windows]:
    windows = Windows()
    yield windows
    windows.close()


ABSENT = """
import importlib, os, signal
for name in ("fcntl", "pwd", "grp", "resource", "termios"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        continue
    print(name)
for module in (os, signal):
    for name in ("O_NOFOLLOW", "O_PATH", "statvfs", "killpg", "SIGKILL", "pthread_sigmask"):
        if hasattr(module, name):
            print(name)
from hotfolder.platforms import system
from hotfolder.platforms.windows import Windows
if type(system) is not Windows:
    print(system)
"""

OPEN_FILES = """
import errno, os
from pathlib import Path
root = Path({root!r})
(root / "folder").mkdir()
for name in ("open", "closed", "folder/open"):
    (root / name).write_text("x")
def refused(error, call, *arguments):
    try:
        call(*arguments)
    except error:
        return
    print(call, arguments)
with (root / "open").open(), (root / "folder/open").open():
    refused(PermissionError, os.replace, root / "closed", root / "open")
    refused(PermissionError, os.rename, root / "open", root / "other")
    refused(PermissionError, os.unlink, root / "open")
    refused(PermissionError, os.rename, root / "folder", root / "other")
refused(FileExistsError, os.rename, root / "open", root / "closed")
refused(PermissionError, os.open, root / "folder", os.O_RDONLY)
refused(NotImplementedError, lambda: os.open("open", os.O_RDONLY, dir_fd=3))
for name in ("CON.txt", "a:b", "a. ", "lpt¹"):
    refused(OSError, (root / name).write_text, "x")
with os.scandir(root) as entries:
    if any(entry.stat().st_ino for entry in entries):
        print("inodes")
os.replace(root / "open", root / "closed")
os.unlink(root / "closed")
"""


def test_the_simulated_windows_lacks_what_the_real_one_lacks(
    plain_windows: Windows, tmp_path: Path
) -> None:
    assert plain_windows.run(ABSENT) == ""
    assert plain_windows.run(OPEN_FILES.format(root=str(tmp_path))) == ""


def drop(folder: FolderPaths, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def pair(name: str, order: str) -> dict[str, str]:
    return {f"inbox/{name}.content.jpg": order, f"inbox/{name}.style.jpg": f"style of {name}"}


IN_EVERY_FORM = {
    "styles/wave.jpg": "the wave",
    **pair("pair", "steps=3"),
    **pair("refused", "refuse"),
    **pair("deadly", "die"),
    **pair("unwanted", "steps=9"),
    "inbox/unwanted.cancel": "",
    "inbox/named.yaml": "content: named.jpg\nstyles: [wave.jpg, shared.jpg]\n",
    "inbox/other.yaml": "content: other.jpg\nstyles: [shared.jpg]\n",
    "inbox/named.jpg": "steps=2 named",
    "inbox/other.jpg": "steps=2 other",
    "inbox/shared.jpg": "a style of two",
    "inbox/wrong.yaml": "content: wrong.jpg\nstyles: [wave.jpg]\nsize: -3\n",
    "inbox/wrong.jpg": "never painted",
    "inbox/oil/preset.yaml": "styles: [wave.jpg]\n",
    "inbox/oil/one.jpg": "steps=1 one",
    "inbox/oil/two.jpg": "steps=1 two",
    "inbox/many.batch.yaml": "contents: ['q*.jpg']\nstyles: [wave.jpg]\n",
    "inbox/q1.jpg": "steps=1 q1",
    "inbox/q2.jpg": "steps=1 q2",
}

ENDS = {
    **dict.fromkeys(("pair", "named", "other", "oil-one", "oil-two", "many-q1-wave"), "done"),
    **dict.fromkeys(("many-q2-wave", "many"), "done"),
    **dict.fromkeys(("refused", "deadly", "wrong"), "failed"),
    "unwanted": "cancelled",
}


def ends(folder: FolderPaths) -> dict[str, str]:
    documents = {path.stem: json.loads(path.read_text()) for path in folder.status.glob("*.json")}
    return {name: facts["state"] for name, facts in documents.items() if name != "server"}


def check_kept(folder: FolderPaths, dropped: dict[str, str]) -> None:
    """Every file that was dropped is there once, and nothing half done is left."""
    paths = [path for path in folder.root.rglob("*") if path.is_file()]
    texts = Counter(path.read_text(errors="replace") for path in paths)
    lost = [name for name, text in dropped.items() if text and texts[text] < 1]
    assert lost == []
    assert [path.name for path in paths if path.name.startswith(TEMPORARY_PREFIX)] == []
    assert list(folder.spool.iterdir()) == []
    for path in folder.outbox.glob("*.png"):
        assert path.read_bytes().endswith(b"the end\n")


def test_jobs_in_every_form_come_to_their_end_while_their_files_are_opened_by_others(
    windows: Windows, folder: FolderPaths
) -> None:
    drop(folder, IN_EVERY_FORM)
    windows.start(str(PROGRAMS / "scanner.py"), str(folder.root), "0.005")
    daemon = windows.serve(folder, "--once")
    _, log = daemon.communicate(timeout=180)
    assert daemon.returncode == 10, log
    assert "Traceback" not in log
    assert ends(folder) == ENDS, log
    check_kept(folder, IN_EVERY_FORM)


def test_a_killed_server_is_followed_by_one_that_finishes_every_job(
    windows: Windows, folder: FolderPaths, until: Until
) -> None:
    names = [f"job{number}" for number in range(6)]
    dropped = {
        name: text for job in names for name, text in pair(job, f"steps=5 pause=0.05 {job}").items()
    }
    drop(folder, dropped)
    log = ""
    for already in (1, 3):
        daemon = windows.serve(folder)
        until(lambda done=already: list(ends(folder).values()).count("done") >= done, 60)
        daemon.kill()
        log += daemon.communicate()[1]
        # Without locks its last heartbeat, which is still fresh, would keep the next one out.
        (folder.status / "server.json").unlink()
    daemon = windows.serve(folder, "--once")
    log += daemon.communicate(timeout=180)[1]
    assert daemon.returncode == 0, log
    assert ends(folder) == dict.fromkeys(names, "done"), log
    assert len(list(folder.outbox.glob("*.png"))) == len(names)
    check_kept(folder, dropped)


def test_ctrl_break_ends_the_server_in_order(
    plain_windows: Windows, folder: FolderPaths, until: Until
) -> None:
    drop(folder, pair("long", "steps=1000 pause=0.05"))
    daemon = plain_windows.serve(folder)
    until(lambda: ends(folder).get("long") == "running", 60)
    os.kill(daemon.pid, SIGBREAK)
    _, log = daemon.communicate(timeout=60)
    assert daemon.returncode == 0, log
    assert ends(folder) == {"long": "queued"}
    assert json.loads((folder.status / "server.json").read_text())["state"] == "stopped"
    (claimed,) = folder.spool.iterdir()
    assert (claimed / "checkpoint").exists(), "the worker was told to stop, not killed"


def test_a_hook_that_runs_for_too_long_is_ended_with_what_it_has_started(
    plain_windows: Windows, folder: FolderPaths, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    text = (
        "import subprocess, sys; from pathlib import Path; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
        f"Path({str(child)!r}).write_text(str(child.pid)); child.wait()"
    )
    hooks = {"on_done": [sys.executable, "-c", text], "seconds": 4}
    drop(folder, pair("cat", "steps=1"))
    daemon = plain_windows.serve(folder, "--once", "--config", json.dumps({"hooks": hooks}))
    _, log = daemon.communicate(timeout=120)
    assert "ran longer than 4 s; killed" in log
    assert not is_running(int(child.read_text()))


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("command", [("--help",), ("service", "install", "--dry-run", "--hot")])
def test_the_command_line_runs_without_standard_streams(
    plain_windows: Windows, folder: FolderPaths, command: Sequence[str]
) -> None:
    """As `pythonw.exe`, which the scheduled task runs, has none."""
    words = [*command, *([str(folder.root)] if command[-1] == "--hot" else [])]
    text = (
        "import sys; sys.stdin = sys.stdout = sys.stderr = None\n"
        f"from hotfolder.cli.main import main\nraise SystemExit(main({words!r}))"
    )
    process = plain_windows.start("-c", text)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_a_second_server_is_refused_and_names_the_first(
    windows: Windows, folder: FolderPaths, until: Until
) -> None:
    first = windows.serve(folder)
    until((folder.status / "server.json").exists, 60)
    second = windows.serve(folder)
    _, log = second.communicate(timeout=60)
    assert second.returncode == 5
    assert f"process {first.pid} on" in log
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
