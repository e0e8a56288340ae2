"""Where the originals of jobs go when these have ended, and how they are removed from there.

done/2026-11-25/cat/.archived-by-impasto    written first: which files of the folder are ours
"""

import contextlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from hotfolder.atomic_files import move, read_json, remove_leftovers, write_json
from hotfolder.config.model import Config
from hotfolder.file_names import FILE_NAME_BYTES, FreeNames, check_plain
from hotfolder.folder_access import mkdir, rmdir, sync_folder, unlink
from hotfolder.paths import FolderPaths

__all__ = ["ARCHIVED", "move_originals", "originals_parent", "remove_originals"]

ARCHIVED = ".archived-by-impasto"
"""The mark of a folder in done/DATE/ that retention may remove. Its time is that of the end."""

_ABOUT = "Impasto put these files here. `retention` in config.yaml removes them, and nothing else."


def originals_parent(
    folder: FolderPaths, config: Config, finished: str, *, cancelled: bool
) -> Path | None:
    """Where the originals of what ended at `finished` go; None if they are not kept."""
    # What is cancelled has no result, so its originals are never deleted.
    if config.originals == "archive" or cancelled:
        return folder.done / datetime.fromisoformat(finished).astimezone().date().isoformat()
    return folder.kept if config.originals == "keep" else None


def move_originals(paths: FolderPaths, folder: Path, moves: Iterable[tuple[Path, str]]) -> None:
    """Move files into `folder`, each under a name, or under one with a number where that is taken.
    May be repeated."""
    # Not `parents=True`: if a network share has gone, its mount point is an empty folder, in
    # which nothing must be made.
    mkdir(folder.parent, exist_ok=True)
    mkdir(folder, exist_ok=True)
    remove_leftovers(folder)
    moves = list(moves)
    marks = folder.is_relative_to(paths.done)
    names = [name for _, name in moves]
    if marks:
        write_json(folder / ARCHIVED, {"about": _ABOUT, "files": names}, indent=True)
    placed = [_move(source, folder, name) for source, name in moves]
    if marks and placed != names:
        write_json(folder / ARCHIVED, {"about": _ABOUT, "files": placed}, indent=True)
    sync_folder(folder)


def remove_originals(folder: Path) -> None:
    """Remove what `move_originals` has put into a folder of done/, and the folder if nothing else
    is in it.

    Raises:
        OSError: it cannot be removed, or has not the mark.
    """
    try:
        ours = [str(name) for name in read_json(folder / ARCHIVED)["files"]]
        check_plain(*ours)
    except (ValueError, TypeError, KeyError):
        ours = []  # Nobody knows any more which are ours.
    for name in ours:
        unlink(folder / name, missing_ok=True)
    unlink(folder / ARCHIVED)
    with contextlib.suppress(OSError):
        rmdir(folder)


def _move(source: Path, folder: Path, name: str) -> str:
    """The name under which it is there now."""
    names = FreeNames(longest=FILE_NAME_BYTES)
    while True:
        there = names.take_file(name)
        # Missing if it vanished before the claim was finished; a job's error says so.
        with contextlib.suppress(FileNotFoundError):
            try:
                move(source, folder / there)
            except FileExistsError:
                continue  # A file system may take names for one that differ in case alone.
        return there
