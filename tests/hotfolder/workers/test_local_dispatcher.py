"""Worker processes: real ones, with a puppet in the engine's place."""

import errno
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import FakeClock
from test_dispatcher_contract import ENDS, PUPPET, events_until, make_job

from hotfolder.errors import DispatchError
from hotfolder.job import Job
from hotfolder.workers.dispatcher import StyleCache
from hotfolder.workers.events import (
    Cancelled,
    Done,
    Event,
    Failed,
    Progress,
    Started,
    WorkerLost,
)
from hotfolder.workers.local_dispatcher import LocalDispatcher
from hotfolder.workers.worker_pool import CANCEL_SECONDS, GIVE_UP_SECONDS
from hotfolder.workers.worker_process import WorkerProcess

__all__ = ["make_job"]

COMMAND = [sys.executable, str(PUPPET)]

Make = Callable[[str], Job]


@pytest.fixture
def local() -> Iterator[LocalDispatcher]:
    dispatcher = LocalDispatcher(["puppet"], command=COMMAND)
    yield dispatcher
    dispatcher.close(drain=False)


def worker_pid(local: LocalDispatcher) -> int:
    worker = local._slots[0].worker
    return worker.pid if worker else 0


def test_what_libraries_print_does_not_disturb_the_protocol(
    local: LocalDispatcher, make_job: Make
) -> None:
    local.submit(make_job("print steps=1"))
    assert isinstance(events_until(local, ENDS)[-1], Done)


def test_what_the_worker_remembers_is_known_when_a_job_has_ended_and_gone_with_the_worker(
    local: LocalDispatcher, make_job: Make
) -> None:
    assert local.devices()[0].style_cache is None
    for hits in (1, 2):
        local.submit(make_job("steps=1"))
        events_until(local, ENDS)
        assert local.devices()[0].style_cache == StyleCache(hits=hits, misses=2, bytes=300)
    local.submit(make_job("die"))
    events_until(local, ENDS)
    assert local.devices()[0].style_cache is None


def test_an_unforeseen_exception_fails_the_job_and_the_worker_lives(
    local: LocalDispatcher, make_job: Make
) -> None:
    local.submit(make_job("raise"))
    end = events_until(local, ENDS)[-1]
    assert isinstance(end, Failed)
    assert "KeyError" in end.message
    pid = worker_pid(local)
    local.submit(make_job("steps=1"))
    assert isinstance(events_until(local, ENDS)[-1], Done)
    assert worker_pid(local) == pid


# Failure mode 16, when nothing smaller is left.
def test_too_little_memory_fails_the_job_in_words_and_the_worker_lives(
    local: LocalDispatcher, make_job: Make
) -> None:
    local.submit(make_job("memory"))
    end = events_until(local, ENDS)[-1]
    assert isinstance(end, Failed)
    assert "Not enough memory" in end.message
    assert "smaller `size`" in end.message
    pid = worker_pid(local)
    local.submit(make_job("steps=1"))
    assert isinstance(events_until(local, ENDS)[-1], Done)
    assert worker_pid(local) == pid


def test_a_worker_killed_from_outside_is_a_loss(local: LocalDispatcher, make_job: Make) -> None:
    local.submit(make_job("steps=10000 pause=0.02"))
    events_until(local, Progress)
    os.kill(worker_pid(local), signal.SIGKILL)
    end = events_until(local, ENDS)[-1]
    assert isinstance(end, WorkerLost)
    assert "memory" in end.reason


def test_a_worker_that_does_not_listen_is_killed_to_cancel(make_job: Make) -> None:
    clock = FakeClock()
    local = LocalDispatcher(["puppet"], command=COMMAND, clock=clock)
    try:
        job = make_job("deaf")
        local.submit(job)
        events_until(local, Started)
        local.cancel(job.id)
        assert list(local.poll(0.1)) == []
        clock.advance(CANCEL_SECONDS)
        assert events_until(local, ENDS)[-1] == Cancelled(job.id)
    finally:
        local.close(drain=False)


def test_a_job_that_no_worker_has_yet_can_be_cancelled(
    local: LocalDispatcher, make_job: Make
) -> None:
    job = make_job("steps=1")
    local.submit(job)
    local.cancel(job.id)
    assert events_until(local, ENDS) == [Cancelled(job.id)]


def test_auto_gives_every_device_a_worker_of_its_own(make_job: Make) -> None:
    local = LocalDispatcher("auto", command=COMMAND)
    try:
        assert local.capacity == 1
        jobs = [make_job("steps=10000 pause=0.02") for _ in range(2)]
        local.submit(jobs[0])
        events_until(local, Started)
        assert local.capacity == 2
        local.submit(jobs[1])
        events_until(local, Started)
        busy = {(device.device, device.state, device.job_id) for device in local.devices()}
        assert busy == {("puppet:0", "busy", jobs[0].id), ("puppet:1", "busy", jobs[1].id)}
    finally:
        local.close(drain=False)


def test_a_device_gets_as_many_workers_as_its_first_one_finds_that_it_takes(
    make_job: Make,
) -> None:
    local = LocalDispatcher("auto", command=[*COMMAND, "--workers", "2"])
    try:
        jobs = [make_job("steps=10000 pause=0.02") for _ in range(4)]
        started: set[str] = set()

        def look_until(condition: Callable[[], bool]) -> None:
            deadline = time.monotonic() + 60
            while not condition():
                assert time.monotonic() < deadline
                started.update(e.job_id for e in local.poll(0.1) if isinstance(e, Started))

        for count, job in enumerate(jobs, start=1):
            look_until(lambda wanted=count: local.capacity >= wanted)  # type: ignore[misc]
            local.submit(job)
        look_until(lambda: len(started) == 4)
        busy = sorted(device.device for device in local.devices() if device.state == "busy")
        assert busy == ["puppet:0", "puppet:0", "puppet:1", "puppet:1"]
        list(local.poll(0.2))
        assert local.capacity == 4  # and what further ones say adds none
    finally:
        local.close(drain=False)


def test_draining_waits_for_the_job_in_hand(local: LocalDispatcher, make_job: Make) -> None:
    local.submit(make_job("steps=5 pause=0.02"))
    local.close(drain=True)
    assert isinstance(list(local.poll(0))[-1], Done)


def test_a_device_that_is_refused_ends_the_dispatcher_in_words() -> None:
    local = LocalDispatcher(["puppet"], command=[*COMMAND, "--fatal"])
    try:
        with pytest.raises(DispatchError, match="no such device") as caught:
            events_until(local, Started)
        assert caught.value.exit_code == 2
    finally:
        local.close(drain=False)


def test_a_worker_that_never_gets_ready_ends_the_dispatcher_with_its_last_words() -> None:
    minutes = itertools.count(step=60)
    local = LocalDispatcher(
        ["puppet"], command=[*COMMAND, "--stillborn"], clock=lambda: float(next(minutes))
    )
    try:
        # Every look at the clock finds the next start due.
        with pytest.raises(DispatchError, match="cannot even start"):
            events_until(local, Started)
    finally:
        local.close(drain=False)


def test_a_worker_ends_when_its_daemon_is_gone(
    tmp_path: Path, make_job: Make, until: Callable[..., None]
) -> None:
    """A daemon that is killed closes the pipe and can do no more."""
    read, write = os.pipe()
    worker = subprocess.Popen(COMMAND, stdin=read, stdout=subprocess.DEVNULL)
    os.close(read)
    assert worker.poll() is None
    os.close(write)
    assert worker.wait(timeout=10) == 0


class Impatient:
    """A dispatcher with a minute's patience, and the clock that it goes by."""

    def __init__(self, devices: list[str], *arguments: str) -> None:
        self.clock = FakeClock()
        self.local = LocalDispatcher(
            devices, command=[*COMMAND, *arguments], stall_seconds=60.0, clock=self.clock
        )

    def wait(self, seconds: float) -> list[Event]:
        """Let the time pass as the server's loop does."""
        events: list[Event] = []
        for _ in range(round(seconds / 2)):
            self.clock.advance(2.0)
            events += self.local.poll(0)
        return events


@pytest.fixture
def impatient() -> Iterator[Impatient]:
    impatient = Impatient(["puppet"])
    yield impatient
    impatient.local.close(drain=False)


def test_a_worker_that_is_stopped_by_a_signal_is_ended_and_its_job_lost(
    impatient: Impatient, make_job: Make
) -> None:
    job = make_job("steps=10000 pause=0.02")
    impatient.local.submit(job)
    events_until(impatient.local, Progress)
    stopped = worker_pid(impatient.local)
    os.kill(stopped, signal.SIGSTOP)
    time.sleep(0.2)
    list(impatient.local.poll(0))
    assert [e for e in impatient.wait(58) if isinstance(e, ENDS)] == []
    assert impatient.local.devices()[0].silent == 58.0
    events = impatient.wait(2)
    end = [*events, *(events_until(impatient.local, ENDS) if not events else [])][-1]
    reason = "the worker on puppet made no progress for 1 minutes and was ended"
    assert end == WorkerLost(job.id, reason)
    with pytest.raises(ProcessLookupError):
        os.kill(stopped, 0)


def test_a_worker_whose_pipe_is_full_keeps_nobody_waiting(
    impatient: Impatient, make_job: Make
) -> None:
    while impatient.local.devices()[0].state != "idle":
        list(impatient.local.poll(0.05))
    os.kill(worker_pid(impatient.local), signal.SIGSTOP)
    large = replace(make_job("steps=1"), client={"note": "x" * 1_000_000})
    started = time.monotonic()
    impatient.local.submit(large)
    impatient.local.cancel("another")
    assert time.monotonic() - started < 5
    events = impatient.wait(60)
    assert [*events, *events_until(impatient.local, ENDS)][-1].job_id == large.id
    impatient.clock.advance(60)
    impatient.local.submit(large)
    assert isinstance(events_until(impatient.local, ENDS)[-1], Done)


def test_a_machine_that_slept_ends_no_worker(make_job: Make) -> None:
    impatient = Impatient(["puppet:0", "puppet:1"])
    try:
        for _ in range(2):
            impatient.local.submit(make_job("deaf"))
        events_until(impatient.local, Started)
        for _ in range(5):  # It slept five times; each time the clock went on.
            impatient.clock.advance(86_400.0)
            assert [e for e in impatient.local.poll(0.05) if isinstance(e, ENDS)] == []
        assert all(device.silent <= 25.0 for device in impatient.local.devices())
    finally:
        impatient.local.close(drain=False)


def test_a_sign_of_life_between_two_steps_counts_as_progress(
    impatient: Impatient, make_job: Make, until: Callable[..., None]
) -> None:
    def heard() -> bool:
        list(impatient.local.poll(0.05))
        return impatient.local.devices()[0].silent == 0.0

    impatient.local.submit(make_job("hum=30"))
    events_until(impatient.local, Started)
    impatient.wait(40)
    assert impatient.local.devices()[0].silent == 40.0
    until(heard)
    assert [e for e in impatient.wait(40) if isinstance(e, ENDS)] == []


def test_a_worker_that_hangs_in_its_start_is_ended_and_at_last_given_up() -> None:
    impatient = Impatient(["puppet"], "--mute")

    def wait() -> None:
        for _ in range(20):
            impatient.wait(100)
            list(impatient.local.poll(0.1))

    try:
        with pytest.raises(DispatchError, match="made no progress for 1 minutes"):
            wait()
    finally:
        impatient.local.close(drain=False)


def test_a_worker_that_not_even_a_kill_ends_is_given_up(
    impatient: Impatient, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that hangs in a driver."""
    job = make_job("deaf")
    impatient.local.submit(job)
    events_until(impatient.local, Started)
    worker = impatient.local._slots[0].worker
    assert worker is not None
    with monkeypatch.context() as patch:
        patch.setattr(WorkerProcess, "kill", lambda _: None)
        assert [e for e in impatient.wait(62) if isinstance(e, ENDS)] == []
        ends = [e for e in impatient.wait(GIVE_UP_SECONDS) if isinstance(e, ENDS)]
    worker.kill()
    worker._process.wait()
    assert [end.job_id for end in ends] == [job.id]
    impatient.clock.advance(60)
    impatient.local.submit(make_job("steps=1"))
    assert isinstance(events_until(impatient.local, ENDS)[-1], Done)


def test_a_message_that_nobody_knows_ends_nothing(local: LocalDispatcher, make_job: Make) -> None:
    local.submit(make_job("steps=10000 pause=0.02"))
    events_until(local, Started)
    worker = local._slots[0].worker
    for document in ({"event": "news"}, {}, 5, {"event": "done", "job_id": 5}):
        local._messages.put((worker, document))  # type: ignore[arg-type]
    assert isinstance(events_until(local, Progress)[-1], Progress)


def test_a_system_without_a_process_to_spare_is_asked_again(
    impatient: Impatient, make_job: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    impatient.local.submit(make_job("die"))
    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "Popen", refused)
        assert isinstance(events_until(impatient.local, ENDS)[-1], WorkerLost)
        impatient.wait(2)
        (device,) = impatient.local.devices()
        assert device.state == "lost"
        assert "no worker can be started on puppet: Resource temporarily" in device.message
    impatient.wait(10)
    impatient.local.submit(make_job("steps=1"))
    assert isinstance(events_until(impatient.local, ENDS)[-1], Done)
