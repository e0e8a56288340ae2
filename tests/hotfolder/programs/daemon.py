"""A real daemon process whose workers are puppets: `daemon.py HOT [--once] [--settle SECONDS]
[--config JSON]`. At its end it prints what it would have cost."""

import argparse
import json
import logging
import os
import sys
from pathlib import Path

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import HotFolderError
from hotfolder.server.server import Server
from hotfolder.workers.local_dispatcher import LocalDispatcher

PUPPET = [sys.executable, str(Path(__file__).with_name("puppet.py"))]


def main() -> int:
    logging.basicConfig(level="INFO")
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--settle", type=float, default=0.1)
    parser.add_argument("--config", type=json.loads, default={})
    options = parser.parse_args()
    values = {"settle_seconds": options.settle, "wait_seconds": 0.5, "devices": ["puppet"]}
    config = Config.model_validate(values | options.config)
    server = Server(
        ConfigWatch(config),
        [Path(options.folder)],
        once=options.once,
        dispatcher=lambda config: LocalDispatcher(
            config.devices, command=PUPPET, stall_seconds=60 * config.stall_minutes
        ),
    )
    try:
        run_summary = server.run()
    except HotFolderError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
    times = os.times()
    report = {
        "torch": "torch" in sys.modules,
        "numpy": "numpy" in sys.modules,
        "cpu_seconds": times.user + times.system,
        **{key: getattr(run_summary, key) for key in ("done", "failed", "cancelled", "waiting")},
    }
    sys.stdout.write(json.dumps(report))
    return int(run_summary.exit_code)


if __name__ == "__main__":
    sys.exit(main())
