"""Batches of the inbox: `NAME.batch.yaml` becomes jobs, a few at a time, and one summary.

A batch keeps its pictures and hands their copies to jobs, which live like all others; at most
`IN_HAND` of them are in the spool. Their ends are noted before they leave it, so each item is
painted once, however often the daemon is killed.
"""

import json
import logging
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engine import __version__
from hotfolder.atomic_files import open_regular, publish, replace_whole, write_whole
from hotfolder.backoff import Backoff
from hotfolder.batches.batch_file import BatchFile, parse_batch
from hotfolder.batches.matching import InputMatcher, MatchResult
from hotfolder.batches.store import Batch
from hotfolder.batches.summary import summary_text
from hotfolder.config.reload import CurrentConfig
from hotfolder.errors import SidecarError
from hotfolder.file_names import FileRole, free_name
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.model import Decision, InboxFile, InputFile
from hotfolder.outbox.status_files import StatusWriter, now
from hotfolder.paths import FolderPaths
from hotfolder.spool.entry import JobOutcome, SpooledJob, outcome_now
from hotfolder.spool.spool import Spool
from hotfolder.workers.worker_process import child_environment
from hotfolder.yaml_document import MAX_BYTES
from plugin.client.protocol import ControlFile, JobState, JobStatus

__all__ = ["BatchCoordinator"]

log = logging.getLogger(__name__)

IN_HAND = 16
"""Jobs of one batch in the spool: each has copies of its pictures."""

STATUS_SECONDS = 1.0
SHEET_SECONDS = 600.0
"""The contact sheet is given up after that; the summary comes without it."""

SUMMARY, SHEET = "summary.yaml", "contact-sheet.jpg"


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
        self._clock = clock
        self._board = StatusWriter(folder)
        self._finder = InputMatcher(folder)
        self._live: dict[str, Batch] = {}
        self._half: dict[str, Path] = {}
        """Batches whose files could be taken in part only, by name."""
        self._waiting: dict[str, JobStatus] = {}
        self._written: dict[str, tuple[JobStatus, float]] = {}
        self._backoff = Backoff(clock)
        self._sheets: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
        self.settling = False
        """Whether waiting alone may change something."""

    @property
    def names(self) -> AbstractSet[str]:
        """Of batches that live: no job may be called so."""
        return self._live.keys() | self._half.keys()

    @property
    def waiting(self) -> int:
        """Batch files that lack something."""
        return len(self._waiting)

    def restore(self) -> None:
        """Go on with what a daemon before this one had."""
        if not self._folder.batches.is_dir():
            return
        for folder in sorted(self._folder.batches.iterdir()):
            self._restore(folder)

    def _restore(self, folder: Path) -> None:
        name = folder.name
        try:
            batch = Batch.restore(folder)
        except OSError as error:
            log.error("[%s] the batch cannot be taken in: %s", name, error)
            self._half[name] = folder
            self._backoff.delay(name)
            return
        except (ValueError, TypeError, KeyError) as error:
            aside = self._folder.failed / name
            log.error("[%s] unreadable batch, moved to %s: %s", name, aside, error)
            shutil.move(folder, aside)
            return
        if batch is not None:
            self._live[name] = batch
            log.info("[%s] batch taken up again", name)

    def look(self, snapshot: Snapshot, taken: AbstractSet[str]) -> list[SpooledJob]:
        """Claim batch files that are complete. `taken` are the names of jobs.

        Returns:
            Batch files that are refused or cancelled, as jobs that have ended.
        """
        for name in [name for name in self._half if not self._backoff.is_delayed(name)]:
            self._restore(self._half.pop(name))
        waiting: dict[str, JobStatus] = {}
        cancels = snapshot.control_files[ControlFile.CANCEL]
        refused = []
        self.settling = False
        for source, file in snapshot.batch_files.items():
            name = free_name(source, lambda n: n in taken or n in self.names)
            dropped = datetime.fromtimestamp(file.fingerprint.mtime_ns / 1e9).astimezone()
            status = JobStatus(name, JobState.WAITING, source=source, dropped=dropped.isoformat())
            if file.settled and name in cancels:
                refused += self._end(status, file, outcome_now(JobState.CANCELLED))
                continue
            try:
                read = self._read(file) if file.settled else None
                found = self._finder.find(read, snapshot.unclaimed) if read else None
            except SidecarError as error:
                code = int(error.exit_code)
                outcome = outcome_now(JobState.FAILED, error=str(error), exit_code=code)
                refused += self._end(status, file, outcome)
                continue
            if read is None or found is None or not found.settled:
                self.settling = True
                waiting[name] = replace(status, message="arriving")
            elif found.lacks:
                waiting[name] = replace(status, message=f"lacks {'; '.join(found.lacks)}")
            elif not self._claim(status, file, read, found):
                waiting[name] = replace(status, message="cannot be taken in; it is tried again")
        for gone in self._waiting.keys() - waiting.keys() - self._live.keys() - taken:
            self._board.clear(gone)
        self._waiting = waiting
        for name, file in cancels.items():
            if (batch := self._live.get(name)) is not None and not batch.cancelled:
                batch.note(cancelled=True)
                log.info("[%s] batch cancelled", name)
                file.path.unlink(missing_ok=True)
        return refused

    def feed(self, live: Mapping[str, SpooledJob], taken: set[str]) -> Iterator[SpooledJob]:
        """Claim the next items of each batch, as jobs. Their names are added to `taken`."""
        for batch in self._live.values():
            busy = {_item_of(entry, batch) for entry in live.values()} - {None}
            room = IN_HAND - len(busy)
            if room <= 0 or batch.cancelled or self._backoff.is_delayed(batch.plan.name):
                continue
            for number in batch.open_items({n for n in busy if n is not None})[:room]:
                try:
                    yield self._spool.claim(*self._candidate_of(batch, number, taken))
                except OSError as error:
                    if not (batch.folder / "inputs" / batch.plan.items[number].content).exists():
                        batch.note_end(number, {"state": "failed", "reason": "its picture is gone"})
                        continue
                    log.error("[%s] no job can be made: %s", batch.plan.name, error)
                    self._backoff.delay(batch.plan.name)
                    break

    def to_cancel(self, live: Mapping[str, SpooledJob]) -> list[SpooledJob]:
        """Jobs of batches that somebody has cancelled."""
        cancelled = [batch for batch in self._live.values() if batch.cancelled]
        return [e for e in live.values() if any(_item_of(e, b) is not None for b in cancelled)]

    def note_end(self, entry: SpooledJob, status: Mapping[str, Any]) -> None:
        """A job has been published; if it is an item, note what came of it. May be told twice."""
        for batch in self._live.values():
            if (number := _item_of(entry, batch)) is not None:
                losses = status.get("losses") or {}
                end = {
                    "state": str(status["state"]),
                    "reason": status["message"] if status["state"] == "failed" else None,
                    "picture": status["result"],
                    "seconds": status["seconds"],
                    "loss": losses.get("total"),
                }
                batch.note_end(number, end)

    def finish(self, live: Mapping[str, SpooledJob]) -> list[Mapping[str, Any]]:
        """Keep the status; publish the summary of batches all of whose jobs have ended.

        Returns:
            The last status of each that has ended.
        """
        ended: list[Mapping[str, Any]] = []
        for name, batch in list(self._live.items()):
            busy = any(_item_of(entry, batch) is not None for entry in live.values())
            complete = batch.cancelled or len(batch.ends) == len(batch.plan.items)
            if busy or not complete or self._backoff.is_delayed(name):
                self._write(self._status_of(batch))
                continue
            try:
                if self._sheet_is_made(batch):
                    status = self._publish(batch)
                    del self._live[name]
                    ended.append(self._board.post(status))
            except OSError as error:
                log.error("[%s] the summary cannot be published: %s", name, error)
                self._backoff.delay(name)
        for status in self._waiting.values():
            self._write(status)
        return ended

    def close(self) -> None:
        for process, _ in self._sheets.values():
            process.kill()
            process.wait()
        self._sheets.clear()

    # --- claiming --------------------------------------------------------------------------

    def _read(self, file: InboxFile) -> BatchFile:
        try:
            with open_regular(file.path) as opened:
                data = opened.read(MAX_BYTES + 1)
        except OSError as error:
            raise SidecarError(f"{file.name}: cannot be read: {error.strerror}.") from None
        return parse_batch(data, file.name, self._config().settings)

    def _end(self, status: JobStatus, file: InboxFile, outcome: JobOutcome) -> list[SpooledJob]:
        """The batch file as a job that has ended."""
        input_file = InputFile(FileRole.SIDECAR, file.path)
        candidate = JobCandidate(status.source, Decision.REFUSE, "", (input_file,), status.dropped)
        try:
            return [self._spool.claim(candidate, status.name, outcome)]
        except OSError as problem:
            log.error("[%s] cannot be taken in: %s", status.name, problem)
            return []

    def _claim(
        self, status: JobStatus, file: InboxFile, read: BatchFile, found: MatchResult
    ) -> bool:
        name = status.name
        if self._backoff.is_delayed(name):
            return False
        plan = self._finder.plan(status, file, read, found)
        folder = self._folder.batches / name
        try:
            batch = Batch.claim(folder, plan)
        except OSError as error:
            log.error("[%s] the batch cannot be taken in: %s", name, error)
            self._backoff.delay(name)
            if file.path.exists():  # It is taken first: nothing is in there yet.
                shutil.rmtree(folder, ignore_errors=True)
            else:
                self._half[name] = folder
            return False
        self._live[name] = batch
        log.info("[%s] batch of %d paintings claimed", name, len(plan.items))
        return True

    def _candidate_of(self, batch: Batch, number: int, taken: set[str]) -> tuple[JobCandidate, str]:
        item, plan = batch.plan.items[number], batch.plan
        name = free_name(item.name, lambda n: n in taken or n in self.names)
        taken.add(name)
        candidate = JobCandidate(
            name=f"{plan.name}.batch/{number}",
            decision=Decision.CLAIM,
            message="",
            inputs=batch.inputs(number),
            dropped=plan.dropped,
            settings=plan.variants[item.variant],
            client={**plan.client, "batch": plan.name},
            options=plan.options,
        )
        return candidate, name

    # --- the end ---------------------------------------------------------------------------

    def _sheet_is_made(self, batch: Batch) -> bool:
        """Have a child make the contact sheet; True when it has, or when there will be none."""
        name = batch.plan.name
        if name not in self._sheets:
            pictures = [self._picture(end) for end in batch.ends.values()]
            if (batch.folder / SHEET).exists() or not any(pictures):
                return True
            self._sheets[name] = (self._start_sheet(batch), self._clock() + SHEET_SECONDS)
        process, until = self._sheets[name]
        if process.poll() is None and self._clock() < until:
            return False
        if process.poll() != 0:
            log.error("[%s] no contact sheet could be made (%s)", name, process.poll())
            process.kill()
        process.wait()
        del self._sheets[name]
        return True

    def _start_sheet(self, batch: Batch) -> "subprocess.Popen[bytes]":
        cells = []
        for number, item in enumerate(batch.plan.items):
            picture = self._picture(batch.ends.get(number, {}))
            cells.append({"picture": str(picture) if picture else None, "label": item.name})
        told = batch.folder / "cells.json"
        write_whole(told, json.dumps(cells).encode(), durable=False)
        command = [
            sys.executable,
            "-P",
            "-m",
            "hotfolder.batches.summary",
            str(batch.folder / SHEET),
        ]
        with told.open("rb") as stdin:
            return subprocess.Popen(
                [*command, str(batch.plan.columns)],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=child_environment(),
                start_new_session=True,
            )

    def _picture(self, end: Mapping[str, Any]) -> Path | None:
        return self._folder.root / end["picture"] if end.get("picture") else None

    def _publish(self, batch: Batch) -> JobStatus:
        """The summary, then the originals; each step can be repeated."""
        plan, outbox = batch.plan, self._folder.outbox
        if "finished" not in batch.state:
            batch.note(finished=now())
        finished = str(batch.state["finished"])
        started = datetime.fromisoformat(str(batch.state.get("started", finished)))
        text = summary_text(
            [self._job(batch, number) for number in range(len(plan.items))],
            started=started.isoformat(timespec="milliseconds"),
            finished=finished,
            seconds=(datetime.fromisoformat(finished) - started).total_seconds(),
            version=__version__,
        )
        write_whole(batch.folder / SUMMARY, text.encode())
        files = [each for each in (SHEET, SUMMARY) if (batch.folder / each).exists()]
        while not self._place(batch, files):
            batch.note(published=None)
        published = batch.state["published"]
        if "folder" not in batch.state:
            batch.note(folder=self._loss_backoff_place(batch))
        folder = batch.state["folder"]
        batch.put_back(self._folder.root / folder if folder else None)
        status = replace(
            self._status_of(batch),
            record=self._folder.relative(outbox / f"{published}.{SUMMARY}"),
            folder=folder,
        )
        if SHEET in files:
            result = self._folder.relative(outbox / f"{published}.{SHEET}")
            status = replace(status, result=result)
        batch.remove()
        log.info("[%s] batch ended: %s", plan.name, status.message)
        return status

    def _place(self, batch: Batch, files: list[str]) -> bool:
        """The summary last. False if another program has one of the names."""
        outbox, name = self._folder.outbox, batch.plan.name
        if batch.state.get("published") is None:
            ends = [f".{each}" for each in (SHEET, SUMMARY)]
            free = free_name(name, lambda n: any((outbox / f"{n}{end}").exists() for end in ends))
            batch.note(published=name if self._config().overwrite else free)
        for each in files:
            target = outbox / f"{batch.state['published']}.{each}"
            if self._config().overwrite:
                replace_whole(batch.folder / each, target)
            elif not publish(batch.folder / each, target):
                return False
        return True

    def _loss_backoff_place(self, batch: Batch) -> str | None:
        if self._config().originals == "archive" or batch.cancelled:
            parent = self._folder.done / datetime.now().date().isoformat()
        elif self._config().originals == "keep":
            parent = self._folder.kept
        else:
            return None
        name = free_name(batch.plan.name, lambda n: (parent / n).exists())
        return self._folder.relative(parent / name)

    def _job(self, batch: Batch, number: int) -> dict[str, Any]:
        item = batch.plan.items[number]
        settings = batch.plan.variants[item.variant]
        return {
            "name": item.name,
            "state": "cancelled",  # of a batch that was, before it had its turn
            **batch.ends.get(number, {}),
            "content": item.content,
            "styles": list(item.styles),
            "preset": settings.preset,
            "size": settings.size,
        }

    # --- the status ------------------------------------------------------------------------

    def _status_of(self, batch: Batch) -> JobStatus:
        plan = batch.plan
        tally = Counter(end["state"] for end in batch.ends.values())
        if batch.ends and "started" not in batch.state:
            batch.note(started=now())
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
        )

    def _write(self, status: JobStatus) -> None:
        before = self._written.get(status.name)
        due = before is None or self._clock() - before[1] >= STATUS_SECONDS
        if due or (before is not None and before[0] != status):
            self._written[status.name] = (status, self._clock())
            self._board.post(status)


def _item_of(entry: SpooledJob, batch: Batch) -> int | None:
    """Which item of the batch a job is."""
    source, _, number = entry.job.source.rpartition("/")
    if source != f"{batch.plan.name}.batch" or entry.job.client.get("batch") != batch.plan.name:
        return None
    return int(number) if number.isdecimal() and int(number) < len(batch.plan.items) else None
