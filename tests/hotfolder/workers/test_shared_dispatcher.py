"""Several hot folders and one pool of workers."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import FakeClock, FakeDispatcher, Room, is_lost, paints, starts_only

from engine.settings import Settings
from hotfolder.errors import AlreadyRunning
from hotfolder.job import Job
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_lock import locked
from hotfolder.workers.events import Cancelled, Done, WorkerLost
from hotfolder.workers.shared_dispatcher import SharedDispatcher

PUPPET = Path(__file__).parents[1] / "programs" / "puppet.py"


class Shared:
    """Two folders' daemons, stepped in turn as `Server` does it."""

    def __init__(self, tmp_path: Path, clock: FakeClock) -> None:
        self.dispatcher = FakeDispatcher()
        self.pool = SharedDispatcher(self.dispatcher)
        self.rooms = []
        for name in ("one", "two"):
            folder = FolderPaths(tmp_path / name)
            folder.create()
            room = Room(folder, clock)
            room.dispatcher = self.pool.for_folder()  # type: ignore[assignment]
            self.rooms.append(room)

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            for room in self.rooms:
                room.step()
            self.pool.pump(0)


@pytest.fixture
def shared(tmp_path: Path, clock: FakeClock) -> Shared:
    return Shared(tmp_path, clock)


def test_each_folder_gets_its_own_results(shared: Shared) -> None:
    one, two = shared.rooms
    one.drop_pair("cat")
    two.drop_pair("cat")
    two.drop_pair("dog")
    shared.step(8)
    assert {path.name for path in one.folder.outbox.glob("*.png")} == {"cat.png"}
    assert {path.name for path in two.folder.outbox.glob("*.png")} == {"cat.png", "dog.png"}
    assert one.status("server")["totals"]["done"] == 1


def test_folders_take_turns_however_many_jobs_one_has(shared: Shared) -> None:
    one, two = shared.rooms
    for number in range(6):
        one.drop_pair(f"one-{number}")
    shared.step(2)
    two.drop_pair("two-0")
    two.drop_pair("two-1")
    shared.step(16)
    order = [job.name.partition("-")[0] for job in shared.dispatcher.submitted]
    first = order.index("two")
    assert order[first : first + 3] == ["two", "one", "two"]
    assert order.count("one") == 6


def test_a_job_that_waits_for_its_turn_can_be_cancelled(shared: Shared) -> None:
    shared.dispatcher.script = starts_only
    one, two = shared.rooms
    one.drop_pair("cat")
    shared.step(3)
    two.drop_pair("dog")
    shared.step(3)
    two.drop("dog.cancel")
    one.drop("cat.cancel")
    shared.step(4)
    assert two.status("dog")["state"] == one.status("cat")["state"] == "cancelled"
    assert [job.name for job in shared.dispatcher.submitted] == ["cat"]


def test_a_lost_job_goes_back_to_its_own_folder(shared: Shared) -> None:
    shared.dispatcher.script = is_lost
    one, two = shared.rooms
    one.drop_pair("cat")
    shared.step(3)
    shared.dispatcher.script = paints
    shared.step(10)
    assert one.status("cat")["attempt"] == 2
    assert not list(two.folder.outbox.iterdir())


def test_a_folder_that_ends_leaves_the_workers_to_the_others(shared: Shared) -> None:
    shared.dispatcher.script = starts_only
    one, two = shared.rooms
    one.drop_pair("cat")
    shared.step(3)
    one.daemon._shut_down()
    assert not shared.dispatcher.closed
    assert one.status("cat")["state"] == "queued"
    shared.dispatcher.script = paints
    two.drop_pair("dog")
    for _ in range(5):
        two.step()
        shared.pool.pump(0)
    assert (two.folder.outbox / "dog.png").exists()
    two.daemon._shut_down()
    assert shared.dispatcher.closed


def job(number: int) -> Job:
    return Job(str(number), f"job-{number}", "", "/nowhere", "", (), Settings())


def test_the_last_words_of_the_workers_go_to_those_whose_they_are() -> None:
    dispatcher = FakeDispatcher(starts_only)
    pool = SharedDispatcher(dispatcher)
    one, two = pool.for_folder(), pool.for_folder()
    one.submit(job(1))
    two.submit(job(2))
    pool.stop()
    one.close(drain=False)
    two.close(drain=False)
    assert [type(event) for event in one.poll(0) if not hasattr(event, "step")][-1] is WorkerLost
    assert [type(event) for event in two.poll(0)] == [WorkerLost]


@pytest.fixture
def two_folders(tmp_path: Path) -> tuple[FolderPaths, FolderPaths]:
    folders = FolderPaths(tmp_path / "one"), FolderPaths(tmp_path / "two")
    for folder in folders:
        folder.create()
    return folders


@pytest.fixture
def daemon(
    tmp_path: Path, two_folders: tuple[FolderPaths, FolderPaths]
) -> Iterator["subprocess.Popen[bytes]"]:
    """`impasto watch` as the configuration says, with puppets for workers."""
    roots = [str(folder.root) for folder in two_folders]
    config = {"hot_folders": roots, "settle_seconds": 0.1, "devices": ["puppet"]}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    program = (
        "import sys, hotfolder.server.server\nfrom hotfolder.cli.main import main\n"
        f"hotfolder.server.server.worker_command = lambda _: [sys.executable, {str(PUPPET)!r}]\n"
        f"sys.exit(main(['watch', '--config', {str(tmp_path / 'config.yaml')!r}]))"
    )
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_one_daemon_serves_the_folders_of_the_configuration(
    daemon: "subprocess.Popen[bytes]",
    two_folders: tuple[FolderPaths, FolderPaths],
    until: Callable[..., None],
    tmp_path: Path,
) -> None:
    for folder in two_folders:
        for part in ("content", "style"):
            (folder.inbox / f"cat.{part}.jpg").write_bytes(b"a picture")
    for folder in two_folders:
        until(lambda f=folder: (f.outbox / "cat.png").exists(), 60, (tmp_path / "log").read_text())
        with pytest.raises(AlreadyRunning), locked(folder):
            pass
    beats = [json.loads((f.status / "server.json").read_text()) for f in two_folders]
    assert {beat["pid"] for beat in beats} == {daemon.pid}
    assert [len(beat["devices"]) for beat in beats] == [1, 1]
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(60) == 0, (tmp_path / "log").read_text()
    assert "2 done, 0 failed" in (tmp_path / "log").read_text()
    for folder in two_folders:
        assert json.loads((folder.status / "server.json").read_text())["state"] == "stopped"


def test_a_job_with_the_workers_can_be_cancelled_through_the_pool() -> None:
    dispatcher = FakeDispatcher(starts_only)
    share = SharedDispatcher(dispatcher).for_folder()
    share.submit(job(1))
    share.cancel("1")
    share.cancel("unknown")
    share._shared.pump(0)
    assert [type(event) for event in share.poll(0)][-1] is Cancelled
    assert Done not in [type(event) for event in share.poll(0)]


def test_a_folder_mounted_anew_waits_for_the_worker_that_still_has_its_job() -> None:
    dispatcher = FakeDispatcher(starts_only)
    dispatcher.capacity = 2
    pool = SharedDispatcher(dispatcher)
    before = pool.for_folder()
    before.submit(job(1))
    after = pool.for_folder()
    before.close(drain=False)
    after.submit(job(1))
    assert [job.id for job in dispatcher.submitted] == ["1"]
    pool.pump(0)  # The worker reports that it has stopped.
    assert [job.id for job in dispatcher.submitted] == ["1", "1"]
    pool.pump(0)
    assert Cancelled not in [type(event) for event in after.poll(0)]
