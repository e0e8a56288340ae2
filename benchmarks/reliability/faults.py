"""Faults in the file operations of this process: at the n-th of them an error, or a kill.

Python announces every file operation by an audit event (PEP 578) before it is done, whether it is
called from our code, `pathlib`, `shutil` or a library. So this is one seam that nothing can go
past; only `fsync` has no event of its own, and gets one here. Reading and writing an open file are
not announced: a disk that is full or broken shows at opening and at syncing, as most do.

An operation by a name relative to an open folder (`dir_fd`) counts as one on the path that it
means. The opening of folders on the way there (`hotfolder.descriptors`) changes nothing on
the disk and is no operation of its own.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Faults", "faults", "share_semantics"]

FSYNC = "impasto.fsync"

OPERATIONS = {
    *("open", "os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir"),
    *("os.utime", "os.chmod", "os.truncate", "os.scandir", "os.listdir", FSYNC),
}

# The positions of paths among an event's arguments, and of the `dir_fd` of each; `open` has none.
_PATHS = {
    "os.rename": ((0, 2), (1, 3)),
    "os.link": ((0, 2), (1, 3)),
    "os.remove": ((0, 1),),
    "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),),
    "os.chmod": ((0, 2),),
    "os.utime": ((0, 3),),
    "os.symlink": ((1, 2),),
}

Operation = Callable[[str, tuple[str, ...]], None]
"""Called with the event and the whole paths that it is about (of a link or a move, the old one and
the new one); what it raises comes out of the operation."""


class Faults:
    """Counts the operations below `root` and acts at those that are chosen."""

    def __init__(self, root: os.PathLike[str]) -> None:
        self._roots = [os.path.realpath(root)]
        with os.scandir(root) as entries:  # An outbox on another disk belongs to it.
            self._roots += [os.path.realpath(each.path) for each in entries if each.is_symlink()]
        self.count = 0
        """Operations since something was last chosen."""
        self.semantics: Operation | None = None
        """How the file system is to behave."""
        self._strike: tuple[Callable[[], bool], Callable[[], None]] | None = None
        self._act: Callable[[], None] | None = None
        self._chosen = range(0)

    def error(self, number: int, at: int, *, until: int | None = None) -> None:
        """Operations `at` to `until` (one only, if None), counted from 1, fail with `number`."""

        def fail() -> None:
            raise OSError(number, os.strerror(number), "injected")

        self._begin(fail, range(at, at + 1 if until is None else until + 1))

    def kill(self, at: int) -> None:
        """The process is killed before operation `at`, as by the system: nothing is cleaned up."""
        self._begin(lambda: os.kill(os.getpid(), signal.SIGKILL), range(at, at + 1))

    def strike(self, when: Callable[[], bool], act: Callable[[], None]) -> None:
        """Before an operation for which `when` is true, do `act`. Besides what else is chosen."""
        self._strike = (when, act)

    def heal(self) -> None:
        """From now on nothing fails."""
        self._begin(None, range(0))

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """What is done meanwhile is another process's doing."""
        global _current
        before, _current = _current, None
        try:
            yield
        finally:
            _current = before

    def operation(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and (isinstance(arguments[0], int) or _is_step(arguments[2])):
            return  # a file object for a descriptor that is open already; a step on the way
        paths = _paths_of(event, arguments)
        if event != FSYNC and not any(self._is_ours(path) for path in paths):
            return
        self.count += 1
        if self._act is not None and self.count in self._chosen:
            with self.suspended():
                self._act()
        if self._strike is not None:
            with self.suspended():
                if self._strike[0]():
                    self._strike[1]()
        if self.semantics is not None:
            with self.suspended():
                self.semantics(event, paths)

    def _begin(self, act: Callable[[], None] | None, chosen: range) -> None:
        self.count = 0
        self._act, self._chosen = act, chosen

    def _is_ours(self, path: str) -> bool:
        return any(path == root or path.startswith(f"{root}{os.sep}") for root in self._roots)


@contextlib.contextmanager
def faults(root: os.PathLike[str]) -> Iterator[Faults]:
    """Watch the operations of this process. Nothing is synced meanwhile, for speed."""
    global _current
    _install()
    real_fsync, os.fsync = os.fsync, lambda fd: sys.audit(FSYNC, fd)
    real_open = os.open

    def open_from(*arguments: Any, dir_fd: int | None = None, **keywords: Any) -> int:
        # The event of an opening does not say from which folder.
        _opening.dir_fd = dir_fd
        try:
            return real_open(*arguments, dir_fd=dir_fd, **keywords)
        finally:
            _opening.dir_fd = None

    os.open = open_from
    _current = Faults(root)
    try:
        yield _current
    finally:
        _current = None
        os.fsync, os.open = real_fsync, real_open


def share_semantics(is_open: Callable[[str], bool] = lambda path: False) -> Operation:
    """A share as Windows serves it: no hard links, no renaming over a file that is there, no
    renaming or removing of a file that somebody (`is_open`) has open."""
    import errno

    def check(event: str, paths: tuple[str, ...]) -> None:
        if event == "os.link":
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        if event == "os.rename" and os.path.lexists(paths[1]):
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), paths[1])
        if event in ("os.rename", "os.remove") and is_open(paths[0]):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), paths[0])

    return check


_current: Faults | None = None
_opening = threading.local()
_installed = False


def _install() -> None:
    """Once a process: an audit hook stays."""
    global _installed
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _current is not None and event in OPERATIONS:
        _current.operation(event, arguments)


def _is_step(flags: int) -> bool:
    """Whether an opening is a step on the way to a file."""
    return flags & _STEP == _STEP


# Where there is no O_PATH, the last step cannot be told from an opening of the folder to read it.
_STEP = getattr(os, "O_PATH", os.O_DIRECTORY) | os.O_DIRECTORY


def _paths_of(event: str, arguments: tuple[Any, ...]) -> tuple[str, ...]:
    if event == "open":
        return (_path_of(arguments[0], getattr(_opening, "dir_fd", None)),)
    positions = _PATHS.get(event, ((0, None),))
    return tuple(
        _path_of(arguments[n], None if fd is None else arguments[fd]) for n, fd in positions
    )


def _path_of(path: Any, dir_fd: int | None) -> str:
    if isinstance(path, int):
        return _path_of("", path)
    folder = "" if dir_fd in (None, -1) else os.readlink(f"/proc/self/fd/{dir_fd}")  # noqa: PTH115
    return os.path.abspath(os.path.join(folder, os.fsdecode(path)))  # noqa: PTH100, PTH118
