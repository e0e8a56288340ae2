"""Faults in the file operations of this process: at the n-th of them an error, or a kill.

Python announces every file operation by an audit event (PEP 578) before it is done, whether it is
called from our code, `pathlib`, `shutil` or a library. So this is one seam that nothing can go
past; only `fsync` has no event of its own, and gets one here. Reading and writing an open file are
not announced: a disk that is full or broken shows at opening and at syncing, as most do.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["Faults", "faults", "share_semantics"]

FSYNC = "impasto.fsync"

OPERATIONS = {
    *("open", "os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir"),
    *("os.utime", "os.chmod", "os.truncate", "os.scandir", "os.listdir", FSYNC),
}

Operation = Callable[[str, tuple[Any, ...]], None]
"""Called with the event and its arguments; what it raises comes out of the operation."""


class Faults:
    """Counts the operations below `root` and acts at those that are chosen."""

    def __init__(self, root: os.PathLike[str]) -> None:
        self.root = os.fspath(root)
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
        if event == "open" and isinstance(arguments[0], int):
            return  # a file object for a descriptor that is open already
        if event != FSYNC and not self._is_ours(arguments[0]):
            return
        self.count += 1
        if self._act is not None and self.count in self._chosen:
            with self.suspended():
                self._act()
        if self._strike is not None and self._strike[0]():
            with self.suspended():
                self._strike[1]()
        if self.semantics is not None:
            with self.suspended():
                self.semantics(event, arguments)

    def _begin(self, act: Callable[[], None] | None, chosen: range) -> None:
        self.count = 0
        self._act, self._chosen = act, chosen

    def _is_ours(self, path: Any) -> bool:
        text = os.fsdecode(path) if not isinstance(path, int) else ""
        # A relative one is meant from an open folder: `shutil.rmtree` works its way so.
        return text.startswith(self.root) or not Path(text).is_absolute()


@contextlib.contextmanager
def faults(root: os.PathLike[str]) -> Iterator[Faults]:
    """Watch the operations of this process. Nothing is synced meanwhile, for speed."""
    global _current
    _install()
    real, os.fsync = os.fsync, lambda descriptor: sys.audit(FSYNC, descriptor)
    _current = Faults(root)
    try:
        yield _current
    finally:
        _current = None
        os.fsync = real


def share_semantics(is_open: Callable[[str], bool] = lambda path: False) -> Operation:
    """A share as Windows serves it: no hard links, no renaming over a file that is there, no
    renaming or removing of a file that somebody (`is_open`) has open."""
    import errno

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.link":
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        if event == "os.rename" and os.path.lexists(arguments[1]):
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(arguments[1]))
        if event in ("os.rename", "os.remove") and is_open(os.fsdecode(arguments[0])):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(arguments[0]))

    return check


_current: Faults | None = None
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
