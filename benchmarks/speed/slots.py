"""What a job costs the server itself when 1, 10, 100 or 1,000 workers paint: null workers behind
the real dispatcher of a cluster (`null_driver.py`), and a real inbox, spool and outbox.

Two loads: jobs that take no time, for the most jobs a second; and jobs of `--seconds`, for what a
thousand that run at once cost, with a progress a second each.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import log_progress, save
from benchmarks.speed.queue import drop, ended, peak_megabytes, wait
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.paths import FolderPaths
from hotfolder.server.server import Server
from hotfolder.workers.cluster.ray_dispatcher import RayDispatcher

SLOTS = (1, 10, 100, 1000)


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks slots", description=__doc__)
    parser.add_argument("--slots", type=int, nargs="*", default=SLOTS)
    parser.add_argument("--seconds", type=float, default=20.0, help="that a running job takes")
    parser.add_argument("--jobs", type=int, default=400, help="of those that take no time")
    parser.add_argument("--folder", type=Path, help="where the hot folder is made")
    options = parser.parse_args(arguments)
    lines = [
        "| workers | jobs a second, at most | the server's processor time a job | with jobs of "
        f"{options.seconds:g} s: processor | jobs a second | at least | heartbeat late by |",
        "|---|---|---|---|---|---|---|",
    ]
    for slots in options.slots:
        log_progress(f"{slots} workers")
        most, cost, _, _ = measure(options.folder, slots, 0.0, max(options.jobs, 2 * slots))
        jobs = min(3 * slots, 1500)
        rate, _, share, late = measure(options.folder, slots, options.seconds, jobs)
        ideal = slots / options.seconds
        lines.append(
            f"| {slots} | {most:.0f} | {1000 * cost:.1f} ms | {100 * share:.0f} % | {rate:.2f} | "
            f"{ideal:.2f} | {late:.1f} s |"
        )
        log_progress(lines[-1])
    save("slots", "\n".join(lines))


def measure(
    place: Path | None, slots: int, seconds: float, jobs: int
) -> tuple[float, float, float, float]:
    """Jobs a second, the server's processor seconds a job, its share of one processor, and by how
    many seconds its heartbeat was late at most; while all workers have jobs."""
    with tempfile.TemporaryDirectory(dir=place) as inside:
        folder = FolderPaths(Path(inside) / "hot")
        folder.create()
        drop(folder, jobs)
        command = [sys.executable, "-m", "benchmarks.speed.slots", str(folder.root)]
        daemon = subprocess.Popen([*command, str(slots), str(seconds)])
        try:
            wait(daemon, lambda: ended(folder) >= 1)
            began, first, cpu = time.perf_counter(), ended(folder), processor_seconds(daemon.pid)
            target = jobs - (slots if seconds else 0)
            late = 0.0
            while ended(folder) < max(target, first + 1):
                if daemon.poll() is not None:
                    raise SystemExit(f"the server ended with {daemon.returncode}")
                age = time.time() - (folder.status / "server.json").stat().st_mtime
                late = max(late, age - 1.0)
                time.sleep(0.05)
            passed = time.perf_counter() - began
            done = ended(folder) - first
            spent = processor_seconds(daemon.pid) - cpu
            log_progress(f"  {done} jobs, {peak_megabytes(daemon.pid):.0f} MB")
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(120)
    return done / passed, spent / max(1, done), spent / passed, late


def processor_seconds(pid: int) -> float:
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """The server: `slots HOT SLOTS SECONDS`."""
    root, slots, seconds = sys.argv[1:]
    driver = [sys.executable, "-m", "benchmarks.speed.null_driver"]
    driver += ["--slots", slots, "--seconds", seconds]
    config = Config.model_validate(json.loads('{"claim_limit": 1200}'))
    Server(
        ConfigWatch(config),
        [Path(root)],
        dispatcher=lambda _: RayDispatcher("null", command=driver),
    ).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
