"""Keeps status/ true: what each job is doing, rewritten when it changes and while it lives."""

import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine import __version__
from hotfolder.config.reload import CurrentConfig
from hotfolder.inbox.candidate import JobCandidate
from hotfolder.inbox.model import Decision
from hotfolder.outbox.publisher import Publisher, error_text
from hotfolder.outbox.status_files import JobStatus, ServerStatus, StatusWriter, now
from hotfolder.paths import FolderPaths
from hotfolder.spool.entry import SpooledJob
from hotfolder.throttle import Throttle
from hotfolder.workers.dispatcher import DeviceState
from hotfolder.workers.events import Progress
from plugin.client.protocol import JobState

__all__ = ["OnStatus", "StatusReporter"]

log = logging.getLogger(__name__)

OnStatus = Callable[[Mapping[str, Any]], None]
"""Gets every job status as it is written (docs/protocol.md, the table of `status/NAME.json`)."""

REFRESH_SECONDS = 1.0
"""The protocol promises 2."""

PROGRESS_SECONDS = 0.2
"""Least time between two statuses of a running job."""

REFRESHED = 20
"""Waiting and queued jobs whose status is kept fresh; that of others is written when it changes."""


class StatusReporter:
    """Writes the status of jobs and of the server."""

    def __init__(
        self,
        config: CurrentConfig,
        folder: FolderPaths,
        publisher: Publisher,
        *,
        on_status: OnStatus | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._folder = folder
        self._publisher = publisher
        self._board = StatusWriter(folder)
        self.config_problem: str | None = None
        """Why a changed configuration is not in force."""
        self.paused: str | None = None
        """Why nothing new is painted."""
        self._on_status = on_status
        self._clock = clock
        self._jobs: dict[str, JobStatus] = {}
        self._waiting: dict[str, JobStatus] = {}
        self._written: dict[str, tuple[JobStatus, float]] = {}
        self._started = now()
        self._freshness = Throttle(clock)
        self._news = Throttle(clock)
        self._server: tuple[ServerStatus, float] | None = None
        self._board.clear_waiting()

    def queued(self, entry: SpooledJob, position: int, *, rest: float | None = None) -> None:
        """The job waits for its turn, and `rest` seconds at least after its worker died."""
        message = "in the queue" if not entry.lost else "in the queue again: its worker was lost"
        if rest is not None:
            message += f"; attempt {entry.attempt + 1} after a pause of {rest:g} s"
        message = self._unless_paused(message)
        status = self._of(entry)
        if status.state is not JobState.QUEUED:
            status = self._fresh(entry)
        priority = entry.scheduling_key.priority
        status = replace(status, position=position, priority=priority, message=message)
        # A job that ends moves all the others: their new places are told by and by.
        moved = self._jobs.get(entry.job.id) == replace(status, position=self._of(entry).position)
        self._set(entry, status, at_least=REFRESH_SECONDS if moved else 0.0)

    def held(self, entry: SpooledJob, reason: str) -> None:
        """The job waits until a person lets it go on."""
        self._set(entry, replace(self._fresh(entry), message=f"held: {reason}"))

    def running(self, entry: SpooledJob, device: str) -> None:
        """A worker has taken the job."""
        self._board.clear_preview(entry.job.name)
        self._set(entry, replace(self._fresh(entry), device=device, message="starting"))

    def progress(self, entry: SpooledJob, event: Progress) -> None:
        """The optimisation went on."""
        status = self._of(entry)
        preview = status.preview
        if event.preview is not None:
            preview = self._board.post_preview(entry.job.name, Path(event.preview))
        at_scale = f", scale {event.scale} of {event.scales}" if event.scales > 1 else ""
        status = replace(
            status,
            message=f"step {event.step} of {event.steps}{at_scale}",
            scale=event.scale,
            scales=event.scales,
            step=event.step,
            steps=event.steps,
            fraction=round(event.fraction, 4),
            losses=event.losses,
            seconds=round(event.seconds, 2),
            eta_seconds=None if event.eta_seconds is None else round(event.eta_seconds, 1),
            preview=preview,
        )
        self._set(entry, status, at_least=PROGRESS_SECONDS)

    def place_of(self, entry: SpooledJob) -> str:
        """How far a running job has come, in words."""
        status = self._of(entry)
        return "its start" if status.step is None else status.message

    def stuck(self, entry: SpooledJob, error: OSError) -> None:
        """The end cannot be published yet; it is tried again."""
        message = f"waits to be published: {error.strerror or error}"
        self._set(entry, replace(self._of(entry), message=message))

    def ended(self, entry: SpooledJob) -> Mapping[str, Any]:
        """The job's end is published. Returns its last status."""
        assert entry.outcome is not None
        status = replace(
            self._of(entry),
            state=entry.state,
            position=None,
            eta_seconds=None,
            folder=entry.outcome.folder,
            attempt=max(1, entry.attempt),
        )
        if entry.state is JobState.DONE:
            result = self._folder.relative(self._publisher.result_path(entry))
            record = self._folder.relative(self._publisher.record_path(entry))
            seconds = entry.outcome.record.get("seconds", status.seconds)
            status = replace(
                status, message="done", fraction=1.0, result=result, record=record, seconds=seconds
            )
        elif entry.state is JobState.FAILED:
            message = (entry.outcome.error or "").partition("\n")[0]
            status = replace(status, message=message, error=error_text(entry))
        else:
            reason = entry.outcome.error
            status = replace(status, message=f"cancelled: {reason}" if reason else "cancelled")
        self._set(entry, status)
        self._jobs.pop(entry.job.id, None)
        self._written.pop(entry.job.name, None)
        return asdict(status)

    def inbox(self, candidates: Mapping[str, JobCandidate], positions: Mapping[str, int]) -> None:
        """The drops that stay in the inbox, by the name they have in the status. Replaces the last
        call's. Those with a place in the queue lack nothing."""
        names = {entry.name for entry in self._jobs.values()}
        for gone in self._waiting.keys() - candidates.keys() - names:
            self._board.clear(gone)
            self._written.pop(gone, None)
        for name in candidates.keys() - self._waiting.keys():
            self._board.clear_preview(name)
        self._waiting = {
            name: JobStatus(
                name=name,
                source=candidate.name,
                state=self._state_of(candidate, name in positions),
                message=self._message_of(candidate, name in positions),
                position=positions.get(name),
                priority=candidate.options.priority,
                client=candidate.client,
                dropped=candidate.dropped,
            )
            for name, candidate in candidates.items()
        }
        self._write_idle(self._waiting.values())

    def _state_of(self, candidate: JobCandidate, in_queue: bool) -> JobState:
        if in_queue:
            return JobState.QUEUED
        return JobState.HELD if candidate.decision is Decision.HOLD else JobState.WAITING

    def _message_of(self, candidate: JobCandidate, in_queue: bool) -> str:
        if in_queue:
            return candidate.message or self._unless_paused("in the queue")
        return (
            f"held: {candidate.message}"
            if candidate.decision is Decision.HOLD
            else candidate.message
        )

    def _unless_paused(self, message: str) -> str:
        pause = f"; the server is paused ({self.paused})"
        return message if self.paused is None else message + pause

    def server(
        self,
        state: str,
        *,
        devices: Sequence[DeviceState] = (),
        names: Mapping[str, str] | None = None,
        totals: Mapping[str, int] | None = None,
        strays: Sequence[str] = (),
    ) -> None:
        """Write the heartbeat, if it is time or something has changed. `names` by job id."""
        states = Counter(s.state for s in (*self._jobs.values(), *self._waiting.values()))
        status = ServerStatus(
            pid=os.getpid(),
            host=socket.gethostname(),
            version=__version__,
            started=self._started,
            state=state,
            devices=[
                {
                    "device": d.device,
                    "state": d.state,
                    "job": (names or {}).get(d.job_id or ""),
                    "style_cache": asdict(d.style_cache) if d.style_cache else None,
                }
                for d in devices
            ],
            queue={
                state: states[state]
                for state in (JobState.WAITING, JobState.HELD, JobState.QUEUED, JobState.RUNNING)
            },
            totals=dict(totals or {}),
            strays=list(strays[:20]),
            paused=self.paused,
            config_problem=self.config_problem,
        )
        if self._server is not None:
            last, at = self._server
            if last == status and self._clock() - at < self._config().status_seconds:
                return
        self._board.post_server(status)
        self._server = (status, self._clock())

    def refresh(self) -> None:
        """Rewrite what has not changed for a while, so that readers see that it is alive."""
        lively = [s for s in self._jobs.values() if s.state is JobState.RUNNING]
        for status in lively:
            if self._is_stale(status):
                self._write(status, changed=True)
        if not (self._freshness.left or self._news.left):
            return
        idle = [s for s in self._jobs.values() if s.state in (JobState.QUEUED, JobState.HELD)]
        idle += self._waiting.values()
        stale = [status for status in idle[:REFRESHED] if self._is_stale(status)]
        for status in self._freshness.take(sorted(stale, key=self._written_at)):
            self._write(status, changed=True)
        self._write_idle(idle[REFRESHED:])

    def _written_at(self, status: JobStatus) -> float:
        written = self._written.get(status.name)
        return 0.0 if written is None else written[1]

    def _is_stale(self, status: JobStatus) -> bool:
        written = self._written.get(status.name)
        return written is None or written[1] <= self._clock() - REFRESH_SECONDS

    def _write_idle(self, statuses: Iterable[JobStatus]) -> None:
        """What has changed of these, but not all at once: thousands may move up by one place."""
        for status in self._news.take(s for s in statuses if self._is_news(s)):
            self._write(status)

    def _is_news(self, status: JobStatus) -> bool:
        written = self._written.get(status.name)
        if written is None or written[0] == status:
            return written is None
        moved = replace(status, position=written[0].position) == written[0]
        return not moved or self._is_stale(status)

    def _of(self, entry: SpooledJob) -> JobStatus:
        return self._jobs.get(entry.job.id) or self._fresh(entry)

    def _fresh(self, entry: SpooledJob) -> JobStatus:
        """The status of an attempt that has not begun."""
        job = entry.job
        # A drop that was refused has no settings; those in the job stand in for them.
        refused = entry.outcome is not None and entry.attempt == 0
        return JobStatus(
            name=job.name,
            source=job.source,
            state=entry.state,
            id=job.id,
            preset=None if refused else job.settings.preset,
            size=None if refused else job.settings.size,
            priority=entry.scheduling_key.priority,
            attempt=max(1, entry.attempt),
            client=job.client,
            dropped=job.dropped,
        )

    def _set(self, entry: SpooledJob, status: JobStatus, *, at_least: float = 0.0) -> None:
        if entry.job.id not in self._jobs:
            self._board.clear_preview(entry.job.name)
        self._jobs[entry.job.id] = status
        self._waiting.pop(status.name, None)
        written = self._written.get(status.name)
        if written is None or self._clock() - written[1] >= at_least:
            self._write(status)

    def _write(self, status: JobStatus, *, changed: bool = False) -> None:
        written = self._written.get(status.name)
        if not changed and written is not None and written[0] == status:
            return
        document = self._board.post(status)
        self._written[status.name] = (status, self._clock())
        if self._on_status is not None:
            try:
                self._on_status(document)
            except Exception:
                log.exception("the listener of the status failed")
