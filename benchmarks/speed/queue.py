"""What 10 000 jobs in the inbox cost the daemon, with an engine that does nothing.

A real daemon process and a real worker process; what is timed is read from outside, as a client
would. `--painted` of the jobs are painted to the end: enough to say what one costs.
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
from typing import Any

from benchmarks.report import log_progress, save
from hotfolder.paths import FolderPaths

LIMITS = {"scan": 5.0, "memory": 150.0, "job": 20.0}
"""Seconds, MB, milliseconds."""


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks queue", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--painted", type=int, default=1000, help="how many are waited for")
    parser.add_argument("--folder", type=Path, help="where the hot folder is made")
    parser.add_argument("--profile", type=Path, help="write the daemon's profile there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = FolderPaths(Path(place) / "hot")
        folder.create()
        log_progress(f"dropping {options.jobs} jobs")
        drop(folder, options.jobs)
        raw = write_speed(folder.outbox)
        save("queue", table(measure(folder, options), options, raw))


def drop(folder: FolderPaths, count: int) -> None:
    """Pairs with a sidecar: three files a job. They are hard links to three."""
    (folder.styles / "night.jpg").write_bytes(b"a painting")
    originals = {".content.jpg": b"a picture", ".style.jpg": b"a painting", ".yaml": b"size: 64\n"}
    for suffix, data in originals.items():
        original = folder.private / f"original{suffix}"
        original.write_bytes(data)
        for number in range(count):
            os.link(original, folder.inbox / f"job-{number:05}{suffix}")


def measure(folder: FolderPaths, options: argparse.Namespace) -> dict[str, float]:
    report = folder.private / "report.json"
    command = [sys.executable, "-m", "benchmarks.speed.queue_daemon", str(folder.root), str(report)]
    if options.profile:
        command += ["--profile", str(options.profile)]
    started = time.perf_counter()
    daemon = subprocess.Popen(command)
    try:
        found: dict[str, float] = {}
        wait(daemon, lambda: server(folder).get("state") not in (None, "starting"))
        found["ready"] = time.perf_counter() - started
        wait(daemon, lambda: sum(server(folder)["queue"].values()) >= options.jobs - 1)
        found["scan"] = time.perf_counter() - started
        wait(daemon, lambda: ended(folder) >= 1)
        first, at_first = time.perf_counter(), ended(folder)
        quarter = options.painted // 4
        log_progress(f"all seen after {found['scan']:.1f} s; painting {options.painted}")
        wait(daemon, lambda: ended(folder) >= quarter)
        early = (time.perf_counter() - first) / max(1, ended(folder) - at_first)
        wait(daemon, lambda: ended(folder) >= options.painted - quarter)
        middle, at_middle = time.perf_counter(), ended(folder)
        wait(daemon, lambda: ended(folder) >= options.painted)
        done = ended(folder)
        found["early"] = 1000 * early
        found["late"] = 1000 * (time.perf_counter() - middle) / max(1, done - at_middle)
        found["job"] = 1000 * (time.perf_counter() - first) / max(1, done - at_first)
        found["memory"] = peak_megabytes(daemon.pid)
        times = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()
        seconds = (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")
        found["cpu"] = 1000 * seconds / done
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(120)
    inside = json.loads(report.read_text())
    found["dispatch"] = 1000 * (inside["claim"] + inside["dispatch"])
    found["dispatch_cpu"] = 1000 * (inside["claim_cpu"] + inside["dispatch_cpu"])
    found["looks"] = inside["look_cpu"]
    return found


def server(folder: FolderPaths) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads((folder.status / "server.json").read_bytes())
    except FileNotFoundError:
        return {"queue": {}, "totals": {}}
    return document


def ended(folder: FolderPaths) -> int:
    return int(server(folder).get("totals", {}).get("done", 0))


def wait(daemon: "subprocess.Popen[bytes]", condition: Any) -> None:
    while not condition():
        if daemon.poll() is not None:
            raise SystemExit(f"the daemon ended with {daemon.returncode}")
        time.sleep(0.05)


def peak_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def write_speed(folder: Path) -> float:
    """Milliseconds of one small file, synced: what the file system itself takes for safety."""
    from hotfolder.atomic_files import write_whole

    path = folder / "probe"
    started = time.perf_counter()
    for _ in range(50):
        write_whole(path, b"x" * 500)
    path.unlink()
    return 1000 * (time.perf_counter() - started) / 50


def table(found: dict[str, float], options: argparse.Namespace, raw: float) -> str:
    rows = [
        (f"from the start until all {options.jobs} are seen", "scan", "s", LIMITS["scan"]),
        ("the daemon's peak memory", "memory", "MB", LIMITS["memory"]),
        ("enqueue to dispatch of one job: claimed and handed out", "dispatch", "ms", LIMITS["job"]),
        ("... in processor time", "dispatch_cpu", "ms", None),
        ("all looks at the inbox, the first included, in processor time", "looks", "s", None),
        ("one job, from the queue to its published end", "job", "ms", None),
        ("... of the first quarter", "early", "ms", None),
        ("... of the last quarter", "late", "ms", None),
        ("the daemon's processor time of a job, the scans included", "cpu", "ms", None),
    ]
    lines = ["| | | at most |", "|---|---|---|"]
    for what, key, unit, limit in rows:
        most = "" if limit is None else f"{limit:g} {unit}"
        lines.append(f"| {what} | {found[key]:.1f} {unit} | {most} |")
    lines.append(f"| one small file written and synced, here | {raw:.1f} ms | |")
    return "\n".join(lines)
