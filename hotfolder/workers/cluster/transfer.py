"""A job's files as bytes: from its spool folder to a worker on another machine, and back."""

import contextlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from hotfolder.atomic_files import read_json, write_whole
from hotfolder.file_names import check_plain
from hotfolder.folder_access import names, open_regular, unlink
from hotfolder.workers.events import FINISHED_SUFFIX

__all__ = [
    "Files",
    "finished_paintings",
    "newest_checkpoint",
    "read_job",
    "write_checkpoint",
    "write_files",
    "write_job",
]

Files = Mapping[str, bytes]
"""By name. In a job's files those in `inputs/` begin so."""

INPUTS = "inputs"


def read_job(folder: Path) -> Files:
    """The inputs of a job, its newest checkpoint, if there is one, and what is finished of it.

    Raises:
        OSError: a file cannot be read, or is none (a link, a pipe).
    """
    inputs = {f"{INPUTS}/{name}": _read(folder / INPUTS / name) for name in names(folder / INPUTS)}
    return {**inputs, **newest_checkpoint(folder), **finished_paintings(folder)}


def write_job(files: Files, folder: Path) -> None:
    """The same in an empty folder of a worker's own."""
    (folder / INPUTS).mkdir()
    for name, data in files.items():
        check_plain(name.removeprefix(f"{INPUTS}/"))
        (folder / name).write_bytes(data)


def newest_checkpoint(folder: Path, but: int = 0) -> Files:
    """The two files of the newest checkpoint (`hotfolder.workers.checkpoints`) after number `but`;
    empty if there is none, or if it is replaced by the next just now."""
    numbers = _checkpoints(folder)
    if not numbers or numbers[-1] <= but:
        return {}
    with contextlib.suppress(OSError):
        pair = [f"checkpoint-{numbers[-1]}.{suffix}" for suffix in ("pt", "json")]
        return {name: _read(folder / name) for name in pair}
    return {}


def finished_paintings(folder: Path, but: Collection[str] = ()) -> Files:
    """The files of the finished paintings of a series (`hotfolder.workers.series`), the note of
    each behind its files; without those whose notes are `but`, or that cannot be read."""
    found: dict[str, bytes] = {}
    for note in sorted(names(folder)):
        if note.endswith(FINISHED_SUFFIX) and note not in but:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                files = read_json(folder / note)["files"]
                check_plain(*files)
                found |= {name: _read(folder / name) for name in (*files, note)}
    return found


def write_checkpoint(files: Files, folder: Path) -> None:
    """Into the job's spool folder, where it is the only one then. The facts come last: without
    them the other file counts for nothing.

    Raises:
        OSError
    """
    before = [name for name in names(folder) if name.startswith("checkpoint-")]
    write_files(dict(sorted(files.items(), reverse=True)), folder)
    for name in sorted(before):
        if name not in files:
            unlink(folder / name, missing_ok=True)


def write_files(files: Files, folder: Path) -> None:
    """Each whole or not at all, in the order in which they come.

    Raises:
        OSError, ValueError
    """
    check_plain(*files)
    for name, data in files.items():
        write_whole(folder / name, data)


def _checkpoints(folder: Path) -> list[int]:
    found = (re.fullmatch(r"checkpoint-(\d+)\.json", name) for name in names(folder))
    return sorted(int(match[1]) for match in found if match)


def _read(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read()
