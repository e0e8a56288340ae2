"""Batches of the inbox: `NAME.batch.yaml` becomes jobs, a few at a time, and one summary.

A batch keeps its pictures and hands their copies to jobs, which live like all others; at most
`MAX_ACTIVE` of them are in the spool. Their ends are noted before they leave it, so each item is
painted once, however often the daemon is killed.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from hotfolder.backoff import Backoff
from hotfolder.batches.batch_status import status_of_batch, status_of_half_claimed
from hotfolder.batches.candidates import BatchCandidate, BatchCandidates, BatchControls
from hotfolder.batches.expansion import MAX_ACTIVE
from hotfolder.batches.matching import InputMatcher
from hotfolder.batches.pictures.loose import LoosePictures
from hotfolder.batches.publishing import BatchPublisher
from hotfolder.batches.results.summary import item_end
from hotfolder.batches.store import Batch
from hotfolder.config.reload import CurrentConfig
from hotfolder.errors import HotFolderError
from hotfolder.file_names import FileRole, FreeNames
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.model import Decision, InputFile
from hotfolder.inbox.refusals import RefusalGuard
from hotfolder.job import now
from hotfolder.job_tag import JobTag
from hotfolder.outbox.status_files import StatusWriter
from hotfolder.outbox.written_statuses import WrittenStatuses
from hotfolder.paths import FolderPaths
from hotfolder.spool.claims import ClaimStore
from hotfolder.spool.control_files import on_hold
from hotfolder.spool.entry import JobOutcome, SpooledJob, outcome_now
from hotfolder.spool.spent_controls import SpentControlFiles
from hotfolder.spool.spool import Spool
from hotfolder.throttle import SteppedWork, Steps, Throttle
from plugin.client.protocol import RESERVED_NAMES, ControlFile, JobState, JobStatus

__all__ = ["BatchCoordinator"]

log = logging.getLogger(__name__)

WAITS = "the next paintings wait for a job that may be one of them: "

UNSETTLED = "unsettled batches"  # key of the backoff

TURN_SECONDS = 0.5
"""How long a turn may look at batch files. There may be thousands of them."""


class BatchCoordinator:
    """The batches of one hot folder."""

    def __init__(
        self,
        config: CurrentConfig,
        folder: FolderPaths,
        spool: Spool,
        *,
        spent_controls: SpentControlFiles,
        on_error: Callable[[OSError], None],
        workers: Callable[[], int] = lambda: 1,
        once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`on_error` is called when a status cannot be written; `workers` tells how many paint."""
        self._workers = workers
        self._config = config
        self._folder = folder
        self._spool = spool
        self._clock = clock
        self._store = ClaimStore(folder.batches, "plan.json", Batch, folder, self._salvage)
        self._matcher = InputMatcher(folder)
        self._candidates = BatchCandidates(config, self._matcher, clock, once=once)
        self._publisher = BatchPublisher(folder, clock=clock)
        self._written = WrittenStatuses(StatusWriter(folder), None, on_error, clock)
        self._guard = RefusalGuard()
        self._live: dict[str, Batch] = {}
        self._waiting: dict[str, BatchCandidate] = {}
        self._look: SteppedWork[None] = SteppedWork(clock, TURN_SECONDS)
        self._controls = BatchControls(spent_controls)
        """Those of the last scan."""
        self._troubles: dict[str, str] = {}
        """Why a live batch cannot go on now, in words."""
        self._posting = Throttle(clock)
        self._backoff = Backoff(clock)
        self.settling = False
        """Whether waiting alone may change something."""

    @property
    def names(self) -> AbstractSet[str]:
        """Of batches that live or wait: no job may be called so."""
        return self._live.keys() | self._store.half_claimed | self._waiting.keys()

    @property
    def is_looking(self) -> bool:
        """Whether the look at the last scan has not come to its end."""
        return self._look.is_running

    @property
    def is_idle(self) -> bool:
        """Whether no batch can go on now: each that lives is held, or cannot be written."""
        return not self.is_looking and all(
            name in self._troubles or (name in self._controls.held and not batch.is_complete)
            for name, batch in self._live.items()
        )

    @property
    def troubles(self) -> list[str]:
        """The statuses that cannot be written, and the folders that no status tells of and that
        cannot be put in order, in words."""
        return [*self._written.refused, *self._store.troubles(but=self.names)]

    @property
    def unfinished(self) -> int:
        """How many batches are left: claimed, incomplete, or not to be claimed yet."""
        return len(self.names)

    def restore(self) -> None:
        """Go on with the batches that a daemon before this one had claimed."""
        self._take_up(self._store.restore())

    # --- what a scan has found -------------------------------------------------------------

    def begin_look(
        self, snapshot: Snapshot, taken: AbstractSet[str], priorities: Mapping[str, int]
    ) -> None:
        """Begin to claim batch files that are complete. `taken` are the names of jobs,
        `priorities` those of priority files."""
        self._controls = self._controls.of_scan(snapshot, priorities)
        self._look.begin(self._look_at(snapshot, taken))

    def look(self) -> None:
        """Go on with the look, for as long as a turn may take. The spool takes in batch files that
        are refused or cancelled, as jobs that have ended."""
        self._look.turn()

    def _look_at(self, snapshot: Snapshot, taken: AbstractSet[str]) -> Steps[None]:
        if self._store.unsettled and not self._backoff.is_delayed(UNSETTLED):
            self._take_up(self._store.catch_up())
            self._backoff.delay(UNSETTLED)
        for name in [*self._live]:
            self._obey(name)
        files = snapshot.batch_files
        claimed = self._live.keys() | self._store.half_claimed
        names = self._candidates.choose_names(
            files.keys(), FreeNames((*taken, *claimed, *RESERVED_NAMES))
        )
        found = snapshot if files else Snapshot()
        loose = LoosePictures(self._folder.inbox, found.unclaimed, found.unrecognised)
        waiting: dict[str, BatchCandidate] = {}
        self.settling = False
        yield
        for source, file in files.items():
            name = names[source]
            if self._controls.release(name):
                self._candidates.release(source)
            candidate = yield from self._candidates.judge(source, name, file, loose)
            candidate.priority = self._controls.priorities.get(name)
            if file.settled and name in self._controls.cancelled:
                candidate.decision = Decision.REFUSE
                self._claim_ended(candidate, outcome_now(JobState.CANCELLED))
            elif candidate.decision is Decision.REFUSE:
                outcome = outcome_now(JobState.FAILED, error=str(candidate.error))
                self._claim_ended(candidate, outcome)
            elif candidate.decision is Decision.CLAIM and name in self._controls.held:
                candidate.decision, candidate.message = Decision.HOLD, on_hold(name)
            elif candidate.decision is Decision.CLAIM:
                try:
                    yield from self._claim(candidate, loose)
                except HotFolderError as error:
                    candidate.decision = Decision.REFUSE
                    self._claim_ended(candidate, outcome_now(JobState.FAILED, error=str(error)))
                except Exception as error:
                    self._cannot_take(candidate, error)
            if candidate.decision in (Decision.WAIT, Decision.HOLD):
                waiting[name] = candidate
                self.settling |= candidate.message.startswith("arriving")
            yield
        # What was claimed in the same look has a status of its own by now.
        gone = self._waiting.keys() - names.values() - self._live.keys() - taken
        for name in gone - waiting.keys():
            self._written.clear(name)
        self._waiting = waiting

    def _obey(self, name: str) -> None:
        """What control files ask of a batch that lives."""
        self._controls.release(name)
        batch = self._live[name]
        if name in self._controls.cancelled:
            if not batch.cancelled:
                try:
                    batch.note(cancelled=True)
                except OSError as error:
                    self._note_trouble(name, "it cannot be cancelled", error)
                    return
                self._troubles.pop(name, None)
                log.info("%s batch cancelled", JobTag(name))
            self._controls.remove(name, ControlFile.CANCEL)

    # --- the jobs of the batches that live -------------------------------------------------

    def feed(self, live: Mapping[str, SpooledJob], taken: set[str]) -> Iterator[SpooledJob]:
        """Claim the next items of each batch, as jobs. Their names are added to `taken`."""
        waits = "; ".join(self._spool.troubles()) if self._spool.half_claimed else None
        for name in self._live:
            if waits is not None:
                self._troubles[name] = f"{WAITS}{waits}"
            elif self._troubles.get(name, "").startswith(WAITS):
                del self._troubles[name]
        if waits is not None:
            return  # Each may be the job of an item: it must not be claimed twice.
        active = self._active_items(live)
        names: FreeNames | None = None
        for name, batch in self._live.items():
            if batch.cancelled or name in self._controls.held or self._backoff.is_delayed(name):
                continue
            deadline, workers = batch.plan.deadline, self._workers()
            limit = min(MAX_ACTIVE, deadline.active(workers)) if deadline else MAX_ACTIVE
            room = max(0, limit - len(active[name]))
            for number in batch.next_items(room, but=active[name]):
                names = names or FreeNames((*taken, *self.names, *RESERVED_NAMES))
                try:
                    job_name = names.take(batch.plan.items[number].name)
                    entry = self._spool.claim(batch.candidate(number, workers), job_name)
                except Exception as error:
                    if batch.lacks_picture(number):
                        continue
                    self._note_trouble(name, "no job can be made", error)
                    break
                self._troubles.pop(name, None)
                taken.add(job_name)
                entry.priority = self.priority_of(entry)
                yield entry

    def to_cancel(self, live: Mapping[str, SpooledJob]) -> list[SpooledJob]:
        """Jobs of batches that somebody has cancelled."""
        found = ((entry, self._item_of(entry)) for entry in live.values())
        return [entry for entry, item in found if item is not None and item[0].cancelled]

    def held_jobs(self, live: Mapping[str, SpooledJob]) -> set[str]:
        """The names of jobs whose batch somebody holds."""
        if self._controls.held.isdisjoint(self._live):
            return set()
        found = ((entry, self._item_of(entry)) for entry in live.values())
        return {
            entry.job.name
            for entry, item in found
            if item is not None and item[0].plan.name in self._controls.held
        }

    def priority_of(self, entry: SpooledJob) -> int | None:
        """Which priority a priority file gives to a job: its own, or its batch's."""
        own = self._controls.priorities.get(entry.job.name)
        if own is None and self._controls.priorities and (item := self._item_of(entry)) is not None:
            return self._controls.priorities.get(item[0].plan.name)
        return own

    def note_end(self, entry: SpooledJob, status: Mapping[str, Any]) -> None:
        """Note what came of a job that has been published, if it is an item. May be repeated."""
        if (found := self._item_of(entry)) is not None:
            batch, number = found
            if "started" not in batch.state:
                batch.note(started=now())
            batch.note_end(number, item_end(status))

    def finish(self, live: Mapping[str, SpooledJob]) -> list[Mapping[str, Any]]:
        """Keep the statuses up to date; publish the batches all of whose jobs have ended.

        Returns:
            The last status of each that has ended.
        """
        ended: list[Mapping[str, Any]] = []
        active = self._active_items(live)
        for name, batch in list(self._live.items()):
            if not batch.is_complete or active[name] or self._backoff.is_delayed(name):
                self._post(self._status_of(batch))
                continue
            try:
                published = self._publisher.publish(batch, self._config())
                if published is None:
                    continue
                status = status_of_batch(batch, published=published)
                document = self._written.post(status)
                self._controls.remove(
                    name, ControlFile.CANCEL, ControlFile.HOLD, ControlFile.PRIORITY
                )
                self._store.remove(batch)
            except Exception as error:
                self._note_trouble(name, "the summary cannot be published", error)
                self._post(self._status_of(batch))
                continue
            del self._live[name]
            self._troubles.pop(name, None)
            self._written.forget(name)
            ended.append(document)
            log.info("%s batch ended: %s", JobTag(name), status.message)
        for name in self._store.half_claimed:
            self._post(status_of_half_claimed(name, self._store.reasons.get(name, "")))
        now_seconds = self._clock()
        statuses = (candidate.status(now_seconds) for candidate in self._waiting.values())
        for status in self._posting.take(filter(self._written.has_changed, statuses)):
            self._post(status)
        return ended

    def close(self) -> None:
        self._publisher.close()

    # --- claiming --------------------------------------------------------------------------

    def _claim_ended(self, candidate: BatchCandidate, outcome: JobOutcome) -> None:
        """The batch file as a job that has ended."""
        dropped = candidate.status(0.0).dropped
        inputs, files = (InputFile(FileRole.SIDECAR, candidate.file.path),), (candidate.file,)
        job = JobCandidate(candidate.source, Decision.REFUSE, "", inputs, dropped, files=files)
        try:
            self._spool.claim(job, candidate.name, outcome)
        except OSError as error:
            self._cannot_take(candidate, error)
        else:
            self._controls.remove(candidate.name, ControlFile.CANCEL)

    def _claim(self, candidate: BatchCandidate, loose: LoosePictures) -> Steps[None]:
        """Raises OSError: it cannot be taken in; what was taken is back in the inbox."""
        name, read, found = candidate.name, candidate.read, candidate.found
        assert read is not None
        assert found is not None
        if self._backoff.is_delayed(name):
            candidate.decision = Decision.WAIT
            candidate.message = self._troubles.get(name, "")
            return
        status = candidate.status(0.0)
        plan = yield from self._matcher.plan(status, candidate.file, read, found)
        batch = Batch(self._folder.batches / name, plan)
        candidate.message = "being taken out of the inbox"
        self._waiting[name] = candidate
        yield from self._store.taking(batch)
        self._live[name] = batch
        loose.remove(found.loose)
        self._troubles.pop(name, None)
        log.info("%s batch of %d paintings claimed", JobTag(name), len(plan.items))

    def _cannot_take(self, candidate: BatchCandidate, error: Exception) -> None:
        self._note_trouble(candidate.name, "it cannot be taken in", error)
        candidate.decision = Decision.WAIT
        candidate.message = self._troubles[candidate.name]

    def _note_trouble(self, name: str, what: str, error: Exception) -> None:
        if not isinstance(error, OSError):
            error = self._guard.refusal(name, error)
        reason = self._folder.why_refused(error) if isinstance(error, OSError) else error
        log.error("%s %s: %s", JobTag(name), what, error)
        self._troubles[name] = f"{what} ({str(reason).rstrip('.')}); it is tried again"
        self._backoff.delay(name)

    def _salvage(self, folder: Path, reason: str) -> None:
        """A batch that cannot be read fails, as a job."""
        self._spool.adopt(folder, f"{reason}; the batch file put back into inbox/ begins it anew")

    def _take_up(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            self._live[batch.plan.name] = batch
            log.info("%s batch taken up again", JobTag(batch.plan.name))

    # --- the status ------------------------------------------------------------------------

    def _status_of(self, batch: Batch) -> JobStatus:
        name = batch.plan.name
        return status_of_batch(
            batch,
            held=name in self._controls.held,
            trouble=self._troubles.get(name, ""),
            priority=self._controls.priorities.get(name),
        )

    def _post(self, status: JobStatus) -> None:
        """Write the status if it has changed."""
        if self._written.has_changed(status):
            with self._written.errors_noted(status.name):
                self._written.post(status)

    def _active_items(self, live: Mapping[str, SpooledJob]) -> dict[str, set[int]]:
        """The items whose jobs are in the spool, by the batch's name."""
        active: dict[str, set[int]] = {name: set() for name in self._live}
        for entry in live.values():
            if (found := self._item_of(entry)) is not None:
                active[found[0].plan.name].add(found[1])
        return active

    def _item_of(self, entry: SpooledJob) -> tuple[Batch, int] | None:
        """Which item of which batch a job is."""
        name, _, number = entry.job.source.rpartition(".batch/")
        batch = self._live.get(name)
        if batch is None or entry.job.client.get("batch") != name or not number.isdecimal():
            return None
        return (batch, int(number)) if int(number) < len(batch.plan.items) else None
