"""Files that appear whole or not at all.

Everything the server writes goes to a temporary name in the same folder first, is synced where it
must survive a power cut, and is then renamed: readers never see half a file. Files of the inbox,
which anybody may have put there, are opened without following links and only if they are regular.
"""

import contextlib
import errno
import filecmp
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from hotfolder.limits import finite

__all__ = [
    "ASIDE_PREFIX",
    "NO_SPACE",
    "TEMPORARY_PREFIX",
    "copy",
    "discard",
    "move",
    "open_regular",
    "publish",
    "publish_all",
    "read_json",
    "remove_leftovers",
    "replace_whole",
    "sync_folder",
    "whole",
    "write_json",
    "write_whole",
]

TEMPORARY_PREFIX = ".impasto-"
"""With `.part` at the end: hidden, and never taken for an input."""

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


@contextlib.contextmanager
def whole(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file to write that replaces `path` in one instant when the block has ended without error.

    `durable` also outlives a power cut.
    """
    with _temporary_beside(path) as temporary:
        with temporary.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        _replace(temporary, path)
    if durable:
        sync_folder(path.parent)


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace `path` by `data`, as `whole` does."""
    with whole(path, durable=durable) as file:
        file.write(data)


def write_json(path: Path, document: Any, *, durable: bool = True) -> None:
    """`write_whole` of a JSON document, whose numbers are finite or become null."""
    text = json.dumps(finite(document), indent=1, allow_nan=False)
    write_whole(path, text.encode() + b"\n", durable=durable)


def read_json(path: Path) -> Any:
    """The document of a file that `write_json` wrote."""
    return json.loads(path.read_bytes())


def open_regular(path: Path) -> IO[bytes]:
    """Open for reading a file that anybody may have put there.

    Raises:
        OSError: also when it is a link, a pipe, a device or a folder. It cannot block on a pipe.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def copy(source: Path, target: Path) -> None:
    """Copy a regular file with its modification time; `target` appears whole."""
    with _temporary_beside(target) as temporary:
        with open_regular(source) as reader, temporary.open("xb") as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fsync(writer.fileno())
            times = os.fstat(reader.fileno())
        os.utime(temporary, ns=(times.st_atime_ns, times.st_mtime_ns))
        _replace(temporary, target)


def move(source: Path, target: Path) -> None:
    """Rename; across file systems, copy and then remove. `target` appears whole.

    Calling it again after an interruption goes on: nothing is done when `source` is gone and
    `target` is there. Interrupted between the copy and the removal, the source is removed only if
    it is still the file that was copied.

    Raises:
        FileNotFoundError: neither is there.
    """
    there = target.lstat() if os.path.lexists(target) else None
    try:
        here = source.lstat()
    except FileNotFoundError:
        if there is not None:
            return
        raise
    if there is None:
        try:
            source.rename(target)
            return
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        if stat.S_ISREG(here.st_mode):
            copy(source, target)
            sync_folder(target.parent)
            source.unlink()
        else:
            shutil.move(source, target)
    elif here.st_dev != there.st_dev and filecmp.cmp(source, target, shallow=False):
        source.unlink()


def publish(source: Path, target: Path) -> bool:
    """Give the file `source` the name `target`, unless somebody else's file has it.

    The files may lie on different file systems; `source` stays. True if `target` is now (or was
    already, from an interrupted attempt) this very content.

    A hard link refuses a taken name atomically. Where there are none, the name is looked up before
    the rename, which leaves an instant in which another program's file could be replaced.
    """
    if os.path.lexists(target):
        return _same(source, target)
    with _temporary_beside(target) as temporary:
        copy(source, temporary)
        try:
            os.link(temporary, target)
        except FileExistsError:
            return _same(source, target)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            if os.path.lexists(target):
                return _same(source, target)
            temporary.rename(target)
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
                placed.unlink(missing_ok=True)
            return False
    return True


def replace_whole(source: Path, target: Path) -> None:
    """Give the file `source` the name `target`, replacing what was there. `source` stays."""
    copy(source, target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` outlive a power cut, where the file system can."""
    with contextlib.suppress(OSError):  # Windows cannot open folders; some shares cannot sync them.
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def discard(path: Path) -> bool:
    """Remove a file that is of no use any more. False if it cannot be, which harms nobody."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def remove_leftovers(folder: Path) -> None:
    """Complete or remove what a killed server left half done in `folder`."""
    for aside in folder.glob(f"{ASIDE_PREFIX}*"):
        target = aside.with_name(aside.name.removeprefix(ASIDE_PREFIX))
        if os.path.lexists(target):
            discard(aside)
        else:
            aside.rename(target)
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*.part"):
        discard(leftover)


def _replace(temporary: Path, target: Path) -> None:
    """Rename over `target`. On a share that renames over nothing, `target` is aside for a moment; a
    kill in that moment is mended by `remove_leftovers`."""
    try:
        temporary.replace(target)
        return
    except OSError as error:
        if error.errno not in _NO_REPLACING or not os.path.lexists(target):
            raise
    aside = target.with_name(f"{ASIDE_PREFIX}{target.name}")
    aside.unlink(missing_ok=True)
    target.rename(aside)
    try:
        temporary.rename(target)
    except OSError:
        aside.rename(target)
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
    return not other.is_symlink() and other.is_file() and filecmp.cmp(one, other, shallow=False)
