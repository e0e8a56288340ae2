"""The actor: a painter on a node of the cluster, in a folder of its own there.

Imports Ray, and torch with the painter. The driver calls `paint`, which ends with the job, and
meanwhile `report`, again and again, in other threads.
"""

import importlib
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ray

from engine.errors import EngineError
from hotfolder.errors import WorkerCrash
from hotfolder.job import Job
from hotfolder.workers.cluster.transfer import (
    Files,
    finished_paintings,
    newest_checkpoint,
    write_job,
)
from hotfolder.workers.events import ENDS, Done, Progress, event_document
from hotfolder.workers.painting import Painter, events_of
from hotfolder.workers.worker_process import WorkerOptions

__all__ = ["THREADS", "PaintingActor"]

THREADS = 4
"""Of an actor: one paints, one reports, one answers that it is there, one writes a checkpoint."""

REPORT_SECONDS = 1.0
"""How long `report` waits for something to tell."""

LOOK_SECONDS = 0.02


class PaintingActor:
    """One device of a node. Made by Ray, and made again when its process has died."""

    def __init__(self, painter: str, device: str, options: str) -> None:
        """
        Args:
            painter: `module:Class` of the painter, called with device and options.
            options: `WorkerOptions` as JSON.
        """
        self._make = painter, device, WorkerOptions.model_validate_json(options)
        self._painter: Painter | None = None
        self._thread = ThreadPoolExecutor(max_workers=1)
        """The one that paints: torch's number of threads is a thread's own."""
        self._events: list[dict[str, Any]] = []
        self._folder: Path | None = None
        self._job_id: str | None = None
        self._sent_checkpoint = 0
        self._sent_finished: set[str] = set()
        """Names of the files of finished paintings that have been sent."""
        self._heard = False
        self._lock = threading.Lock()
        """Of what is new, and of the job's folder."""

    def start(self) -> dict[str, Any]:
        """Make the painter. What it says of itself; `fatal` if it cannot be had."""
        if self._job_id is None:
            try:
                self._thread.submit(self._make_painter).result()
            except EngineError as error:
                return {"event": "fatal", "message": str(error), "exit_code": int(error.exit_code)}
        return {"event": "ready", "process": os.getpid(), "job": self._job_id}

    def paint(self, document: Mapping[str, Any], files: Files) -> dict[str, Any]:
        """Paint a job from its files. Returns the event that ends it, and its files as bytes.

        Where Ray says that it is cancelled, it ends between two steps.
        """
        context = ray.get_runtime_context()  # Of this thread, which Ray gave the task.
        cancelled = threading.Event()
        painting = self._thread.submit(self._paint, document, files, cancelled)
        while True:
            try:
                return painting.result(timeout=LOOK_SECONDS)
            except TimeoutError:
                if painting.done():
                    raise
            if context.is_canceled():
                cancelled.set()

    def _make_painter(self) -> None:
        if self._painter is None:
            name, device, options = self._make
            module, _, kind = name.partition(":")
            self._painter = getattr(importlib.import_module(module), kind)(device, options)
            self._painter.alive = self._alive

    def _paint(
        self, document: Mapping[str, Any], files: Files, cancelled: threading.Event
    ) -> dict[str, Any]:
        assert self._painter is not None
        with tempfile.TemporaryDirectory(prefix="impasto-") as place:
            folder = Path(place)
            write_job(files, folder)
            job = Job.from_document(document, str(folder))
            with self._lock:
                self._sent_checkpoint = _number(files)
                self._sent_finished = {*files}
                self._folder, self._job_id = folder, job.id
            try:
                for event in events_of(self._painter, job, cancelled.is_set):
                    if isinstance(event, ENDS):
                        return self._ended(event, folder)
                    self._note(event)
            except WorkerCrash:
                sys.stderr.flush()
                os._exit(1)
            finally:
                with self._lock:
                    self._folder = self._job_id = None
                    self._events.clear()
        raise AssertionError("a painting ended without an end")

    def report(self) -> dict[str, Any]:
        """What is new, after a second at most: events, the files of a preview and a checkpoint, and
        whether the painter has gone on."""
        deadline, job_id = time.monotonic() + REPORT_SECONDS, self._job_id
        while not self._events and self._job_id == job_id and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        with self._lock:
            events, files = self._take_events()
            alive, self._heard = self._heard or bool(events), False
            if self._folder is not None:
                finished = finished_paintings(self._folder, but=self._sent_finished)
                self._sent_finished |= finished.keys()
                # A checkpoint of the next painting is of use with those before it.
                files |= {**finished, **self._new_checkpoint(self._folder)}
            return {"job": self._job_id, "events": events, "files": files, "alive": alive}

    def checkpoint(self) -> Files:
        """Write one now, be it in the middle of a step, and return its files."""
        if self._painter is None or self._folder is None:
            return {}
        self._painter.checkpoint()
        with self._lock:
            return {} if self._folder is None else self._new_checkpoint(self._folder)

    def _ended(self, event: Any, folder: Path) -> dict[str, Any]:
        assert self._painter is not None
        end = event_document(event)
        results = [end["picture"], *end["extra_outputs"]] if isinstance(event, Done) else []
        with self._lock:
            events, files = self._take_events()
        files |= {Path(path).name: (folder / path).read_bytes() for path in results}
        cache = asdict(self._painter.style_cache)
        return {"events": events, "files": files, "style_cache": cache, "end": end}

    def _take_events(self) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
        """Those that are not told of yet, and the newest preview if they name one."""
        events, self._events = self._events, []
        files: dict[str, bytes] = {}
        if self._folder is not None:
            for name in {Path(e["preview"]).name for e in events if e.get("preview")}:
                files[name] = (self._folder / name).read_bytes()
        return events, files

    def _new_checkpoint(self, folder: Path) -> Files:
        found = newest_checkpoint(folder, but=self._sent_checkpoint)
        self._sent_checkpoint = max(self._sent_checkpoint, _number(found))
        return found

    def _note(self, event: Any) -> None:
        document = event_document(event)
        with self._lock:
            last = self._events[-1] if self._events else None
            if isinstance(event, Progress) and last is not None and last["event"] == "progress":
                document["preview"] = document["preview"] or last["preview"]
                self._events.pop()  # Only the newest matters.
            self._events.append(document)

    def _alive(self) -> None:
        self._heard = True


def _number(files: Files) -> int:
    """Of the checkpoint among the files."""
    numbers = [name.partition("-")[2].partition(".")[0] for name in files if "checkpoint-" in name]
    return max(map(int, numbers), default=0)
