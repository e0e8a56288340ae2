"""The whole life of a job, with a fault at every single file operation of it: the daemon is killed
before the n-th, or the n-th fails, or all do from the n-th on for a while. Whatever n is, the job
comes to its one end, no input is lost or doubled, and nothing is left lying about."""

import errno
import gc
import itertools
import os
import shutil
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import FakeClock, Room, Script, fails, is_lost, paints, paints_with_progression

from benchmarks.reliability.faults import Faults, faults, share_semantics
from hotfolder.batches.publishing import BatchPublisher
from hotfolder.errors import FolderError
from hotfolder.job import Job
from hotfolder.paths import FolderPaths
from hotfolder.server.leftovers import LEFTOVERS_SECONDS
from hotfolder.workers.events import Event
from plugin.client.protocol import JobState

STEPS = 60

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


def pair(room: Room, name: str) -> None:
    room.drop_pair(name)


def pair_with(sidecar: str) -> Callable[[Room, str], None]:
    return lambda room, name: room.drop_pair(name, sidecar)


def named_by_a_sidecar(room: Room, name: str) -> None:
    """With one style of the library, which is copied, and one picture that is moved."""
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    room.drop(f"{name}.jpg")
    room.drop(f"{name}.yaml", f"content: {name}.jpg\nstyles: [wave.jpg, styles/wave.jpg]\n")


def pair_and_cancel(room: Room, name: str) -> None:
    room.drop(f"{name}.cancel", "")
    room.drop_pair(name)


def batch(room: Room, name: str) -> None:
    (room.folder.styles / "wave.jpg").write_bytes(b"x")
    room.drop(f"{name}.jpg")
    room.drop(f"{name}.batch.yaml", f"contents: {name}.jpg\nstyles: wave.jpg\n")


def lost_once(job: Job) -> Iterator[Event]:
    mark = Path(job.folder) / "was_lost"
    script = paints if mark.exists() else is_lost
    mark.write_bytes(b"")
    yield from script(job)


@dataclass(frozen=True)
class Life:
    drop: Callable[[Room, str], None] = pair
    script: Script = paints
    end: JobState = JobState.DONE
    inputs: int = 2
    """Files that must be somewhere afterwards, once each."""
    outputs: tuple[str, ...] = (".png", ".result.yaml")
    """Endings of what lies in the outbox afterwards, if it is done."""
    settings: dict[str, Any] = field(default_factory=dict)
    on_a_share: bool = False
    elsewhere: str | None = None
    """The folder that lies on another file system."""


LIVES = {
    "done": Life(),
    "done_with_progression": Life(
        pair_with("progression: 3"),
        paints_with_progression,
        inputs=3,
        outputs=(".losses.png", ".png", ".progression.jpg", ".result.yaml"),
    ),
    "named_by_a_sidecar": Life(named_by_a_sidecar),
    "failed": Life(script=fails, end=JobState.FAILED),
    "refused": Life(pair_with("siez: 3"), end=JobState.FAILED, inputs=3),
    "cancelled": Life(pair_and_cancel, end=JobState.CANCELLED),
    "lost_once": Life(script=lost_once),
    "batch": Life(batch, outputs=(".png", ".result.yaml", ".summary.yaml")),
    "overwriting": Life(settings={"overwrite": True, "originals": "keep"}),
    "on_a_windows_share": Life(on_a_share=True),
    "inbox_elsewhere": Life(elsewhere="inbox"),
    "outbox_elsewhere": Life(elsewhere="outbox"),
    "done_elsewhere": Life(elsewhere="done"),
}


class Bench:
    """A room in which one life is lived again and again."""

    def __init__(self, room: Room, life: Life, injected: Faults) -> None:
        self.room, self.life, self.faults = room, life, injected
        self.name = ""
        self.count = 0
        """Operations of the last `live`."""
        room.settings |= life.settings
        if life.on_a_share:
            injected.semantics = share_semantics()

    def begin(self, name: str) -> None:
        """Drop a job, in an empty folder, for a daemon that is to start."""
        self.name = name
        folder = self.room.folder
        for place in (folder.outbox, folder.failed, folder.done, folder.kept):
            for path in place.resolve().iterdir() if place.exists() else ():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in folder.status.iterdir():
            path.unlink()
        self.life.drop(self.room, name)
        self.faults.heal()
        self.restart()

    def restart(self) -> None:
        self.room.restart(self.in_a_worker)

    def in_a_worker(self, job: Job) -> list[Event]:
        with self.faults.suspended():
            return list(self.life.script(job))

    def live(self, kill_at: int | None = None, steps: int = STEPS) -> None:
        """Until the job has ended and its daemon is at rest, or for so many steps."""
        if kill_at is not None:
            self.faults.kill(kill_at)
        for _ in range(steps):
            try:
                self.room.daemon  # noqa: B018  (starts it)
            except (OSError, FolderError):
                # A daemon that cannot start says so and ends; somebody starts it again.
                self.restart()
                continue
            self.room.step()
            with self.faults.suspended():
                if not any(any(place.iterdir()) for place in self.places_of_work()):
                    break
        self.count = self.faults.count
        self.faults.heal()
        if steps == STEPS:
            self.room.step(seconds=LEFTOVERS_SECONDS)

    def places_of_work(self) -> list[Path]:
        """The folders that are empty when every job has ended."""
        folder = self.room.folder
        places = [folder.inbox, folder.spool, folder.batches]
        return [place for place in places if place.exists()]

    def check(self, n: object) -> None:
        """The one end, and every input in one place."""
        folder, life = self.room.folder, self.life
        files = {place.name: set(files_below(place)) for place in folder.root.iterdir()}
        assert self.room.status(self.name)["state"] == life.end, n
        suffixes = sorted("".join(path.suffixes) for path in files["outbox"])
        assert suffixes == (list(life.outputs) if life.end is JobState.DONE else []), (n, suffixes)
        errors = [path.name for path in files["failed"] if path.name == "error.txt"]
        assert len(errors) == (life.end is JobState.FAILED), n
        assert [path for place in self.places_of_work() for path in place.iterdir()] == [], n
        kept = set.union(*(files[name] for name in ("failed", "done", ".impasto")))
        inputs = [path.name for path in kept if path.name.startswith(f"{self.name}.")]
        assert len(inputs) == len(set(inputs)) == life.inputs, (n, inputs)
        litter = [path for path in set.union(*files.values()) if path.name.startswith(".impasto-")]
        assert litter == [], n


def files_below(place: Path) -> Iterator[Path]:
    return (path for path in place.resolve().rglob("*") if path.is_file())


@pytest.fixture
def places(tmp_path: Path) -> Iterator[tuple[Path, Path | None]]:
    """Where the hot folder is to be, in memory if that can be had, and a place on another file
    system than that."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        yield tmp_path, None
        return
    with tempfile.TemporaryDirectory(prefix="impasto-", dir=memory) as place:
        yield Path(place), tmp_path


@pytest.fixture(autouse=True)
def no_contact_sheets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The child that makes one takes seconds."""
    monkeypatch.setattr(BatchPublisher, "_sheet_is_made", lambda *_: True)


@pytest.fixture
def bench(
    request: pytest.FixtureRequest, places: tuple[Path, Path | None], clock: FakeClock
) -> Iterator[Bench]:
    life = LIVES[request.param]
    folder = FolderPaths(places[0] / "hot")
    folder.create()
    if life.elsewhere is not None:
        if places[1] is None:
            pytest.skip("no second file system here")
        (folder.root / life.elsewhere).rmdir()
        (folder.root / life.elsewhere).symlink_to(places[1])
        folder = FolderPaths(folder.root)
    with faults(folder.root) as injected:
        bench = Bench(Room(folder, clock), life, injected)
        bench.restart()
        yield bench


def in_a_child(run: Callable[[], object]) -> int:
    """Run it in a copy of this process; returns how that ended."""
    gc.freeze()  # Else each child would copy every page in which the collector marks an object.
    with warnings.catch_warnings():
        # Threads of libraries, which the child does not have, are of no use to it either.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            run()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("bench", LIVES, indirect=True)
def test_a_daemon_killed_at_any_file_operation_finishes_every_job_exactly_once(
    bench: Bench,
) -> None:
    """Real kills: a copy of this process dies by SIGKILL. Then the daemon starts again."""
    for n in itertools.count(1):
        bench.begin(f"job{n}")
        ended = in_a_child(lambda n=n: bench.live(kill_at=n))  # type: ignore[misc]
        bench.live()
        bench.check(n)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL, n
    assert 30 < n < 400


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="every file has a name here")
def test_a_daemon_killed_while_it_asks_which_folder_cannot_be_written_to_leaves_nothing_there(
    places: tuple[Path, Path | None],
) -> None:
    folder = FolderPaths(places[0])
    day = folder.done / "2026-11-25"
    day.mkdir(parents=True)
    refused = PermissionError(errno.EACCES, "Permission denied", str(day / "cat"))

    def ask(kill_at: int) -> None:
        injected.kill(kill_at)
        folder.why_refused(refused)

    with faults(folder.root) as injected:
        for n in itertools.count(1):
            ended = in_a_child(lambda n=n: ask(n))  # type: ignore[misc]
            assert list(day.iterdir()) == [], n
            if ended == 0:
                break
            assert ended == -signal.SIGKILL, n
    assert n > 1


@pytest.mark.parametrize("bench", ["done", "batch", "inbox_elsewhere"], indirect=True)
def test_a_daemon_killed_again_while_it_recovers_finishes_the_job(bench: Bench) -> None:
    """A part of all pairs of operations: of the life, and of the recovery."""
    for n in range(1, 400, 13):
        for m in range(1 + n % 17, 400, 17):
            bench.begin(f"job{n}-{m}")
            first = in_a_child(lambda n=n: bench.live(kill_at=n))  # type: ignore[misc]
            second = in_a_child(lambda m=m: bench.live(kill_at=m))  # type: ignore[misc]
            bench.live()
            bench.check((n, m))
            if second == 0:
                break
        if first == 0:
            break
    assert n > 30


SOME = ("done", "named_by_a_sidecar", "batch", "on_a_windows_share", "inbox_elsewhere")
MORE = (*SOME, "failed", "outbox_elsewhere")


@pytest.mark.parametrize(
    ("bench", "lasting"), [*((n, 0) for n in MORE), *((n, 25) for n in SOME)], indirect=["bench"]
)
def test_a_daemon_whose_file_operations_fail_goes_on_and_finishes_every_job(
    bench: Bench, lasting: int
) -> None:
    """For every n of which an operation fails, or that and those that follow. The daemon is not
    started again."""
    for n in itertools.count(1):
        bench.begin(f"job{n}")
        bench.faults.error(ERRORS[n % len(ERRORS)], n, until=n + lasting)
        bench.live()
        count = bench.count
        bench.check(n)
        if count < n:
            break
    assert 30 < n < 600


@pytest.mark.parametrize("bench", ["done"], indirect=True)
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_no_kind_of_error_at_any_file_operation_loses_a_job_over_a_restart(
    bench: Bench, number: int
) -> None:
    for n in itertools.count(1):
        bench.begin(f"job{n}")
        bench.faults.error(number, n)
        bench.live(steps=3)
        count = bench.count
        bench.restart()
        bench.live()
        bench.check(n)
        if count < n:
            break
    assert 30 < n < 600
