"""A driver of a cluster of actors that do nothing: `null_driver --slots N --seconds S`.

The real protocol of `hotfolder.workers.cluster.driver`, without Ray: what is left is the server's
own cost. Each job takes S seconds, with a progress a second.
"""

import argparse
import heapq
import json
import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from hotfolder.workers.events import Done, Progress, Started, event_document
from hotfolder.workers.worker import take_stdout

LOSSES = {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}


def main() -> NoReturn:
    parser = argparse.ArgumentParser()
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--die-at-paint", action="store_true", help="as when the head is lost")
    options = parser.parse_args()
    send = take_stdout()
    commands: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(commands,), daemon=True).start()
    send({"event": "beat", "problem": ""})
    for number in range(options.slots):
        send({"event": "joined", "worker": f"w{number}", "device": f"null/gpu{number}"})
    due: list[tuple[float, int, dict[str, Any]]] = []
    """What is to be sent when, and its number."""
    sent, beat = 0, time.monotonic()
    while True:
        now = time.monotonic()
        while due and due[0][0] <= now:
            _, _, event = heapq.heappop(due)
            if event["event"] == "done":
                Path(event["picture"]).write_bytes(b"painted by nobody")
            send(event)
        if now - beat >= 1:
            beat = now
            send({"event": "beat", "problem": ""})
        wait = min(due[0][0] if due else now + 1, beat + 1) - now
        try:
            command = commands.get(timeout=max(0.0, wait))
        except queue.Empty:
            continue
        if command is None or command["do"] == "stop":
            os._exit(0)
        if command["do"] == "start":
            send({"event": "ready", "worker": command["worker"]})
        elif command["do"] == "paint":
            if options.die_at_paint:
                sys.stderr.write("the head is gone\n")
                sys.stderr.flush()
                os._exit(1)
            for delay, event in _life(command, options.seconds):
                sent += 1
                heapq.heappush(due, (time.monotonic() + delay, sent, event))


def _life(command: dict[str, Any], seconds: float) -> list[tuple[float, dict[str, Any]]]:
    job, worker = command["job"]["id"], command["worker"]
    picture = str(Path(command["folder"]) / "result.png")
    steps = max(1, int(seconds))
    life: list[tuple[float, Any]] = [(0.0, Started(job, "null"))]
    for step in range(1, steps + 1):
        at = step * seconds / steps
        life.append((at, Progress(job, 1, 1, step, steps, step / steps, LOSSES, at, 0.0)))
    life.append((seconds, Done(job, picture, {"losses": LOSSES, "seconds": seconds})))
    return [(at, {**event_document(event), "worker": worker}) for at, event in life]


def _listen(commands: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    for line in sys.stdin.buffer:
        commands.put(json.loads(line))
    commands.put(None)


if __name__ == "__main__":
    main()
