"""A daemon that is killed and whose file operations fail.

`python -m benchmarks.reliability.chaos.daemon HOT... --log FILE [...]`

The real `Server`, with a file operation in so many failing, and killed before its n-th one. Every
fault is noted in FILE.
"""

import argparse
import errno
import logging
import os
import random
import sys
from pathlib import Path

from benchmarks.process import ROOT
from benchmarks.reliability.chaos.stranger import OLD_DAYS
from benchmarks.reliability.faults import faults
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import HotFolderError
from hotfolder.server.server import Server, configured_dispatcher
from hotfolder.workers.local_dispatcher import LocalDispatcher

PUPPET = ROOT / "tests" / "hotfolder" / "programs" / "puppet.py"

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("hot", type=Path, nargs="+", help="folders beside one another")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--settle", type=float, default=0.3)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--kill-at", type=int)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--engine", action="store_true", help="paint, instead of making believe")
    options = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(message)s")
    rng = random.Random(options.seed)
    config = Config.model_validate(
        {
            "settle_seconds": options.settle,
            "devices": ["cpu" if options.engine else "puppet"],
            "retry": {"lost": 20, "backoff": 0.2},
            "wait_seconds": 600.0,
            "retention": {"done_days": OLD_DAYS, "failed_days": OLD_DAYS, "status_count": 200},
            "settings": {"size": 64, "scales": 1, "steps": 2} if options.engine else {},
        }
    )
    with faults(options.hot[0].parent) as injected:
        injected.strike(lambda: rng.random() < options.fault_rate, lambda: _fail(rng, options.log))
        if options.kill_at:
            injected.kill(options.kill_at)
        try:
            server = Server(
                ConfigWatch(config),
                options.hot,
                once=options.once,
                dispatcher=configured_dispatcher if options.engine else _puppets,
            )
            outcome = server.run()
        except HotFolderError as error:
            sys.stderr.write(f"{error}\n")
            return int(error.exit_code)
    return int(outcome.exit_code)


def _puppets(config: Config) -> LocalDispatcher:
    return LocalDispatcher(config.devices, command=[sys.executable, str(PUPPET)])


def _fail(rng: random.Random, log: Path) -> None:
    number = rng.choice(ERRORS)
    with log.open("a") as file:
        file.write(f"{errno.errorcode[number]}\n")
    raise OSError(number, os.strerror(number), "injected")


if __name__ == "__main__":
    sys.exit(main())
