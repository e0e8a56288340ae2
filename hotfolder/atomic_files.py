"""Files that appear whole or not at all.

Everything the server writes goes to a temporary name in the same folder first, is synced where it
must survive a power cut, and is then renamed: readers never see half a file. The single steps are
those of `folder_access`: none follows a link, and only regular files are opened.
"""

import contextlib
import errno
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from hotfolder import folder_access
from hotfolder.folder_access import (
    TEMPORARY_PREFIX,
    Fingerprint,
    fingerprint_of,
    open_regular,
    sync_folder,
)
from hotfolder.limits import finite
from hotfolder.platforms import system

__all__ = [
    "ASIDE_PREFIX",
    "MAX_DOCUMENT_BYTES",
    "NO_SPACE",
    "TEMPORARY_PREFIX",
    "FileChangedError",
    "copy",
    "discard",
    "move",
    "move_tree",
    "publish",
    "publish_all",
    "read_json",
    "remove_leftovers",
    "replace_whole",
    "whole",
    "write_json",
    "write_whole",
]

ASIDE_PREFIX = ".impasto-old-"
"""Before the name of a file that is being replaced where that takes two steps."""

# File systems without hard links (FAT, some network shares and container mounts) answer so.
_NO_HARD_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.EMLINK,
    errno.EXDEV,
    errno.EINVAL,
}


NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
"""The disk is full, or what this user may take of it."""

# Some shares answer so when the name is taken, or when somebody has the file open.
_NO_REPLACING = {errno.EEXIST, errno.EACCES, errno.EPERM, errno.EBUSY, errno.ETXTBSY}

CHUNK = 1 << 20

MAX_DOCUMENT_BYTES = 64_000_000
"""A batch of the most items has a plan of some megabytes."""


class FileChangedError(FileNotFoundError):
    """The file that a scan saw is not there any more; another one is, or it has been changed."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.ENOENT, "another file is in its place", str(path))


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write that replaces `path` in one instant when the block has ended without error.

    `durable` also outlives a power cut.
    """
    with _temporary_beside(path) as temporary:
        with folder_access.create(temporary) as file:
            yield file
            if durable:
                file.flush()
                system.sync_file(file.fileno())
        _replace(temporary, path)
    if durable:
        sync_folder(path.parent)


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace `path` by `data`, as `whole` does."""
    with whole(path, durable=durable) as file:
        file.write(data)


def write_json(path: Path, document: Any, *, durable: bool = True, indent: bool = False) -> None:
    """`write_whole` of a JSON document, whose numbers are finite or become null; with `indent`, in
    lines for people to read, which takes several times as long."""
    text = json.dumps(finite(document), indent=1 if indent else None, allow_nan=False)
    write_whole(path, text.encode() + b"\n", durable=durable)


def read_json(path: Path, most: int = MAX_DOCUMENT_BYTES) -> Any:
    """The document of a file that `write_json` wrote.

    Raises:
        ValueError: it has more than `most` bytes, is damaged, or somebody else's.
        OSError
    """
    with open_regular(path) as file:
        if (size := os.fstat(file.fileno()).st_size) > most:
            raise ValueError(f"{path.name}: {size} bytes")
        try:
            return json.load(file, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path.name}: {error}") from None


def copy(source: Path, target: Path, seen: Fingerprint | None = None) -> None:
    """Copy a regular file with its modification time; `target` appears whole.

    Raises:
        FileChangedError: it is not the file that was `seen`, or it was changed meanwhile.
    """
    with _temporary_beside(target) as temporary:
        _copy(source, temporary, seen)
        _replace(temporary, target)


def move(source: Path, target: Path, seen: Fingerprint | None = None) -> None:
    """Rename; across file systems, copy and then remove. `target` appears whole, and replaces
    nothing.

    Calling it again after an interruption goes on: nothing is done when `source` is gone and
    `target` is there. Between the copy and the removal, the source is removed only if it is still
    the file that was copied; one that was put in its place stays.

    Raises:
        FileNotFoundError: neither is there.
        FileChangedError: `source` is not the file that was `seen`.
        FileExistsError: both are there, and `target` is no copy that an interruption left.
    """
    there, here = _fingerprint_at(target), _fingerprint_at(source)
    if here is None:
        if there is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(source))
        discard(_aside_of(source))
        return
    if there is not None:
        if here.device == there.device or seen not in (None, here) or not _same(source, target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        _remove_copied(source, here)
        return
    if seen not in (None, here):
        raise FileChangedError(source)
    try:
        folder_access.rename(source, target)
        return
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    if stat.S_ISLNK(here.kind):
        folder_access.move_link(source, target)
    else:
        copy(source, target, here)
        sync_folder(target.parent)
        _remove_copied(source, here)


def move_tree(source: Path, target: Path) -> None:
    """`move` a folder with all that is in it. What is in `target` already stays."""
    try:
        folder_access.rename(source, target)
        return
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EEXIST, errno.ENOTEMPTY):
            raise
    folder_access.mkdir(target, exist_ok=True)
    for name, facts in folder_access.scan(source):
        (move_tree if stat.S_ISDIR(facts.st_mode) else move)(source / name, target / name)
    folder_access.rmdir(source)


def publish(source: Path, target: Path) -> bool:
    """Give the file `source` the name `target`, unless somebody else's file has it.

    The files may lie on different file systems; `source` stays. True if `target` is now (or was
    already, from an interrupted attempt) this very content.

    A hard link refuses a taken name atomically. Where there are none, the name is looked up before
    the rename, which leaves an instant in which another program's file could be replaced.
    """
    if folder_access.exists(target):
        return _same(source, target)
    with _temporary_beside(target) as temporary:
        _copy(source, temporary)
        try:
            folder_access.link(temporary, target)
        except FileExistsError:
            return _same(source, target)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            if folder_access.exists(target):
                return _same(source, target)
            folder_access.rename(temporary, target)
    sync_folder(target.parent)
    return True


def publish_all(files: Sequence[tuple[Path, Path]], *, overwrite: bool = False) -> bool:
    """`publish` each source under its target, in their order; what is there may be overwritten.

    False, and nothing is left, if one of the targets is somebody else's file.
    """
    for number, (source, target) in enumerate(files):
        if overwrite:
            replace_whole(source, target)
        elif not publish(source, target):
            for _, placed in files[:number]:
                folder_access.unlink(placed, missing_ok=True)
            return False
    return True


def replace_whole(source: Path, target: Path) -> None:
    """Give the file `source` the name `target`, replacing what was there. `source` stays."""
    copy(source, target)
    sync_folder(target.parent)


def discard(path: Path) -> bool:
    """Remove a file that is of no use any more. False if it cannot be, which harms nobody."""
    try:
        folder_access.unlink(path, missing_ok=True)
    except OSError:
        return False
    return True


def remove_leftovers(folder: Path) -> None:
    """Complete or remove what a killed server left half done in `folder`."""
    try:
        names = folder_access.names(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if not name.startswith(TEMPORARY_PREFIX) or not folder_access.is_file(folder / name):
            continue  # What has such a name and is no file was made by somebody else.
        if name.startswith(ASIDE_PREFIX):
            target = folder / name.removeprefix(ASIDE_PREFIX)
            if target.name == ".." or folder_access.exists(target):
                discard(folder / name)
            else:
                folder_access.rename(folder / name, target)
        elif name.endswith(".part"):
            discard(folder / name)


def _copy(source: Path, new: Path, seen: Fingerprint | None = None) -> None:
    with open_regular(source) as reader, folder_access.create(new) as writer:
        facts = os.fstat(reader.fileno())
        if seen not in (None, fingerprint_of(facts)):
            raise FileChangedError(source)
        shutil.copyfileobj(reader, writer, CHUNK)
        writer.flush()
        system.sync_file(writer.fileno())
        if fingerprint_of(os.fstat(reader.fileno())) != fingerprint_of(facts):
            raise FileChangedError(source)
        folder_access.set_times(writer, new, facts)


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _remove_copied(source: Path, copied: Fingerprint) -> None:
    """Remove `source`, if it is what was copied. It is taken out of reach before that is looked at:
    under its own name another file could take its place between the look and the removal."""
    if _fingerprint_at(source) != copied:
        return
    aside = _aside_of(source)
    folder_access.rename(source, aside)
    if _fingerprint_at(aside) == copied:
        folder_access.unlink(aside)
    else:
        folder_access.rename(aside, source)


def _aside_of(source: Path) -> Path:
    """Not made of the name itself, which may already be as long as the file system allows."""
    digest = hashlib.sha256(os.fsencode(source.name)).hexdigest()[:16]
    return source.with_name(f"{TEMPORARY_PREFIX}{digest}.part")


def _fingerprint_at(path: Path) -> Fingerprint | None:
    try:
        return fingerprint_of(folder_access.lstat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _replace(temporary: Path, target: Path) -> None:
    """Rename over `target`. On a share that renames over nothing, `target` is aside for a moment; a
    kill in that moment is mended by `remove_leftovers`."""
    try:
        folder_access.replace(temporary, target)
        return
    except OSError as error:
        if error.errno not in _NO_REPLACING or not folder_access.exists(target):
            raise
    aside = target.with_name(f"{ASIDE_PREFIX}{target.name}")
    folder_access.unlink(aside, missing_ok=True)
    folder_access.rename(target, aside)
    try:
        folder_access.rename(temporary, target)
    except OSError:
        folder_access.rename(aside, target)
        raise
    discard(aside)


@contextlib.contextmanager
def _temporary_beside(path: Path) -> Iterator[Path]:
    """A name for a temporary file, which is gone after the block. Who creates the file leaves its
    mode to the umask, unlike tempfile's 0600."""
    # Not made from the name, which may already be as long as the file system allows.
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}.part")
    try:
        yield temporary
    finally:
        discard(temporary)


def _same(one: Path, other: Path) -> bool:
    """Whether both are regular files with the same contents."""
    if not stat.S_ISREG(folder_access.lstat(other).st_mode):
        return False
    with open_regular(one) as first, open_regular(other) as second:
        while (chunk := first.read(CHUNK)) == second.read(CHUNK):
            if not chunk:
                return True
        return False
