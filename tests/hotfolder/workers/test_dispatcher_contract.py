"""What every Dispatcher must do, run over the fake, over real worker processes, and over actors of
a real Ray cluster (`make test-ray`)."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import FakeDispatcher, fails, is_lost, paints, starts_only

from benchmarks.reliability.ray_nodes import RayCluster, ray_cluster
from engine.settings import Settings
from hotfolder.job import Job
from hotfolder.workers.cluster.ray_dispatcher import RayDispatcher
from hotfolder.workers.dispatcher import Dispatcher
from hotfolder.workers.events import Cancelled, Done, Event, Failed, Progress, Started, WorkerLost
from hotfolder.workers.local_dispatcher import LocalDispatcher
from hotfolder.workers.shared_dispatcher import SharedDispatcher

PUPPET = Path(__file__).parents[1] / "programs" / "puppet.py"

ENDS = Done | Failed | Cancelled | WorkerLost

# What a job does, by the orders that a puppet understands.
SCRIPTS = {
    "steps=2": paints,
    "refuse": fails,
    "die": is_lost,
    "steps=10000 pause=0.02": starts_only,
    "deaf": starts_only,
    "steps=24 pause=0.15": paints,
}


def fake_script(job: Job) -> Iterator[Event]:
    order = (Path(job.folder) / "inputs" / job.content).read_text()
    yield from SCRIPTS[order](job)


BACKENDS = ["fake", "local", "folder", pytest.param("ray", marks=pytest.mark.ray)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster(nodes=1) as cluster:
        yield cluster


def ray_dispatcher(request: pytest.FixtureRequest, **keywords: Any) -> RayDispatcher:
    """One whose actor is ready."""
    address = request.getfixturevalue("cluster").address
    dispatcher = RayDispatcher(address, painter="ray_puppet:RayPuppet", **keywords)
    deadline = time.monotonic() + 60
    while [device.state for device in dispatcher.devices()] != ["idle"]:
        assert time.monotonic() < deadline, (dispatcher.problem, dispatcher.devices())
        list(dispatcher.poll(0.05))
    return dispatcher


@pytest.fixture(params=BACKENDS)
def dispatcher(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    dispatcher: Dispatcher
    if request.param == "fake":
        dispatcher = FakeDispatcher(fake_script, capacity=1)
    elif request.param == "ray":
        dispatcher = ray_dispatcher(request)
    else:
        dispatcher = LocalDispatcher(["puppet"], command=[sys.executable, str(PUPPET)])
        if request.param == "folder":
            dispatcher = SharedDispatcher(dispatcher).for_folder()
    yield dispatcher
    dispatcher.close(drain=False)


STALL = 3.0
"""Seconds."""


@pytest.fixture(params=BACKENDS)
def impatient(request: pytest.FixtureRequest) -> Iterator[Dispatcher]:
    """A dispatcher that ends a worker after `STALL` without progress."""
    dispatcher: Dispatcher
    if request.param == "fake":
        dispatcher = FakeDispatcher(fake_script, stall_seconds=STALL)
    elif request.param == "ray":
        dispatcher = ray_dispatcher(request)
        dispatcher._stall_seconds = STALL
    else:
        command = [sys.executable, str(PUPPET)]
        dispatcher = LocalDispatcher(["puppet"], command=command, stall_seconds=STALL)
        # Starting takes as long as it takes.
        dispatcher._stall_seconds = None
        while dispatcher.devices()[0].state == "starting":
            list(dispatcher.poll(0.05))
        dispatcher._stall_seconds = STALL
        if request.param == "folder":
            dispatcher = SharedDispatcher(dispatcher).for_folder()
    yield dispatcher
    dispatcher.close(drain=False)


@pytest.fixture
def make_job(tmp_path: Path) -> Callable[[str], Job]:
    numbers = iter(range(100))

    def make(order: str) -> Job:
        job_id = f"job{next(numbers)}"
        folder = tmp_path / job_id
        (folder / "inputs").mkdir(parents=True)
        (folder / "inputs" / "a.content.jpg").write_text(order)
        settings = Settings()
        return Job(job_id, job_id, job_id, str(folder), "a.content.jpg", ("s.png",), settings)

    return make


def events_until(
    dispatcher: Dispatcher, kind: type[Event] | object, seconds: float = 20
) -> list[Event]:
    events: list[Event] = []
    deadline = time.monotonic() + seconds
    while not any(isinstance(event, kind) for event in events):  # type: ignore[arg-type]
        assert time.monotonic() < deadline, events
        events += dispatcher.poll(0.05)
    return events


def test_a_job_starts_goes_on_and_is_done(
    dispatcher: Dispatcher, make_job: Callable[[str], Job]
) -> None:
    job = make_job("steps=2")
    dispatcher.submit(job)
    events = events_until(dispatcher, ENDS)
    assert isinstance(events[0], Started)
    assert isinstance(events[1], Progress)
    assert isinstance(events[-1], Done)
    assert {event.job_id for event in events} == {job.id}
    picture = Path(events[-1].picture)
    assert picture.parent == Path(job.folder)
    assert picture.stat().st_size > 0


def test_the_jobs_own_fault_is_a_failure_in_words(
    dispatcher: Dispatcher, make_job: Callable[[str], Job]
) -> None:
    dispatcher.submit(make_job("refuse"))
    end = events_until(dispatcher, ENDS)[-1]
    assert isinstance(end, Failed)
    assert (end.message, end.exit_code) == ("a.content.jpg: not a picture", 2)


def test_a_dead_worker_is_a_loss_and_the_next_job_runs(
    dispatcher: Dispatcher, make_job: Callable[[str], Job]
) -> None:
    dispatcher.submit(make_job("die"))
    end = events_until(dispatcher, ENDS)[-1]
    assert isinstance(end, WorkerLost)
    assert "SIGKILL" in end.reason
    dispatcher.submit(make_job("steps=2"))
    assert isinstance(events_until(dispatcher, ENDS)[-1], Done)


def test_a_cancelled_job_ends_as_cancelled(
    dispatcher: Dispatcher, make_job: Callable[[str], Job]
) -> None:
    job = make_job("steps=10000 pause=0.02")
    dispatcher.submit(job)
    events_until(dispatcher, Progress)
    dispatcher.cancel(job.id)
    dispatcher.cancel(job.id)
    end = events_until(dispatcher, ENDS)[-1]
    assert end == Cancelled(job.id)
    assert list(dispatcher.poll(0.1)) == []


def test_cancelling_what_is_unknown_is_ignored(dispatcher: Dispatcher) -> None:
    dispatcher.cancel("nobody")
    assert list(dispatcher.poll(0)) == []


def test_devices_tell_what_they_do(dispatcher: Dispatcher, make_job: Callable[[str], Job]) -> None:
    assert dispatcher.capacity == 1
    job = make_job("steps=10000 pause=0.02")
    dispatcher.submit(job)
    events_until(dispatcher, Started)
    (device,) = dispatcher.devices()
    assert (device.state, device.job_id) == ("busy", job.id)


def test_closing_ends_what_runs_within_seconds(
    dispatcher: Dispatcher, make_job: Callable[[str], Job]
) -> None:
    dispatcher.submit(make_job("steps=10000 pause=0.02"))
    events_until(dispatcher, Started)
    started = time.monotonic()
    dispatcher.close(drain=False)
    assert time.monotonic() - started < 5
    ends = [event for event in dispatcher.poll(0) if isinstance(event, ENDS)]
    assert [type(end) for end in ends] == [WorkerLost]


def test_a_worker_without_progress_is_ended_and_its_job_lost(
    impatient: Dispatcher, make_job: Callable[[str], Job]
) -> None:
    job = make_job("deaf")
    impatient.submit(job)
    events_until(impatient, Started)
    deadline = time.monotonic() + 20
    while (device := impatient.devices()[0]).silent < STALL / 2:
        assert time.monotonic() < deadline
        assert [e for e in impatient.poll(0.05) if isinstance(e, ENDS)] == []
    assert (device.job_id, device.state, device.stall_seconds) == (job.id, "busy", STALL)
    end = events_until(impatient, ENDS)[-1]
    assert isinstance(end, WorkerLost)
    assert end.job_id == job.id
    assert f"made no progress for {STALL / 60:g} minutes" in end.reason
    impatient.submit(make_job("steps=2"))
    assert isinstance(events_until(impatient, ENDS)[-1], Done)


def test_a_worker_that_makes_progress_may_take_longer_than_that(
    impatient: Dispatcher, make_job: Callable[[str], Job]
) -> None:
    impatient.submit(make_job("steps=24 pause=0.15"))
    started = time.monotonic()
    assert isinstance(events_until(impatient, ENDS)[-1], Done)
    assert time.monotonic() - started > STALL or isinstance(impatient, FakeDispatcher)
