import errno
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hotfolder.atomic_files import write_json
from hotfolder.errors import AlreadyRunning, FolderError
from hotfolder.job import now
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_lock import locked


def test_a_hot_folder_is_made_whole(tmp_path: Path) -> None:
    folder = FolderPaths(tmp_path / "deep" / "hot")
    folder.create()
    folder.check()
    made = {path.name for path in folder.root.iterdir()}
    assert made == {"inbox", "styles", "outbox", "failed", "done", "status", ".impasto"}


def test_a_missing_folder_says_how_it_is_made(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="impasto init"):
        FolderPaths(tmp_path).check()


def test_an_outbox_inside_the_inbox_is_refused(folder: FolderPaths) -> None:
    (folder.inbox / "results").mkdir()
    folder.outbox.rmdir()
    folder.outbox.symlink_to(folder.inbox / "results")
    with pytest.raises(FolderError, match="picked up as inputs"):
        folder.check()


def test_a_file_in_a_folders_place_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "inbox").write_text("")
    with pytest.raises(FolderError, match="cannot be made"):
        FolderPaths(tmp_path).create()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_outbox_is_refused(folder: FolderPaths) -> None:
    folder.outbox.chmod(0o500)
    try:
        with pytest.raises(FolderError, match="cannot be written to"):
            folder.check()
    finally:
        folder.outbox.chmod(0o700)


def test_a_second_lock_is_refused_and_names_the_first(folder: FolderPaths) -> None:
    with (
        locked(folder),
        pytest.raises(AlreadyRunning, match=f"process {os.getpid()} on "),
        locked(folder),
    ):
        pass


def test_a_lock_left_behind_is_taken_over(folder: FolderPaths) -> None:
    folder.lock.with_suffix(".json").write_text('{"pid": 1, "host": "elsewhere"}')
    with locked(folder):
        assert str(os.getpid()) in folder.lock.with_suffix(".json").read_text()


def test_a_daemon_of_another_host_that_still_beats_is_respected(folder: FolderPaths) -> None:
    folder.lock.with_suffix(".json").write_text('{"pid": 1, "host": "elsewhere"}')
    write_json(folder.status / "server.json", {"updated": now(), "state": "idle"})
    with pytest.raises(AlreadyRunning, match="process 1 on elsewhere"), locked(folder):
        pass


@pytest.mark.parametrize("ahead", [0.5, 3600.0, -3600.0])
def test_a_daemon_of_another_host_whose_clock_differs_is_respected(
    folder: FolderPaths, ahead: float
) -> None:
    folder.lock.with_suffix(".json").write_text('{"pid": 1, "host": "elsewhere"}')
    ended = threading.Event()

    def live() -> None:
        while True:
            updated = datetime.now(UTC) + timedelta(seconds=ahead)
            document = {"updated": updated.isoformat(), "state": "idle"}
            write_json(folder.status / "server.json", document)
            if ended.wait(0.2):
                return

    thread = threading.Thread(target=live)
    thread.start()
    try:
        while not (folder.status / "server.json").exists():
            time.sleep(0.01)
        with pytest.raises(AlreadyRunning, match="process 1 on elsewhere"), locked(folder):
            pass
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("updated", ["2020-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00", "x"])
def test_a_heartbeat_that_stands_still_keeps_nobody_out(
    folder: FolderPaths, updated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotfolder.server.folder_lock.HEARTBEAT_SECONDS", 0.3)
    folder.lock.with_suffix(".json").write_text('{"pid": 1, "host": "elsewhere"}')
    write_json(folder.status / "server.json", {"updated": updated, "state": "idle"})
    with locked(folder):
        assert str(os.getpid()) in folder.lock.with_suffix(".json").read_text()


def test_a_lock_names_its_living_holder_and_not_the_one_before(folder: FolderPaths) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    holder = folder.lock.with_suffix(".json")
    with locked(folder):
        mine = holder.read_text()
        write_json(holder, json.loads(mine) | {"pid": dead.pid})
        written = threading.Timer(0.03, holder.write_text, [mine])
        written.start()
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()} on "), locked(folder):
            pass
        written.join()


def test_where_nothing_can_be_locked_the_heartbeat_counts(
    folder: FolderPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("hotfolder.server.folder_lock.lock_descriptor", refuse)
    with locked(folder):
        write_json(folder.status / "server.json", {"updated": now(), "state": "idle"})
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()} on "), locked(folder):
            pass
    write_json(folder.status / "server.json", {"updated": now(), "state": "stopped"})
    with locked(folder):
        pass
