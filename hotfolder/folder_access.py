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
import shutil
import stat
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

from hotfolder.platforms import system

__all__ = [
    "Fingerprint",
    "append",
    "create",
    "entries",
    "exists",
    "fingerprint_of",
    "is_file",
    "is_folder",
    "is_link",
    "kept_open",
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
    "unlink",
]

_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | _NOFOLLOW
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _PLAIN
# Needs no permission to read the folders above, and opens nothing.
_STEP = _FOLDER | getattr(os, "O_PATH", 0)
# macOS has no O_PATH, but refuses links in the whole path by itself.
_NOFOLLOW_ANY = getattr(os, "O_NOFOLLOW_ANY", 0)


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


def opener(path: str, flags: int) -> int:
    """For `open(path, opener=opener)`: as `open_regular`, for those who do not know of it."""
    return _descriptor_of_file(Path(path), flags)


def create(path: Path) -> IO[bytes]:
    """A new file to write. Its mode is left to the umask.

    Raises:
        FileExistsError: something has that name, be it a link that leads nowhere.
    """
    return io.BufferedWriter(_opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, "wb"))


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
    with contextlib.suppress(FileNotFoundError), _At(path) as (name, folder):
        os.utime(name, dir_fd=folder)


def lstat(path: Path) -> os.stat_result:
    """What is at `path` itself, be it a link."""
    with _At(path) as (name, folder):
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
        return _leads_elsewhere(path, lstat(path))
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a folder is there, which no link is; False if it cannot be found out."""
    try:
        facts = lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and not _leads_elsewhere(path, facts)


def unlink(path: Path, *, missing_ok: bool = False) -> None:
    """Remove a file, or a link itself."""
    try:
        with _At(path) as (name, folder):
            system.patiently(lambda: os.unlink(name, dir_fd=folder))
    except FileNotFoundError:
        if not missing_ok:
            raise


def rename(source: Path, target: Path) -> None:
    """As `os.rename`, which on most systems replaces what is there: look before."""
    with _At(source) as (old, old_folder), _At(target) as (new, new_folder):
        system.patiently(lambda: os.rename(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder))
    _changed(source)


def replace(source: Path, target: Path) -> None:
    """Rename over what is there. A link there is replaced itself."""
    with _At(source) as (old, old_folder), _At(target) as (new, new_folder):
        system.patiently(lambda: os.replace(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder))


def link(source: Path, target: Path) -> None:
    """Give the file `source` a second name.

    Raises:
        FileExistsError: the name is taken.
        OSError: the file system has no hard links.
    """
    with _At(source) as (old, old_folder), _At(target) as (new, new_folder):
        if os.link in os.supports_follow_symlinks:
            os.link(old, new, src_dir_fd=old_folder, dst_dir_fd=new_folder, follow_symlinks=False)
        else:
            os.link(old, new)


def move_link(source: Path, target: Path) -> None:
    """Make the link `source` anew as `target`, on another file system, and remove it."""
    with _At(source) as (old, old_folder), _At(target) as (new, new_folder):
        os.symlink(os.readlink(old, dir_fd=old_folder), new, dir_fd=new_folder)
        os.unlink(old, dir_fd=old_folder)


def set_times(file: IO[bytes], path: Path, facts: os.stat_result) -> None:
    """Give the open file, which is at `path`, the times of another."""
    times = facts.st_atime_ns, facts.st_mtime_ns
    if os.utime in os.supports_fd:
        os.utime(file.fileno(), ns=times)
    else:
        with _At(path) as (name, folder):
            os.utime(name, ns=times, dir_fd=folder)


# --- folders


def names(folder: Path) -> list[str]:
    """The names of all that is in the folder, in no order."""
    with _readable(folder) as descriptor:
        return os.listdir(folder if descriptor is None else descriptor)  # noqa: PTH208


def entries(folder: Path) -> Iterator[tuple[str, Callable[[], os.stat_result]]]:
    """All that is in the folder, in no order: names, and how to look at what is there itself, be
    it a link, while the iteration goes on.

    Raises:
        OSError: also the look: what was there may have been taken away.
    """
    with (
        _readable(folder) as descriptor,
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
        with _At(folder) as (name, above):
            os.mkdir(name, dir_fd=above)
    except FileExistsError:
        if not exist_ok or not is_folder(folder):
            raise


def rmdir(folder: Path) -> None:
    """Remove an empty folder."""
    with _At(folder) as (name, above):
        system.patiently(lambda: os.rmdir(name, dir_fd=above))
    _changed(folder)


def remove_tree(path: Path) -> None:
    """Remove a folder with all that is in it, or a file. Links are removed, and never what they
    lead to.

    Raises:
        FileNotFoundError: nothing is there.
        OSError: it, or something in it, cannot be removed.
    """
    if is_folder(path):
        _changed(path)
        with _At(path) as (name, above):
            system.patiently(lambda: shutil.rmtree(name, dir_fd=above))
    else:
        unlink(path)


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` outlive a power cut, where the file system can."""
    # Windows cannot open folders; some shares cannot sync them.
    with contextlib.suppress(OSError), _readable(folder) as descriptor:
        if descriptor is not None:
            system.sync_file(descriptor)


def _look(entry: os.DirEntry[str], *, by_path: bool) -> os.stat_result:
    # Windows lists no inode numbers, and so every file would be another each time.
    return os.lstat(entry.path) if by_path else entry.stat(follow_symlinks=False)


# --- the way to a file


MAX_KEPT = 64
"""Descriptors that `kept_open` keeps."""

_kept: ContextVar[dict[str, int] | None] = ContextVar("kept", default=None)
"""The descriptors that are kept open in this thread, by the folders' paths."""


@contextlib.contextmanager
def kept_open() -> Iterator[None]:
    """Open no folder twice meanwhile: many operations in a few folders are several times as fast.

    One that is replaced meanwhile is worked in as it was. So it is for moments only, which also
    keeps nobody from unmounting a disk.
    """
    kept: dict[str, int] = {}
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        _forget(kept)


class _At:
    """Gives the name and the `dir_fd` by which a function of `os` reaches `path`."""

    __slots__ = ("_descriptor", "_path")

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._descriptor: int | None = None
        """If it is to be closed."""

    def __enter__(self) -> tuple[str, int | None]:
        above, name = os.path.split(self._path)
        if name == "..":
            raise OSError(errno.EINVAL, _NO_PLAIN_PATH, self._path)
        kept = _kept.get()
        if kept is not None and (descriptor := kept.get(above)) is not None:
            return name, descriptor
        try:
            descriptor = _reached(Path(above))
        except OSError as error:
            error.filename = self._path
            raise
        if descriptor is None:
            return self._path, None
        if kept is not None and len(kept) < MAX_KEPT:
            kept[above] = descriptor
        else:
            self._descriptor = descriptor
        return name, descriptor

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        if isinstance(error, OSError):
            error.filename = self._path


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[int | None]:
    """The descriptor of a folder that is open to be read, not kept; None where the path itself is
    to be used."""
    descriptor = None
    with _At(folder) as (name, above):
        if above is None:
            _check(folder)
        else:
            try:
                descriptor = os.open(name or ".", _FOLDER, dir_fd=above)
            except OSError as error:
                raise _refusal(error, folder) from None
    try:
        yield descriptor
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _forget(kept: dict[str, int]) -> None:
    while kept:
        os.close(kept.popitem()[1])


def _changed(folder: Path) -> None:
    """A folder was moved or removed: what is kept of it and below leads elsewhere."""
    kept = _kept.get()
    if kept and any(path.startswith(str(folder)) for path in kept):
        _forget(kept)


def _reached(folder: Path) -> int | None:
    """Its descriptor; None where the path itself is to be used, which has been checked then.

    Raises:
        OSError: also when there is a link in the way.
    """
    if not folder.is_absolute() or ".." in folder.parts:
        raise OSError(errno.EINVAL, _NO_PLAIN_PATH, str(folder))
    try:
        if _BY_DESCRIPTOR:
            return _walk(folder)
        _check(folder)
    except OSError as error:
        raise _refusal(error, folder) from None
    return None


_NO_PLAIN_PATH = "not a plain absolute path"


def _refusal(error: OSError, folder: Path) -> OSError:
    """A link in a folder's place is none, as any other file there."""
    number = errno.ENOTDIR if error.errno == errno.ELOOP else error.errno
    return OSError(number, error.strerror, str(folder))


def _walk(folder: Path) -> int:
    if _NOFOLLOW_ANY:
        return os.open(folder, _STEP & ~_NOFOLLOW | _NOFOLLOW_ANY)
    root, *parts = folder.parts
    descriptor = os.open(root, _STEP)
    for part in parts:
        above = descriptor
        try:
            descriptor = os.open(part, _STEP, dir_fd=above)
        finally:
            os.close(above)
    return descriptor


def _check(folder: Path) -> None:
    """
    Raises:
        OSError: `folder` or one above it is none, or a link.
    """
    for path in (*reversed(folder.parents), folder):
        facts = os.lstat(path)
        if not stat.S_ISDIR(facts.st_mode) or _leads_elsewhere(path, facts):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def _leads_elsewhere(path: Path, facts: os.stat_result) -> bool:
    reparse_tag = getattr(facts, "st_reparse_tag", 0)  # Windows: of junctions and mounts, too.
    return stat.S_ISLNK(facts.st_mode) or (
        reparse_tag == _MOUNT_POINT and not os.path.ismount(path)
    )


_MOUNT_POINT = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", 0xA0000003)


def _descriptor_of_file(path: Path, flags: int) -> int:
    with _At(path) as (name, folder):
        if folder is None and is_link(path):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        flags |= _PLAIN | getattr(os, "O_NONBLOCK", 0)
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
