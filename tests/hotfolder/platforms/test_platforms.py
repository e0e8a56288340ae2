"""What each platform does with processes, signals, files and the desktop. Windows' and macOS's are
called on this system, with what theirs would answer."""

import errno
import fcntl
import html
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from hotfolder.platforms import Platform
from hotfolder.platforms.macos import F_FULLFSYNC, MacOS
from hotfolder.platforms.posix import Posix
from hotfolder.platforms.windows import PAUSES, Windows

Until = Callable[..., None]

FAMILY = (
    "import subprocess, sys; "
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print(child.pid, flush=True); child.wait()"
)


@pytest.mark.parametrize("platform", [Posix(), MacOS(), Windows()], ids=["posix", "mac", "windows"])
def test_a_tree_of_processes_is_ended_whole(platform: Platform, until: Until) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, start_new_session=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    platform.end_tree(parent)
    parent.stdout.close()
    assert parent.wait(60) == -signal.SIGKILL
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 60)
    platform.end_tree(parent)  # There is none any more: no error.


@pytest.mark.parametrize("times", [0, 1, len(PAUSES)])
def test_windows_waits_for_a_file_that_is_open_for_a_moment(
    times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    answers: list[OSError | None] = [PermissionError(errno.EACCES, "open")] * times + [None]

    def replace() -> str:
        if (error := answers.pop(0)) is not None:
            raise error
        return "done"

    assert Windows().patiently(replace) == "done"
    assert slept == list(PAUSES[:times])


def test_windows_gives_up_on_a_file_that_stays_open_and_never_waits_for_other_errors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)

    def fail(number: int) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(PermissionError):
        Windows().patiently(lambda: fail(errno.EACCES))
    assert slept == list(PAUSES)
    with pytest.raises(FileNotFoundError):
        Windows().patiently(lambda: fail(errno.ENOENT))
    assert slept == list(PAUSES)
    with pytest.raises(OSError, match="not empty"):
        Windows().patiently(lambda: fail(errno.ENOTEMPTY))
    assert slept == list(PAUSES) * 2
    slept.clear()
    with pytest.raises(PermissionError):
        Posix().patiently(lambda: fail(errno.EACCES))
    assert slept == []


def test_the_room_on_a_disk_is_what_this_user_may_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = SimpleNamespace(
        f_frsize=1000, f_blocks=100, f_bfree=50, f_bavail=40, f_files=9, f_ffree=8, f_favail=7
    )
    monkeypatch.setattr("os.statvfs", lambda _: facts)
    room = Posix().disk_room(tmp_path)
    assert (room.free, room.size, room.files) == (40_000, 100_000, 7)
    facts.f_files = 0  # as file systems say that have no such limit
    assert Posix().disk_room(tmp_path).files is None
    assert Windows().disk_room(tmp_path).free == 40_000
    assert Windows().disk_room(tmp_path).files is None


def test_macos_syncs_down_to_the_disk_or_as_far_as_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(fcntl, "fcntl", lambda _, command: asked.append(command))
    monkeypatch.setattr(os, "fsync", lambda _: asked.append("fsync"))
    with (tmp_path / "file").open("wb") as file:
        MacOS().sync_file(file.fileno())
        assert asked == [F_FULLFSYNC]
        MacOS().sync_folder(tmp_path)
        assert asked == [F_FULLFSYNC, F_FULLFSYNC]

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOTSUP, "a network share")

        monkeypatch.setattr(fcntl, "fcntl", refuse)
        MacOS().sync_file(file.fileno())
        assert asked[-1] == "fsync"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only programs on the path; `notify-send` is one that notes how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "notify-send"
    program.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"json.dump(sys.argv[1:], open({str(tmp_path / 'shown.json')!r}, 'w'))\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_a_notifications_text_is_no_markup_on_linux(programs: Path, tmp_path: Path) -> None:
    command = Posix().notification("--icon=<b>", "outbox/<b>.png")
    assert command is not None
    subprocess.run(command, check=True)
    shown = json.loads((tmp_path / "shown.json").read_text())
    assert shown == ["--app-name=Impasto", "--", "--icon=<b>", html.escape("outbox/<b>.png")]


def test_macos_gets_title_and_text_as_arguments(programs: Path) -> None:
    (programs / "notify-send").rename(programs / "osascript")
    command = MacOS().notification('a" & (do shell script "id") & "', "text")
    assert command is not None
    assert command[-2:] == ['a" & (do shell script "id") & "', "text"]
    assert not any("id" in word for word in command[:-2])


def test_where_there_is_no_desktop_there_is_no_command(programs: Path) -> None:
    (programs / "notify-send").unlink()
    for platform in (Posix(), MacOS(), Windows()):
        assert platform.notification("title", "text") is None


def test_windows_asks_a_console_to_end_and_else_ends_the_process() -> None:
    asked: list[object] = []

    def send(number: int) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise OSError(errno.EINVAL, "there is no console")

    process = SimpleNamespace(send_signal=send, terminate=lambda: asked.append("terminated"))
    Windows().ask_to_end(process)  # type: ignore[arg-type]
    Windows().ask_to_end(process)  # type: ignore[arg-type]
    assert asked == [1, 1, "terminated"]


def test_before_windows_ends_a_process_nothing_is_done() -> None:
    threads = threading.active_count()
    Windows().before_termination(lambda: pytest.fail("nobody is told"))
    assert threading.active_count() == threads
