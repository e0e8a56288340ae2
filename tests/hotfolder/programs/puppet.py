"""A worker without an engine: the real process and protocol, with a painter that obeys the text in
the content "picture": `steps=5 pause=0.01`, `die`, `raise`, `memory`, `refuse`, `deaf`,
`hum=8`, `print`."""

import hashlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from engine.errors import PictureError
from hotfolder.atomic_files import write_whole
from hotfolder.job import Job
from hotfolder.workers.dispatcher import StyleCache
from hotfolder.workers.events import Done, Progress
from hotfolder.workers.worker import serve

END = b"the end\n"

LOSSES = {"content": 1.0, "style": 2.0, "tv": 0.0, "total": 3.0}


class Puppet:
    """With `--device auto` it finds two devices, and wants as many workers on each as `--workers`
    says."""

    def __init__(self) -> None:
        wanted = sys.argv[sys.argv.index("--device") + 1] if "--device" in sys.argv else "puppet"
        self.devices = ("puppet:0", "puppet:1") if wanted == "auto" else (wanted,)
        self.device = self.devices[0]
        self.workers = (
            int(sys.argv[sys.argv.index("--workers") + 1]) if "--workers" in sys.argv else 1
        )
        self.style_cache = StyleCache(hits=0, misses=0, bytes=0)
        self.folder: Path | None = None
        self.alive = lambda: None

    def paint(self, job: Job) -> Iterator[Progress | Done]:
        self.folder = Path(job.folder)
        order = (self.folder / "inputs" / job.content).read_text()
        words = dict(word.partition("=")[::2] for word in order.split())
        if "die" in words:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        if "refuse" in words:
            raise PictureError(f"{job.folder}/inputs/{job.content}: not a picture")
        if "memory" in words:
            raise MemoryError
        if "raise" in words:
            raise KeyError("something in a codec")
        if "print" in words:
            sys.stdout.write('{"event": "done"}\n')
            sys.stdout.flush()
            os.write(1, b"noise of a C library\n")
        until = time.monotonic() + float(words.get("hum", 0))
        while time.monotonic() < until:  # alive, without a step
            time.sleep(0.01)
            self.alive()
        if "deaf" in words:
            time.sleep(600)
        steps = int(words.get("steps", 2))
        for step in range(1, steps + 1):
            time.sleep(float(words.get("pause", 0)))
            yield Progress(job.id, 1, 1, step, steps, step / steps, LOSSES, 0.1 * step, 0.5)
        known = self.style_cache
        self.style_cache = replace(known, hits=known.hits + 1, misses=2, bytes=300)
        result = Path(job.folder) / "result.png"
        # Long, and with an end, so that half of it can be told from the whole.
        line = b"painted by a puppet\n"
        write_whole(result, line * (50 * int(words.get("kilobytes", 80))) + END)
        content = {"file": job.content, "sha256": hashlib.sha256(order.encode()).hexdigest()}
        yield Done(job.id, str(result), {"content": content, "losses": LOSSES, "seconds": 0.1})

    def checkpoint(self) -> None:
        if self.folder is not None and self.folder.exists():  # The job may have ended.
            (self.folder / "checkpoint").touch()


def broken() -> Puppet:
    raise PictureError("no such device")


if __name__ == "__main__":
    if "--fatal" in sys.argv:
        sys.exit(serve(broken))
    if "--mute" in sys.argv:
        time.sleep(600)
    if "--stillborn" in sys.argv:
        sys.exit("cannot even start")
    sys.exit(serve(Puppet))
