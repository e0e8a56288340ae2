"""The real worker, killed and stopped at random moments: it ends as if nothing had happened."""

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.scheduling.stages import stages_of
from engine.settings import resolve
from hotfolder.job import Job
from hotfolder.workers.worker_process import WorkerOptions, worker_command

# 24 evaluations; at the second scale `content_boost` makes two stages, as it does from 257 px.
RIBBON = (280, 48)
SETTINGS: dict[str, Any] = {
    **{"size": 280, "scales": 2, "scale_factor": 1.3, "coarse_steps": 8, "steps": 16},
    **{"history": 5, "progression": 2},
}
STEPS = 24


class PaintingJob:
    """A job in a folder of its own, and workers that are given it one after another."""

    def __init__(self, folder: Path, pictures: tuple[Path, Path]) -> None:
        self.folder = folder
        (folder / "inputs").mkdir(parents=True)
        for picture in pictures:
            shutil.copy(picture, folder / "inputs")
        content, style = (picture.name for picture in pictures)
        self.job = Job("id", "a", "a", str(folder), content, (style,), resolve(SETTINGS))
        self.worker: subprocess.Popen[bytes] | None = None

    def start(self, checkpoint_seconds: float = 0.001) -> Iterator[dict[str, Any]]:
        """The events of a new worker that is given the job."""
        # Previews by the clock would differ from one run to the next.
        options = WorkerOptions(
            threads=1, checkpoint_seconds=checkpoint_seconds, preview_seconds=3600.0
        )
        command = worker_command(options)
        with (self.folder.parent / "log").open("ab") as log:
            self.worker = subprocess.Popen(
                [*command, "--device", "cpu"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.give()
        return self.events()

    def give(self) -> None:
        self.tell({"do": "paint", "job": self.job.to_document(), "folder": self.job.folder})

    def events(self) -> Iterator[dict[str, Any]]:
        assert self.worker is not None
        assert self.worker.stdout is not None
        return map(json.loads, self.worker.stdout)

    def tell(self, command: dict[str, Any]) -> None:
        assert self.worker is not None
        assert self.worker.stdin is not None
        self.worker.stdin.write(json.dumps(command).encode() + b"\n")
        self.worker.stdin.flush()

    def end(self) -> int:
        assert self.worker is not None
        status = self.worker.wait(60)
        for pipe in (self.worker.stdin, self.worker.stdout):
            assert pipe is not None
            pipe.close()
        return status

    def paint_with(self, other: "PaintingJob") -> None:
        """By the worker of another's that has done its job."""
        self.worker, other.worker = other.worker, None
        self.give()
        ended(self.events())

    def result(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.glob("*.[jpw][pne][gb]*")}

    def log(self) -> str:
        return (self.folder.parent / "log").read_text()


def ended(events: Iterator[dict[str, Any]]) -> dict[str, Any]:
    end = next(event for event in events if event["event"] in ("done", "failed"))
    assert end["event"] == "done", end
    return end


def evaluations(progress: dict[str, Any]) -> int:
    """Of all scales."""
    return int(progress["step"]) + (progress["scale"] - 1) * int(SETTINGS["coarse_steps"])


@pytest.fixture
def make(
    tmp_path: Path, small_pictures: tuple[Path, Path]
) -> Iterator[Callable[[str], PaintingJob]]:
    works = []
    content, style = small_pictures
    ribbon = tmp_path / f"ribbon{content.suffix}"
    with Image.open(content) as image:
        image.resize(RIBBON).save(ribbon)

    def make(name: str) -> PaintingJob:
        works.append(PaintingJob(tmp_path / name / "job", (ribbon, style)))
        return works[-1]

    yield make
    for work in works:
        if work.worker is not None and work.worker.poll() is None:
            work.worker.kill()
            work.end()


def test_killed_at_random_steps_it_ends_with_the_same_pixels(
    make: Callable[[str], PaintingJob],
) -> None:
    assert len(stages_of(RIBBON, [(215, 37)], SETTINGS["steps"], 6.0, final=True)) == 2
    whole, killed = make("whole"), make("killed")
    seed = random.SystemRandom().randrange(2**32)
    moments = sorted(random.Random(seed).sample(range(2, STEPS - 10), 2))
    for moment in moments:
        events = killed.start()
        for event in events:
            assert event["event"] not in ("done", "failed"), f"seed {seed}: not killed"
            if event["event"] == "progress" and evaluations(event) >= moment:
                break
        assert killed.worker is not None
        killed.worker.send_signal(signal.SIGKILL)
        assert killed.end() == -signal.SIGKILL
    done = ended(killed.start())
    assert killed.log().count("goes on from checkpoint-") == len(moments)
    assert done["record"]["steps"] == STEPS
    whole.paint_with(killed)
    assert killed.result() == whole.result(), f"seed {seed}"
    assert {"result.png", "progression.jpg", "losses.png"} < set(whole.result())


def test_a_texture_that_is_killed_ends_with_the_same_pixels(
    make: Callable[[str], PaintingJob],
) -> None:
    settings = resolve(
        {"texture_size": [128, 64], "tile": True, "coarse_steps": 6, "steps": 12, "history": 5}
    )
    whole, killed = make("whole"), make("killed")
    for work in (whole, killed):
        (work.folder / "inputs" / work.job.content).unlink()
        work.job = replace(work.job, content="", settings=settings)
    for event in killed.start():
        if event["event"] == "progress" and (event["scale"], event["step"]) >= (2, 4):
            break
    assert killed.worker is not None
    killed.worker.send_signal(signal.SIGKILL)
    assert killed.end() == -signal.SIGKILL
    done = ended(killed.start())
    assert killed.log().count("goes on from checkpoint-") == 1
    assert (done["record"]["size"], "content" in done["record"]) == ([128, 64], False)
    whole.paint_with(killed)
    assert killed.result() == whole.result()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM cannot be waited for")
@pytest.mark.parametrize("how", ["SIGTERM", "stop"])
def test_told_to_stop_it_first_writes_where_it_stands(
    make: Callable[[str], PaintingJob], how: str
) -> None:
    work = make("stopped")
    events = work.start(checkpoint_seconds=0)  # only when stopped
    progress = (event for event in events if event["event"] == "progress")
    for _ in range(5):
        event = next(progress)
    assert not list(work.folder.glob("checkpoint-*"))
    assert work.worker is not None
    if how == "SIGTERM":
        work.worker.terminate()
    else:
        work.tell({"do": "stop"})
    last = [event, *progress][-1]
    assert work.end() == (-signal.SIGTERM if how == "SIGTERM" else 0)
    assert len(list(work.folder.glob("checkpoint-*"))) == 2
    first = next(event for event in work.start() if event["event"] == "progress")
    assert (first["scale"], first["step"]) >= (last["scale"], last["step"])
