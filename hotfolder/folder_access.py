"""Access to files by folder descriptors: on the way to a file no link is ever followed.

Whoever may write into a hot folder may put a link in a folder's place at any moment, between a
look and the next step, too. So nothing here takes a path for granted: the folder of a file is
opened from the root of the file system downwards, each component without following links, and the
operation is done with the file's plain name, relative to that descriptor. A link in the way is a
NotADirectoryError. Paths must be absolute and free of `..`, as those of `FolderPaths` are.

A system without such descriptors (Windows) looks at every component, junctions included, before it
uses the path. That leaves an instant in which a link can be put there.

Every error has the whole path as its `filename`.
"""

import contextlib
import errno
import io
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from hotfolder.descriptors import PLAIN, At, forget_changed, leads_elsewhere, readable
from hotfolder.platforms import system

__all__ = [
    "TEMPORARY_PREFIX",
    "Fingerprint",
    "append",
    "create",
    "entries",
    "exists",
    "fingerprint_of",
    "is_file",
    "is_folder",
    "is_link",
    "last_bytes",
    "link",
    "lstat",
    "mkdir",
    "move_link",
    "names",
    "open_regular",
    "opener",
    "remove_tree",
    "rename",
    "replace",
    "rmdir",
    "scan",
    "set_times",
    "sync_folder",
    "touch",
    "try_writing",
    "unlink",
]


TEMPORARY_PREFIX = ".impasto-"
"""With `.part` at the end: hidden, and never taken for an input."""

# File systems, and systems, that know of no files without a name answer so.
_NO_NAMELESS_FILES = {errno.EOPNOTSUPP, errno.ENOTSUP, errno.EISDIR, errno.EINVAL, errno.ENOSYS}


class Fingerprint(NamedTuple):
    """What changes when a file does. A file that was renamed over another has another inode."""

    size: int
    mtime_ns: int
    inode: int
    device: int = 0
    kind: int = stat.S_IFREG

    def fits_moved(self, facts: os.stat_result) -> bool:
        """Whether what has the facts can be this file, moved to another folder. Not every file
        system leaves it its inode; one that was copied to another device has only the contents."""
        moved = fingerprint_of(facts)
        if moved.device != self.device:
            return (moved.size, moved.kind) == (self.size, self.kind)
        return moved._replace(inode=0) == self._replace(inode=0)


def fingerprint_of(facts: os.stat_result) -> Fingerprint:
    return Fingerprint(
        facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_dev, stat.S_IFMT(facts.st_mode)
    )


# --- files


def open_regular(path: Path) -> io.BufferedReader:
    """Open for reading a file that anybody may have put there.

    Raises:
        OSError: also when it is a link, a pipe, a device or a folder. It cannot block on a pipe.
    """
    return io.BufferedReader(_opened(path, os.O_RDONLY, "rb"))


def last_bytes(path: Path, most: int) -> bytes:
    """The end of a file that anybody may have put there, as `open_regular`; for many files, as
    quickly as may be."""
    descriptor = _descriptor_of_file(path, os.O_RDONLY)
    try:
        os.lseek(descriptor, max(0, os.fstat(descriptor).st_size - most), os.SEEK_SET)
        return os.read(descriptor, most)
    finally:
        os.close(descriptor)


def opener(path: str, flags: int) -> int:
    """For `open(path, opener=opener)`: as `open_regular`, for those who do not know of it."""
    return _descriptor_of_file(Path(path), flags)


def create(path: Path) -> IO[bytes]:
    """A new file to write, and to read again. Its mode is left to the umask.

    Raises:
        FileExistsError: something has that name, be it a link that leads nowhere.
    """
    return io.BufferedRandom(_opened(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, "w+b"))


def append(path: Path) -> IO[bytes]:
    """The regular file at `path`, made if it is not there, to write at its end."""
    return io.BufferedWriter(_opened(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, "ab"))


def touch(path: Path) -> None:
    """Make an empty file, or give the one that is there the present time."""
    with append(path) as file:
        if os.utime in os.supports_fd:
            os.utime(file.fileno())
            return
    # The server may have taken it already.
    with contextlib.suppress(FileNotFoundError), At(path) as (name, folder):
        os.utime(name, dir_fd=folder)


def try_writing(folder: Path) -> None:
    """Make a file in a folder, which is gone afterwards. Linux makes one that has no name, so that
    nothing is left even by a kill; where it cannot, the file has a name for an instant.

    Raises:
        OSError: the folder cannot be written to.
    """
    probe = folder / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}.part"
    if nameless := getattr(os, "O_TMPFILE", 0):
        try:
            with At(probe) as (_, descriptor):
                here = folder if descriptor is None else "."
                os.close(os.open(here, nameless | os.O_RDWR | PLAIN, 0o600, dir_fd=descriptor))
            return
        except OSError as error:
            if error.errno not in _NO_NAMELESS_FILES:
                raise
    create(probe).close()
    unlink(probe)


def lstat(path: Path) -> os.stat_result:
    """What is at `path` itself, be it a link."""
    with At(path) as (name, folder):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)


def exists(path: Path) -> bool:
    """Whether anything has that name.

    Raises:
        OSError: it cannot be found out, which is not the same as that nothing is there.
    """
    try:
        lstat(path)
    except FileNotFoundError:
        return False
    return True


def is_file(path: Path) -> bool:
    """Whether a regular file is there, which no link is; False if it cannot be found out."""
    try:
        return stat.S_ISREG(lstat(path).st_mode)
    except OSError:
        return False


def is_link(path: Path) -> bool:
    """Whether a link or a junction is there; False if it cannot be found out."""
    try:
        return leads_elsewhere(path, lstat(path))
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there, which no link is; False if it cannot be found out."""
    try:
        facts = lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and not leads_elsewhere(path, facts)


def unlink(path: Path, *, missing_ok: bool = False) -> None:
    """Remove a file, or a link itself."""
    try:
        with At(path) as (name, folder):
            system.patiently(lambda: os.unlink(name, dir_fd=folder))
    except FileNotFoundError:
        if not missing_ok:
            raise


def rename(source: Path, target: Path) -> None:
    """As `os.rename`, which on most systems replaces what is there: look before."""
    with At(source) as (old, old_folder), At(target) as (new, new_folder):
        system.patiently(lambda: os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder))
    forget_changed(source)


def replace(source: Path, target: Path) -> None:
    """Rename over what is there. A link there is replaced itself."""
    with At(source) as (old, old_folder), At(target) as (new, new_folder):
        system.patiently(lambda: os.replace(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder))


def link(source: Path, target: Path) -> None:
    """Give the file `source` a second name.

    Raises:
        FileExistsError: the name is taken.
        OSError: the file system has no hard links.
    """
    with At(source) as (old, old_folder), At(target) as (new, new_folder):
        if os.link in os.supports_follow_symlinks:
            os.link(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder, follow_symlinks=False)
        else:
            os.link(old, new)


def move_link(source: Path, target: Path) -> None:
    """Make the link `source` anew as `target`, on another file system, and remove it."""
    with At(source) as (old, old_folder), At(target) as (new, new_folder):
        os.symlink(os.readlink(old, dir_fd=old_folder), new, dir_fd=new_folder)
        os.unlink(old, dir_fd=old_folder)


def set_times(file: IO[bytes], path: Path, facts: os.stat_result) -> None:
    """Give the open file, which is at `path`, the times of another."""
    times = facts.st_atime_ns, facts.st_mtime_ns
    if os.utime in os.supports_fd:
        os.utime(file.fileno(), ns=times)
    else:
        with At(path) as (name, folder):
            os.utime(name, ns=times, dir_fd=folder)


# --- folders


def names(folder: Path) -> list[str]:
    """The names of all that is in the folder, in no order."""
    with readable(folder) as descriptor:
        return os.listdir(folder if descriptor is None else descriptor)  # noqa: PTH208


def entries(folder: Path) -> Iterator[tuple[str, Callable[[], os.stat_result]]]:
    """All that is in the folder, in no order: names, and how to look at what is there itself, be
    it a link, while the iteration goes on.

    Raises:
        OSError: also the look: what was there may have been taken away.
    """
    with (
        readable(folder) as descriptor,
        os.scandir(folder if descriptor is None else descriptor) as listed,
    ):
        for entry in listed:
            yield entry.name, partial(_look, entry, by_path=descriptor is None)


def scan(folder: Path) -> list[tuple[str, os.stat_result]]:
    """`entries`, all of them looked at."""
    found = []
    for name, look in entries(folder):
        with contextlib.suppress(FileNotFoundError):  # Taken away at this moment.
            found.append((name, look()))
    return found


def mkdir(folder: Path, *, exist_ok: bool = False) -> None:
    """
    Raises:
        FileExistsError: the name is taken; with `exist_ok`, by something that is no folder.
    """
    try:
        with At(folder) as (name, above):
            os.mkdir(name, dir_fd=above)
    except FileExistsError:
        if not exist_ok or not is_folder(folder):
            raise


def rmdir(folder: Path) -> None:
    """Remove an empty folder."""
    with At(folder) as (name, above):
        system.patiently(lambda: os.rmdir(name, dir_fd=above))
    forget_changed(folder)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, or a file. Links are removed, and never what they
    lead to.

    Raises:
        FileNotFoundError: nothing is there.
        OSError: it, or something in it, cannot be removed.
    """
    if is_folder(path):
        forget_changed(path)
        with At(path) as (name, above):
            system.patiently(lambda: shutil.rmtree(name, dir_fd=above))
    else:
        unlink(path)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` outlive a power cut, where the file system can."""
    # Windows cannot open folders; some shares cannot sync them.
    with contextlib.suppress(OSError), readable(folder) as descriptor:
        if descriptor is not None:
            system.sync_file(descriptor)


def _look(entry: os.DirEntry[str], *, by_path: bool) -> os.stat_result:
    # Windows lists no inode numbers, and so every file would be another each time.
    return os.lstat(entry.path) if by_path else entry.stat(follow_symlinks=False)


def _descriptor_of_file(path: Path, flags: int) -> int:
    with At(path) as (name, folder):
        if folder is None and is_link(path):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        flags |= PLAIN | getattr(os, "O_NONBLOCK", 0)
        descriptor = os.open(name, flags, 0o666, dir_fd=folder)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file")


def _opened(path: Path, flags: int, mode: str) -> io.FileIO:
    return _Named(_descriptor_of_file(path, flags), mode, path)


class _Named(io.FileIO):
    """The file of a descriptor, which knows its path: libraries ask a file for its `name`."""

    def __init__(self, descriptor: int, mode: str, path: Path) -> None:
        super().__init__(descriptor, mode)
        self.name = str(path)
