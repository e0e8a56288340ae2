"""Notifies others that a job has ended: hooks, the webhook, the desktop.

Each of these channels has a bounded queue and a thread of its own. The server's loop only puts jobs
into the queues: no command that hangs and no address that does not answer delays it. A crash loses
what waits there; the status files and the outbox are the truth.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hotfolder.config.reload import CurrentConfig
from hotfolder.job_tag import JobTag
from hotfolder.notify.desktop import notify
from hotfolder.notify.hooks import run_hook
from hotfolder.notify.webhook import post

__all__ = ["JobNotifier"]

log = logging.getLogger(__name__)

Document = Mapping[str, Any]
Wait = Callable[[float], bool]
"""Sleeps so many seconds; False if there is no more time."""

QUEUE_SIZE = 1000
"""Jobs that wait in one channel; more are dropped, with a line in the log."""

DESKTOP_JOBS = 20
"""Most jobs in one desktop notification."""

NOTIFIED_STATES = ("done", "failed")


class JobNotifier:
    """Sends what the configuration asks for. A channel's thread starts with its first job."""

    def __init__(self, config: CurrentConfig, root: Path) -> None:
        self._config = config
        self._root = root
        self._channels = {
            "hook": _Channel("hook", self._run_hook),
            "webhook": _Channel("webhook", self._post),
            "desktop": _Channel("desktop", self._notify, at_once=DESKTOP_JOBS),
        }

    def send(self, job: Document) -> None:
        """A job has ended. Never waits, never raises.

        Args:
            job: its last status, `status/NAME.json`'s document.
        """
        if job["state"] not in NOTIFIED_STATES:
            return
        if self._command(job):
            self._channels["hook"].put(job)
        if self._config().webhook.url:
            self._channels["webhook"].put(job)
        if self._config().notify:
            self._channels["desktop"].put(job)

    def close(self, seconds: float) -> None:
        """Send what still waits, for at most `seconds`; the rest is dropped."""
        deadline = time.monotonic() + seconds
        for channel in self._channels.values():
            channel.close(deadline)

    def _command(self, job: Document) -> list[str] | None:
        hooks = self._config().hooks
        return hooks.on_done if job["state"] == "done" else hooks.on_failed

    def _run_hook(self, jobs: list[Document], wait: Wait) -> None:
        for job in jobs:
            if command := self._command(job):
                run_hook(command, job, self._root, seconds=self._config().hooks.seconds)

    def _post(self, jobs: list[Document], wait: Wait) -> None:
        settings = self._config().webhook
        for job in jobs:
            if settings.url:
                document = {"hot_folder": str(self._root), **job}
                limits = {"seconds": settings.seconds, "attempts": settings.attempts}
                post(settings.url, document, wait=wait, **limits)  # type: ignore[arg-type]

    def _notify(self, jobs: list[Document], wait: Wait) -> None:
        notify(jobs)


class _Channel:
    """A queue, and a thread that delivers what is in it."""

    def __init__(
        self, name: str, deliver: Callable[[list[Document], Wait], None], *, at_once: int = 1
    ) -> None:
        self._name = name
        self._deliver = deliver
        self._at_once = at_once
        self._queue: queue.Queue[Document | None] = queue.Queue(QUEUE_SIZE)
        self._thread: threading.Thread | None = None
        self._cancelled = threading.Event()
        """Set when there is no more time."""

    def put(self, job: Document) -> None:
        try:
            self._queue.put_nowait(job)
        except queue.Full:
            log.error("%s no %s: %d wait already", JobTag(job["name"]), self._name, QUEUE_SIZE)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def close(self, deadline: float) -> None:
        if self._thread is None:
            return
        try:
            self._queue.put(None, timeout=max(0.0, deadline - time.monotonic()))
            self._thread.join(max(0.0, deadline - time.monotonic()))
        except queue.Full:
            pass
        if self._thread.is_alive():
            self._cancelled.set()
            log.warning("%s: %d still waited; dropped", self._name, self._queue.qsize())

    def _run(self) -> None:
        while (first := self._queue.get()) is not None and not self._cancelled.is_set():
            jobs = [first]
            try:
                while len(jobs) < self._at_once:
                    job = self._queue.get_nowait()
                    if job is None:
                        self._queue.put_nowait(None)
                        break
                    jobs.append(job)
            except queue.Empty:
                pass
            try:
                self._deliver(jobs, self._wait)
            except Exception:
                log.exception("%s: not sent", self._name)

    def _wait(self, seconds: float) -> bool:
        return not self._cancelled.wait(seconds)
