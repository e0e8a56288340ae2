"""The daemon of `benchmarks queue`: `queue_daemon.py HOT [--profile FILE]`, with a null engine."""

import argparse
import cProfile
import logging
import sys
from pathlib import Path

import hotfolder.daemon
from hotfolder.config import Config


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level="WARNING")
    command = [sys.executable, "-m", "benchmarks.queue_null"]
    hotfolder.daemon.worker_command = lambda **_: command  # type: ignore[assignment]
    config = Config(devices=["null"])
    profiler = cProfile.Profile()
    if options.profile:
        profiler.enable()
    outcome = hotfolder.daemon.serve(config, options.folder)
    if options.profile:
        profiler.disable()
        profiler.dump_stats(options.profile)
    return int(outcome.exit_code)


if __name__ == "__main__":
    sys.exit(main())
