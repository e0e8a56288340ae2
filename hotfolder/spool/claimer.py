"""From the inbox into the spool: when to look, what to claim, whom to cancel."""

import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from hotfolder.atomic_files import discard, open_regular
from hotfolder.backoff import RETRY_SECONDS, Backoff
from hotfolder.config.reload import CurrentConfig
from hotfolder.errors import HotFolderError, InputError
from hotfolder.file_names import free_name, shown
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.client_liveness import ClientLiveness
from hotfolder.inbox.failed_folder import FailedFolder
from hotfolder.inbox.folder_scanner import ScanOptions
from hotfolder.inbox.model import Decision, InboxFile
from hotfolder.inbox.scanner import InboxScanner
from hotfolder.inbox.watcher import FolderWatcher
from hotfolder.job import State
from hotfolder.paths import FolderPaths
from hotfolder.scheduling import Scheduler
from hotfolder.spool.entry import JobOutcome, SpooledJob, outcome_now
from hotfolder.spool.spool import Spool
from plugin.client.protocol import RESERVED_NAMES, ControlFile

__all__ = ["Claimer", "ScanResult", "on_hold"]

log = logging.getLogger(__name__)

LOOK_SHARE = 4.0
"""After a look so many times as long must pass before the next."""

LATE_SECONDS = 2.0
"""How much later than the change itself its event may come. watchdog keeps some back for 0.5 s."""


@dataclass
class ScanResult:
    """What one look at the inbox led to."""

    claimed: list[SpooledJob] = field(default_factory=list)
    cancelled: dict[str, str] = field(default_factory=dict)
    """Live jobs that are to end, by id, and why (empty: somebody said so). Named again at every
    look until they have."""
    waiting: dict[str, JobCandidate] = field(default_factory=dict)
    """Drops that are not complete, by the name they have in the status."""
    ready: dict[str, JobCandidate] = field(default_factory=dict)
    """Drops whose turn is too far away to claim them, by the same."""
    cancels: dict[str, Path] = field(default_factory=dict)
    """Cancel files, by the name of the job they end; to be removed when it has ended."""
    snapshot: Snapshot | None = None
    """What was found; None if nothing was looked at, but more of the last look is claimed."""
    priorities: Mapping[str, int] = field(default_factory=dict)
    """What somebody has said since they were dropped, by the jobs' names."""
    holds: frozenset[str] = frozenset()
    """Names of jobs that somebody holds."""
    unrecognised: tuple[str, ...] = ()
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
        *,
        once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._folder = folder
        self._spool = spool
        self._scheduler = scheduler
        self._clock = clock
        self._once = once
        self._inbox = InboxScanner(folder, self._scan_options, clock=clock)
        # Whether the system's events are used stays, and so does how long a client may be silent.
        polling = config().watch.polling
        self._watcher = FolderWatcher([folder.inbox, folder.styles], polling=polling)
        self._absence = ClientLiveness(config().client_timeout, clock)
        self._backoff = Backoff(clock)
        self._next_look = 0.0
        self._names: dict[str, str] = {}
        """What each drop is called, by the name it was dropped under; kept while it is there."""
        self._batches: AbstractSet[str] = frozenset()
        self._more = False
        """Whether the last look left jobs in the inbox that could have been claimed."""
        self._last = ScanResult()
        self._rang = False
        self._has_looked = False
        self._not_before = 0.0
        self._missed_since: float | None = None
        """When a look found a change that the bell has not rung for yet."""

    def seconds_to_next_scan(self) -> float:
        # Not before a look may be: the loop would turn and turn for nothing.
        return max(0.0, self._next_look - self._clock(), self._not_before - self._clock())

    def scan_if_due(
        self, live: Mapping[str, SpooledJob], batches: AbstractSet[str] = frozenset()
    ) -> ScanResult | None:
        """Look if the bell rang or it is time. `live` are the jobs in the spool; no job is called
        as one of the `batches`.

        The inbox being out of reach is not the same as its being empty: then nothing is changed.
        """
        pending = self._watcher.pending() or self._rang
        if self._clock() < self._not_before or not (pending or self._clock() >= self._next_look):
            self._rang = pending
            return self._refill(live) if self._more and self._runs_low(live) else None
        self._rang = False
        started = self._clock()
        if self._watcher.check() or pending:
            self._missed_since = None
        self._batches = batches
        try:
            snapshot = self._inbox.scan()
        except OSError as error:
            log.error("cannot look into %s: %s", self._folder.inbox, error.strerror or error)
            self._next_look = self._clock() + RETRY_SECONDS
            return None
        # What lay there at the start came before there was a bell.
        self._listen(snapshot.changed and not pending and self._has_looked)
        self._has_looked = True
        watch = self._config().watch
        pause = watch.rescan_seconds if self._watcher.native else watch.poll_seconds
        if snapshot.settling is not None:
            pause = min(pause, snapshot.settling)
        self._next_look = self._clock() + pause
        look = self._last = self._take(snapshot, live)
        if (listening := self._absence.seconds_between_looks) is not None:
            self._next_look = min(self._next_look, self._clock() + listening)
        # In a crowd a look takes its time, and every claim rings the bell.
        self._not_before = self._clock() + LOOK_SHARE * (self._clock() - started)
        return look

    def _scan_options(self) -> ScanOptions:
        config = self._config()
        # Nothing more will come to a server that ends with what is there.
        wait_seconds = 0 if self._once else config.wait_seconds
        return ScanOptions(config.settings, config.settle_seconds, wait_seconds)

    def _refill(self, live: Mapping[str, SpooledJob]) -> ScanResult:
        """Claim more of what the last look found, unless it has changed since."""
        look = replace(
            self._last,
            snapshot=None,
            claimed=[],
            cancelled={},
            cancels={},
            ready=dict(self._last.ready),
        )
        plain = {
            name: candidate
            for name, candidate in look.ready.items()
            if candidate.decision is Decision.CLAIM and not self._shared_paths(candidate)
        }
        for name in self._next(plain, {}, live):
            candidate = look.ready.pop(name)
            if candidate.is_unchanged():
                self._claim(candidate, name, None, look)
        self._more = bool(plain.keys() & look.ready.keys())
        if not self._more:
            self._next_look = 0.0
        self._last = look
        return look

    def close(self) -> None:
        self._watcher.close()

    def _listen(self, news: bool) -> None:
        """Mistrust a bell that is silent when things change. It may be late by a moment."""
        if self._missed_since is None:
            self._missed_since = self._clock() if news else None
        elif self._clock() - self._missed_since >= LATE_SECONDS:
            self._missed_since = None
            self._watcher.missed_event()

    def _take(self, snapshot: Snapshot, live: Mapping[str, SpooledJob]) -> ScanResult:
        priorities, unclear = _priorities(snapshot.control_files[ControlFile.PRIORITY])
        look = ScanResult(
            snapshot=snapshot,
            priorities=priorities,
            holds=frozenset(snapshot.control_files[ControlFile.HOLD]),
            unrecognised=(*snapshot.unrecognised, *unclear),
            settling=snapshot.settling is not None,
        )
        if self._spool.needs_to_catch_up and not self._backoff.is_delayed("spool"):
            look.claimed += self._spool.catch_up()
            self._backoff.delay("spool")
        by_name = {entry.job.name: entry for entry in (*live.values(), *look.claimed)}
        gone = self._gone(snapshot, live)
        for entry in live.values():
            if entry.job.source in gone:
                look.cancelled[entry.job.id] = gone[entry.job.source]
        cancels = snapshot.control_files[ControlFile.CANCEL]
        for name, file in cancels.items():
            if name in by_name:
                look.cancels[name] = file.path
                look.cancelled[by_name[name].job.id] = ""
        shared: set[Path] = set()
        outcomes: dict[str, JobOutcome] = {}
        for name, candidate in self._named(snapshot.candidates, by_name.keys()).items():
            outcome = self._decided(candidate, name in cancels, gone.get(candidate.name))
            if name in look.priorities:
                said = {"priority": look.priorities[name]}
                candidate = replace(candidate, options=candidate.options.model_copy(update=said))
            if outcome is None and candidate.decision is Decision.CLAIM and name in look.holds:
                candidate = replace(candidate, decision=Decision.HOLD, message=on_hold(name))
            if outcome is None and candidate.decision in (Decision.WAIT, Decision.HOLD):
                look.waiting[name] = candidate
                continue
            look.ready[name] = candidate
            if outcome is not None:
                outcomes[name] = outcome
                if name in cancels:
                    look.cancels[name] = cancels[name].path
        for name in self._next(look.ready, outcomes, live):
            candidate = look.ready.pop(name)
            paths = self._shared_paths(candidate)
            if paths & shared:
                # What one drop has copied may now be the other's alone: look again first.
                look.waiting[name] = candidate
                self._next_look = 0.0
                look.settling = True
            else:
                shared |= paths
                self._claim(candidate, name, outcomes.get(name), look)
        self._more = bool(look.ready)
        self._retry(snapshot, look, live)
        self._release(snapshot, look)
        self._remove_idle(snapshot, live, look)
        return look

    def _retry(self, snapshot: Snapshot, look: ScanResult, live: Mapping[str, SpooledJob]) -> None:
        """Claim failed jobs that somebody wants to be tried again, so many as there is room for."""
        room = self._config().claim_limit - sum(
            entry.state is State.QUEUED for entry in live.values()
        )
        taken = {entry.job.name.casefold() for entry in live.values()} | RESERVED_NAMES
        taken |= {name.casefold() for name in self._names.values()}
        for failed, file in snapshot.control_files[ControlFile.RETRY].items():
            if len(look.claimed) >= room:
                self._more = True  # The others' turn comes.
                return
            claimed = len(look.claimed)
            candidates = self._inbox.failed(failed)
            for candidate in candidates:
                name = free_name(failed, lambda candidate: candidate.casefold() in taken)
                taken.add(name.casefold())
                outcome = self._decided(candidate, cancelled=False, gone=None)
                if outcome is None and candidate.decision is not Decision.CLAIM:
                    code = int(InputError.exit_code)
                    outcome = outcome_now(State.FAILED, error=candidate.message, exit_code=code)
                self._claim(replace(candidate, name=failed), name, outcome, look)
            if len(look.claimed) - claimed == len(candidates):
                if not candidates:
                    log.warning("[%s] nothing in failed/%s can be tried again", failed, failed)
                FailedFolder(self._folder.failed / failed).clear()
                file.path.unlink(missing_ok=True)

    def _release(self, snapshot: Snapshot, look: ScanResult) -> None:
        """End the hold of those for whom a release file is there."""
        for name, file in snapshot.control_files[ControlFile.RELEASE].items():
            if name in look.holds:
                discard(self._folder.inbox / f"{name}.hold")
            elif name in look.waiting:
                self._inbox.release(look.waiting[name].name)
            else:
                continue
            log.info("[%s] released", name)
            discard(file.path)
            look.settling, self._next_look = True, 0.0

    def _runs_low(self, live: Mapping[str, SpooledJob]) -> bool:
        queued = sum(entry.state is State.QUEUED for entry in live.values())
        return queued <= self._config().claim_limit // 2

    def _named(
        self, candidates: Sequence[JobCandidate], live: AbstractSet[str]
    ) -> dict[str, JobCandidate]:
        """The drops by what they are called: like no live job, and the same at every look."""
        before, self._names = self._names, {}
        names = (*live, *before.values(), *self._batches)
        taken = {name.casefold() for name in names} | RESERVED_NAMES
        for candidate in candidates:
            name = before.get(candidate.name)
            if name is None or name in live:
                name = free_name(candidate.called, lambda candidate: candidate.casefold() in taken)
                taken.add(name.casefold())
            self._names[candidate.name] = name
        return {self._names[candidate.name]: candidate for candidate in candidates}

    def _next(
        self,
        ready: Mapping[str, JobCandidate],
        outcomes: Mapping[str, JobOutcome],
        live: Mapping[str, SpooledJob],
    ) -> list[str]:
        """Who is claimed now: what is to end at once, and whose turn is near."""
        queued = [
            (entry.scheduling_key, "") for entry in live.values() if entry.state is State.QUEUED
        ]
        candidates = [
            (candidate.scheduling_key, name)
            for name, candidate in ready.items()
            if name not in outcomes
        ]
        line = self._scheduler.order([*queued, *candidates], lambda each: each[0])
        ended = list(outcomes)[: self._config().claim_limit]
        return [*ended, *(name for _, name in line[: self._config().claim_limit] if name)]

    def _gone(self, snapshot: Snapshot, live: Mapping[str, SpooledJob]) -> Mapping[str, str]:
        """Whose client is gone and how one knows, by the name under which the job was dropped."""
        owned = [(entry.job.source, entry.job.options.owner) for entry in live.values()]
        owned += [(candidate.name, candidate.options.owner) for candidate in snapshot.candidates]
        owners = {name: owner for name, owner in owned if owner is not None}
        beats = snapshot.control_files[ControlFile.HEARTBEAT]
        return self._absence.gone(owners, {name: file.fingerprint for name, file in beats.items()})

    def _decided(
        self, candidate: JobCandidate, cancelled: bool, gone: str | None
    ) -> JobOutcome | None:
        """The end of a drop that will not be painted."""
        if candidate.settled and (cancelled or gone is not None):
            return outcome_now(State.CANCELLED, error=None if cancelled else gone)
        if candidate.decision is Decision.REFUSE:
            error = candidate.error or HotFolderError(candidate.message)
            return outcome_now(State.FAILED, error=str(error), exit_code=int(error.exit_code))
        return None

    def _claim(
        self, candidate: JobCandidate, name: str, outcome: JobOutcome | None, look: ScanResult
    ) -> None:
        later = replace(candidate, message="cannot be taken in; it is tried again")
        if self._backoff.is_delayed(candidate.name):
            look.waiting[name] = later
            return
        try:
            entry = self._spool.claim(candidate, name, outcome)
        except FileNotFoundError:
            return  # Taken away at this moment: the next look will tell.
        except OSError as error:
            log.error("[%s] cannot be taken in: %s", name, error)
            self._backoff.delay(candidate.name)
            look.waiting[name] = later
            return
        look.claimed.append(entry)
        log.info("%s %s", entry.tag, "claimed" if outcome is None else outcome.state)

    def _shared_paths(self, candidate: JobCandidate) -> set[Path]:
        return {
            input_file.path
            for input_file in candidate.inputs
            if input_file.shared and not input_file.stays
        }

    def _remove_idle(
        self, snapshot: Snapshot, live: Mapping[str, SpooledJob], look: ScanResult
    ) -> None:
        """Remove what is said about nobody, once it is no delivery's forerunner: such as a beat
        that came after the job's end. A hold may be there long before its job."""
        names = {entry.job.name for entry in live.values()} | look.candidates.keys()
        sources = {entry.job.source for entry in live.values()}
        sources |= {candidate.name for candidate in snapshot.candidates}
        whole = self._batches | snapshot.batch_files.keys()
        known = {
            ControlFile.CANCEL: names | look.cancels.keys() | whole,
            ControlFile.RELEASE: names,
        }
        for role, whose in (known | {ControlFile.HEARTBEAT: sources}).items():
            for name, file in snapshot.control_files[role].items():
                if name not in whose and file.settled:
                    log.debug("[%s] nothing to %s", name, role)
                    discard(file.path)


def _priorities(files: Mapping[str, InboxFile]) -> tuple[dict[str, int], list[str]]:
    """What is written in `NAME.priority`, a digit; and which of them say something else."""
    said: dict[str, int] = {}
    unclear = []
    for name, file in files.items():
        with contextlib.suppress(OSError), open_regular(file.path) as opened:
            text = opened.read(16).strip()
            if len(text) == 1 and text.isdigit():
                said[name] = int(text)
            elif file.settled:
                unclear.append(f"{shown(file.name)} (expected a digit in it, from 0 to 9)")
    return said, unclear


def on_hold(name: str) -> str:
    """What the status says of a job that somebody holds."""
    return f"somebody holds it; `impasto release {name}` lets it go on"
