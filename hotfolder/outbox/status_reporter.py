"""Keeps status/ true: what each job is doing, written when it changes and again while it lives.

A status is derived from the job in the spool or the candidate in the inbox, its place in the queue,
and what only events tell of a running job. What was written last is kept, to see what differs.
"""

import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from engine import __version__
from hotfolder.config.reload import CurrentConfig
from hotfolder.inbox.candidate import JobCandidate
from hotfolder.inbox.model import Decision
from hotfolder.job import now
from hotfolder.outbox.device_notes import device_document, no_progress, no_worker
from hotfolder.outbox.publisher import Publisher, error_text
from hotfolder.outbox.status_files import StatusWriter
from hotfolder.outbox.strays import StrayLog, listed
from hotfolder.outbox.written_statuses import OnStatus, WrittenStatuses
from hotfolder.paths import FolderPaths
from hotfolder.spool.control_files import on_hold
from hotfolder.spool.entry import SpooledJob
from hotfolder.throttle import Throttle
from hotfolder.workers.dispatcher import DeviceState
from hotfolder.workers.events import Progress
from plugin.client.protocol import JobState, JobStatus, ServerState, ServerStatus

__all__ = ["OnStatus", "StatusReporter"]

log = logging.getLogger(__name__)

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
        live: Mapping[str, SpooledJob],
        publisher: Publisher,
        *,
        on_status: OnStatus | None = None,
        on_error: Callable[[OSError], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            live: every job in the spool, by id; looked at, never changed.
            on_error: called when a job's status cannot be written, which stops nothing else.
        """
        self._config = config
        self._folder = folder
        self._live = live
        self._publisher = publisher
        self._writer = StatusWriter(folder)
        self.config_problem: str | None = None
        """Why a changed configuration is not in force."""
        self.paused: str | None = None
        """Why nothing new is painted."""
        self._written = WrittenStatuses(self._writer, on_status, on_error, clock)
        self._clock = clock
        self._candidates: dict[str, JobCandidate] = {}
        self._positions: Mapping[str, int] = {}
        self._pauses: Mapping[str, float] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        """What is known of a job's run from events alone, by id: fields of its status."""
        self._refusals: dict[str, str] = {}
        """What the file system refuses for a job, by id."""
        self._losses: dict[str, str] = {}
        """How the worker of a job was lost, by id."""
        self._unsettled: set[str] = set()
        """Names of jobs that cannot be taken up."""
        self._no_progress: dict[str, str] = {}
        """Of jobs whose worker makes no progress, by id."""
        self._no_worker: str | None = None
        """Why nothing is painted."""
        self._started = now()
        self._stray_log = StrayLog(clock)
        self._refreshing = Throttle(clock)
        self._updating = Throttle(clock)
        self._server: tuple[ServerStatus, float] | None = None
        self._writer.clear_waiting()

    def queue(
        self,
        candidates: Mapping[str, JobCandidate],
        positions: Mapping[str, int],
        pauses: Mapping[str, float],
    ) -> None:
        """Write what has changed in the queue since the last call.

        Args:
            candidates: those that stay in the inbox, by the name that they have in the status.
            positions: places in the queue, by name: jobs in the spool, and candidates that lack
                nothing.
            pauses: seconds for which a job rests whose worker has died, by name.
        """
        for gone in self._unclaimed().keys() - candidates.keys():
            self._written.clear(gone)
        self._candidates, self._positions, self._pauses = dict(candidates), positions, pauses
        waiting = [e for e in self._live.values() if e.state in (JobState.QUEUED, JobState.HELD)]
        for ended in self._facts.keys() - (self._live.keys() - {e.job.id for e in waiting}):
            del self._facts[ended]
        self._losses = {job: why for job, why in self._losses.items() if job in self._live}
        for entry in waiting:
            if self._written.has_changed(status := self._status_of(entry)):
                self._written.write(status)
        self._update(self._waiting_in_inbox())

    def devices(self, devices: Sequence[DeviceState]) -> None:
        """What the devices do, as the next statuses tell of it."""
        self._no_worker = no_worker(devices)
        notes = {device.job_id: no_progress(device) for device in devices if device.job_id}
        self._no_progress = {job_id: note for job_id, note in notes.items() if note}

    def lost(self, entry: SpooledJob, reason: str) -> None:
        """Its worker has died; it is tried again."""
        self._losses[entry.job.id] = reason

    def unsettled(self, jobs: Iterable[tuple[str, str, str]]) -> None:
        """Jobs that cannot be taken up from the spool now: name, id, and why."""
        before, self._unsettled = self._unsettled, set()
        for name, job_id, reason in jobs:
            self._unsettled.add(name)
            message = f"cannot be taken up: {reason}; it is tried again"
            status = JobStatus(name, JobState.QUEUED, message, id=job_id, source=name)
            if self._written.has_changed(status) or self._written.is_stale(name):
                self._written.write(status)
        known = {entry.job.name for entry in self._live.values()} | self._candidates.keys()
        for name in before - self._unsettled - known:
            if name in self._written:  # Else it was taken up meanwhile, and has ended.
                self._written.clear(name)

    def running(self, entry: SpooledJob, device: str) -> None:
        """A worker has taken the job."""
        with self._written.errors_noted(entry.job.name):
            self._writer.clear_preview(entry.job.name)
        self._facts[entry.job.id] = {"device": device, "message": "starting"}
        self._written.write(self._status_of(entry))

    def progress(self, entry: SpooledJob, event: Progress) -> None:
        """The optimisation went on."""
        facts = self._facts.setdefault(entry.job.id, {})
        if event.preview is not None:
            with self._written.errors_noted(entry.job.name):
                facts["preview"] = self._writer.post_preview(entry.job.name, Path(event.preview))
        at_scale = f", scale {event.scale} of {event.scales}" if event.scales > 1 else ""
        which = f"painting {event.painting} of {event.paintings}, " if event.paintings > 1 else ""
        back = f", {event.rejected_moves} taken back" if event.rejected_moves else ""
        facts |= {key: getattr(event, key) for key in ("scale", "scales", "step", "steps")}
        facts |= {
            "message": f"{which}step {event.step} of {event.steps}{at_scale}{back}",
            "fraction": round(event.fraction, 4),
            "losses": event.losses,
            "seconds": round(event.seconds, 2),
            "eta_seconds": None if event.eta_seconds is None else round(event.eta_seconds, 1),
        }
        if self._written.is_stale(entry.job.name, PROGRESS_SECONDS):
            self._written.write(self._status_of(entry))

    def progress_of(self, entry: SpooledJob) -> str:
        """How far a running job has come, in words."""
        facts = self._facts.get(entry.job.id, {})
        return str(facts["message"]) if "step" in facts else "its start"

    def refused(self, entry: SpooledJob, reason: str | None) -> None:
        """The file system refuses what is to be done for the job, which is tried again; None: it
        does not any more."""
        if reason is None:
            self._refusals.pop(entry.job.id, None)
            return
        self._refusals[entry.job.id] = reason
        if entry.outcome is not None:
            self._facts.setdefault(entry.job.id, {})  # It has not ended for its readers.
        if "state" not in self._facts.get(entry.job.id, {}):
            self._written.write(self._status_of(entry))

    def ended(self, entry: SpooledJob) -> Mapping[str, Any]:
        """The job's end is published. Returns its last status, as written.

        Raises:
            OSError: it cannot be written.
        """
        outcome = entry.outcome
        assert outcome is not None
        facts = self._facts.setdefault(entry.job.id, {})
        facts |= {"state": entry.state, "eta_seconds": None, "folder": outcome.folder}
        if entry.state is JobState.DONE:
            facts |= {"message": "done", "fraction": 1.0}
            facts["result"] = self._folder.relative(self._publisher.result_path(entry))
            facts["record"] = self._folder.relative(self._publisher.record_path(entry))
            if "seconds" in outcome.record:
                facts["seconds"] = outcome.record["seconds"]
        elif entry.state is JobState.FAILED:
            facts["message"] = (outcome.error or "").partition("\n")[0]
            facts["error"] = error_text(entry)
        else:
            facts["message"] = f"cancelled: {outcome.error}" if outcome.error else "cancelled"
        document = self._written.post(self._status_of(entry))
        self._candidates.pop(entry.job.name, None)
        self._written.forget(entry.job.name)
        return document

    def server(
        self,
        state: str,
        *,
        devices: Sequence[DeviceState] = (),
        totals: Mapping[str, int] | None = None,
        strays: Sequence[str] = (),
        problem: str | None = None,
    ) -> None:
        """Write the heartbeat, if it is time or something has changed."""
        is_last = state == ServerState.STOPPED
        self._stray_log.note(strays, 0.0 if is_last else self._config().wait_seconds)
        states = Counter(self._state_of(entry) for entry in self._live.values())
        unclaimed = self._unclaimed()
        # Counted apart, since there may be thousands at each step of the server.
        incomplete = [each for each in unclaimed.items() if each[0] not in self._positions]
        states[JobState.QUEUED] += len(unclaimed) - len(incomplete)
        states.update(self._state_of_candidate(*each) for each in incomplete)
        names = {entry.job.id: entry.job.name for entry in self._live.values()}
        status = ServerStatus(
            pid=os.getpid(),
            host=socket.gethostname(),
            version=__version__,
            started=self._started,
            state=state,
            devices=[device_document(device, names) for device in devices],
            queue={
                state: states[state]
                for state in (JobState.WAITING, JobState.HELD, JobState.QUEUED, JobState.RUNNING)
            },
            totals=dict(totals or {}),
            strays=listed([*self._written.refused, *strays]),
            paused=self.paused,
            config_problem=self.config_problem,
            problem=problem,
        )
        if self._server is not None:
            last, at = self._server
            if last == status and self._clock() - at < self._config().status_seconds:
                return
        self._writer.post_server(status)
        self._server = (status, self._clock())

    def refresh(self) -> None:
        """Rewrite what has not changed for a while, so that readers see that it is alive."""
        for entry in self._live.values():
            if self._state_of(entry) is JobState.RUNNING and self._written.is_stale(entry.job.name):
                self._written.write(self._status_of(entry))
        if not (self._refreshing.is_open or self._updating.is_open):
            return
        waiting = self._waiting()
        stale = [
            status for status in islice(waiting, REFRESHED) if self._written.is_stale(status.name)
        ]
        stale.sort(key=lambda status: self._written.written_at(status.name))
        for status in self._refreshing.take(stale):
            self._written.write(status)
        self._update(waiting)

    # --- what a status says ------------------------------------------------------------------

    def _status_of(self, entry: SpooledJob) -> JobStatus:
        job, state = entry.job, self._state_of(entry)
        # A refused job has no settings; those that it has in the spool stand in for them.
        refused = entry.outcome is not None and entry.attempt == 0
        status = JobStatus(
            name=job.name,
            source=job.source,
            state=state,
            id=job.id,
            preset=None if refused else job.settings.preset,
            size=None if refused else job.settings.size,
            position=self._positions.get(job.name) if state is JobState.QUEUED else None,
            priority=entry.scheduling_key.priority,
            attempt=max(1, entry.attempt),
            client=job.client,
            dropped=job.dropped,
            message=self._message_of(entry),
        )
        facts = self._facts.get(job.id, {})
        if entry.state not in (JobState.QUEUED, JobState.HELD):
            status = replace(status, **facts)
        if state is JobState.RUNNING and (note := self._no_progress.get(job.id)):
            status = replace(status, message=f"{status.message}; {note}")
        if job.id in self._refusals and "state" not in facts:
            status = replace(status, message=f"{self._refusals[job.id]}; it is tried again")
        return status

    def _message_of(self, entry: SpooledJob) -> str:
        if entry.state is JobState.HELD:
            return f"held: {on_hold(entry.job.name)}"
        message = "in the queue" if not entry.lost else "in the queue again: its worker was lost"
        if (pause := self._pauses.get(entry.job.name)) is not None:
            message += f"; attempt {entry.attempt + 1} after a pause of {pause:g} s"
        if entry.lost and entry.job.id in self._losses:
            message += f" ({self._losses[entry.job.id]})"
        return self._unless_paused(message)

    def _state_of(self, entry: SpooledJob) -> JobState:
        """For readers: a job whose end cannot be published yet still runs, or waits."""
        facts = self._facts.get(entry.job.id)
        if entry.outcome is None or facts is None or "state" in facts:
            return entry.state
        return JobState.RUNNING if "device" in facts else JobState.QUEUED

    def _status_of_candidate(self, name: str, candidate: JobCandidate) -> JobStatus:
        state, message = self._state_of_candidate(name, candidate), candidate.message
        if state is JobState.HELD:
            message = f"held: {message}"
        elif state is JobState.QUEUED:
            message = message or self._unless_paused("in the queue")
        return JobStatus(
            name=name,
            source=candidate.name,
            state=state,
            message=message,
            position=self._positions.get(name),
            priority=candidate.options.priority,
            client=candidate.client,
            dropped=candidate.dropped,
        )

    def _state_of_candidate(self, name: str, candidate: JobCandidate) -> JobState:
        if name in self._positions:
            return JobState.QUEUED
        return JobState.HELD if candidate.decision is Decision.HOLD else JobState.WAITING

    def _unless_paused(self, message: str) -> str:
        if self._no_worker is not None:
            message += f"; {self._no_worker}"
        return (
            message if self.paused is None else f"{message}; the server is paused ({self.paused})"
        )

    def _waiting(self) -> Iterator[JobStatus]:
        for entry in self._live.values():
            if self._state_of(entry) in (JobState.QUEUED, JobState.HELD):
                yield self._status_of(entry)
        yield from self._waiting_in_inbox()

    def _waiting_in_inbox(self) -> Iterator[JobStatus]:
        return (self._status_of_candidate(*each) for each in self._unclaimed().items())

    def _unclaimed(self) -> dict[str, JobCandidate]:
        """The candidates that have not been claimed since the last queue."""
        claimed = {entry.job.name for entry in self._live.values()}
        return {name: each for name, each in self._candidates.items() if name not in claimed}

    # --- what is written ---------------------------------------------------------------------

    def _update(self, statuses: Iterable[JobStatus]) -> None:
        """Write what has changed, but not all at once: thousands may move up by one place."""
        for status in self._updating.take(s for s in statuses if self._written.has_changed(s)):
            self._written.write(status)
