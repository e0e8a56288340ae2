"""One painting by one program: its process, its trajectory, and the machine's speed around it."""

import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.process import ROOT
from benchmarks.race.calibration import Calibration, drift
from benchmarks.race.recorder import FILE_NAME, STARTED_VARIABLE

RECORD = "run.json"


@dataclass(frozen=True)
class Point:
    """A picture that was there `seconds` after the process began, other pictures' writing left out.

    `file` lies in the run's folder.
    """

    evaluations: int
    seconds: float
    file: str
    processor: float
    """Processor seconds of all threads until then, likewise."""


@dataclass(frozen=True)
class Trajectory:
    points: list[Point]
    excluded: float
    """Seconds that went into writing pictures on the way."""
    notes: list[str]


@dataclass(frozen=True)
class Run:
    """The last point is the delivered file."""

    name: str
    precision: str
    folder: Path
    points: list[Point]
    wall: float
    """Of the whole process, pictures on the way left out."""
    before: Calibration
    after: Calibration
    notes: list[str]

    @property
    def delivered(self) -> Path:
        return self.folder / self.points[-1].file

    @property
    def seconds(self) -> float:
        """Until the delivered file was there."""
        return self.points[-1].seconds

    def drift(self, fastest: Calibration) -> float:
        return drift(self.before, self.after, fastest, self.precision)


@dataclass(frozen=True)
class Program:
    """How one program paints one pair."""

    name: str
    command: Sequence[str]
    """Run in the project's folder; writes into the run's folder."""
    precision: str
    trajectory: Callable[[Path, float], Trajectory]
    """Run's folder, time of the process's start -> what it painted on the way."""


def execute(program: Program, folder: Path, device: str, threads: int) -> Run:
    """Run the process, with the calibration before and after it, and keep the record."""
    folder.mkdir(parents=True, exist_ok=True)
    before = Calibration.measure(device)
    started, processor_before = time.time(), _children_processor()
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        STARTED_VARIABLE: repr(started),
        "PYTHONPATH": str(ROOT) if program.name != "pastiche" else "",
    }
    with (folder / "output.txt").open("wb") as output:
        status = subprocess.run(
            program.command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    wall, processor = time.time() - started, _children_processor() - processor_before
    after = Calibration.measure(device)
    if status:
        text = (folder / "output.txt").read_text(errors="replace")
        raise SystemExit(f"{program.name} ended with status {status}:\n{text[-3000:]}")
    trajectory = program.trajectory(folder, started)
    run = Run(
        program.name,
        program.precision,
        folder,
        _with_processor(trajectory.points, processor, wall),
        wall - trajectory.excluded,
        before,
        after,
        trajectory.notes,
    )
    document = {key: value for key, value in asdict(run).items() if key != "folder"}
    (folder / RECORD).write_text(json.dumps(document, indent=1))
    return run


def load(folder: Path) -> Run | None:
    """A run that was made before, if it is there and tells of everything that one does today."""
    try:
        document: Mapping[str, Any] = json.loads((folder / RECORD).read_text())
        return Run(
            folder=folder,
            **{
                **document,
                "points": [Point(**point) for point in document["points"]],
                "before": Calibration(**document["before"]),
                "after": Calibration(**document["after"]),
            },
        )
    except (OSError, TypeError):
        return None


def _children_processor() -> float:
    """Seconds of all ended processes that this one started."""
    times = os.times()
    return times.children_user + times.children_system


def _with_processor(points: list[Point], processor: float, wall: float) -> list[Point]:
    """Where a program does not tell its processor seconds on the way: the whole process's, in
    proportion to the clock."""
    return [
        replace(point, processor=processor * point.seconds / wall)
        if math.isnan(point.processor)
        else point
        for point in points
    ]


def recorded_trajectory(folder: Path, started: float) -> Trajectory:
    """What `recorder.Recorder` wrote. The last picture kept is the delivered one."""
    document = json.loads((folder / FILE_NAME).read_text())
    points = [
        Point(count, seconds, f"{count:05}.png", processor)
        for count, seconds, processor in document["points"]
    ]
    return Trajectory(points, document["excluded"], document["notes"])


def recorded_trajectory_and_file(folder: Path, started: float) -> Trajectory:
    """The same, where the program delivers a file of its own, `delivered.png`."""
    trajectory = recorded_trajectory(folder, started)
    file = folder / "delivered.png"
    seconds = file.stat().st_mtime - started - trajectory.excluded
    last = replace(trajectory.points[-1], seconds=seconds, file=file.name)
    return Trajectory([*trajectory.points[:-1], last], trajectory.excluded, trajectory.notes)
