"""One server for one folder and for several, with a dispatcher that computes nothing."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import FakeDispatcher, starts_only

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import AlreadyRunning, DispatchError
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_lock import locked
from hotfolder.server.server import Server
from hotfolder.workers.events import Event

Until = Callable[..., None]


class Workers(FakeDispatcher):
    """Waits a little, as real workers let the server do."""

    error: DispatchError | None = None

    def poll(self, timeout: float) -> Iterator[Event]:
        if self.error is not None:
            raise self.error
        time.sleep(min(timeout, 0.02))
        return super().poll(timeout)


@pytest.fixture
def workers() -> Workers:
    return Workers()


@pytest.fixture
def folders(tmp_path: Path) -> list[FolderPaths]:
    folders = [FolderPaths(tmp_path / name) for name in ("one", "two")]
    for folder in folders:
        folder.create()
    return folders


def server_of(folders: list[FolderPaths], workers: Workers, *, wait: bool = False) -> Server:
    config = ConfigWatch(Config(settle_seconds=0.0))
    roots = [folder.root for folder in folders]
    return Server(config, roots, wait=wait, dispatcher=lambda _: workers)


def drop(folder: FolderPaths, name: str) -> None:
    for part in ("content", "style"):
        (folder.inbox / f"{name}.{part}.jpg").write_bytes(b"a picture")


def state(folder: FolderPaths) -> str:
    return str(json.loads((folder.status / "server.json").read_text())["state"])


def test_it_serves_in_a_thread_until_the_block_ends(
    folders: list[FolderPaths], workers: Workers, until: Until
) -> None:
    with server_of(folders[:1], workers) as server:
        drop(folders[0], "cat")
        until((folders[0].outbox / "cat.png").exists, 60)
        server.check()
        with pytest.raises(AlreadyRunning), locked(folders[0]):
            pass
    assert (state(folders[0]), workers.closed) == ("stopped", True)
    with locked(folders[0]):
        pass


def test_none_is_served_if_one_is_served_already(
    folders: list[FolderPaths], workers: Workers
) -> None:
    with locked(folders[1]), pytest.raises(AlreadyRunning), server_of(folders, workers):
        pass
    assert not (folders[0].status / "server.json").exists()
    with locked(folders[0]):
        pass


def test_what_has_ended_it_is_raised_by_check(
    folders: list[FolderPaths], workers: Workers, until: Until
) -> None:
    with server_of(folders, workers) as server:
        workers.error = DispatchError("no device")
        until(lambda: not server._thread.is_alive(), 60)
        with pytest.raises(DispatchError, match="no device"):
            server.check()


def test_a_folder_that_is_not_there_yet_is_waited_for_while_another_is_served(
    folders: list[FolderPaths], workers: Workers, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = folders
    mount_point, share = two.root, two.root.with_name("share")
    two.root.rename(share)
    mount_point.mkdir()  # As an empty one without its share.
    with server_of(folders, workers, wait=True) as server:
        drop(one, "cat")
        until((one.outbox / "cat.png").exists, 60)
        assert list(mount_point.iterdir()) == []
        assert "waits until the folder is there" in server._status_line()
        mount_point.rmdir()
        share.rename(mount_point)
        drop(two, "dog")
        until((two.outbox / "dog.png").exists, 60)
    assert state(two) == "stopped"
    assert caplog.text.count("two is not there; waiting until it is") == 1


def test_a_server_that_waits_for_its_only_folder_can_be_stopped(
    folders: list[FolderPaths], workers: Workers, tmp_path: Path
) -> None:
    nowhere = [FolderPaths(tmp_path / "mnt" / "hot")]
    with server_of(nowhere, workers, wait=True) as server:
        server.check()
    assert server._run_summary().done == 0
    assert not (tmp_path / "mnt").exists()


def test_a_folder_that_was_replaced_is_locked_anew_and_keeps_the_workers(
    folders: list[FolderPaths], workers: Workers, until: Until
) -> None:
    one, two = folders
    with server_of(folders, workers):
        workers.script = starts_only
        drop(one, "old")
        until(lambda: [job.name for job in workers.submitted] == ["old"], 60)
        workers.script = FakeDispatcher().script
        fresh = FolderPaths(one.root.with_name("fresh"))
        fresh.create()
        drop(fresh, "new")
        one.root.rename(one.root.with_name("away"))
        fresh.root.rename(one.root)
        drop(two, "dog")
        until((one.outbox / "new.png").exists, 60)
        until((two.outbox / "dog.png").exists, 60)
        assert not workers.closed
        with pytest.raises(AlreadyRunning), locked(one):
            pass
