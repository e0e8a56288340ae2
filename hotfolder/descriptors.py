"""Descriptors of folders, opened from the root of the file system without following any link.

`folder_access` has the operations that are done by them, and says why.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

__all__ = ["PLAIN", "At", "forget_changed", "kept_open", "leads_elsewhere", "readable"]

_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
PLAIN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | _NOFOLLOW
"""Flags of everything that is opened."""
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | PLAIN
# Needs no permission to read the folders above, and opens nothing.
_STEP = _FOLDER | getattr(os, "O_PATH", 0)
# macOS has no O_PATH, but refuses links in the whole path by itself.
_NOFOLLOW_ANY = getattr(os, "O_NOFOLLOW_ANY", 0)

MAX_KEPT = 64
"""Descriptors that `kept_open` keeps: of the folders used last, and of those above them."""

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


class At:
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
        if kept is not None and (descriptor := kept.pop(above, None)) is not None:
            kept[above] = descriptor  # The last is the one used last.
            return name, descriptor
        try:
            descriptor = _reached(Path(above), kept)
        except OSError as error:
            error.filename = self._path
            raise
        if descriptor is None:
            return self._path, None
        if kept is None or above not in kept:
            self._descriptor = descriptor
        return name, descriptor

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        if isinstance(error, OSError):
            error.filename = self._path


@contextlib.contextmanager
def readable(folder: Path) -> Iterator[int | None]:
    """The descriptor of a folder that is open to be read, not kept; None where the path itself is
    to be used."""
    descriptor = None
    with At(folder) as (name, above):
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


def forget_changed(folder: Path) -> None:
    """A folder was moved or removed: what is kept of it and below leads elsewhere."""
    kept, moved = _kept.get(), str(folder)
    if kept and any(path.startswith(moved) for path in kept):
        _forget(kept)


def _reached(folder: Path, kept: dict[str, int] | None) -> int | None:
    """Its descriptor, which is `kept` unless it is too deep; None where the path itself is to be
    used, which has been checked then.

    Raises:
        OSError: also when there is a link in the way.
    """
    if not folder.is_absolute() or ".." in folder.parts:
        raise OSError(errno.EINVAL, _NO_PLAIN_PATH, str(folder))
    try:
        if _BY_DESCRIPTOR:
            # Two folders at a time are worked in: neither may push the other out.
            if kept is not None and len(folder.parts) <= MAX_KEPT // 2:
                return _kept_walk(folder, kept)
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


def _kept_walk(folder: Path, kept: dict[str, int]) -> int:
    """`_walk`, from the nearest folder above that is kept open."""
    path = str(folder)
    if (descriptor := kept.pop(path, None)) is None:
        if folder.parent == folder:
            descriptor = os.open(folder, _STEP)
        else:
            above = _kept_walk(folder.parent, kept)
            descriptor = os.open(folder.name, _STEP, dir_fd=above)
        if len(kept) >= MAX_KEPT:
            os.close(kept.pop(next(iter(kept))))
    kept[path] = descriptor
    return descriptor


def _check(folder: Path) -> None:
    """
    Raises:
        OSError: `folder` or one above it is none, or a link.
    """
    for path in (*reversed(folder.parents), folder):
        facts = os.lstat(path)
        if not stat.S_ISDIR(facts.st_mode) or leads_elsewhere(path, facts):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))


def leads_elsewhere(path: Path, facts: os.stat_result) -> bool:
    reparse_tag = getattr(facts, "st_reparse_tag", 0)  # Windows: of junctions and mounts, too.
    return stat.S_ISLNK(facts.st_mode) or (
        reparse_tag == _MOUNT_POINT and not os.path.ismount(path)
    )


_MOUNT_POINT = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", 0xA0000003)
