"""Chaos over a Ray cluster: `python -m benchmarks chaos --backend ray --jobs 200 --kills 20`.

A server, a head and three nodes, all real processes. Actors, nodes, the head, Ray's driver and the
server are killed in turn, by SIGKILL, and started again; at the end each job has one result, which
is whole and its own.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import yaml

from benchmarks.reliability.ray_nodes import RayCluster, ray_cluster
from benchmarks.report import log_progress, save
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.paths import FolderPaths
from hotfolder.server.server import Server
from hotfolder.workers.cluster.ray_dispatcher import RayDispatcher

NODES = 3

TARGETS = ("actor", "node", "actor", "server", "driver", "actor", "node", "actor", "head", "actor")
"""What is killed, in this order, again and again."""

PAUSE = (1.0, 4.0)
"""Seconds between two kills, in which something is painted."""

LIMIT_SECONDS = 1500.0


def run(seed: int, jobs: int, kills: int) -> int:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as place, ray_cluster(NODES) as cluster:
        folder = FolderPaths(Path(place) / "hot")
        folder.create()
        for number in range(jobs):
            order = f"steps={rng.randint(5, 40)} pause=0.05 kilobytes={number % 300 + 1}"
            name = f"job-{number:03}"
            (folder.inbox / f"{name}.style.png").write_bytes(b"a style")
            (folder.inbox / f"{name}.content.png").write_text(order)
        started = time.monotonic()
        killed, lost_words = _campaign(rng, cluster, folder, jobs, kills)
        lines, problems = _account(folder, jobs)
        seconds = time.monotonic() - started
    counts = ", ".join(f"{count} {target}" for target, count in sorted(killed.items()))
    lines += [f"| killed | {sum(killed.values())}: {counts} |", f"| seconds | {seconds:.0f} |"]
    lines += [f"| the queue's words while the head was gone | {lost_words} |"]
    head = f"A Ray cluster of {NODES} nodes on this machine, seed {seed}."
    save("chaos_ray", "\n".join([head, "", "| what | count |", "|---|---|", *lines, *problems]))
    return 1 if problems else 0


def _campaign(
    rng: random.Random, cluster: RayCluster, folder: FolderPaths, jobs: int, kills: int
) -> tuple[Counter[str], str]:
    """Kill, until there were enough kills and every job has ended. What was killed how often, and
    what the server said while it waited for the head."""
    killed: Counter[str] = Counter()
    words = ""
    server = _serve(folder, cluster)
    deadline = time.monotonic() + LIMIT_SECONDS
    try:
        while (sum(killed.values()) < kills) or _ended(folder) < jobs:
            if time.monotonic() > deadline:
                log_progress("out of time")
                break
            time.sleep(rng.uniform(*PAUSE))
            if (number := sum(killed.values())) >= kills:
                continue
            target = TARGETS[number % len(TARGETS)]
            if not _has_progress(folder, server):
                continue
            log_progress(f"{_ended(folder)} of {jobs} done; kill {number + 1}: {target}")
            if target == "actor":
                painters = [pid for node in cluster.nodes for pid in node.painters()]
                if not painters:
                    continue
                os.kill(rng.choice(painters), signal.SIGKILL)
            elif target == "node":
                cluster.take_away(rng.choice(cluster.nodes))
                cluster.add()
            elif target == "server":
                server.kill()
                server.wait()
                server = _serve(folder, cluster)
            elif target == "driver":
                for child in psutil.Process(server.pid).children():
                    child.kill()
            else:
                words = _kill_head(cluster, folder) or words
            killed[target] += 1
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    return killed, words


def _kill_head(cluster: RayCluster, folder: FolderPaths) -> str:
    cluster.head.kill()
    words, deadline = "", time.monotonic() + 30
    while not words and time.monotonic() < deadline:
        words = str(_server_status(folder).get("paused") or "")
        time.sleep(0.1)
    for node in list(cluster.nodes):
        cluster.take_away(node)
    cluster.start_head()
    for _ in range(NODES):
        cluster.add()
    return words


def _serve(folder: FolderPaths, cluster: RayCluster) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.reliability.chaos.ray_campaign"]
    with (folder.root.parent / "log").open("ab") as log:
        return subprocess.Popen([*command, str(folder.root), cluster.address], stderr=log)


def _server_status(folder: FolderPaths) -> dict[str, object]:
    try:
        found: dict[str, object] = yaml.safe_load((folder.status / "server.json").read_bytes())
    except FileNotFoundError:
        return {}
    return found


def _has_progress(folder: FolderPaths, server: "subprocess.Popen[bytes]") -> bool:
    """Whether something is being painted: then a kill hits."""
    if server.poll() is not None:
        raise SystemExit(f"the server ended with {server.returncode}")
    status = _server_status(folder)
    fresh = status.get("pid") == server.pid
    return fresh and any(device["state"] == "busy" for device in status["devices"])  # type: ignore[attr-defined]


def _ended(folder: FolderPaths) -> int:
    return sum(1 for path in folder.outbox.iterdir() if path.suffix == ".png")


def _account(folder: FolderPaths, jobs: int) -> tuple[list[str], list[str]]:
    """Rows, and problems: each job has one result, of its own content, whole."""
    records = [yaml.safe_load(path.read_bytes()) for path in folder.outbox.glob("*.result.yaml")]
    made = Counter(record["content"]["sha256"] for record in records)
    wanted = {}
    for place in (folder.root / "done").glob("*/job-*/*.content.png"):
        wanted[place.parent.name] = hashlib.sha256(place.read_bytes()).hexdigest()
    pictures = {path.name for path in folder.outbox.glob("*.png")}
    named = Counter(record["name"] for record in records)
    failed = sorted(path.name for path in folder.failed.iterdir())
    lost = [f"job-{n:03}" for n in range(jobs) if f"job-{n:03}.png" not in pictures]
    doubled = sorted(pictures - {f"job-{number:03}.png" for number in range(jobs)})
    halves = [
        path.name
        for path in folder.outbox.glob("*.png")
        if not path.read_bytes().endswith(b"the end\n")
    ]
    strange = [
        name
        for name, record in ((r["name"], r) for r in records)
        if record["content"]["sha256"] != wanted.get(name)
    ]
    rows = {"jobs": jobs, "done": len(pictures), "failed": len(failed)}
    rows |= {"**lost**": len(lost), "**doubled**": len(doubled), "half written": len(halves)}
    problems = [
        f"- {what}: {', '.join(names[:10])}"
        for what, names in (
            *(("lost", lost), ("doubled", doubled), ("half", halves), ("failed", failed)),
            ("of another's content", strange),
        )
        if names
    ]
    assert sum(made.values()) == sum(named.values())
    return [f"| {what} | {count} |" for what, count in rows.items()], problems


def main() -> int:
    """The server: `ray_campaign HOT ADDRESS`."""
    import logging

    logging.basicConfig(level="INFO", format="%(asctime)s %(message)s")
    root, address = sys.argv[1:]
    config = Config.model_validate({"settle_seconds": 0.2, "retry": {"lost": 20, "backoff": 0.2}})
    Server(
        ConfigWatch(config),
        [Path(root)],
        dispatcher=lambda _: RayDispatcher(address, painter="ray_puppet:RayPuppet"),
    ).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
