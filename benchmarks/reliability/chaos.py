"""Hundreds of small jobs in every form, while the daemon and its workers are killed and its file
operations fail. At the end: every job has exactly one result or one readable failure, every input
is somewhere, once, and nobody ever saw half a file.

The daemon is a real process, killed from outside at random moments and by itself before a random
file operation. The same seed makes the same deliveries, faults and plan of kills; how they meet is
the machine's doing.
"""

import argparse
import contextlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from PIL import Image

from benchmarks.process import ROOT
from benchmarks.reliability.deliveries import Delivery, deliveries, sha256
from benchmarks.report import log_progress, save
from hotfolder.outbox.originals import ARCHIVED
from hotfolder.paths import FolderPaths

END = b"the end\n"
STYLE = "library.png"


@dataclass(frozen=True)
class Plan:
    """What is done to the hot folder."""

    seed: int
    jobs: int = 300
    kills: int = 20
    """Of the daemon, at least."""
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
    """What came of it. `problems` is empty if all is well."""

    plan: Plan
    jobs: int = 0
    done: int = 0
    failed: int = 0
    kills: int = 0
    worker_kills: int = 0
    faults: int = 0
    looks: int = 0
    """Times that the client looked at outbox/ and status/."""
    lost: int = 0
    doubled: int = 0
    seconds: float = 0.0
    forms: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def table(self) -> str:
        rows = {
            "jobs": self.jobs,
            "done": self.done,
            "failed in words, as they should": self.failed,
            "daemons killed and started again": self.kills,
            "workers killed": self.worker_kills,
            "file operations that failed": self.faults,
            "looks of the polling client": self.looks,
            "**lost**": self.lost,
            "**doubled**": self.doubled,
            "seconds": f"{self.seconds:.0f}",
        }
        forms = ", ".join(f"{count} {form}" for form, count in sorted(self.forms.items()))
        lines = [f"Chaos with {'the engine' if self.plan.engine else 'puppets'}, "]
        lines[0] += f"seed {self.plan.seed}. Deliveries: {forms}."
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
    options = parser.parse_args(arguments)
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
    folder = FolderPaths(place / "hot")
    folder.create()
    (place / "workshop").mkdir()
    make = _noise if plan.engine else _order
    (folder.styles / STYLE).write_bytes(make(rng, True))
    orders = list(deliveries(plan.jobs, rng, make, {"size": 64}, STYLE))
    summary.forms.update(order.form for order in orders)
    summary.jobs = sum(len(order.painted) + order.refused for order in orders)

    client = Client(folder)
    dropper = threading.Thread(target=_drop, args=(orders, folder, place, plan))
    with client.looking():
        dropper.start()
        _kill_and_restart(plan, folder, place, dropper, summary)
        dropper.join()
        _finish(plan, folder, place, summary)
    log = place / "faults"
    summary.faults = len(log.read_text().splitlines()) if log.exists() else 0
    summary.looks = client.looks
    summary.problems += client.problems
    _account(orders, folder, summary)
    summary.seconds = time.monotonic() - started
    return summary


class Client:
    """Reads results and statuses all the while, as a program beside the server would."""

    def __init__(self, folder: FolderPaths) -> None:
        self.looks = 0
        self.problems: list[str] = []
        self._folder = folder
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._checked: set[str] = set()
        self._end = threading.Event()

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.02):
            self.looks += 1
            try:
                self._look_at_results()
                self._look_at_status()
            except Exception as error:
                self.problems.append(f"the client met {error!r}")
                return

    def _look_at_results(self) -> None:
        found = {p.name: p for p in self._folder.outbox.iterdir() if not p.name.startswith(".")}
        self.problems += [f"{name} vanished" for name in self._seen.keys() - found.keys()]
        for name, path in found.items():
            facts = path.stat()
            known = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
            if self._seen.setdefault(name, known) != known:
                self.problems.append(f"{name} was changed after it had appeared")
        for name in found.keys() - self._checked:
            self._checked.add(name)
            if name.endswith(".png"):
                if (problem := _half(found[name])) is not None:
                    self.problems.append(f"{name}: {problem}")
                if not found[name].with_suffix(".result.yaml").exists():
                    self.problems.append(f"{name} was there before its record")

    def _look_at_status(self) -> None:
        for path in self._folder.status.glob("*.json"):
            with contextlib.suppress(FileNotFoundError):
                json.loads(path.read_bytes())


def _half(picture: Path) -> str | None:
    data = picture.read_bytes()
    if data.startswith(b"\x89PNG"):
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
        except OSError as error:
            return f"half a picture ({error})"
        return None
    return None if data.endswith(END) else f"half a picture ({len(data)} bytes)"


def _drop(orders: list[Delivery], folder: FolderPaths, place: Path, plan: Plan) -> None:
    rng = random.Random(plan.seed + 1)
    pause = plan.drop_seconds / len(orders)
    for order in orders:
        order.drop(folder.inbox, place / "workshop", rng, min(pause, 0.2))
        time.sleep(rng.random() * pause)


def _kill_and_restart(
    plan: Plan, folder: FolderPaths, place: Path, dropper: threading.Thread, summary: Summary
) -> None:
    rng = random.Random(plan.seed + 2)
    limit = time.monotonic() + plan.limit_seconds
    while summary.kills < plan.kills or dropper.is_alive():
        if time.monotonic() > limit:
            summary.problems.append("the kills took longer than the limit")
            return
        kill_at = rng.randint(50, 2500) if rng.random() < 0.5 else None
        daemon = _start(plan, folder, place, seed=rng.getrandbits(32), kill_at=kill_at)
        life = rng.uniform(*plan.life_seconds)
        if rng.random() < 0.6:
            summary.worker_kills += _kill_a_worker(daemon, life * rng.random())
        try:
            daemon.wait(life)
        except subprocess.TimeoutExpired:
            daemon.send_signal(signal.SIGTERM if rng.random() < 0.1 else signal.SIGKILL)
        if daemon.wait(60) == -signal.SIGKILL:
            summary.kills += 1


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


def _finish(plan: Plan, folder: FolderPaths, place: Path, summary: Summary) -> None:
    """Until nothing is left to do. Only workers are killed from now on."""
    daemon = _start(plan, folder, place, once=True)
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
    folder: FolderPaths,
    place: Path,
    *,
    seed: int = 0,
    kill_at: int | None = None,
    once: bool = False,
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.reliability.chaos_daemon", str(folder.root)]
    command += ["--log", str(place / "faults"), "--seed", str(seed)]
    command += ["--engine"] if plan.engine else []
    command += ["--once"] if once else ["--fault-rate", str(plan.fault_rate)]
    command += ["--kill-at", str(kill_at)] if kill_at else []
    with (place / "log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)


def _account(orders: list[Delivery], folder: FolderPaths, summary: Summary) -> None:
    """Compare what was dropped with what lies there."""
    problems = summary.problems
    records = [yaml.safe_load(path.read_bytes()) for path in folder.outbox.glob("*.result.yaml")]
    painted = Counter(record["content"]["sha256"] for record in records)
    wanted = Counter(content for order in orders for content in order.painted)
    pictures = len(list(folder.outbox.glob("*.png")))
    if pictures != len(records):
        problems.append(f"{pictures} pictures and {len(records)} records")
    errors = [path.read_text() for path in folder.failed.glob("*/error.txt")]
    problems += [f"unreadable: {text[:200]}" for text in errors if "Traceback" in text or not text]
    refused = sum(order.refused for order in orders)
    problems += [f"failed: {text.splitlines()[2]}" for text in errors][: len(errors) - refused]
    summary.done, summary.failed = len(records), len(errors)
    summary.doubled = (painted - wanted).total() + max(0, len(errors) - refused)
    summary.lost = (wanted - painted).total() + max(0, refused - len(errors))

    kept = Counter(
        sha256(path.read_bytes())
        for place in (folder.done, folder.failed)
        for path in place.rglob("*")
        if path.is_file() and path.name not in ("error.txt", ARCHIVED)
    )
    inputs = Counter(each for order in orders for each in order.inputs())
    if missing := (inputs - kept).total():
        problems.append(f"{missing} inputs are missing")
    if more := (kept - inputs).total():
        problems.append(f"{more} inputs are there twice")
    for place in (folder.inbox, folder.spool):
        left = [p for p in place.rglob("*") if p.is_file() and p.name != "preset.yaml"]
        problems += [f"left in {place.name}: {path.name}" for path in left]
    problems += [f"litter: {path}" for path in folder.root.rglob(".impasto-*") if path.is_file()]
    if summary.lost or summary.doubled:
        problems.append(f"{summary.lost} lost, {summary.doubled} doubled")


def _order(rng: random.Random, good: bool) -> bytes:
    """For a puppet: words instead of a picture."""
    words = f"steps=2 pause=0.002 id={rng.getrandbits(64):x}" if good else "refuse"
    return f"{words} of={rng.getrandbits(64):x}".encode()


def _noise(rng: random.Random, good: bool) -> bytes:
    file = io.BytesIO()
    Image.frombytes("RGB", (72, 48), rng.randbytes(72 * 48 * 3)).save(file, "PNG")
    data = file.getvalue()
    return data if good else data[: len(data) // 2]
