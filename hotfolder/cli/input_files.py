"""Pictures that a command is given."""

import os
from collections.abc import Iterable
from pathlib import Path

from hotfolder.errors import InputError
from hotfolder.near_misses import NearNames
from plugin.client.protocol import PICTURE_SUFFIXES

__all__ = ["check_files", "why_no_file"]


def check_files(paths: Iterable[Path]) -> None:
    """
    Raises:
        InputError: one of them is no file.
    """
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: {why_no_file(path)}.{_did_you_mean(path)}")


def why_no_file(path: Path) -> str:
    """What is at `path` instead of a file, in words."""
    if path.is_dir():
        return "a folder, not a picture"
    if path.is_symlink():
        return "a link to nothing"
    return "not a plain file" if os.path.lexists(path) else "no such file"


def _did_you_mean(path: Path) -> str:
    """The picture beside `path` that is called nearly so."""
    if os.path.lexists(path) or not path.parent.is_dir():
        return ""
    names = (each.name for each in sorted(path.parent.iterdir()))
    near = NearNames(n for n in names if n.lower().endswith(PICTURE_SUFFIXES)).nearest(path.name)
    return f" Did you mean {str(path.with_name(near))!r}?" if near else ""
