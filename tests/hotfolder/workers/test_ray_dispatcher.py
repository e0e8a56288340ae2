"""Jobs on a real Ray cluster of several nodes on loopback (`make test-ray`): actors, nodes and the
head are killed by signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.process import ROOT
from benchmarks.reliability.ray_nodes import RayCluster, ray_cluster
from engine.settings import Settings
from hotfolder.errors import ExitCode
from hotfolder.job import Job
from hotfolder.workers.cluster.ray_dispatcher import RayDispatcher
from hotfolder.workers.events import ENDS, Cancelled, Done, Event, Failed, Progress, WorkerLost
from hotfolder.workers.worker_process import WorkerOptions

pytestmark = pytest.mark.ray

MakeJob = Callable[..., Job]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster(nodes=2) as cluster:
        yield cluster


@pytest.fixture
def make_job(tmp_path: Path) -> MakeJob:
    numbers = iter(range(1000))

    def make(order: str) -> Job:
        job_id = f"job{next(numbers)}"
        folder = tmp_path / job_id
        (folder / "inputs").mkdir(parents=True)
        (folder / "inputs" / "a.content.jpg").write_text(order)
        return Job(job_id, job_id, job_id, str(folder), "a.content.jpg", ("s.png",), Settings())

    return make


class Session:
    """A dispatcher, and every event of it so far."""

    def __init__(self, dispatcher: RayDispatcher) -> None:
        self.dispatcher = dispatcher
        self.events: list[Event] = []

    @property
    def ready(self) -> int:
        return sum(device.state in ("idle", "busy") for device in self.dispatcher.devices())

    def wait(self, condition: Callable[[], object], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            state = self.dispatcher.problem, self.dispatcher.devices(), self.events[-5:]
            assert time.monotonic() < deadline, state
            self.events += self.dispatcher.poll(0.05)

    def of(self, job: Job, *kinds: type[Event]) -> list[Event]:
        return [e for e in self.events if e.job_id == job.id and isinstance(e, kinds)]

    def start(self, job: Job) -> None:
        """Submit it, and wait until it has made a step."""
        self.dispatcher.submit(job)
        self.wait(lambda: self.of(job, Progress))

    def end(self, job: Job) -> Event:
        """Its one end."""
        self.wait(lambda: self.of(job, *ENDS))
        (end,) = self.of(job, *ENDS)
        return end

    def run(self, *jobs: Job) -> list[Event]:
        for job in jobs:
            self.dispatcher.submit(job)
        return [self.end(job) for job in jobs]


@pytest.fixture
def session(cluster: RayCluster) -> Iterator[Session]:
    session = Session(RayDispatcher(cluster.address, painter="ray_puppet:RayPuppet"))
    try:
        session.wait(lambda: session.ready == 2)
        yield session
    finally:
        session.dispatcher.close(drain=False)


def test_two_nodes_paint_at_once_and_name_their_devices(
    session: Session, make_job: MakeJob
) -> None:
    jobs = [make_job("steps=60 pause=0.05") for _ in range(2)]
    for job in jobs:
        session.start(job)
    devices = session.dispatcher.devices()
    assert {device.job_id for device in devices} == {job.id for job in jobs}
    assert len({device.device for device in devices}) == 2
    assert [type(session.end(job)) for job in jobs] == [Done, Done]


def test_the_servers_process_imports_neither_ray_nor_torch(cluster: RayCluster) -> None:
    script = (
        "import sys, time\n"
        "from hotfolder.config.model import Config\n"
        "from hotfolder.server.server import configured_dispatcher\n"
        f"dispatch = {{'backend': 'ray', 'address': '{cluster.address}'}}\n"
        "workers = configured_dispatcher(Config.model_validate({'dispatch': dispatch}))\n"
        "until = time.monotonic() + 60\n"
        "while not workers.devices() and time.monotonic() < until: list(workers.poll(0.1))\n"
        "assert workers.devices()\n"
        "workers.close(drain=False)\n"
        "print([m for m in ('ray', 'torch', 'numpy', 'PIL') if m in sys.modules])\n"
    )
    command = [sys.executable, "-c", script]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_actor_that_is_killed_loses_its_job_alone_and_ray_starts_it_again(
    cluster: RayCluster, session: Session, make_job: MakeJob
) -> None:
    jobs = [make_job("steps=10000 pause=0.05"), make_job("steps=10000 pause=0.05")]
    for job in jobs:
        session.start(job)
    (painter, _) = (pid for node in cluster.nodes for pid in node.painters())
    os.kill(painter, signal.SIGKILL)
    session.wait(lambda: [job for job in jobs if session.of(job, *ENDS)])
    (lost,) = (job for job in jobs if session.of(job, *ENDS))
    (kept,) = (job for job in jobs if job is not lost)
    end = session.end(lost)
    assert isinstance(end, WorkerLost)
    assert end.counts
    session.wait(lambda: session.ready == 2)
    assert session.of(kept, *ENDS) == []
    assert [type(end) for end in session.run(make_job("steps=2"), make_job("steps=2"))] == [
        Done,
        Done,
    ]
    session.dispatcher.cancel(kept.id)
    assert session.end(kept) == Cancelled(kept.id)


def test_a_stopped_painting_hands_its_checkpoint_in(
    cluster: RayCluster, session: Session, make_job: MakeJob
) -> None:
    job = make_job("steps=10000 pause=0.05")
    session.start(job)
    started = time.monotonic()
    session.dispatcher.close(drain=False)
    assert time.monotonic() - started < 5
    names = sorted(path.name for path in Path(job.folder).iterdir())
    assert names == ["checkpoint-1.json", "checkpoint-1.pt", "inputs"]


def test_an_input_that_is_a_link_fails_in_words(session: Session, make_job: MakeJob) -> None:
    job = make_job("steps=2")
    content = Path(job.folder) / "inputs" / job.content
    content.unlink()
    content.symlink_to("/etc/passwd")
    (end,) = session.run(job)
    assert isinstance(end, Failed)
    assert "a.content.jpg" in end.message
    assert end.exit_code == ExitCode.FILE_ACCESS


def test_a_cancelled_job_leaves_its_actor_free_for_the_next(
    session: Session, make_job: MakeJob
) -> None:
    job = make_job("steps=10000 pause=0.02")
    session.start(job)
    session.dispatcher.cancel(job.id)
    assert session.end(job) == Cancelled(job.id)
    assert {type(end) for end in session.run(*(make_job("steps=2") for _ in range(6)))} == {Done}
    assert session.ready == 2


def test_the_engine_goes_on_another_node_from_the_checkpoint_that_came_home(
    cluster: RayCluster, tmp_path: Path, photograph: Path
) -> None:
    """The nodes are taken away in the middle of a painting; another joins and goes on with it."""
    folder = tmp_path / "job"
    (folder / "inputs").mkdir(parents=True)
    with Image.open(photograph) as picture:
        picture.resize((96, 64)).save(folder / "inputs" / "a.content.png")
        picture.resize((64, 64)).save(folder / "inputs" / "a.style.png")
    settings = Settings(size=96, scales=1, steps=300, precision="float32")
    job = Job("a", "a", "a", str(folder), "a.content.png", ("a.style.png",), settings)
    options = WorkerOptions(checkpoint_seconds=1.0, threads=1)
    session = Session(RayDispatcher(cluster.address, options=options))
    try:
        session.wait(lambda: session.ready == 2)
        session.start(job)
        # Each comes home when it is due: a checkpoint after one second, a preview after two. Where
        # the machine is slow the first checkpoint is from before the first move.
        session.wait(lambda: list(folder.glob("checkpoint-[2-9]*.json")))
        session.wait((folder / "preview.jpg").exists)
        assert session.of(job, *ENDS) == []
        for node in list(cluster.nodes):  # One of them paints it.
            cluster.take_away(node)
        lost = session.end(job)
        assert isinstance(lost, WorkerLost)
        assert not lost.counts
        session.wait(lambda: not session.dispatcher.devices())
        assert session.dispatcher.capacity == 0

        cluster.add()
        session.wait(lambda: session.ready == 1)
        session.events.clear()
        (done,) = session.run(job)
        assert isinstance(done, Done), done
        steps = [event.step for event in session.events if isinstance(event, Progress)]
        assert min(steps) > 1, cluster.actors_log()
        assert max(steps) == 300
        with Image.open(done.picture) as picture:
            assert picture.size == (96, 64)
        assert done.record["content"]["size"] == [96, 64]
        assert Path(done.picture).parent == folder
    finally:
        session.dispatcher.close(drain=False)
        while len(cluster.nodes) < 2:
            cluster.add()


def test_a_lost_head_pauses_with_the_reason_and_the_queue_goes_on_when_it_is_back(
    cluster: RayCluster, session: Session, make_job: MakeJob
) -> None:
    job = make_job("steps=10000 pause=0.05")
    session.start(job)
    cluster.head.kill()
    end = session.end(job)
    assert isinstance(end, WorkerLost)
    assert not end.counts
    assert session.dispatcher.capacity == 0
    assert f"the Ray cluster at {cluster.address}, which is lost" in session.dispatcher.problem
    # Ray's nodes end with their head: one that is started again is another cluster.
    for node in list(cluster.nodes):
        cluster.take_away(node)
    cluster.start_head()
    cluster.add()
    cluster.add()
    session.wait(lambda: session.ready == 2, 120)
    assert session.dispatcher.problem == ""
    assert [type(end) for end in session.run(make_job("steps=2"))] == [Done]
