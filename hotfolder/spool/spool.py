"""The spool: claimed jobs, one folder each. It is the queue; nothing else remembers jobs.

    spool/JOB/job.json      the job and how its inputs came here; written first, never changed
    spool/JOB/inputs/       the pictures and the sidecar
    spool/JOB/state.json    replaced at every step of the job's life; its first writing is the claim
    spool/JOB/result.png, preview.jpg, progression.jpg, ...     from the worker
    spool/JOB/checkpoint-7.json, checkpoint-7.pt    from the worker, for the next one

Every step can be interrupted. A folder without `job.json` has taken nothing and is removed; one
without `state.json` is an unfinished claim, which goes on by the plan in `job.json`.
"""

import errno
import logging
import os
import secrets
import shutil
import stat
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.settings import Settings
from hotfolder.atomic_files import copy, move, read_json, remove_leftovers, sync_folder, write_json
from hotfolder.errors import InputError
from hotfolder.file_names import FileRole
from hotfolder.inbox.candidate import JobCandidate
from hotfolder.job import TRANSITIONS, Job
from hotfolder.paths import FolderPaths
from hotfolder.spool.entry import (
    JobOutcome,
    PlannedMove,
    SpooledJob,
    apply_state,
    entry_of,
    job_document,
    outcome_now,
)
from plugin.client.protocol import JobState

__all__ = ["Spool"]

log = logging.getLogger(__name__)


class Spool:
    """The jobs of one hot folder. Used by one daemon at a time (the lock sees to that)."""

    def __init__(self, folder: FolderPaths) -> None:
        self._folder = folder
        self._last_id = ""
        self._unsettled: list[Path] = []
        """Job folders that are in no order yet: half claimed, half removed, or not readable."""

    def claim(
        self, candidate: JobCandidate, name: str, outcome: JobOutcome | None = None
    ) -> SpooledJob:
        """Take a drop's files out of the inbox.

        Args:
            name: the job's, unique among live jobs.
            ending: for a drop that is refused or cancelled: it is claimed with its end decided.

        Raises:
            OSError: the files cannot be taken; what was taken is back in the inbox.
        """
        entry = self._planned(candidate, name, outcome)
        try:
            entry.folder.mkdir()
            entry.inputs.mkdir()
            write_json(entry.folder / "job.json", job_document(entry))
            self._take(entry)
            self._write_state(entry)
        except OSError:
            self._undo(entry)
            raise
        return entry

    def restore(self) -> list[SpooledJob]:
        """Every job in the spool, oldest first; unfinished claims are finished.

        Jobs that were running are queued again.
        """
        self._unsettled = sorted(self._folder.spool.iterdir())
        entries = self.catch_up()
        self._last_id = max((entry.job.id for entry in entries), default="")
        return entries

    def catch_up(self) -> list[SpooledJob]:
        """Put in order what could not be so far; the jobs that come of it."""
        folders, self._unsettled = self._unsettled, []
        entries = []
        for folder in folders:
            try:
                entry = self._taken_up(folder)
            except OSError as error:
                log.error("[%s] cannot be taken up yet: %s", folder.name, error)
                self._unsettled.append(folder)
            except (ValueError, TypeError, KeyError) as error:
                self._set_aside(folder, error)
            else:
                entries += [entry] if entry else []
        return entries

    @property
    def needs_to_catch_up(self) -> bool:
        return bool(self._unsettled)

    def change(self, entry: SpooledJob, state: JobState | None = None, **facts: Any) -> None:
        """Go to another state and note facts, on the disk first.

        Raises:
            ValueError: the table of transitions has no such step.
            OSError: it cannot be written; the entry is as before.
        """
        if state is not None and state not in TRANSITIONS[entry.state]:
            raise ValueError(f"job {entry.job.id}: from {entry.state} to {state}")
        before = dict(vars(entry))
        vars(entry).update(facts, state=state or entry.state)
        try:
            self._write_state(entry)
        except OSError:
            vars(entry).update(before)
            raise

    def remove(self, entry: SpooledJob) -> None:
        """Forget a job whose end is published."""
        # Without job.json what is left is nobody's: a removal cut short is completed at restart.
        (entry.folder / "job.json").unlink(missing_ok=True)
        sync_folder(entry.folder)
        self._remove_folder(entry.folder)

    def _planned(
        self, candidate: JobCandidate, name: str, outcome: JobOutcome | None
    ) -> SpooledJob:
        """Decide names and ways; touch nothing."""
        job_id = self._new_id()
        folder = self._folder.spool / job_id
        moves: dict[Path, PlannedMove] = {}
        taken: set[str] = set()
        for input_file in candidate.inputs:
            if input_file.path not in moves:
                target = _free_name(input_file.path.name, taken)
                moves[input_file.path] = PlannedMove(
                    str(input_file.path), target, input_file.shared
                )
        names = {
            role: [moves[input_file.path].target for input_file in candidate.of(role)]
            for role in (FileRole.CONTENT, FileRole.STYLE, FileRole.INIT, FileRole.SIDECAR)
        }
        job = Job(
            id=job_id,
            name=name,
            source=candidate.name,
            folder=str(folder),
            content=_first(names[FileRole.CONTENT]) or "",
            styles=tuple(names[FileRole.STYLE]),
            # A refused drop may have none that are valid; it will not be painted.
            settings=candidate.settings or Settings(),
            init=_first(names[FileRole.INIT]),
            sidecar=_first(names[FileRole.SIDECAR]),
            dropped=candidate.dropped,
            client=candidate.client,
            options=candidate.options,
        )
        state = outcome.state if outcome else JobState.QUEUED
        return SpooledJob(job, tuple(moves.values()), state, outcome=outcome)

    def _take(self, entry: SpooledJob) -> None:
        """Bring every input in; those already here stay.

        Raises:
            OSError: the first that could not come, after the others have.
        """
        refused: OSError | None = None
        for step in entry.moves:
            source, target = Path(step.source), entry.inputs / step.target
            try:
                if not step.shared:
                    move(source, target)
                elif not target.exists():
                    copy(source, target)
            except OSError as error:
                refused = refused or error
        sync_folder(entry.inputs)
        sync_folder(self._folder.inbox)
        if refused is not None:
            raise refused

    def _undo(self, entry: SpooledJob) -> None:
        """Put back what was taken. If that cannot be done, the restart goes on with the claim."""
        try:
            for step in entry.moves:
                source, target = Path(step.source), entry.inputs / step.target
                if not step.shared and os.path.lexists(target):
                    if os.path.lexists(source):
                        raise FileExistsError(errno.EEXIST, "dropped again", str(source))
                    move(target, source)
            (entry.folder / "job.json").unlink(missing_ok=True)
            self._remove_folder(entry.folder)
        except OSError as error:
            log.error("[%s] half claimed; it will be finished: %s", entry.job.id, error)
            self._unsettled.append(entry.folder)

    def _remove_folder(self, folder: Path) -> None:
        """One without `job.json`: what is left of it is nobody's."""
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.lexists(folder):
            self._unsettled.append(folder)

    def _taken_up(self, folder: Path) -> SpooledJob | None:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return None
        remove_leftovers(folder)
        remove_leftovers(folder / "inputs")
        try:
            # Not `exists()`, to which a disk that cannot be read is an empty one.
            (folder / "job.json").lstat()
        except FileNotFoundError:
            self._remove_folder(folder)
            return None
        return self._restored(folder)

    def _restored(self, folder: Path) -> SpooledJob:
        entry = entry_of(read_json(folder / "job.json"), folder)
        try:
            apply_state(entry, read_json(folder / "state.json"))
        except FileNotFoundError:
            entry.inputs.mkdir(exist_ok=True)
            try:
                self._take(entry)
            except FileNotFoundError as error:
                message = (
                    f"{Path(error.filename or entry.job.source).name}: vanished or unreadable "
                    f"while the job was taken in ({error.strerror}). Drop the job again."
                )
                entry.state = JobState.FAILED
                code = int(InputError.exit_code)
                entry.outcome = outcome_now(JobState.FAILED, error=message, exit_code=code)
            self._write_state(entry)
        if entry.state is JobState.RUNNING:
            self.change(entry, JobState.QUEUED)
        return entry

    def _set_aside(self, folder: Path, error: Exception) -> None:
        """A job folder that cannot be read is shown to a person, not thrown away."""
        aside = self._folder.failed / folder.name
        log.error("[%s] unreadable job, moved to %s: %s", folder.name, aside, error)
        try:
            shutil.move(folder, aside)
        except OSError:
            self._unsettled.append(folder)

    def _write_state(self, entry: SpooledJob) -> None:
        document = {
            "state": entry.state,
            "attempt": entry.attempt,
            "lost": entry.lost,
            "ran": entry.ran,
            "started": entry.started,
            "outcome": asdict(entry.outcome) if entry.outcome else None,
        }
        write_json(entry.folder / "state.json", document)

    def _new_id(self) -> str:
        """Sorts by time of claim, even if the clock is set back."""
        now = datetime.now(UTC)
        stamp = _stamp(now)
        if stamp <= self._last_id[: len(stamp)]:
            last = datetime.strptime(self._last_id[: len(stamp)], _STAMP).replace(tzinfo=UTC)
            stamp = _stamp(last + timedelta(microseconds=1))
        self._last_id = f"{stamp}-{secrets.token_hex(2)}"
        return self._last_id


_STAMP = "%Y%m%d-%H%M%S-%f"


def _stamp(moment: datetime) -> str:
    return moment.strftime(_STAMP)


def _free_name(name: str, taken: set[str]) -> str:
    """`name`, or with a number before it: two folders may each have a wave.jpg."""
    unclaimed, number = name, 2
    while unclaimed.casefold() in taken:
        unclaimed, number = f"{number}-{name}", number + 1
    taken.add(unclaimed.casefold())
    return unclaimed


def _first(names: Sequence[str]) -> str | None:
    return names[0] if names else None
