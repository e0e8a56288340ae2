"""The dispatcher of a cluster with a driver that needs no Ray: slots that come and go, a cluster
that is lost, files as bytes. The same over a real cluster: `test_ray_dispatcher.py`."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import FakeClock, FakeDispatcher, Room

from engine.settings import Settings
from hotfolder.config.model import Config
from hotfolder.errors import DispatchError, ExitCode
from hotfolder.job import Job
from hotfolder.server.server import configured_dispatcher
from hotfolder.workers.cluster import ray_dispatcher
from hotfolder.workers.cluster.ray_dispatcher import RayDispatcher
from hotfolder.workers.cluster.transfer import (
    finished_paintings,
    newest_checkpoint,
    read_job,
    write_checkpoint,
    write_files,
    write_job,
)
from hotfolder.workers.events import Done, Event, Started, WorkerLost

NULL_DRIVER = [sys.executable, "-m", "benchmarks.speed.null_driver"]

SCRIPTED = """
import json, sys, time
def send(**document): print(json.dumps(document), flush=True)
def command(): return json.loads(sys.stdin.readline())
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., RayDispatcher]]:
    made: list[RayDispatcher] = []

    def make(script: str | None = None, *options: str) -> RayDispatcher:
        command = [sys.executable, "-c", SCRIPTED + script] if script else NULL_DRIVER
        made.append(RayDispatcher("head:6379", command=[*command, *options]))
        return made[-1]

    yield make
    for dispatcher in made:
        dispatcher.close(drain=False)


def job(folder: Path, name: str = "a") -> Job:
    (folder / name / "inputs").mkdir(parents=True)
    return Job(name, name, name, str(folder / name), "a.jpg", ("s.png",), Settings())


def polled(dispatcher: RayDispatcher, condition: Callable[[list[Event]], bool]) -> list[Event]:
    events: list[Event] = []
    deadline = time.monotonic() + 20
    while not condition(events):
        assert time.monotonic() < deadline, (events, dispatcher.devices(), dispatcher.problem)
        events += dispatcher.poll(0.05)
    return events


def test_jobs_go_to_the_actors_that_joined(
    make: Callable[..., RayDispatcher], tmp_path: Path
) -> None:
    dispatcher = make(None, "--slots", "3")
    polled(dispatcher, lambda _: dispatcher.capacity == 3)
    for name in "abc":
        dispatcher.submit(job(tmp_path, name))
    events = polled(dispatcher, lambda events: sum(isinstance(e, Done) for e in events) == 3)
    assert {e.job_id for e in events if isinstance(e, Started)} == {"a", "b", "c"}
    assert [device.device for device in dispatcher.devices()] == [
        *("null/gpu0", "null/gpu1", "null/gpu2")
    ]


def test_a_node_that_goes_gives_its_job_back_without_blame_and_takes_its_slot_along(
    make: Callable[..., RayDispatcher], tmp_path: Path
) -> None:
    dispatcher = make("""
send(event="beat", problem="")
send(event="joined", worker="w", device="atlas/gpu0")
command()
send(event="ready", worker="w")
command()
send(event="started", job_id="a", device="atlas/gpu0", worker="w")
send(event="left", worker="w", reason="was lost with its node")
command()
""")
    dispatcher.submit(job(tmp_path))
    events = polled(dispatcher, lambda events: any(isinstance(e, WorkerLost) for e in events))
    assert events[-1] == WorkerLost(
        "a", "the worker on atlas/gpu0 was lost with its node", counts=False
    )
    assert (dispatcher.devices(), dispatcher.capacity) == ([], 0)


def test_an_actor_that_died_counts_and_is_waited_for_again(
    make: Callable[..., RayDispatcher], tmp_path: Path
) -> None:
    dispatcher = make("""
send(event="beat", problem="")
send(event="joined", worker="w", device="atlas/gpu0")
command()
send(event="ready", worker="w")
command()
send(event="exit", worker="w", reason="died")
assert command() == {"do": "start", "worker": "w"}
send(event="ready", worker="w")
command()
""")
    dispatcher.submit(job(tmp_path))
    events = polled(dispatcher, lambda events: any(isinstance(e, WorkerLost) for e in events))
    assert events == [WorkerLost("a", "the worker on atlas/gpu0 died")]
    polled(dispatcher, lambda _: [d.state for d in dispatcher.devices()] == ["idle"])


def test_a_lost_cluster_gives_every_job_back_says_why_and_is_tried_again(
    make: Callable[..., RayDispatcher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_dispatcher, "RECONNECT_SECONDS", 0.3)
    dispatcher = make(None, "--slots", "1", "--seconds", "60", "--die-at-paint")
    polled(dispatcher, lambda _: dispatcher.capacity == 1)
    dispatcher.submit(job(tmp_path, "a"))
    dispatcher.submit(job(tmp_path, "b"))
    events = polled(dispatcher, lambda events: len(events) == 2)
    assert [(type(e), e.job_id) for e in events] == [(WorkerLost, "a"), (WorkerLost, "b")]
    assert not any(e.counts for e in events if isinstance(e, WorkerLost))
    assert dispatcher.problem == (
        "waits for the Ray cluster at head:6379, which is lost: "
        "its head has gone, or cannot be reached any more"
    )
    assert dispatcher.capacity == 0
    polled(dispatcher, lambda _: dispatcher.capacity == 1)
    assert dispatcher.problem == ""


def test_a_cluster_that_was_never_reached_is_waited_for_with_the_words_of_ray(
    make: Callable[..., RayDispatcher],
) -> None:
    dispatcher = make('sys.exit("Could not find any running Ray instance")')
    polled(dispatcher, lambda _: dispatcher.problem != "")
    assert dispatcher.problem.endswith("is lost: Could not find any running Ray instance")
    assert (dispatcher.capacity, dispatcher.devices()) == (0, [])


def test_a_driver_that_falls_silent_has_lost_the_cluster(
    make: Callable[..., RayDispatcher], tmp_path: Path
) -> None:
    clock = FakeClock()
    dispatcher = make("""
send(event="beat", problem="")
time.sleep(60)
""")
    dispatcher._clock = clock
    dispatcher._heard = clock()
    clock.advance(ray_dispatcher.SILENT_SECONDS)
    polled(dispatcher, lambda _: "lost: it has not answered for 20 seconds" in dispatcher.problem)
    polled(dispatcher, lambda _: dispatcher._connect_at is not None)


def test_no_ray_is_said_in_words_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DispatchError, match=r"pip install 'impasto\[ray\]'") as error:
        configured_dispatcher(Config.model_validate({"dispatch": {"backend": "ray"}}))
    assert error.value.exit_code == ExitCode.MISSING_DEPENDENCY


def test_the_server_pauses_with_the_reason_while_no_worker_can_be_reached(room: Room) -> None:
    dispatcher = FakeDispatcher()
    room.dispatcher = dispatcher
    dispatcher.problem = "waits for the Ray cluster at head:6379, which is lost"
    room.drop_pair("cat")
    room.step(4)
    assert room.status("cat")["state"] == "queued"
    server = json.loads((room.folder.status / "server.json").read_text())
    assert server["paused"] == dispatcher.problem
    dispatcher.problem = ""
    room.step(3)
    assert room.status("cat")["state"] == "done"


def test_a_loss_that_is_not_the_jobs_fault_does_not_count_however_often(room: Room) -> None:
    def loses(job: Job) -> Iterator[Event]:
        yield Started(job.id, "atlas/gpu0")
        yield WorkerLost(job.id, "was lost with its node", counts=False)

    room.settings["retry"] = {"lost": 0, "backoff": 0.0}
    room.dispatcher = FakeDispatcher(loses)
    room.drop_pair("cat")
    room.step(12)
    assert len(room.dispatcher.submitted) > 3
    assert room.status("cat")["state"] in ("queued", "running")


def test_a_jobs_files_and_its_newest_checkpoint_travel_as_bytes(tmp_path: Path) -> None:
    here, there, back = tmp_path / "here", tmp_path / "there", tmp_path / "back"
    (here / "inputs").mkdir(parents=True)
    (here / "inputs" / "a b.jpg").write_bytes(b"picture")
    for number in (2, 10):
        (here / f"checkpoint-{number}.pt").write_bytes(b"state %d" % number)
        (here / f"checkpoint-{number}.json").write_bytes(b"facts %d" % number)
    (here / "checkpoint-11.pt").write_bytes(b"half")
    (here / "state.json").write_bytes(b"the server's own")
    files = read_job(here)
    assert files == {
        "inputs/a b.jpg": b"picture",
        "checkpoint-10.pt": b"state 10",
        "checkpoint-10.json": b"facts 10",
    }
    there.mkdir()
    write_job(files, there)
    assert (there / "inputs" / "a b.jpg").read_bytes() == b"picture"
    assert newest_checkpoint(there, but=10) == {}
    back.mkdir()
    (back / "checkpoint-3.pt").write_bytes(b"old")
    (back / "checkpoint-3.json").write_bytes(b"old")
    write_checkpoint(newest_checkpoint(there, but=9), back)
    assert sorted(path.name for path in back.iterdir()) == [
        "checkpoint-10.json",
        "checkpoint-10.pt",
    ]


def test_the_finished_paintings_of_a_series_travel_with_their_notes_behind_them(
    tmp_path: Path,
) -> None:
    here = Path(job(tmp_path).folder)
    for name in ("result.png", "variation2.png", "variation2.losses.png", "variation3.png"):
        (here / name).write_bytes(name.encode())
    notes = {
        "result": ["result.png"],
        "variation2": ["variation2.png", "variation2.losses.png"],
        "variation4": ["../outside.png"],
        "variation5": ["gone.png"],
    }
    for name, files in notes.items():
        document = {"files": dict.fromkeys(files, "sha256")}
        (here / f"{name}.finished.json").write_text(json.dumps(document))
    (here / "variation6.finished.json").write_text("half")
    expected = ["result.png", "result.finished.json", "variation2.png", "variation2.losses.png"]
    assert [*read_job(here)] == [*expected, "variation2.finished.json"]
    assert [*finished_paintings(here, but={"result.finished.json"})] == [
        *expected[2:],
        "variation2.finished.json",
    ]


@pytest.mark.parametrize("name", ["../job.json", "/etc/passwd", "inputs/../../x", ""])
def test_what_comes_back_cannot_leave_the_jobs_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        write_files({name: b"x"}, tmp_path)
    assert list(tmp_path.iterdir()) == []
