"""Batches of the inbox: `NAME.batch.yaml` becomes jobs, a few at a time, and one summary.

A batch keeps its pictures and hands their copies to jobs, which live like all others; at most
`MAX_ACTIVE` of them are in the spool. Their ends are noted before they leave it, so each item is
painted once, however often the daemon is killed.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any

from hotfolder.backoff import Backoff
from hotfolder.batches.batch_file import BatchFile, parse_batch
from hotfolder.batches.expansion import MAX_ACTIVE
from hotfolder.batches.matching import InputMatcher, MatchResult
from hotfolder.batches.publishing import BatchPublisher
from hotfolder.batches.store import Batch
from hotfolder.batches.summary import item_end
from hotfolder.config.reload import CurrentConfig
from hotfolder.errors import SidecarError
from hotfolder.file_names import FileRole, free_name
from hotfolder.folder_access import is_file, unlink
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.listing import newest_time
from hotfolder.inbox.model import Decision, InboxFile, InputFile
from hotfolder.inbox.sidecar import read_text
from hotfolder.job import now
from hotfolder.job_tag import JobTag
from hotfolder.limits import MAX_MESSAGE, shortened
from hotfolder.outbox.status_files import StatusWriter
from hotfolder.paths import FolderPaths
from hotfolder.spool.claims import ClaimStore
from hotfolder.spool.entry import JobOutcome, SpooledJob, outcome_now
from hotfolder.spool.spool import Spool
from plugin.client.protocol import (
    RESERVED_NAMES,
    ControlFile,
    JobState,
    JobStatus,
    fold_name,
)

__all__ = ["BatchCoordinator"]

log = logging.getLogger(__name__)

UNSETTLED = "unsettled batches"
"""Key of the backoff."""


class BatchCoordinator:
    """The batches of one hot folder."""

    def __init__(
        self,
        config: CurrentConfig,
        folder: FolderPaths,
        spool: Spool,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._folder = folder
        self._spool = spool
        self._store = ClaimStore(folder.batches, "plan.json", Batch, folder)
        self._matcher = InputMatcher(folder)
        self._publisher = BatchPublisher(folder, clock=clock)
        self._status_writer = StatusWriter(folder)
        self._live: dict[str, Batch] = {}
        self._waiting: dict[str, JobStatus] = {}
        self._posted: dict[str, JobStatus] = {}
        """The last status of each, as it was written."""
        self._backoff = Backoff(clock)
        self.settling = False
        """Whether waiting alone may change something."""

    @property
    def names(self) -> AbstractSet[str]:
        """Of batches that live: no job may be called so."""
        return self._live.keys() | self._store.half_claimed

    @property
    def waiting(self) -> int:
        """How many batch files are incomplete, or cannot be claimed yet."""
        return len(self._waiting)

    def restore(self) -> None:
        """Go on with the batches that a daemon before this one had claimed."""
        self._take_up(self._store.restore())

    def look(self, snapshot: Snapshot, taken: AbstractSet[str]) -> list[SpooledJob]:
        """Claim batch files that are complete. `taken` are the names of jobs.

        Returns:
            Batch files that are refused or cancelled, as jobs that have ended.
        """
        if self._store.unsettled and not self._backoff.is_delayed(UNSETTLED):
            self._take_up(self._store.catch_up())
            self._backoff.delay(UNSETTLED)
        waiting: dict[str, JobStatus] = {}
        cancels = snapshot.control_files[ControlFile.CANCEL]
        refused = []
        self.settling = False
        for source, file in snapshot.batch_files.items():
            name = free_name(source, lambda n: self._is_taken(n, taken))
            dropped = newest_time([file])
            status = JobStatus(name, JobState.WAITING, source=source, dropped=dropped)
            if file.settled and name in cancels:
                refused += self._claim_ended(status, file, outcome_now(JobState.CANCELLED))
                continue
            read = found = None
            try:
                if file.settled:
                    text = read_text(file.path, file.name)
                    read = parse_batch(text, file.name, self._config().settings)
                    found = self._matcher.find(read, snapshot.unclaimed)
            except OSError as error:
                waiting[name] = replace(status, message=f"cannot be read now: {error.strerror}")
                continue
            except SidecarError as error:
                outcome = outcome_now(JobState.FAILED, error=str(error))
                refused += self._claim_ended(status, file, outcome)
                continue
            if read is None or found is None or not found.settled:
                self.settling = True
                waiting[name] = replace(status, message="arriving")
            elif found.missing:
                lacks = shortened("; ".join(found.missing), MAX_MESSAGE)
                waiting[name] = replace(status, message=f"lacks {lacks}")
            elif not self._claim(status, file, read, found):
                waiting[name] = replace(status, message="cannot be taken in; it is tried again")
        for gone in self._waiting.keys() - waiting.keys() - self._live.keys() - taken:
            self._status_writer.clear(gone)
            self._posted.pop(gone, None)
        self._waiting = waiting
        for name, file in cancels.items():
            if (batch := self._live.get(name)) is not None and not batch.cancelled:
                batch.note(cancelled=True)
                log.info("%s batch cancelled", JobTag(name))
                unlink(file.path, missing_ok=True)
        return refused

    def feed(self, live: Mapping[str, SpooledJob], taken: set[str]) -> Iterator[SpooledJob]:
        """Claim the next items of each batch, as jobs. Their names are added to `taken`."""
        if self._spool.half_claimed:
            return  # Each may be the job of an item: it must not be claimed twice.
        active = self._active_items(live)
        for name, batch in self._live.items():
            if batch.cancelled or self._backoff.is_delayed(name):
                continue
            room = max(0, MAX_ACTIVE - len(active[name]))
            for number in batch.next_items(room, but=active[name]):
                try:
                    yield self._spool.claim(*self._candidate_of(batch, number, taken))
                except OSError as error:
                    pictures = batch.inputs_of(batch.plan.items[number])
                    if not all(is_file(picture.path) for picture in pictures):
                        batch.note_end(number, {"state": "failed", "reason": "its picture is gone"})
                        continue
                    log.error("%s no job can be made: %s", JobTag(name), error)
                    self._backoff.delay(name)
                    break

    def to_cancel(self, live: Mapping[str, SpooledJob]) -> list[SpooledJob]:
        """Jobs of batches that somebody has cancelled."""
        found = ((entry, self._item_of(entry)) for entry in live.values())
        return [entry for entry, item in found if item is not None and item[0].cancelled]

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
            complete = batch.cancelled or len(batch.ends) == len(batch.plan.items)
            if not complete or active[name] or self._backoff.is_delayed(name):
                self._post(self._status_of(batch))
                continue
            try:
                published = self._publisher.publish(batch, self._config())
                if published is None:
                    continue
                status = self._status_of(batch, **published)
                document = self._status_writer.post(status)
                self._store.remove(batch)
            except OSError as error:
                log.error("%s the summary cannot be published: %s", JobTag(name), error)
                self._backoff.delay(name)
                continue
            del self._live[name]
            self._posted.pop(name, None)
            ended.append(document)
            log.info("%s batch ended: %s", JobTag(name), status.message)
        for status in self._waiting.values():
            self._post(status)
        return ended

    def close(self) -> None:
        self._publisher.close()

    # --- claiming --------------------------------------------------------------------------

    def _claim_ended(
        self, status: JobStatus, file: InboxFile, outcome: JobOutcome
    ) -> list[SpooledJob]:
        """The batch file as a job that has ended."""
        input_file = InputFile(FileRole.SIDECAR, file.path)
        inputs, files = (input_file,), (file,)
        candidate = JobCandidate(
            status.source, Decision.REFUSE, "", inputs, status.dropped, files=files
        )
        try:
            return [self._spool.claim(candidate, status.name, outcome)]
        except OSError as problem:
            log.error("%s cannot be taken in: %s", JobTag(status.name), problem)
            return []

    def _claim(
        self, status: JobStatus, file: InboxFile, read: BatchFile, found: MatchResult
    ) -> bool:
        name = status.name
        if self._backoff.is_delayed(name):
            return False
        plan = self._matcher.plan(status, file, read, found)
        batch = Batch(self._folder.batches / name, plan)
        try:
            self._store.take(batch)
        except OSError as error:
            log.error("%s the batch cannot be taken in: %s", JobTag(name), error)
            self._backoff.delay(name)
            return False
        self._live[name] = batch
        log.info("%s batch of %d paintings claimed", JobTag(name), len(plan.items))
        return True

    def _take_up(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            self._live[batch.plan.name] = batch
            log.info("%s batch taken up again", JobTag(batch.plan.name))

    def _is_taken(self, name: str, taken: AbstractSet[str]) -> bool:
        return name in taken or name in self.names or fold_name(name) in RESERVED_NAMES

    def _candidate_of(self, batch: Batch, number: int, taken: set[str]) -> tuple[JobCandidate, str]:
        item, plan = batch.plan.items[number], batch.plan
        name = free_name(item.name, lambda n: self._is_taken(n, taken))
        taken.add(name)
        candidate = JobCandidate(
            name=f"{plan.name}.batch/{number}",
            decision=Decision.CLAIM,
            message="",
            inputs=batch.inputs_of(item),
            dropped=plan.dropped,
            settings=item.settings,
            client={**plan.client, "batch": plan.name},
            options=plan.options,
        )
        return candidate, name

    # --- the status ------------------------------------------------------------------------

    def _status_of(self, batch: Batch, **published: Any) -> JobStatus:
        plan = batch.plan
        tally = Counter(end["state"] for end in batch.ends.values())
        counted = ", ".join(f"{count} {state}" for state, count in sorted(tally.items()))
        ended = len(batch.ends) == len(plan.items)
        state = JobState.RUNNING
        if batch.cancelled:
            state = JobState.CANCELLED
        elif ended:
            state = JobState.FAILED if tally["failed"] + tally["cancelled"] else JobState.DONE
        reasons = [
            f"{plan.items[number].name}: {end['reason']}"
            for number, end in sorted(batch.ends.items())
            if end["state"] == "failed"
        ]
        return JobStatus(
            name=plan.name,
            source=plan.source,
            state=state,
            message=f"batch: {counted or 'nothing'} of {len(plan.items)}",
            fraction=round(len(batch.ends) / len(plan.items), 4),
            error="\n".join(reasons[:100]) if ended and reasons else None,
            client=plan.client,
            dropped=plan.dropped,
            **published,
        )

    def _post(self, status: JobStatus) -> None:
        """Write the status if it has changed."""
        if self._posted.get(status.name) != status:
            self._status_writer.post(status)
            self._posted[status.name] = status

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
