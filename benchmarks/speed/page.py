"""What the page costs the server and the painting: 200 open pages, 1,000 jobs.

A real daemon with a null engine, and a real painting on one thread, each without the page and with
it, in turn, several times. The watchers are one process, which reads all that the page sends.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import yaml

from benchmarks.report import log_progress, save
from benchmarks.speed.queue import drop, ended, wait
from hotfolder.paths import FolderPaths

PARTS = "server,now,queue,batches,strays,latest"

AT_MOST = 3.0
"""Per cent."""


def run(arguments: list[str]) -> None:
    if arguments[:1] == ["--watch"]:
        asyncio.run(_watch(int(arguments[1]), int(arguments[2])))
        return
    parser = argparse.ArgumentParser(prog="benchmarks page", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40, help="of the painting")
    parser.add_argument("--size", type=int, default=256, help="of the painting, in pixels")
    options = parser.parse_args(arguments)
    found: dict[str, list[float]] = {}
    for number in range(options.rounds):
        for watchers in (0, options.watchers):
            log_progress(f"round {number + 1}, {watchers} watchers")
            with tempfile.TemporaryDirectory() as place:
                folder = FolderPaths(Path(place) / "hot")
                folder.create()
                costs = _queue(folder, options.jobs, watchers) | _painting(
                    folder, watchers, options.size, options.steps
                )
            for key, value in costs.items():
                found.setdefault(f"{key}{' watched' if watchers else ''}", []).append(value)
    save("page", table({key: statistics.median(values) for key, values in found.items()}, options))


def _queue(folder: FolderPaths, jobs: int, watchers: int) -> dict[str, float]:
    """Milliseconds a job of the daemon: on the clock and of processor time; with watchers, what
    they got."""
    drop(folder, jobs)
    report = folder.private / "report.json"
    command = [sys.executable, "-m", "benchmarks.speed.queue_daemon", str(folder.root), str(report)]
    with _watched(folder, watchers) as costs:
        started = time.perf_counter()
        daemon = subprocess.Popen(command)
        try:
            wait(daemon, lambda: ended(folder) >= jobs)
            seconds = time.perf_counter() - started
            times = psutil.Process(daemon.pid).cpu_times()
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(120)
    processor = times.user + times.system
    return {"job": 1000 * seconds / jobs, "cpu": 1000 * processor / jobs, **costs}


def _painting(folder: FolderPaths, watchers: int, size: int, steps: int) -> dict[str, float]:
    """Seconds of one painting, as its record has them."""
    from skimage import data
    from skimage.io import imsave

    for path in folder.status.glob("*.json"):
        path.unlink()
    for name, picture in (("content", data.chelsea), ("style", data.coffee)):
        imsave(folder.inbox / f"cat.{name}.png", picture(), check_contrast=False)  # type: ignore[no-untyped-call]
    settings = f"{{size: {size}, scales: 1, steps: {steps}}}"
    config = folder.private / "config.yaml"
    config.write_text(f"threads: 1\ndevices: [cpu]\nsettings: {settings}\n")
    program = "import sys; from hotfolder.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "run", "--hot", str(folder.root)]
    with _watched(folder, watchers):
        subprocess.run([*command, "--config", str(config)], check=True, capture_output=True)
    record = yaml.safe_load((folder.outbox / "cat.result.yaml").read_text())
    return {"painting": float(record["seconds"])}


@contextlib.contextmanager
def _watched(folder: FolderPaths, watchers: int) -> Iterator[dict[str, float]]:
    """A page with so many watchers, or none; at the end its processor time, memory and news."""
    costs: dict[str, float] = {}
    if not watchers:
        yield costs
        return
    page = subprocess.Popen(
        [sys.executable, "-m", "hotfolder.page", str(folder.root), "127.0.0.1:0"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert page.stderr is not None
    port = page.stderr.readline().rpartition(":")[2].strip("/\n")
    reader = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "page", "--watch", port, str(watchers)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    reader.stdout.readline()  # All are connected.
    process = psutil.Process(page.pid)
    before = process.cpu_times()  # Without its start.
    started = time.perf_counter()
    try:
        yield costs
    finally:
        seconds = time.perf_counter() - started
        after = process.cpu_times()
        processor = after.user + after.system - before.user - before.system
        costs["page share"] = 100 * processor / seconds
        costs["page memory"] = process.memory_info().rss / 1e6
        reader.send_signal(signal.SIGTERM)
        costs["news"] = json.loads(reader.stdout.readline()) / seconds / watchers / 1000
        reader.wait(30)
        reader.stdout.close()
        page.communicate(timeout=30)


async def _watch(port: int, count: int) -> None:
    """Open so many streams and read them until SIGTERM; then print the bytes that came."""
    os.nice(10)
    taken = 0
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def one() -> None:
        nonlocal taken
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = f"GET /events?parts={PARTS} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
        writer.write(request.encode())
        await reader.readline()
        connected.release()
        while data := await reader.read(1 << 16):
            taken += len(data)

    connected = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(one()) for _ in range(count)]
    for _ in range(count):
        await connected.acquire()
    print("connected", flush=True)
    await stop.wait()
    print(taken, flush=True)
    for task in tasks:
        task.cancel()


def table(found: dict[str, float], options: argparse.Namespace) -> str:
    rows = [
        ("a job of the daemon, on the clock", "job", "ms"),
        ("a job of the daemon, of processor time", "cpu", "ms"),
        (f"a painting of {options.size} px, {options.steps} steps, one thread", "painting", "s"),
    ]
    head = f"| | no page | {options.watchers} pages open | more | at most |"
    lines = [head, "|---|---|---|---|---|"]
    for what, key, unit in rows:
        alone, watched = found[key], found[f"{key} watched"]
        more = 100 * (watched / alone - 1)
        lines.append(
            f"| {what} | {alone:.1f} {unit} | {watched:.1f} {unit} | {more:+.1f} % | "
            f"{AT_MOST:g} % |"
        )
    lines.append(f"| the page's share of a processor | | {found['page share watched']:.0f} % | | |")
    lines.append(f"| the page's memory | | {found['page memory watched']:.0f} MB | | |")
    lines.append(f"| news to each page | | {found['news watched']:.1f} kB/s | | |")
    return "\n".join(lines)
