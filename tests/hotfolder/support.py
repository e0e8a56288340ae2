"""What the tests of this room share: a clock, a fake dispatcher, a daemon one can step."""

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.job import Job
from hotfolder.outbox.originals import ARCHIVED
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_server import FolderServer
from hotfolder.server.run_summary import RunSummary
from hotfolder.workers.dispatcher import DeviceState
from hotfolder.workers.events import Cancelled, Done, Event, Failed, Progress, Started, WorkerLost

LOSSES = {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}

INPUTS = {
    "content": {"sha256": "a"},
    "styles": [{"sha256": "b"}],
    "versions": {"impasto": "1"},
}
"""Of a record: what a client of a batch needs of it."""

STATUS_KEYS = {
    *("protocol", "id", "name", "source", "state", "message", "position", "priority", "preset"),
    "size",
    *("scale", "scales", "step", "steps", "fraction", "losses", "seconds", "eta_seconds"),
    *("device", "attempt", "preview", "result", "record", "error", "folder", "client"),
    *("dropped", "updated"),
}
"""What every job's status has."""

Script = Callable[[Job], Iterable[Event]]


class FakeClock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def paints(job: Job) -> Iterator[Event]:
    """A job's life as it should be."""
    yield Started(job.id, "fake")
    preview = Path(job.folder) / "preview.jpg"
    preview.write_bytes(b"a preview")
    yield progress(job, preview=str(preview))
    result = Path(job.folder) / "result.png"
    result.write_bytes(f"painted {job.name} {job.id}".encode())
    yield Done(job.id, str(result), {"losses": LOSSES, "seconds": 1.5})


def paints_with_progression(job: Job) -> Iterator[Event]:
    """As `paints`, with two more files beside the result."""
    beside = [Path(job.folder) / name for name in ("progression.jpg", "losses.png")]
    for event in paints(job):
        if isinstance(event, Done):
            for path in beside:
                path.write_bytes(f"{path.name} of {job.name} {job.id}".encode())
            event = replace(event, extra_outputs=[str(path) for path in beside])
        yield event


def paints_a_series(job: Job) -> Iterator[Event]:
    """As `paints`, with a second painting and a sheet beside the result."""
    for event in paints(job):
        if isinstance(event, Done):
            folder = Path(job.folder)
            record = {**INPUTS, "series": {"variations": 2, "number": 2}}
            (folder / "variation2.result.yaml").write_text(json.dumps(record))
            for name in ("variation2.losses.png", "variation2.png", "variations.jpg"):
                (folder / name).write_text(f"{name} of {job.name}")
            names = ["variation2.result.yaml", "variation2.losses.png", "variation2.png"]
            beside = [str(folder / name) for name in (*names, "variations.jpg")]
            series = {"series": {"variations": 2, "number": 1}}
            event = replace(event, record={**event.record, **series}, extra_outputs=beside)
        yield event


def fails(job: Job) -> Iterator[Event]:
    yield Started(job.id, "fake")
    yield Failed(job.id, f"{job.content}: not a picture", 2)


def is_lost(job: Job) -> Iterator[Event]:
    yield Started(job.id, "fake")
    yield WorkerLost(job.id, "the worker was ended by SIGKILL")


def starts_only(job: Job) -> Iterator[Event]:
    """Runs until it is cancelled."""
    yield Started(job.id, "fake")
    yield progress(job)


def progress(job: Job, preview: str | None = None) -> Progress:
    return Progress(job.id, 1, 2, 3, 10, 0.25, LOSSES, 1.0, 3.0, preview)


class FakeDispatcher:
    """Lives a job's scripted life at the next poll."""

    def __init__(
        self,
        script: Script = paints,
        capacity: int = 1,
        *,
        stall_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stall_seconds = stall_seconds
        self._clock = clock
        self._heard = clock()
        self.script = script
        self.problem = ""
        self.capacity = capacity
        self.submitted: list[Job] = []
        self.closed = False
        self._running: set[str] = set()
        self._events: deque[Event] = deque()

    def submit(self, job: Job) -> None:
        assert len(self._running) < self.capacity
        self.submitted.append(job)
        self._running.add(job.id)
        self._events.extend(self.script(job))

    def poll(self, timeout: float) -> Iterator[Event]:
        events, self._events = list(self._events), deque()
        silent = 0.0 if events or not self._running else self._clock() - self._heard
        self._heard = self._clock() - silent
        if self.stall_seconds is not None and silent >= self.stall_seconds:
            reason = f"the worker made no progress for {self.stall_seconds / 60:g} minutes"
            events = [WorkerLost(job_id, reason) for job_id in self._running]
        for event in events:
            if isinstance(event, Done | Failed | Cancelled | WorkerLost):
                self._running.discard(event.job_id)
        return iter(events)

    def cancel(self, job_id: str) -> None:
        if job_id in self._running:
            self._events.append(Cancelled(job_id))

    def devices(self) -> list[DeviceState]:
        busy = next(iter(self._running), None)
        silent = self._clock() - self._heard if busy else 0.0
        return [
            DeviceState(
                "fake",
                "busy" if busy else "idle",
                busy,
                silent=silent,
                stall_seconds=self.stall_seconds,
            )
        ]

    def close(self, *, drain: bool) -> None:
        self.closed = True
        self._events.extend(
            WorkerLost(job_id, "the worker was stopped") for job_id in self._running
        )


class Room:
    """A daemon on a temporary hot folder, stepped by hand."""

    def __init__(self, folder: FolderPaths, clock: FakeClock) -> None:
        self.folder = folder
        self.clock = clock
        self.dispatcher = FakeDispatcher()
        self.heard: list[dict[str, Any]] = []
        # Polling: with the injected clock nothing but the clock makes the daemon look.
        self.settings: dict[str, Any] = {"watch": {"polling": True}}
        self.config_watch: ConfigWatch | None = None
        self._daemon: FolderServer | None = None

    @property
    def daemon(self) -> FolderServer:
        if self._daemon is None:
            self._daemon = self.new_daemon()
            self._daemon._start()
        return self._daemon

    def new_daemon(self, **keywords: Any) -> FolderServer:
        return FolderServer(
            self.config_watch or ConfigWatch(Config.model_validate(self.settings)),
            self.folder,
            self.dispatcher,
            on_event=lambda status: self.heard.append(dict(status)),
            clock=self.clock,
            **keywords,
        )

    def run_once(self) -> RunSummary:
        daemon = self.new_daemon(once=True)
        for _ in daemon.steps():
            pass
        return daemon.run_summary()

    def close(self) -> None:
        """End the processes that make contact sheets."""
        if self._daemon is not None:
            self._daemon._batches.close()

    def restart(self, script: Script = paints) -> None:
        """As after a SIGKILL: nothing of the old daemon is asked."""
        self._daemon = None
        self.dispatcher = FakeDispatcher(script)

    def step(self, times: int = 1, seconds: float = 2.0) -> None:
        for _ in range(times):
            self.clock.advance(seconds)
            self.daemon.step()

    def drop(self, name: str, content: bytes | str = b"picture") -> Path:
        path = self.folder.inbox / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def drop_pair(self, name: str, sidecar: str | None = None) -> None:
        if sidecar is not None:
            self.drop(f"{name}.yaml", sidecar)
        self.drop(f"{name}.content.jpg")
        self.drop(f"{name}.style.png")

    def status(self, name: str) -> dict[str, Any]:
        document = json.loads((self.folder.status / f"{name}.json").read_text())
        assert isinstance(document, dict)
        return document

    def record(self, name: str) -> dict[str, Any]:
        document = yaml.safe_load((self.folder.outbox / f"{name}.result.yaml").read_text())
        assert isinstance(document, dict)
        return document

    def error(self, name: str) -> str:
        return (self.folder.failed / name / "error.txt").read_text()

    def tree(self) -> set[str]:
        """Every file outside of status/ but the daemon's own."""
        return {
            name
            for path in self.folder.root.rglob("*")
            if path.is_file()
            and not (name := path.relative_to(self.folder.root).as_posix()).startswith("status/")
            and name not in (".impasto/lock", ".impasto/lock.json", ".impasto/reserve")
            and path.name != ARCHIVED
        }


@contextmanager
def counted_calls(at_most: int) -> Iterator[None]:
    """Fails if more functions are called within it, Python's and C's: the work of a hostile
    input, which no slow or busy machine changes as it changes the time."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
    assert calls <= at_most, f"{calls:,} calls"
