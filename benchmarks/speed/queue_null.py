"""The worker of `benchmarks queue`: the real process and protocol, with a null engine."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from hotfolder.job import Job
from hotfolder.workers.dispatcher import StyleCache
from hotfolder.workers.events import Done, Progress
from hotfolder.workers.worker import serve

LOSSES = {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}


class NullPainter:
    device = "null"
    devices = ("null",)
    workers = 1
    style_cache = StyleCache(0, 0, 0)

    def __init__(self) -> None:
        self.alive: Callable[[], None] = lambda: None

    def paint(self, job: Job) -> Iterator[Progress | Done]:
        yield Progress(job.id, 1, 1, 1, 1, 1.0, LOSSES, 0.0, 0.0)
        result = Path(job.folder) / "result.png"
        result.write_bytes(b"painted by nobody")
        yield Done(job.id, str(result), {"losses": LOSSES, "seconds": 0.0})

    def checkpoint(self) -> None:
        pass


if __name__ == "__main__":
    sys.exit(serve(NullPainter))
