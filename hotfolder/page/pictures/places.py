"""Which file of a hot folder an address of the page means.

No path of a request is taken as such.
"""

from pathlib import Path

from hotfolder import folder_access
from hotfolder.atomic_files import read_json
from hotfolder.file_names import is_showable
from hotfolder.paths import FolderPaths
from plugin.client import Status
from plugin.client.protocol import (
    CONTENT,
    DONE,
    FAILED,
    INBOX,
    OUTBOX,
    PICTURE_SUFFIXES,
    STYLES,
    parse_picture_stem,
)

__all__ = ["BIN", "content_of", "picture_at"]

BIN = ".bin"
"""In the outbox: what was deleted and can be put back."""

_DEPTHS = {OUTBOX: (1,), DONE: (3,), FAILED: (2,), STYLES: range(1, 8), "bin": (2,)}
"""How many names below each place lead to a picture."""

MAX_JOB_BYTES = 1 << 20


def picture_at(folder: FolderPaths, below: str) -> Path | None:
    """The picture `PLACE/.../NAME`, which need not be there; None if that means none.

    Names are plain: not hidden, no way up, no separator of another system. Opening it follows no
    link (`folder_access`).
    """
    place, *names = below.split("/")
    if len(names) not in _DEPTHS.get(place, ()) or not all(map(_is_plain, names)):
        return None
    if Path(names[-1]).suffix.lower() not in PICTURE_SUFFIXES:
        return None
    root = folder.outbox / BIN if place == "bin" else folder.absolute(place)
    return root.joinpath(*names)


def content_of(folder: FolderPaths, job: Status) -> Path | None:
    """The picture that a live job is to paint, or a texture's style, if it can be told which that
    is."""
    if job.id is not None and _is_plain(job.id):
        claimed = folder.spool / job.id
        try:
            document = read_json(claimed / "job.json", MAX_JOB_BYTES)["job"]
            name = document["content"] or document["styles"][0]
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return None
        return claimed / "inputs" / name if isinstance(name, str) and _is_plain(name) else None
    *folders, name = job.source.split("/")
    if not all(map(_is_plain, (*folders, name))):
        return None
    above = folder.absolute(INBOX).joinpath(*folders)
    try:
        files = folder_access.names(above)
    except OSError:
        return None
    for file in sorted(files):
        path = Path(file)
        is_its = path.stem == name or parse_picture_stem(path.stem) == (name, CONTENT, 0)
        if is_its and path.suffix.lower() in PICTURE_SUFFIXES and _is_plain(file):
            return above / file
    return None


def _is_plain(name: str) -> bool:
    return (
        bool(name)
        and not name.startswith(".")
        and is_showable(name)
        and not any(c in name for c in "/\\:\0")
    )
