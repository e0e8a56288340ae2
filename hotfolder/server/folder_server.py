"""One hot folder: its inbox is scanned, jobs are claimed, dispatched and published, step by step.

Every step can be interrupted at any instruction: what counts is on the disk, in the spool. Never
imports torch.
"""

import logging
import math
import time
from collections.abc import Callable, Generator

from hotfolder.atomic_files import NO_SPACE
from hotfolder.backoff import Backoff
from hotfolder.batches.coordinator import BatchCoordinator
from hotfolder.config.reload import ConfigWatch
from hotfolder.descriptors import kept_open
from hotfolder.errors import FolderError
from hotfolder.notify.job_notifier import JobNotifier
from hotfolder.outbox.publisher import Publisher
from hotfolder.outbox.retention import RetentionCleaner
from hotfolder.outbox.status_reporter import OnStatus, StatusReporter
from hotfolder.paths import FolderPaths
from hotfolder.scheduling import Scheduler
from hotfolder.server.availability import AvailabilityMonitor, FolderAvailability
from hotfolder.server.completion import JobCompletion, names_of_folders
from hotfolder.server.execution import JobRunner, StopRequest
from hotfolder.server.job_backoff import JobBackoff
from hotfolder.server.leftovers import LeftoverCleaner
from hotfolder.server.pause import PauseMonitor
from hotfolder.server.run_summary import RunSummary
from hotfolder.server.step_guard import StepGuard
from hotfolder.spool.claimer import Claimer, ScanResult
from hotfolder.spool.entry import SpooledJob
from hotfolder.spool.spent_controls import SpentControlFiles
from hotfolder.spool.spool import Spool
from hotfolder.workers.dispatcher import Dispatcher
from hotfolder.workers.events import WorkerLost
from plugin.client.protocol import JobState

__all__ = ["FolderServer"]

log = logging.getLogger(__name__)

TURN_SECONDS = 1.0
"""How long one step goes on claiming pictures of batches, and publishing jobs that have ended."""

CLOSE_SECONDS = 5.0
"""How long a server that is stopped goes on notifying of jobs that have ended."""


class FolderServer:
    """Serves one folder, whose lock the caller holds, with one dispatcher, which it closes."""

    def __init__(
        self,
        config: ConfigWatch,
        folder: FolderPaths,
        dispatcher: Dispatcher,
        *,
        once: bool = False,
        on_event: OnStatus | None = None,
        alive: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`alive` is called between the parts of a step."""
        self._config = config
        current = config.current
        self._folder = folder
        self._dispatcher = dispatcher
        self._once = once
        self._clock = clock
        self._availability_monitor = AvailabilityMonitor(folder)
        self._availability = FolderAvailability.AVAILABLE
        self._spool = Spool(folder)
        scheduler = Scheduler()
        self._pause = PauseMonitor(folder, clock, lambda: dispatcher.problem)
        self._paused: str | None = None
        spent_controls = SpentControlFiles()
        self._claimer = Claimer(
            current, folder, self._spool, scheduler, spent_controls, once=once, clock=clock
        )
        publisher = Publisher(current, folder, self._spool)
        self._live: dict[str, SpooledJob] = {}
        """Every job in the spool, oldest first."""
        self._reporter = StatusReporter(
            current,
            folder,
            self._live,
            publisher,
            on_status=on_event,
            on_error=self._status_failed,
            clock=clock,
        )
        self._job_backoff = JobBackoff(folder, self._reporter, clock)
        self._batches = BatchCoordinator(
            current,
            folder,
            self._spool,
            spent_controls=spent_controls,
            on_error=self._status_failed,
            workers=lambda: len(self._dispatcher.devices()),
            once=once,
            clock=clock,
        )
        self._completion = JobCompletion(
            folder,
            self._spool,
            publisher,
            self._reporter,
            self._batches,
            self._job_backoff,
            spent_controls,
        )
        self._cleaner = RetentionCleaner(current, folder, clock=clock)
        self._job_notifier = JobNotifier(current, folder.root)
        self._runner = JobRunner(
            current,
            self._live,
            self._spool,
            dispatcher,
            self._reporter,
            scheduler,
            self._job_backoff,
            on_full=self._pause.disk_is_full,
            clock=clock,
        )
        self._last_scan = ScanResult(settling=True)
        self._leftovers = LeftoverCleaner(folder, clock)
        self._backoff = Backoff(clock)
        self._guard = StepGuard(clock, alive, once=once)
        self._is_stopped = False

    def steps(self) -> Generator[str, None, None]:
        """Serve the folder, step by step, until the generator is closed, or (with `once`) until
        everything has come to an end. Yields the status in one line for a person.

        Raises:
            FolderError: the spool cannot be read; with `once`, as `step`, and in the end if the
                file system has refused something for a job.
        """
        try:
            self._start()
            while not (self._once and self._is_finished()):
                self.step()
                yield self.status_line()
            self._job_backoff.check(self._live)
        except GeneratorExit:
            self._is_stopped = True
            raise
        finally:
            self._shut_down()

    @property
    def is_replaced(self) -> bool:
        """Whether another hot folder lies in the place of this one. Then nothing is touched."""
        return self._availability is FolderAvailability.REPLACED

    def run_summary(self) -> RunSummary:
        """What it has done so far."""
        left = len(self._live) + len(self._last_scan.candidates) + self._batches.unfinished
        return RunSummary.of(self._completion.totals, left, self._strays, once=self._once)

    @property
    def _strays(self) -> tuple[str, ...]:
        """What belongs to no job, in words."""
        return (*self._batches.troubles, *self._spool.troubles(), *self._last_scan.unrecognised)

    def seconds_to_next_scan(self) -> float:
        """When the next step is due, if no worker reports anything before."""
        is_available = self._availability is FolderAvailability.AVAILABLE
        return self._claimer.seconds_to_next_scan() if is_available else math.inf

    def status_line(self) -> str:
        """One line for a person."""
        running = sum(entry.state is JobState.RUNNING for entry in self._live.values())
        waiting = len(self._live) - running + len(self._last_scan.candidates)
        ended = (f"{count} {state}" for state, count in self._completion.totals.items())
        return f"{running} running, {waiting} waiting; {', '.join(ended)}"

    @kept_open()
    def step(self) -> None:
        """Once around the loop. Does not wait.

        Raises:
            FolderError: with `once`, the folder is out of reach.
        """
        if not self._is_available():
            self._runner.take_while_unavailable(self._dispatcher.poll(0))
            self._report_unavailable()
            return
        for what, part in (
            ("the configuration", self._apply_changed_config),
            ("the pause", self._check_pause),
            ("the inbox", self._scan),
            ("the batches", self._step_batches),
            ("the claims", self._take_claimed),
            ("the queue", self._dispatch),
            ("the running jobs", self._take_events),
            ("the jobs that have ended", self._complete_jobs),
            ("the status of jobs", self._report_jobs),
            ("the status of the server", self._report),
            ("old files", self._clean),
        ):
            self._guard.run(what, part)

    def _take_claimed(self) -> None:
        self._live |= self._spool.take_claimed()

    def _dispatch(self) -> None:
        if self._paused is None:
            self._runner.dispatch(self._pause.may_begin)

    def _take_events(self) -> None:
        self._runner.take(self._dispatcher.poll(0))
        self._runner.handle()
        self._runner.stop_overdue()

    def _clean(self) -> None:
        self._leftovers.step()
        names = self._names_taken() | self._batches.names | names_of_folders(self._live)
        self._cleaner.step(names)

    def report_stopping(self) -> None:
        """The server is about to end its workers, which takes a moment."""
        if self._availability is FolderAvailability.AVAILABLE:
            self._report_server("stopping")

    def _is_available(self) -> bool:
        """Whether the folder can be worked with. While it cannot, nothing is touched."""
        before, self._availability = self._availability, self._availability_monitor.check()
        if self._availability is before:
            return self._availability is FolderAvailability.AVAILABLE
        if self._availability is FolderAvailability.UNAVAILABLE:
            reason = self._availability_monitor.reason
            if self._once:
                raise FolderError(f"{self._folder.root} is out of reach ({reason}). Run it again.")
            log.error("out of reach (%s); everything waits until it is back", reason)
        elif self._availability is FolderAvailability.AVAILABLE:
            log.info("%s is back", self._folder.root)
            self._retry_at_once()
            self._pause.check_at_once()
        return self._availability is FolderAvailability.AVAILABLE

    def _retry_at_once(self) -> None:
        """Whatever the file system refused."""
        self._backoff.forget()
        self._job_backoff.retry_at_once()
        self._guard.retry_at_once()

    def _report_unavailable(self) -> None:
        """If only a part of the folder is missing."""
        if self._availability_monitor.same_root:
            self._paused = self._reporter.paused = f"waits for {self._availability_monitor.reason}"
            self._report()

    def _start(self) -> None:
        self._report_server("starting")
        self._leftovers.start()
        try:
            entries = self._spool.restore()
        except OSError as error:
            raise FolderError(f"{self._folder.spool}: cannot be read: {error}.") from None
        for entry in entries:
            self._live[entry.job.id] = entry
            log.info("%s taken up again: %s", entry.tag, entry.state)
        self._batches.restore()
        log.info("serving %s", self._folder.root)

    def _shut_down(self) -> None:
        """Give running jobs back to the queue and report it. Within seconds."""
        self.report_stopping()
        self._claimer.close()
        if self._availability is not FolderAvailability.AVAILABLE:
            # What lies there now is not ours to write to; the jobs are in the spool that was.
            self._dispatcher.close(drain=False)
            return
        self._batches.close()
        self._dispatcher.close(drain=False)
        try:
            last = self._dispatcher.poll(0)
            # What ended in the last moment has ended; what was lost was lost by our own doing.
            self._runner.take(event for event in last if not isinstance(event, WorkerLost))
            self._runner.release_all()
            self._retry_at_once()
            self._runner.handle()
            self._complete_jobs()
            for entry in self._live.values():
                if entry.state is JobState.RUNNING:
                    with self._job_backoff.attempt(entry, "it cannot be put back into the queue"):
                        self._runner.requeue(entry)
                        log.info("%s back in the queue", entry.tag)
            self._report_jobs()
            self._report_server("stopped")
        except Exception as error:
            # The spool is as it was; the next start finds the same jobs.
            log.error("while stopping: %s", error, exc_info=not isinstance(error, OSError))
        # `run --once` has nothing more urgent to do; a service is to end within seconds.
        patient = self._once and not self._is_stopped
        seconds = self._config.current().hooks.seconds if patient else CLOSE_SECONDS
        self._job_notifier.close(seconds)

    def _is_finished(self) -> bool:
        scan = self._last_scan
        if scan.settling or self._claimer.is_scanning or not self._runner.is_idle:
            return False
        if self._batches.settling or not self._batches.is_idle:
            return False
        live = [e for e in self._live.values() if e.job.id not in self._job_backoff.reasons]
        if self._paused is not None:
            return not any(entry.outcome for entry in live)
        return not scan.ready and all(entry.state is JobState.HELD for entry in live)

    def _apply_changed_config(self) -> None:
        if self._config.changed():
            logging.getLogger("hotfolder").setLevel(self._config.current().log_level.upper())
        self._runner.note_weights()
        self._reporter.config_problem = self._config.problem

    def _scan(self) -> None:
        if self._batches.is_looking:
            return  # It is about the last scan.
        if (scan := self._claimer.scan_if_due(self._live, self._batches.names)) is None:
            return
        self._last_scan = scan
        self._completion.cancel_files |= scan.cancels
        self._take_claimed()
        if scan.claimed:
            self._report_jobs()  # Seen in the queue, however soon a worker takes them.
        for job_id, reason in scan.cancelled.items():
            self._runner.stop(self._live[job_id], StopRequest(JobState.CANCELLED, reason))
        if scan.snapshot is not None:
            self._completion.control_paths = scan.snapshot.control_paths
            self._batches.begin_look(scan.snapshot, self._names_taken(), scan.priorities)
        self._runner.hold(scan.holds | self._batches.held_jobs(self._live))
        for entry in self._live.values():
            entry.priority = self._batches.priority_of(entry)

    def _step_batches(self) -> None:
        """Claim their next jobs; publish the summary of those that have ended."""
        if not (self._batches.names or self._batches.is_looking):
            return
        self._batches.look()
        until = self._clock() + TURN_SECONDS
        for _ in self._batches.feed(self._live, self._names_taken()):
            if self._clock() >= until:
                break
        self._take_claimed()
        for entry in self._batches.to_cancel(self._live):
            self._runner.stop(entry, StopRequest(JobState.CANCELLED))
        for status in self._batches.finish(self._live):
            self._job_notifier.send(status)

    def _names_taken(self) -> set[str]:
        """The names of live jobs and of candidates."""
        return {entry.job.name for entry in self._live.values()} | self._last_scan.candidates.keys()

    def _check_pause(self) -> None:
        before = self._paused
        self._paused = self._reporter.paused = self._pause.reason()
        if (before is None) != (self._paused is None):
            log.info("going on" if self._paused is None else f"paused: {self._paused}")

    def _complete_jobs(self) -> None:
        """Publish the jobs that have ended."""
        until = self._clock() + TURN_SECONDS
        for entry, status in self._completion.complete(self._live):
            del self._live[entry.job.id]
            self._runner.forget(entry.job.id)
            self._job_notifier.send(status)
            if self._clock() >= until:
                break

    def _status_failed(self, error: OSError) -> None:
        """The status is for readers: that it cannot be written stops no work."""
        if error.errno in NO_SPACE:
            self._pause.free_reserve()
        if not self._backoff.is_delayed("status"):
            log.error("the status cannot be written: %s", error)
            self._backoff.delay("status")

    def _report_server(self, state: str) -> None:
        try:
            self._reporter.server(
                state,
                devices=self._dispatcher.devices() if state != "stopped" else (),
                totals=self._completion.totals,
                problem=self._guard.problem,
                strays=self._strays,
            )
        except OSError as error:
            self._status_failed(error)

    def _report_jobs(self) -> None:
        self._reporter.devices(self._dispatcher.devices())
        self._runner.report_positions(self._last_scan)
        self._reporter.unsettled(self._spool.unsettled_jobs())
        self._reporter.refresh()

    def _report(self) -> None:
        self._report_server("busy" if self._live else "idle")
