"""What went wrong with an actor or with a job's files, in words. Imports Ray."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray.exceptions import RayTaskError

from hotfolder.atomic_files import NO_SPACE
from hotfolder.errors import ExitCode
from hotfolder.workers.events import Failed, StorageFailed, event_document

__all__ = ["failed", "in_words"]


def failed(job_id: str, error: Exception) -> Mapping[str, Any]:
    """A file of the job's folder could not be read or written here."""
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        return event_document(StorageFailed(job_id, f"A file failed: {error}", full=True))
    name = getattr(error, "filename", None)
    words = f"{Path(name).name}: {error.strerror}" if name and isinstance(error, OSError) else error
    return event_document(Failed(job_id, f"A file failed: {words}", int(ExitCode.FILE_ACCESS)))


def in_words(error: Exception) -> str:
    """Ray tells how a process ended as far as it knows, in many words."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if "creation task" in str(error) or isinstance(error, RayTaskError):
        hint = ". Each node needs the same Impasto" if "ModuleNotFound" in lines[-1] else ""
        return f"could not work: {lines[-1][:300]}{hint}"
    text = " ".join(lines)
    return f"died (often: SIGKILL, since the system ran out of memory). Ray says: {text[-300:]}"
