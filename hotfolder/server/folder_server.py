"""The daemon: looks at the inbox, claims jobs, hands them out, publishes how they end.

One thread, one loop, and every step of it can be interrupted: what counts is on the disk, in the
spool. Never imports torch.
"""

import contextlib
import logging
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from hotfolder.atomic_files import NO_SPACE, remove_leftovers
from hotfolder.backoff import Backoff
from hotfolder.batches.coordinator import BatchCoordinator
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import FolderError
from hotfolder.notify.job_notifier import JobNotifier
from hotfolder.outbox.publisher import Publisher
from hotfolder.outbox.retention import RetentionCleaner
from hotfolder.outbox.status_reporter import OnStatus, StatusReporter
from hotfolder.paths import FolderPaths
from hotfolder.scheduling import Scheduler
from hotfolder.server.availability import AvailabilityMonitor, FolderAvailability
from hotfolder.server.execution import JobRunner, StopRequest
from hotfolder.server.pause import Pause
from hotfolder.server.queue_positions import QueuePositions
from hotfolder.server.run_summary import RunSummary
from hotfolder.server.systemd import SystemdNotifier
from hotfolder.spool.claimer import Claimer, ScanResult
from hotfolder.spool.control_files import on_hold
from hotfolder.spool.disk_space import DiskSpace
from hotfolder.spool.entry import SpooledJob
from hotfolder.spool.spool import Spool
from hotfolder.workers.dispatcher import Dispatcher
from hotfolder.workers.events import Event, Failed, Progress, StorageFailed, WorkerLost
from plugin.client.protocol import ControlFile, JobState

__all__ = ["FolderServer"]

log = logging.getLogger(__name__)

TICK_SECONDS = 0.25
"""Longest time before a signal or the doorbell is noticed."""

TIDY_SECONDS = 60.0

PAUSE_SECONDS = 1.0

CLOSE_SECONDS = 5.0
"""How long a daemon that ends goes on telling of what has ended."""


class FolderServer:
    """Serves one folder, which it must hold the lock of, with one dispatcher, which it closes."""

    def __init__(
        self,
        config: ConfigWatch,
        folder: FolderPaths,
        dispatcher: Dispatcher,
        *,
        once: bool = False,
        on_event: OnStatus | None = None,
        notifier: SystemdNotifier | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        current = config.current
        self._notifier = notifier or SystemdNotifier({})
        self._folder = folder
        self._dispatcher = dispatcher
        self._once = once
        self._clock = clock
        self._whereabouts = AvailabilityMonitor(folder)
        self._presence = FolderAvailability.HERE
        self._spool = Spool(folder)
        self._scheduler = Scheduler()
        self._claimer = Claimer(
            current, folder, self._spool, self._scheduler, once=once, clock=clock
        )
        self._publisher = Publisher(current, folder, self._spool)
        self._reporter = StatusReporter(
            current, folder, self._publisher, on_status=on_event, clock=clock
        )
        self._batches = BatchCoordinator(current, folder, self._spool, clock=clock)
        self._sweeper = RetentionCleaner(current, folder, clock=clock)
        self._notices = JobNotifier(current, folder.root)
        self._live: dict[str, SpooledJob] = {}
        """Every job in the spool, oldest first."""
        self._work = JobRunner(
            current,
            self._live,
            self._spool,
            dispatcher,
            self._reporter,
            self._scheduler,
            status_errors_logged=self._status_errors_logged,
            on_full=self._disk_is_full,
            clock=clock,
        )
        self._line = QueuePositions(self._live, self._work, self._scheduler, self._reporter, clock)
        self._cancels: dict[str, Path] = {}
        """Cancel files by the name of the live job they are for; removed when it has ended."""
        self._latest: ScanResult | None = None
        """The last look at the inbox."""
        self._pause = Pause(folder)
        self._space = DiskSpace(folder, clock)
        self._pause_due = 0.0
        self._tidy_due = 0.0
        self._backoff = Backoff(clock)
        """By job id, and `events` and `status`."""
        self._totals = {"done": 0, "failed": 0, "cancelled": 0}
        self._stopped_by: signal.Signals | None = None
        self._stopping = False

    def stop(self, by: signal.Signals | None = None) -> None:
        """End soon. May be called from a signal handler or another thread."""
        self._stopped_by = self._stopped_by or by
        self._stopping = True

    def run(self) -> RunSummary:
        """Serve until stopped, or (with `once`) until everything has come to an end."""
        for _ in self.steps(TICK_SECONDS):
            self._notifier.alive(self.status_line())
        return self.run_summary()

    def steps(self, timeout: float) -> Generator[str, None, None]:
        """As `run`, turn by turn, for those who have more than one daemon. To be closed."""
        try:
            self._start()
            self._notifier.ready(f"serving {self._folder.root}")
            while not (self._stopping or (self._once and self._is_finished())):
                self.step(timeout)
                if self._presence is FolderAvailability.REPLACED:
                    break
                yield self.status_line()
        finally:
            if self._presence is not FolderAvailability.REPLACED:
                self._notifier.stopping()
            self._shut_down()

    def run_summary(self) -> RunSummary:
        """What it has done so far."""
        left = len(self._live) + (len(self._latest.candidates) if self._latest else 0)
        left += len(self._batches.names) + self._batches.waiting
        return RunSummary(
            **self._totals,
            waiting=left,
            stopped_by=self._stopped_by,
            once=self._once,
            replaced=self._presence is FolderAvailability.REPLACED,
        )

    def seconds_to_next_scan(self) -> float:
        return self._claimer.seconds_to_next_scan()

    def status_line(self) -> str:
        """One line for a person."""
        running = sum(entry.state is JobState.RUNNING for entry in self._live.values())
        ended = ", ".join(f"{count} {state}" for state, count in self._totals.items())
        waiting = len(self._live) - running + (len(self._latest.candidates) if self._latest else 0)
        return f"{running} running, {waiting} waiting; {ended}"

    def step(self, timeout: float) -> None:
        """Once around the loop; waits at most `timeout` seconds for something to happen.

        Raises:
            FolderError: with `once`, the folder is out of reach.
        """
        if not self._is_here():
            self._work.take(_while_away(self._dispatcher.poll(timeout)))
            self._say_why_it_waits()
            return
        self._reconfigure()
        self._look_for_pause()
        self._look()
        self._go_on_with_batches()
        self._work.hand_out()
        timeout = min(timeout, self._claimer.seconds_to_next_scan())
        self._work.take(self._dispatcher.poll(timeout))
        self._work.handle()
        self._work.stop_overdue()
        self._publish_ends()
        self._report()
        if self._clock() >= self._tidy_due:
            self._tidy()
        self._sweeper.step(self._names_taken() | self._batches.names)

    def _is_here(self) -> bool:
        """Whether the folder can be worked with. While it cannot, nothing is touched."""
        before, self._presence = self._presence, self._whereabouts.look()
        if self._presence is before:
            return self._presence is FolderAvailability.HERE
        if self._presence is FolderAvailability.AWAY:
            reason = self._whereabouts.reason
            if self._once:
                raise FolderError(f"{self._folder.root} is out of reach ({reason}). Run it again.")
            log.error("out of reach (%s); everything waits until it is back", reason)
        elif self._presence is FolderAvailability.HERE:
            log.info("%s is back", self._folder.root)
            self._backoff.forget()
            self._work.forget_refusals()
            self._pause_due = 0.0
        return self._presence is FolderAvailability.HERE

    def _say_why_it_waits(self) -> None:
        """If a part of the folder is missing only."""
        if self._whereabouts.same_root:
            self._reporter.paused = f"waits for {self._whereabouts.reason}"
            with contextlib.suppress(OSError):
                self._reporter.server("busy" if self._live else "idle", totals=self._totals)

    # --- start and end ---------------------------------------------------------------------

    def _start(self) -> None:
        with self._status_errors_logged():
            self._reporter.server("starting", devices=self._dispatcher.devices())
        self._tidy()
        with contextlib.suppress(OSError):
            remove_leftovers(self._folder.inbox)
        try:
            entries = self._spool.restore()
        except OSError as error:
            raise FolderError(f"{self._folder.spool}: cannot be read: {error}.") from None
        for entry in entries:
            self._live[entry.job.id] = entry
            log.info("%s taken up again: %s", entry.tag, entry.state)
            if entry.state is JobState.HELD:
                with self._status_errors_logged():
                    self._reporter.held(entry, on_hold(entry.job.name))
        self._batches.restore()
        log.info("serving %s", self._folder.root)

    def _tidy(self) -> None:
        """Remove what is left of writing that failed, where it could not be removed then."""
        self._tidy_due = self._clock() + TIDY_SECONDS
        for place in (self._folder.outbox, self._folder.status):
            with contextlib.suppress(OSError):
                remove_leftovers(place)

    def _shut_down(self) -> None:
        """Give running jobs back to the queue and say so. Within seconds."""
        if self._presence is not FolderAvailability.HERE:
            # What lies there now is not ours to write to; the jobs are in the spool that was.
            self._claimer.close()
            self._dispatcher.close(drain=False)
            return
        with contextlib.suppress(OSError):
            self._reporter.server("stopping", totals=self._totals)
        self._claimer.close()
        self._batches.close()
        self._dispatcher.close(drain=False)
        try:
            last = self._dispatcher.poll(0)
            # What ended in the last moment has ended; what was lost was lost by our own doing.
            self._work.take(event for event in last if not isinstance(event, WorkerLost))
            self._work.release_all()
            self._backoff.forget()
            self._work.handle()
            self._publish_ends()
            for entry in self._live.values():
                if entry.state is JobState.RUNNING:
                    self._work.requeue(entry)
                    log.info("%s back in the queue", entry.tag)
            self._report()
            self._reporter.server(
                "stopped",
                totals=self._totals,
                strays=self._latest.unrecognised if self._latest else (),
            )
        except OSError as error:
            # The spool is as it was; the next start finds the same jobs.
            log.error("while stopping: %s", error)
        # `run --once` has nothing more urgent to do; a service is to end within seconds.
        patient = self._once and not self._stopping
        self._notices.close(self._config.current().hooks.seconds if patient else CLOSE_SECONDS)

    def _is_finished(self) -> bool:
        look = self._latest
        if look is None or look.settling or not self._work.is_idle or self._batches.names:
            return False
        if self._reporter.paused is not None:
            return not any(entry.outcome for entry in self._live.values())
        return not look.ready and all(e.state is JobState.HELD for e in self._live.values())

    def _reconfigure(self) -> None:
        """Take up a changed configuration, for new jobs."""
        if self._config.changed():
            level = self._config.current().log_level.upper()
            logging.getLogger("hotfolder").setLevel(level)
        self._reporter.config_problem = self._config.problem

    # --- the inbox -------------------------------------------------------------------------

    def _look(self) -> None:
        look = self._claimer.scan_if_due(self._live, self._batches.names)
        if look is None:
            return
        self._latest = look
        self._cancels |= look.cancels
        self._live |= {entry.job.id: entry for entry in look.claimed}
        for entry in self._live.values():
            entry.priority = look.priorities.get(entry.job.name)
        if look.claimed:
            self._report()  # Seen in the queue, however soon a worker takes them.
        try:
            for job_id, reason in look.cancelled.items():
                self._work.stop(self._live[job_id], StopRequest(JobState.CANCELLED, reason))
            self._hold(look.holds)
            if look.snapshot is not None:
                for entry in self._batches.look(look.snapshot, self._names_taken()):
                    self._live[entry.job.id] = entry
                look.settling |= self._batches.settling
        except OSError as error:  # The next look says the same again.
            log.error("cannot write to %s: %s", self._folder.spool, error)

    def _go_on_with_batches(self) -> None:
        """Their next jobs, and the summary of those that have ended."""
        if not (self._batches.names or self._batches.waiting):
            return
        try:
            for entry in self._batches.feed(self._live, self._names_taken()):
                self._live[entry.job.id] = entry
            for entry in self._batches.to_cancel(self._live):
                self._work.stop(entry, StopRequest(JobState.CANCELLED, ""))
            for status in self._batches.finish(self._live):
                self._notices.send(status)
        except OSError as error:
            if not self._backoff.is_delayed("batches"):
                log.error("the batches cannot go on: %s", error)
                self._backoff.delay("batches")

    def _names_taken(self) -> set[str]:
        """What live jobs and drops are called."""
        candidates = self._latest.candidates.keys() if self._latest else ()
        return {entry.job.name for entry in self._live.values()} | set(candidates)

    def _hold(self, names: AbstractSet[str]) -> None:
        """Hold and release queued jobs as the files in the inbox say."""
        for entry in self._live.values():
            held = entry.job.name in names
            if (
                held
                and entry.state is JobState.QUEUED
                and entry.job.id not in self._work.dispatched
            ):
                self._spool.change(entry, JobState.HELD)
                self._reporter.held(entry, on_hold(entry.job.name))
            elif not held and entry.state is JobState.HELD:
                self._spool.change(entry, JobState.QUEUED)

    def _look_for_pause(self) -> None:
        """Whether somebody has paused the server, or the disk is full; asked now and then, since it
        may be on a share."""
        if self._clock() < self._pause_due:
            return
        self._pause_due = self._clock() + PAUSE_SECONDS
        shortage = self._space.shortage()
        if shortage is None:
            self._space.keep_reserve()
        with contextlib.suppress(OSError):
            reason = self._pause.reason() or shortage
            if (reason is None) != (self._reporter.paused is None):
                log.info("going on" if reason is None else f"paused: {reason}")
            self._reporter.paused = reason

    def _disk_is_full(self) -> None:
        """A worker says so."""
        self._space.refused()
        self._pause_due = 0.0

    # --- publication -----------------------------------------------------------------------

    def _publish_ends(self) -> None:
        for entry in [entry for entry in self._live.values() if entry.outcome is not None]:
            if self._backoff.is_delayed(entry.job.id):
                continue
            try:
                self._publisher.publish(entry)
                status = self._reporter.ended(entry)
                self._batches.note_end(entry, status)
                if (cancel := self._cancels.pop(entry.job.name, None)) is not None:
                    cancel.unlink(missing_ok=True)
                for control in (ControlFile.HOLD, ControlFile.PRIORITY):
                    (self._folder.inbox / control.of(entry.job.name)).unlink(missing_ok=True)
                if entry.job.options.owner is not None:
                    self._folder.heartbeat(entry.job.source).unlink(missing_ok=True)
                self._spool.remove(entry)
            except OSError as error:
                log.error("%s cannot be published: %s", entry.tag, error)
                if self._once:
                    raise FolderError(
                        f"{entry.job.name}: its end cannot be published: {error}. It is kept in "
                        f"{entry.folder}; the next run goes on with it."
                    ) from None
                self._backoff.delay(entry.job.id)
                with contextlib.suppress(OSError):
                    self._reporter.stuck(entry, error)
                continue
            except Exception:
                log.exception("%s cannot be published", entry.tag)
                self._backoff.delay(entry.job.id)
                continue
            del self._live[entry.job.id]
            self._work.ended(entry.job.id)
            self._totals[entry.state] += 1
            _log_end(entry)
            self._notices.send(status)

    # --- the status ------------------------------------------------------------------------

    @contextlib.contextmanager
    def _status_errors_logged(self) -> Iterator[None]:
        """The status is for readers: that it cannot be written stops no work."""
        try:
            yield
        except OSError as error:
            if error.errno in NO_SPACE:
                self._space.free_reserve()
            if not self._backoff.is_delayed("status"):
                log.error("the status cannot be written: %s", error)
                self._backoff.delay("status")

    def _report(self) -> None:
        with self._status_errors_logged():
            self._line.send(self._latest or ScanResult())
            self._reporter.refresh()
            self._reporter.server(
                "busy" if self._live else "idle",
                devices=self._dispatcher.devices(),
                names={entry.job.id: entry.job.name for entry in self._live.values()},
                totals=self._totals,
                strays=self._latest.unrecognised if self._latest else (),
            )


def _while_away(events: Iterable[Event]) -> Iterator[Event]:
    """What is to be remembered of workers whose folder is out of reach: a job that fails now fails
    because of that."""
    for event in events:
        if isinstance(event, Failed):
            yield StorageFailed(event.job_id, event.message)
        elif not isinstance(event, Progress):
            yield event


def _log_end(entry: SpooledJob) -> None:
    outcome = entry.outcome
    assert outcome is not None
    where = outcome.folder or "nowhere"
    if entry.state is JobState.FAILED:
        log.error("%s failed: %s (inputs in %s)", entry.tag, outcome.error, where)
    elif entry.state is JobState.DONE:
        log.info("%s done: outbox/%s", entry.tag, outcome.published)
    else:
        why = f": {outcome.error}" if outcome.error else ""
        log.info("%s cancelled%s (originals in %s)", entry.tag, why, where)
