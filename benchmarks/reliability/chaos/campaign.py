"""Hundreds of small jobs, batches and preset folders in several hot folders, while the server and
its workers are killed and its file operations fail; second servers try for the same folders,
control files come and go, and links are put where folders were. At the end: every job has exactly
one result, one readable failure or one cancellation, every input is somewhere, once, nobody ever
saw half a file, and nothing outside was touched.

The server is a real process, killed from outside at random moments and by itself before a random
file operation. The same seed makes the same deliveries, faults and plan of kills; how they meet is
the machine's doing.
"""

import argparse
import contextlib
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from benchmarks.process import ROOT
from benchmarks.reliability.chaos.account import Account
from benchmarks.reliability.chaos.deliveries import Delivery, deliveries
from benchmarks.reliability.chaos.stranger import Controls, Stranger
from benchmarks.reliability.chaos.witnesses import Client
from benchmarks.reliability.folder.outside import Outside
from benchmarks.report import log_progress, save
from hotfolder.errors import ExitCode
from hotfolder.paths import FolderPaths

STYLE = "library.png"


@dataclass(frozen=True)
class Plan:
    """What is done to the hot folder."""

    seed: int
    jobs: int = 300
    kills: int = 20
    """Of the daemon, at least."""
    folders: int = 3
    """Hot folders, which one server serves."""
    rivals: float = 0.4
    """Share of the servers beside which a second one is started."""
    fault_rate: float = 0.002
    """Share of the daemon's file operations that fail."""
    drop_seconds: float = 15.0
    """Over how long the jobs are dropped."""
    life_seconds: tuple[float, float] = (0.6, 1.8)
    """How long a daemon lives that does not kill itself before."""
    engine: bool = False
    limit_seconds: float = 600.0


@dataclass
class Summary:
    """What came of it."""

    plan: Plan
    jobs: int = 0
    kills: int = 0
    worker_kills: int = 0
    rivals: int = 0
    """Second servers that were refused."""
    successors: int = 0
    """Second servers that went on where the first was killed."""
    faults: int = 0
    controls: int = 0
    swaps: int = 0
    """Times that a link was put where a folder was, or a folder where the link was."""
    looks: int = 0
    """Times that the client looked at outbox/ and status/."""
    seconds: float = 0.0
    forms: Counter[str] = field(default_factory=Counter)
    account: Account = field(default_factory=Account)

    @property
    def problems(self) -> list[str]:
        return self.account.problems

    def table(self) -> str:
        rows = {
            "jobs": self.jobs,
            "done": self.account.done,
            "failed in words, as they should": self.account.failed,
            "cancelled, as somebody asked": self.account.cancelled,
            "servers killed and started again": self.kills,
            "second servers refused": self.rivals,
            "second servers that took over from a killed one": self.successors,
            "workers killed": self.worker_kills,
            "file operations that failed": self.faults,
            "control files": self.controls,
            "links put for folders, and back": self.swaps,
            "looks of the polling client": self.looks,
            "**lost**": self.account.lost,
            "**doubled**": self.account.doubled,
            "seconds": f"{self.seconds:.0f}",
        }
        forms = ", ".join(f"{count} {form}" for form, count in sorted(self.forms.items()))
        lines = [f"Chaos with {'the engine' if self.plan.engine else 'puppets'}, "]
        lines[0] += f"{self.plan.folders} folders, seed {self.plan.seed}. Deliveries: {forms}."
        lines += ["", "| what | count |", "|---|---|", *(f"| {k} | {v} |" for k, v in rows.items())]
        return "\n".join([*lines, *(f"- {problem}" for problem in self.problems)])


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--fault-rate", type=float, default=0.002)
    parser.add_argument("--drop-seconds", type=float, default=90.0)
    parser.add_argument("--engine", action="store_true", help="paint really, at 64 px")
    parser.add_argument("--folder", type=Path, help="where; else a temporary folder")
    parser.add_argument(
        "--backend",
        choices=("local", "ray"),
        default="local",
        help="ray: a cluster, which dies too",
    )
    options = parser.parse_args(arguments)
    if options.backend == "ray":
        from benchmarks.reliability.chaos import ray_campaign

        sys.exit(ray_campaign.run(options.seed, options.jobs, options.kills))
    plan = Plan(
        seed=options.seed,
        jobs=options.jobs,
        kills=options.kills,
        fault_rate=options.fault_rate,
        drop_seconds=options.drop_seconds,
        life_seconds=(4.0, 12.0) if options.engine else Plan.life_seconds,
        engine=options.engine,
        limit_seconds=7200.0,
    )
    log_progress(f"seed {plan.seed}")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        summary = wreak(plan, Path(folder))
    save("chaos", summary.table())
    if summary.problems:
        sys.exit(1)


def wreak(plan: Plan, place: Path) -> Summary:
    """Carry out the plan in the empty folder `place`."""
    started = time.monotonic()
    rng = random.Random(plan.seed)
    summary = Summary(plan)
    folders = [FolderPaths(place / "hot" / f"{number}") for number in range(plan.folders)]
    make = _noise if plan.engine else _order
    (place / "workshop").mkdir()
    (place / "outside").mkdir()
    for folder in folders:
        folder.create()
        (folder.styles / STYLE).write_bytes(make(rng, True))
    orders = [
        (order, rng.choice(folders))
        for order in deliveries(plan.jobs, rng, make, {"size": 64}, STYLE)
    ]
    summary.forms.update(order.form for order, _ in orders)
    summary.jobs = sum(len(order.painted) + order.refused for order, _ in orders)

    client = Client(folders)
    controls = Controls(random.Random(plan.seed + 3))
    stranger = Stranger(folders, Outside(place / "outside" / "theirs"), plan.seed + 4)
    dropper = threading.Thread(target=_drop, args=(orders, controls, place, plan))
    with client.looking():
        with stranger.at_work():
            dropper.start()
            _kill_and_restart(plan, folders, place, dropper, summary)
            dropper.join()
        _finish(plan, folders, place, summary)
    log = place / "faults"
    summary.faults = len(log.read_text().splitlines()) if log.exists() else 0
    summary.looks, summary.controls, summary.swaps = client.looks, controls.count, stranger.swaps
    summary.problems.extend([*client.problems, *stranger.problems()])
    for folder in folders:
        summary.account.add([order for order, where in orders if where is folder], folder)
    summary.seconds = time.monotonic() - started
    return summary


def _drop(
    orders: list[tuple[Delivery, FolderPaths]], controls: Controls, place: Path, plan: Plan
) -> None:
    rng = random.Random(plan.seed + 1)
    pause = plan.drop_seconds / len(orders)
    for order, folder in orders:
        controls.before(order, folder.inbox)
        order.drop(folder.inbox, place / "workshop", rng, min(pause, 0.2))
        controls.after(order, folder.inbox)
        controls.write_due()
        time.sleep(rng.random() * pause)
    controls.write_due(all_of_them=True)


def _kill_and_restart(
    plan: Plan,
    folders: list[FolderPaths],
    place: Path,
    dropper: threading.Thread,
    summary: Summary,
) -> None:
    rng = random.Random(plan.seed + 2)
    limit = time.monotonic() + plan.limit_seconds
    while summary.kills < plan.kills or dropper.is_alive():
        if time.monotonic() > limit:
            summary.problems.append("the kills took longer than the limit")
            return
        kill_at = rng.randint(50, 2500) if rng.random() < 0.5 else None
        daemon = _start(plan, folders, place, seed=rng.getrandbits(32), kill_at=kill_at)
        life = rng.uniform(*plan.life_seconds)
        rival = None
        if rng.random() < plan.rivals:
            time.sleep(life * rng.random() / 2)
            rival = _start(plan, folders, place, seed=rng.getrandbits(32))
        if rng.random() < 0.6:
            summary.worker_kills += _kill_a_worker(daemon, life * rng.random())
        _kill(daemon, life, rng, summary)
        if rival is not None:
            _await_rival(rival, life, rng, summary)


def _kill(
    daemon: "subprocess.Popen[bytes]", life: float, rng: random.Random, summary: Summary
) -> None:
    """After it has lived for so long, if it has not killed itself before."""
    try:
        daemon.wait(life)
    except subprocess.TimeoutExpired:
        daemon.send_signal(signal.SIGTERM if rng.random() < 0.1 else signal.SIGKILL)
    if daemon.wait(60) == -signal.SIGKILL:
        summary.kills += 1


def _await_rival(
    rival: "subprocess.Popen[bytes]", life: float, rng: random.Random, summary: Summary
) -> None:
    """It was refused while the other lived, or it goes on in its place."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        rival.wait(life)
    if rival.poll() == ExitCode.FILE_ACCESS:
        summary.rivals += 1
        return
    summary.successors += 1
    _kill(rival, 0.0, rng, summary)


def _kill_a_worker(daemon: "subprocess.Popen[bytes]", after: float) -> int:
    """As soon as there is one, `after` so many seconds. How many were killed."""
    time.sleep(after)
    children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children")
    while daemon.poll() is None:
        if not children.exists():  # a system that does not list them
            return 0
        with contextlib.suppress(OSError):
            for child in children.read_text().split()[:1]:
                os.kill(int(child), signal.SIGKILL)
                return 1
        time.sleep(0.02)
    return 0


def _finish(plan: Plan, folders: list[FolderPaths], place: Path, summary: Summary) -> None:
    """Until nothing is left to do. Only workers are killed from now on."""
    daemon = _start(plan, folders, place, once=True)
    for _ in range(3):
        summary.worker_kills += _kill_a_worker(daemon, 0.5)
    try:
        daemon.wait(plan.limit_seconds)
    except subprocess.TimeoutExpired:
        summary.problems.append("the last daemon hangs")
        daemon.kill()
        daemon.wait()
    if daemon.returncode not in (0, 10):
        summary.problems.append(f"the last daemon ended with {daemon.returncode}")


def _start(
    plan: Plan,
    folders: list[FolderPaths],
    place: Path,
    *,
    seed: int = 0,
    kill_at: int | None = None,
    once: bool = False,
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.reliability.chaos.daemon"]
    command += [str(folder.root) for folder in folders]
    command += ["--log", str(place / "faults"), "--seed", str(seed)]
    command += ["--engine"] if plan.engine else []
    command += ["--once"] if once else ["--fault-rate", str(plan.fault_rate)]
    command += ["--kill-at", str(kill_at)] if kill_at else []
    with (place / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)


def _order(rng: random.Random, good: bool) -> bytes:
    """For a puppet: words instead of a picture."""
    words = f"steps=2 pause=0.002 id={rng.getrandbits(64):x}" if good else "refuse"
    return f"{words} of={rng.getrandbits(64):x}".encode()


def _noise(rng: random.Random, good: bool) -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (72, 48), rng.randbytes(72 * 48 * 3)).save(file, "PNG")
    data = file.getvalue()
    return data if good else data[: len(data) // 2]
