"""The daemon of `benchmarks queue`, with a null engine: `queue_daemon HOT REPORT`.

At its end it reports what the way from the inbox to the worker has cost: scanning, claiming,
dispatching.
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

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.server.execution import JobRunner
from hotfolder.server.server import Server
from hotfolder.spool.claimer import Claimer
from hotfolder.spool.spool import Spool
from hotfolder.workers.local_dispatcher import LocalDispatcher


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level="WARNING")
    command = [sys.executable, "-m", "benchmarks.speed.queue_null"]
    server = Server(
        ConfigWatch(Config()),
        [options.folder],
        dispatcher=lambda _: LocalDispatcher(["null"], command=command),
    )
    looks, dispatches, claims = Clocked(), Clocked(), Clocked()
    Claimer.scan_if_due = looks.around(Claimer.scan_if_due)  # type: ignore[method-assign]
    JobRunner.dispatch = dispatches.around(JobRunner.dispatch)  # type: ignore[method-assign]
    Spool.claim = claims.around(Spool.claim)  # type: ignore[method-assign]
    profiler = cProfile.Profile()
    if options.profile:
        profiler.enable()
    outcome = server.run()
    if options.profile:
        profiler.disable()
        profiler.dump_stats(options.profile)
    report = {
        "claim": claims.wall / max(1, claims.calls),
        "claim_cpu": claims.cpu / max(1, claims.calls),
        "look": looks.wall,
        "look_cpu": looks.cpu,
        "dispatch": dispatches.wall / max(1, outcome.done),
        "dispatch_cpu": dispatches.cpu / max(1, outcome.done),
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
