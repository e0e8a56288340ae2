"""What the page asks the server to do, by the control files of docs/protocol.md."""

import getpass
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from hotfolder import folder_access
from hotfolder.atomic_files import write_whole
from hotfolder.errors import InputError
from hotfolder.page.folder.snapshot import FolderReader
from hotfolder.server.pause import Pause
from plugin.client import Status
from plugin.client.protocol import ControlFile, JobState

__all__ = ["JOB_CONTROLS", "cancel_waiting", "control", "failed_names", "pause", "resume", "retry"]

PRIORITIES = range(10)
DEFAULT_PRIORITY = 5


def _cancel(reader: FolderReader, job: Status) -> str:
    folder_access.touch(_file(reader, job.name, ControlFile.CANCEL))
    return f"{job.name} is asked to stop."


def _hold(reader: FolderReader, job: Status) -> str:
    folder_access.touch(_file(reader, job.name, ControlFile.HOLD))
    return f"{job.name} is held until you release it."


def _release(reader: FolderReader, job: Status) -> str:
    folder_access.touch(_file(reader, job.name, ControlFile.RELEASE))
    return f"{job.name} goes on."


def _sooner(reader: FolderReader, job: Status) -> str:
    return _prioritise(reader, job, 1)


def _later(reader: FolderReader, job: Status) -> str:
    return _prioritise(reader, job, -1)


def _prioritise(reader: FolderReader, job: Status, change: int) -> str:
    before = DEFAULT_PRIORITY if job.priority is None else job.priority
    priority = before + change
    if priority not in PRIORITIES:
        return f"{job.name} has the {'highest' if change > 0 else 'lowest'} priority already."
    path = _file(reader, job.name, ControlFile.PRIORITY)
    write_whole(path, f"{priority}\n".encode())
    return f"{job.name} has priority {priority} now."


JOB_CONTROLS: dict[str, Callable[[FolderReader, Status], str]] = {
    "cancel": _cancel,
    "hold": _hold,
    "release": _release,
    "sooner": _sooner,
    "later": _later,
}


def control(reader: FolderReader, verb: str, name: str) -> str:
    """Write the control file of a live job or batch; what was asked for, in words.

    Raises:
        InputError: there is no such job.
        OSError, ClientError: the inbox cannot be written to.
    """
    job = reader.latest.job(name)
    if job is None:
        raise InputError(f"{name!r} is no job that waits or runs; it may have ended just now.")
    return JOB_CONTROLS[verb](reader, job)


def cancel_waiting(reader: FolderReader) -> str:
    """Cancel every job that has not begun."""
    jobs = reader.latest.of_state(JobState.QUEUED, JobState.WAITING, JobState.HELD)
    for job in jobs:
        folder_access.touch(_file(reader, job.name, ControlFile.CANCEL))
    return f"{_counted(len(jobs), 'job')} asked to stop." if jobs else "Nothing waits."


def failed_names(reader: FolderReader) -> list[str]:
    """The folders in failed/, as `retry` names them, the last first."""
    try:
        found = folder_access.scan(reader.folder.failed)
    except OSError:
        return []
    folders = [
        (facts.st_mtime_ns, name)
        for name, facts in found
        if not name.startswith(".") and folder_access.is_folder(reader.folder.failed / name)
    ]
    return [name for _, name in sorted(folders, reverse=True)]


def retry(reader: FolderReader, names: list[str]) -> str:
    """Have failed jobs tried again.

    Raises:
        InputError: there is no such folder in failed/.
    """
    there = set(failed_names(reader))
    for name in names:
        if name not in there:
            raise InputError(f"There is no failed/{name}/.")
    for name in names:
        folder_access.touch(_file(reader, name, ControlFile.RETRY))
    if len(names) == 1:
        return f"{names[0]} is tried again."
    return f"{_counted(len(names), 'job')} tried again." if names else "Nothing has failed."


def pause(reader: FolderReader, reason: str) -> str:
    """Start no job until `resume`."""
    since = datetime.now(UTC).isoformat(sep=" ", timespec="minutes")
    who = f"from the page, by {getpass.getuser()} on {socket.gethostname()} since {since}"
    folder_access.mkdir(reader.folder.private, exist_ok=True)
    reason = " ".join(reason.split())[:120]
    Pause(reader.folder).begin(who + (f": {reason}" if reason else ""))
    return "Paused. What is being painted is finished; nothing new is begun."


def resume(reader: FolderReader) -> str:
    return "Painting goes on." if Pause(reader.folder).end() else "It was not paused."


def _file(reader: FolderReader, job: str, kind: ControlFile) -> Path:
    return reader.folder.inbox / kind.of(job)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun} is" if count == 1 else f"{count} {noun}s are"
