"""From the inbox into the spool: what of a scan is claimed, under which name, and to which end."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from hotfolder.backoff import RETRY_SECONDS, Backoff
from hotfolder.config.reload import CurrentConfig
from hotfolder.errors import HotFolderError
from hotfolder.file_names import FreeNames
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.client_liveness import ClientLiveness
from hotfolder.inbox.folder_scanner import ScanOptions
from hotfolder.inbox.model import Decision
from hotfolder.inbox.scanner import InboxScanner
from hotfolder.job_tag import JobTag
from hotfolder.paths import FolderPaths
from hotfolder.scheduling import Scheduler
from hotfolder.spool.control_files import ControlFiles, on_hold
from hotfolder.spool.entry import JobOutcome, SpooledJob, outcome_now
from hotfolder.spool.scan_schedule import ScanSchedule
from hotfolder.spool.spent_controls import SpentControlFiles
from hotfolder.spool.spool import Spool
from hotfolder.throttle import SteppedWork
from plugin.client.protocol import RESERVED_NAMES, ControlFile, JobState, portable_name

__all__ = ["Claimer", "ScanResult"]

log = logging.getLogger(__name__)

CLAIM_SECONDS = 1.0
"""How long one turn goes on claiming: a claim may copy pictures from one disk to another."""

SCAN_SECONDS = 0.5
"""How long a turn may scan. A large or a hostile inbox takes several turns."""


@dataclass
class ScanResult:
    """What one scan of the inbox led to."""

    claimed: list[SpooledJob] = field(default_factory=list)
    cancelled: dict[str, str] = field(default_factory=dict)
    """Live jobs that are to end, by id, and why (empty: somebody asked for it). Named again after
    every scan until they have."""
    waiting: dict[str, JobCandidate] = field(default_factory=dict)
    """Candidates that are not complete, by the name they have in the status."""
    ready: dict[str, JobCandidate] = field(default_factory=dict)
    """Candidates whose turn is too far away to claim them, by the same."""
    cancels: dict[str, Path] = field(default_factory=dict)
    """Cancel files, by the name of the job they end; to be removed when it has ended."""
    snapshot: Snapshot | None = None
    """What was found; None if nothing was scanned, but more of the last scan is claimed."""
    priorities: Mapping[str, int] = field(default_factory=dict)
    """Those of priority files, by the jobs' names."""
    holds: frozenset[str] = frozenset()
    """Names of jobs that somebody holds."""
    unrecognised: tuple[str, ...] = ()
    """What belongs to no job, in words."""
    settling: bool = False
    """Whether waiting alone may change something."""

    @property
    def candidates(self) -> dict[str, JobCandidate]:
        """All that stay in the inbox."""
        return self.waiting | self.ready


class Claimer:
    """Claims what is ready and next in turn. So many jobs are safe from changes in the inbox that
    no worker waits, and so few that a crowd of them costs the inbox's space alone."""

    def __init__(
        self,
        config: CurrentConfig,
        folder: FolderPaths,
        spool: Spool,
        scheduler: Scheduler,
        spent_controls: SpentControlFiles,
        *,
        once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._folder = folder
        self._spool = spool
        self._scheduler = scheduler
        self._spent_controls = spent_controls
        self._once = once
        self._inbox = InboxScanner(folder, self._scan_options, clock=clock)
        self._clock = clock
        self._schedule = ScanSchedule(config, folder, clock)
        self._scan: SteppedWork[Snapshot] = SteppedWork(clock, SCAN_SECONDS)
        # How long a client may be silent stays.
        self._liveness = ClientLiveness(config().client_timeout, clock)
        self._backoff = Backoff(clock)
        self._refusals: dict[str, str] = {}
        """Why a candidate cannot be claimed, by its name when dropped."""
        self._names: dict[str, str] = {}
        """The job name of each candidate, by its name when dropped; kept while it is there."""
        self._batches: AbstractSet[str] = frozenset()
        self._last = ScanResult()
        self._more = False
        """Whether the last scan left jobs in the inbox that could have been claimed."""
        self._outcomes: Mapping[str, JobOutcome] = {}
        """The ends of those of them that will not be painted."""
        self._until = 0.0
        """When the claims of this turn have taken long enough."""
        self._was_late = False
        """Whether the last turn left claims to the next one for lack of time."""

    @property
    def is_scanning(self) -> bool:
        """Whether a scan has begun and not come to its end."""
        return self._scan.is_running

    def seconds_to_next_scan(self) -> float:
        return 0.0 if self.is_scanning else self._schedule.seconds_to_next()

    def scan_if_due(
        self, live: Mapping[str, SpooledJob], batches: AbstractSet[str] = frozenset()
    ) -> ScanResult | None:
        """Scan the inbox if it is time, and claim; or claim more of what the last scan found.

        The inbox being out of reach is not the same as its being empty: then nothing is changed.

        Args:
            live: the jobs in the spool.
            batches: names that no job may have.
        """
        if not self._scan.is_running:
            if not self._schedule.begin():
                runs_low = _queued(live) <= self._config().claim_limit // 2
                is_next = self._more and (runs_low or self._was_late)
                return self._refill(live) if is_next else None
            self._scan.begin(self._inbox.steps())
        self._batches = batches
        try:
            snapshot = self._scan.turn()
        except OSError as error:
            log.error("cannot look into %s: %s", self._folder.inbox, error.strerror or error)
            self._schedule.scan_in(RETRY_SECONDS)
            return None
        if snapshot is None:
            return None  # It goes on at the next turn.
        began = self._clock()
        self._schedule.found(snapshot, self._inbox.folders)
        result = self._last = self._take(snapshot, live)
        seconds = self._scan.busy + self._clock() - began
        self._schedule.end(seconds, within=self._liveness.seconds_between_scans)
        return result

    def close(self) -> None:
        self._schedule.close()

    def _scan_options(self) -> ScanOptions:
        config = self._config()
        # Nothing more will come to a server that ends with what is there.
        wait_seconds = 0 if self._once else config.wait_seconds
        return ScanOptions(config.settings, config.settle_seconds, wait_seconds)

    # --- what is claimed -------------------------------------------------------------------

    def _take(self, snapshot: Snapshot, live: Mapping[str, SpooledJob]) -> ScanResult:
        snapshot = self._spent_controls.without(snapshot)
        controls = ControlFiles(snapshot, self._spent_controls)
        result = ScanResult(
            snapshot=snapshot,
            priorities=controls.priorities,
            holds=controls.holds,
            unrecognised=(
                *snapshot.unrecognised,
                *controls.unclear,
                *self._spent_controls.described(self._folder.inbox),
            ),
            settling=snapshot.arriving,
        )
        if self._spool.unsettled and not self._backoff.is_delayed("spool"):
            result.claimed += self._spool.catch_up()
            self._backoff.delay("spool")
        by_name = {entry.job.name: entry for entry in (*live.values(), *result.claimed)}
        gone = self._gone(snapshot, controls, live)
        for entry in live.values():
            if entry.job.source in gone:
                result.cancelled[entry.job.id] = gone[entry.job.source]
        for name, file in controls.cancels.items():
            if name in by_name:
                result.cancels[name] = file.path
                result.cancelled[by_name[name].job.id] = ""
        candidates = self._by_job_name(snapshot.candidates, by_name.keys())
        outcomes = self._sort(candidates, controls, gone, result)
        scan_again = False
        shared: set[Path] = set()
        self._outcomes, self._until = outcomes, self._clock() + CLAIM_SECONDS
        for name in self._next(result.ready, outcomes, live):
            candidate = result.ready.pop(name)
            paths = _shared_paths(candidate)
            if self._is_late(result):
                result.ready[name] = candidate
            elif paths & shared:
                # What one job has copied may now be the other's alone: scan again first.
                result.waiting[name] = candidate
                scan_again = True
            elif self._claim(candidate, name, outcomes.get(name), result):
                shared |= paths
        all_retried = self._retry(controls, result, live)
        self._more = bool(result.ready) or not all_retried
        if controls.release(result.waiting, self._inbox) or scan_again:
            result.settling = True
            self._schedule.scan_in(0.0)
        names = {entry.job.name for entry in live.values()} | result.candidates.keys()
        # Batches look for what is asked of them after jobs have.
        batches = self._batches | snapshot.batch_files.keys()
        sources = {entry.job.source for entry in live.values()}
        sources |= {candidate.name for candidate in snapshot.candidates}
        controls.remove_idle(ControlFile.CANCEL, names | result.cancels.keys() | batches)
        controls.remove_idle(ControlFile.RELEASE, names)
        controls.remove_idle(ControlFile.HEARTBEAT, sources)
        return result

    def _refill(self, live: Mapping[str, SpooledJob]) -> ScanResult:
        """Claim more of what the last scan found, unless it has changed since."""
        ready = dict(self._last.ready)
        result = replace(
            self._last, snapshot=None, claimed=[], cancelled={}, cancels={}, ready=ready
        )
        plain = {
            name: candidate
            for name, candidate in result.ready.items()
            if (name in self._outcomes or candidate.decision is Decision.CLAIM)
            and not _shared_paths(candidate)
        }
        outcomes = {name: self._outcomes[name] for name in plain if name in self._outcomes}
        self._until = self._clock() + CLAIM_SECONDS
        for name in self._next(plain, outcomes, live):
            if self._is_late(result):
                break
            candidate = result.ready.pop(name)
            if candidate.is_unchanged():
                self._claim(candidate, name, outcomes.get(name), result)
        self._more = bool(plain.keys() & result.ready.keys())
        if not self._more:
            self._schedule.scan_in(0.0)
        self._last = result
        return result

    def _is_late(self, result: ScanResult) -> bool:
        """Whether the other claims are left to the next turn. One at least is made in each."""
        self._was_late = bool(result.claimed) and self._clock() >= self._until
        return self._was_late

    def _gone(
        self, snapshot: Snapshot, controls: ControlFiles, live: Mapping[str, SpooledJob]
    ) -> Mapping[str, str]:
        """Whose client is gone and how one knows, by the name under which the job was dropped."""
        owned = [(entry.job.source, entry.job.options.owner) for entry in live.values()]
        owned += [(candidate.name, candidate.options.owner) for candidate in snapshot.candidates]
        owners = {name: owner for name, owner in owned if owner is not None}
        heartbeats = {name: file.fingerprint for name, file in controls.heartbeats.items()}
        return self._liveness.gone(owners, heartbeats)

    def _names_left(self, live: Iterable[str]) -> FreeNames:
        """The names that no other job or batch has."""
        unsettled = (name for name, *_ in self._spool.unsettled_jobs())
        taken = (*live, *self._names.values(), *self._batches, *unsettled, *RESERVED_NAMES)
        return FreeNames(taken)

    def _by_job_name(
        self, candidates: Sequence[JobCandidate], live: AbstractSet[str]
    ) -> dict[str, JobCandidate]:
        """The candidates by their jobs' names: those of no live job, and the same at every scan."""
        names = self._names_left(live)
        before, self._names = self._names, {}
        for candidate in candidates:
            name = before.get(candidate.name)
            if name is None or name in live:
                name = names.take(portable_name(candidate.called))
            self._names[candidate.name] = name
        return {self._names[candidate.name]: candidate for candidate in candidates}

    def _sort(
        self,
        candidates: Mapping[str, JobCandidate],
        controls: ControlFiles,
        gone: Mapping[str, str],
        result: ScanResult,
    ) -> dict[str, JobOutcome]:
        """Sort into `waiting` and `ready`; returns the ends of those that will not be painted."""
        outcomes: dict[str, JobOutcome] = {}
        for name, candidate in candidates.items():
            outcome = _outcome(candidate, name in controls.cancels, gone.get(candidate.name))
            if name in controls.priorities:
                asked = {"priority": controls.priorities[name]}
                candidate = replace(candidate, options=candidate.options.model_copy(update=asked))
            if outcome is not None:
                outcomes[name] = outcome
                if name in controls.cancels:
                    result.cancels[name] = controls.cancels[name].path
            elif candidate.decision is Decision.CLAIM and name in controls.holds:
                candidate = replace(candidate, decision=Decision.HOLD, message=on_hold(name))
            waits = outcome is None and candidate.decision in (Decision.WAIT, Decision.HOLD)
            (result.waiting if waits else result.ready)[name] = candidate
        return outcomes

    def _next(
        self,
        ready: Mapping[str, JobCandidate],
        outcomes: Mapping[str, JobOutcome],
        live: Mapping[str, SpooledJob],
    ) -> list[str]:
        """Who is claimed now: what is to end at once, and whose turn is near."""
        queued = [
            (entry.scheduling_key, "") for entry in live.values() if entry.state is JobState.QUEUED
        ]
        candidates = [
            (candidate.scheduling_key, name)
            for name, candidate in ready.items()
            if name not in outcomes
        ]
        order = self._scheduler.order([*queued, *candidates], lambda each: each[0])
        limit = self._config().claim_limit
        return [*list(outcomes)[:limit], *(name for _, name in order[:limit] if name)]

    def _claim(
        self, candidate: JobCandidate, name: str, outcome: JobOutcome | None, result: ScanResult
    ) -> bool:
        """Into `result`: claimed, or waiting if it cannot be claimed now."""
        if self._backoff.is_delayed(candidate.name):
            result.waiting[name] = replace(candidate, message=self._refusals[candidate.name])
            return False
        try:
            entry = self._spool.claim(candidate, name, outcome)
        except FileNotFoundError:
            return False  # Taken away at this moment: the next scan will tell.
        except Exception as error:  # One job must not stop the others.
            unforeseen = None if isinstance(error, OSError) else error
            log.error("%s cannot be taken in: %s", JobTag(name), error, exc_info=unforeseen)
            self._backoff.delay(candidate.name)
            words = self._folder.why_refused(error) if isinstance(error, OSError) else str(error)
            message = f"cannot be taken in: {words}; it is tried again"
            self._refusals[candidate.name] = message
            result.waiting[name] = replace(candidate, message=message)
            return False
        self._refusals.pop(candidate.name, None)
        result.claimed.append(entry)
        log.info("%s %s", entry.tag, "claimed" if outcome is None else outcome.state)
        return True

    def _retry(
        self, controls: ControlFiles, result: ScanResult, live: Mapping[str, SpooledJob]
    ) -> bool:
        """Claim failed jobs that are to be tried again; False if there is no room for all."""
        failing = _failing(live.values())
        replaced, reasons = controls.replace_sidecars(result.waiting, self._inbox, failing)
        for name in replaced:
            self._names.pop(result.waiting.pop(name).name, None)
        for name, reason in reasons.items():
            result.waiting[name] = replace(result.waiting[name], message=reason)
        names = self._names_left(entry.job.name for entry in live.values())

        def claim(candidate: JobCandidate) -> bool:
            name = names.take(portable_name(candidate.name))
            outcome = _outcome(candidate)
            if outcome is None and candidate.decision is not Decision.CLAIM:
                outcome = outcome_now(JobState.FAILED, error=candidate.message)
            return self._claim(candidate, name, outcome, result)

        room = self._config().claim_limit - _queued(live) - len(result.claimed)
        but = failing | reasons.keys()
        return controls.retry(self._inbox, room, claim, lambda: self._is_late(result), but)


def _failing(live: Iterable[SpooledJob]) -> set[str]:
    """Names of failed jobs that are not published yet: of such a part may lie in `failed/`."""
    failing = [entry for entry in live if entry.state is JobState.FAILED]
    folders = {Path(e.outcome.folder).name for e in failing if e.outcome and e.outcome.folder}
    return folders | {entry.job.name for entry in failing}


def _queued(live: Mapping[str, SpooledJob]) -> int:
    return sum(entry.state is JobState.QUEUED for entry in live.values())


def _outcome(
    candidate: JobCandidate, cancelled: bool = False, gone: str | None = None
) -> JobOutcome | None:
    """The end of a candidate that will not be painted. `gone`: how one knows that its client is."""
    if candidate.settled and (cancelled or gone is not None):
        return outcome_now(JobState.CANCELLED, error=None if cancelled else gone)
    if candidate.decision is Decision.REFUSE:
        error = candidate.error or HotFolderError(candidate.message)
        return outcome_now(JobState.FAILED, error=str(error))
    return None


def _shared_paths(candidate: JobCandidate) -> set[Path]:
    return {file.path for file in candidate.inputs if file.shared and not file.stays}
