"""The daemon of `benchmarks queue`, with a null engine: `queue_daemon HOT REPORT`.

At its end it reports what the way from the inbox to the worker has cost: looking, claiming, handing
out.
"""

import argparse
import cProfile
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hotfolder.server.server
from hotfolder.config.model import Config
from hotfolder.server.execution import JobRunner
from hotfolder.spool.claimer import Claimer
from hotfolder.spool.spool import Spool


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level="WARNING")
    command = [sys.executable, "-m", "benchmarks.speed.queue_null"]
    hotfolder.server.server.worker_command = lambda **_: command  # type: ignore[assignment]
    looks, hands, claims = Clocked(), Clocked(), Clocked()
    Claimer.scan_if_due = looks.around(Claimer.scan_if_due)  # type: ignore[method-assign]
    JobRunner.hand_out = hands.around(JobRunner.hand_out)  # type: ignore[method-assign]
    Spool.claim = claims.around(Spool.claim)  # type: ignore[method-assign]
    profiler = cProfile.Profile()
    if options.profile:
        profiler.enable()
    outcome = hotfolder.server.server.serve(Config(devices=["null"]), options.folder)
    if options.profile:
        profiler.disable()
        profiler.dump_stats(options.profile)
    report = {
        "claim": claims.wall / max(1, claims.calls),
        "claim_cpu": claims.cpu / max(1, claims.calls),
        "look": looks.wall,
        "look_cpu": looks.cpu,
        "hand_out": hands.wall / max(1, outcome.done),
        "hand_out_cpu": hands.cpu / max(1, outcome.done),
    }
    options.report.write_text(json.dumps(report))
    return int(outcome.exit_code)


class Clocked:
    """Counts the calls of a function and their seconds."""

    def __init__(self) -> None:
        self.calls, self.wall, self.cpu = 0, 0.0, 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def clocked(*arguments: Any, **keywords: Any) -> Any:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return function(*arguments, **keywords)
            finally:
                self.calls += 1
                self.wall += time.perf_counter() - wall
                self.cpu += time.thread_time() - cpu

        return clocked


if __name__ == "__main__":
    sys.exit(main())
