"""The spool: claimed jobs, one folder each. It is the queue; nothing else remembers jobs.

    spool/JOB/job.json      the job's plan: the job, and how its inputs came here
    spool/JOB/inputs/       the pictures and the sidecar
    spool/JOB/state.json    where it is in its life
    spool/JOB/result.png, preview.jpg, progression.jpg, ...     from the worker
    spool/JOB/checkpoint-7.json, checkpoint-7.pt    from the worker, for the next one

`claims.py` has how a folder is claimed, restored and removed.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from engine.settings import Settings
from hotfolder import folder_access
from hotfolder.atomic_files import read_json, write_json
from hotfolder.file_names import FILE_NAME_BYTES, FileRole, FreeNames
from hotfolder.inbox.candidate import JobCandidate
from hotfolder.job import TRANSITIONS, Job
from hotfolder.paths import FolderPaths
from hotfolder.spool.claims import ClaimStore, PlannedMove
from hotfolder.spool.entry import JobOutcome, SpooledJob
from hotfolder.spool.salvage import name_in_status, salvaged
from plugin.client.protocol import JobState

__all__ = ["Spool"]


class Spool(ClaimStore[SpooledJob]):
    """The jobs of one hot folder."""

    def __init__(self, folder: FolderPaths) -> None:
        super().__init__(folder.spool, "job.json", SpooledJob, folder, self._salvaged)
        self._last_id = ""
        self._claimed: dict[str, SpooledJob] = {}
        self._unsettled_names: dict[str, str | None] = {}
        """Of jobs that cannot be taken up, by id."""

    def claim(
        self, candidate: JobCandidate, name: str, outcome: JobOutcome | None = None
    ) -> SpooledJob:
        """Take a candidate's files out of the inbox.

        Args:
            name: the job's, unique among live jobs.
            outcome: of one that is refused or cancelled, which is claimed with its end decided.

        Raises:
            OSError: the files cannot be taken; what was taken is back in the inbox.
        """
        entry = self._planned(candidate, name, outcome)
        self.take(entry)
        self._claimed[entry.job.id] = entry
        return entry

    def take_claimed(self) -> dict[str, SpooledJob]:
        """The jobs that have come since the last call, by id: so that none of them is forgotten,
        whatever was raised after its claim."""
        claimed, self._claimed = self._claimed, {}
        return claimed

    def restore(self) -> list[SpooledJob]:
        """Every job in the spool, oldest first; unfinished claims are finished.

        Jobs that were running are queued again.
        """
        entries = super().restore()
        ids = (entry.job.id for entry in entries if _ID.fullmatch(entry.job.id))
        self._last_id = max(ids, default="")
        return entries

    def catch_up(self) -> list[SpooledJob]:
        entries = super().catch_up()
        self._claimed |= {entry.job.id: entry for entry in entries}
        return entries

    def adopt(self, folder: Path, reason: str) -> None:
        """Make the folder of a batch that cannot be read a job that has failed. It comes with what
        `catch_up` returns.

        Raises:
            OSError
        """
        place = self._root / self._new_id()
        entry = salvaged(folder, place.name, (folder.name, folder.name), reason, place)
        write_json(folder / "job.json", entry.plan_document())
        # The batch's state goes last: without it, its plan would be an unfinished claim.
        folder_access.rename(folder, place)
        self.unsettled.append(place)
        folder_access.unlink(place / "state.json", missing_ok=True)

    def unsettled_jobs(self) -> list[tuple[str, str, str]]:
        """Name, id and reason of each job that cannot be taken up now."""
        for folder in self.unsettled:
            if folder.name in self.reasons and folder.name not in self._unsettled_names:
                self._unsettled_names[folder.name] = self._name_of(folder)
        names = ((job_id, self._unsettled_names.get(job_id)) for job_id in self.reasons)
        return [(name, job_id, self.reasons[job_id]) for job_id, name in names if name]

    def _name_of(self, folder: Path) -> str | None:
        try:
            return str(SpooledJob.from_plan(read_json(folder / "job.json"), folder).job.name)
        except Exception:  # Whatever hinders it, there may be a status.
            named = name_in_status(self._folder, folder.name, live=True)
            return named[0] if named else None

    def _salvaged(self, folder: Path, reason: str) -> SpooledJob:
        try:
            job = SpooledJob.from_plan(read_json(folder / "job.json"), folder).job
            names = (job.name, job.source)
        except Exception:  # It is mostly this that cannot be read.
            names = name_in_status(self._folder, folder.name)  # type: ignore[assignment]
        entry = salvaged(folder, folder.name, names, reason, folder)
        write_json(folder / "job.json", entry.plan_document())
        self.write_state(entry)
        return entry

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
            self.write_state(entry)
        except OSError:
            vars(entry).update(before)
            raise

    def _planned(
        self, candidate: JobCandidate, name: str, outcome: JobOutcome | None
    ) -> SpooledJob:
        """Decide names and ways; touch nothing."""
        job_id = self._new_id()
        # A refused candidate may have none that are valid; it will not be painted.
        settings = candidate.settings or Settings()
        seen = {file.path: file.fingerprint for file in candidate.files}
        moves: dict[Path, PlannedMove] = {}
        targets = FreeNames(longest=FILE_NAME_BYTES)
        for file in candidate.inputs:
            if file.path not in moves:
                target = targets.take_file(file.path.name)
                moves[file.path] = PlannedMove(
                    str(file.path), target, file.shared, seen.get(file.path)
                )
        names = {
            role: [moves[file.path].target for file in candidate.of(role)] for role in FileRole
        }
        job = Job(
            id=job_id,
            name=name,
            source=candidate.name,
            folder=str(self._root / job_id),
            content=_first(names[FileRole.CONTENT]) or "",
            styles=tuple(names[FileRole.STYLE]),
            settings=settings,
            init=_first(names[FileRole.INIT]),
            # The preset's is there, too, where the job's own sidecar asks for other colours.
            palette=_first(names[FileRole.PALETTE]) if settings.takes_palette else None,
            mask=_first(names[FileRole.MASK]),
            regions=tuple(names[FileRole.REGION]),
            style_regions=tuple(names[FileRole.STYLE_REGION]),
            sidecar=_first(names[FileRole.SIDECAR]),
            dropped=candidate.dropped,
            client=candidate.client,
            options=candidate.options,
        )
        state = outcome.state if outcome else JobState.QUEUED
        return SpooledJob(job, tuple(moves.values()), state, outcome=outcome)

    def _new_id(self) -> str:
        """Sorts by time of claim, even if the clock is set back."""
        now = datetime.now(UTC)
        stamp = _stamp(now)
        if stamp <= self._last_id[: len(stamp)]:
            last = datetime.strptime(self._last_id[: len(stamp)], _STAMP).replace(tzinfo=UTC)
            stamp = _stamp(last + timedelta(microseconds=1))
        self._last_id = f"{stamp}-{secrets.token_hex(2)}"
        return self._last_id


_ID = re.compile(r"[12]\d{7}-\d{6}-\d{6}-[0-9a-f]{4}")
"""Folders that somebody has made here are none of ours."""

_STAMP = "%Y%m%d-%H%M%S-%f"


def _stamp(moment: datetime) -> str:
    return moment.strftime(_STAMP)


def _first(names: Sequence[str]) -> str | None:
    return names[0] if names else None
