"""What is left of a claim whose documents cannot be read: a job that has failed, with its files.

A disk may damage any file. Nothing of it is thrown away: the pictures lie in `inputs/`, and the
last status, or else their own names, say which job they were.
"""

from collections.abc import Sequence
from pathlib import Path

from engine.settings import Settings
from hotfolder import folder_access
from hotfolder.atomic_files import read_json
from hotfolder.file_names import FileRole, is_presentable, parse
from hotfolder.job import Job
from hotfolder.limits import MAX_STATUS_BYTES
from hotfolder.paths import FolderPaths
from hotfolder.spool.claims import PlannedMove
from hotfolder.spool.entry import SpooledJob, outcome_now
from plugin.client.protocol import LIVE_STATES, RESERVED_NAMES, STATUS_SUFFIX, JobState

__all__ = ["name_in_status", "salvaged"]


def salvaged(
    folder: Path, claim_id: str, names: tuple[str, str] | None, reason: str, place: Path
) -> SpooledJob:
    """A failed job with the files in `folder/inputs`.

    Args:
        claim_id: of the job.
        names: the job's, and the one under which it was dropped, if they are known.
        reason: why it cannot be read.
        place: the folder in the spool where it is to lie.
    """
    try:
        files = sorted(folder_access.names(folder / "inputs"))
    except (FileNotFoundError, NotADirectoryError):  # Taken away; or a link lies in its place.
        files = []
    name, source = names or (_name_of(files) or claim_id,) * 2
    moves = tuple(PlannedMove(str(place / "inputs" / each), each, shared=False) for each in files)
    job = Job(claim_id, name, source, str(place), "", (), Settings())
    error = f"What the server had noted of it cannot be read any more ({reason})."
    if not any(_says_its_role(each) for each in files):
        error += " Nor do the names of its files say what each of them is: drop it anew."
    outcome = outcome_now(JobState.FAILED, error=error)
    return SpooledJob(job, moves, JobState.FAILED, outcome=outcome)


def name_in_status(
    folder: FolderPaths, claim_id: str, *, live: bool = False
) -> tuple[str, str] | None:
    """The name of the job with this id, and the one under which it was dropped, as its last status
    has them; with `live`, only if it says that the job has not ended."""
    try:
        files = folder_access.names(folder.status)
    except OSError:
        return None
    for file in files:
        name = file.removesuffix(STATUS_SUFFIX)
        if name == file or name in RESERVED_NAMES or not is_presentable(name):
            continue  # Nothing that the server has written of a job.
        try:
            status = read_json(folder.status / file, MAX_STATUS_BYTES)
            named, source, state = status["id"], status["source"], JobState(status["state"])
        except (OSError, ValueError, TypeError, LookupError):
            continue
        if named == claim_id and isinstance(source, str):
            return None if live and state not in LIVE_STATES else (name, source)
    return None


def _name_of(files: Sequence[str]) -> str | None:
    """The job's name, if its files name one."""
    named = {parsed.job for file in files if (parsed := parse(file)) and parsed.job}
    return named.pop() if len(named) == 1 and all(map(is_presentable, named)) else None


def _says_its_role(file: str) -> bool:
    parsed = parse(file)
    return parsed is not None and parsed.role not in (FileRole.PICTURE, FileRole.OTHER)
