"""The worker process: jobs from its standard input, events to its standard output.

    server -> worker   {"do": "paint", "job": {...}, "folder": "..."}    {"do": "cancel", "job": ID}
                       {"do": "stop"}
    worker -> server   {"event": "ready", "device": "cpu", "devices": ["cpu"], "workers": 1}
                       {"event": "style_cache", "hits": 3, "misses": 1, "bytes": 2441216}
                       {"event": "alive"}
                       {"event": "fatal", "message": "...", "exit_code": 3}
                       {"event": "started" | "progress" | "done" | "failed" | "cancelled", ...}

One JSON document a line; the fields of events are those of `events.py`. `style_cache` comes before
a job's end, so that the server has it by then. `alive` comes from the thread that paints, at most
every `ALIVE_SECONDS`: a thread beside it would say so of a worker that hangs. The worker ends when
its input does: a server that was killed leaves no process that goes on computing. At `stop` or
SIGTERM it first writes a checkpoint of its job, at once, be it in the middle of a step.
"""

import argparse
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from engine.errors import EngineError, ExitCode
from hotfolder.errors import WorkerCrash
from hotfolder.job import Job
from hotfolder.platforms import system
from hotfolder.workers.events import (
    Cancelled,
    Done,
    Failed,
    StorageFailed,
    event_document,
)
from hotfolder.workers.painting import Painter, events_of
from hotfolder.workers.worker_process import WorkerOptions

__all__ = ["main", "serve", "take_stdout"]

ALIVE_SECONDS = 5.0
"""Least time between two signs of life."""


def serve(make_painter: Callable[[], Painter]) -> int:
    """Work until the input ends. Returns the process's exit status."""
    send = take_stdout()
    for number in system.terminal_signals:
        signal.signal(number, signal.SIG_IGN)
    jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
    cancelled: set[str] = set()
    painters: list[Painter] = []

    def checkpoint() -> None:
        for painter in painters:
            painter.checkpoint()

    system.before_termination(checkpoint)
    threading.Thread(target=_listen, args=(jobs, cancelled, checkpoint), daemon=True).start()
    try:
        painter = make_painter()
    except EngineError as error:
        send({"event": "fatal", "message": str(error), "exit_code": error.exit_code})
        return int(error.exit_code)
    painter.alive = _sign_of_life(send)
    painters.append(painter)
    send(
        {
            "event": "ready",
            "device": painter.device,
            "devices": list(painter.devices),
            "workers": painter.workers,
        }
    )
    while True:
        job = jobs.get()
        try:
            for event in events_of(painter, job, partial(cancelled.__contains__, job.id)):
                if isinstance(event, Done | Failed | Cancelled | StorageFailed):
                    send({"event": "style_cache", **asdict(painter.style_cache)})
                send(event_document(event))
        except WorkerCrash:
            traceback.print_exc()
            return int(ExitCode.OTHER)
        cancelled.discard(job.id)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m hotfolder.workers.worker`: the real thing, with torch."""
    parser = argparse.ArgumentParser(prog="hotfolder.workers.worker")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--options", type=WorkerOptions.model_validate_json, default="{}")
    parsed = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # into the server's log

    def make_painter() -> Painter:
        from hotfolder.workers.engine_painter import EnginePainter

        return EnginePainter(parsed.device, parsed.options)

    return serve(make_painter)


def _listen(
    jobs: "queue.SimpleQueue[Job]", cancelled: set[str], checkpoint: Callable[[], None]
) -> None:
    """Runs in a thread of its own, so that a cancellation arrives during a step."""
    try:
        for line in sys.stdin.buffer:
            command = json.loads(line)
            if command["do"] == "paint":
                jobs.put(Job.from_document(command["job"], command["folder"]))
            elif command["do"] == "cancel":
                cancelled.add(command["job"])
            elif command["do"] == "stop":
                checkpoint()
                break
    except Exception:
        traceback.print_exc()
    # Whatever is being written lies under a temporary name.
    os._exit(0)


def take_stdout() -> Callable[[Mapping[str, Any]], None]:
    """Keep standard output for events; what libraries print goes to standard error."""
    sys.stdout.flush()
    descriptor = os.dup(1)
    os.dup2(2, 1)

    def send(document: Mapping[str, Any]) -> None:
        data = json.dumps(document).encode() + b"\n"
        try:
            while data:
                data = data[os.write(descriptor, data) :]
        except BrokenPipeError:  # the server has ended
            os._exit(0)

    return send


def _sign_of_life(send: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
    """What may be called thousands of times a second."""
    due = time.monotonic() + ALIVE_SECONDS

    def alive() -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + ALIVE_SECONDS
            send({"event": "alive"})

    return alive


if __name__ == "__main__":
    sys.exit(main())
