"""Windows, as far as a server can tell, simulated in a Python process of Linux.

`become` takes away what Python does not have there, and lets files behave as NTFS does:

- no `fcntl`, `pwd`, `grp`, `resource`, `termios`; no `os.killpg`, `os.statvfs`, `os.pread`, ...; no
  `O_NOFOLLOW`, no `dir_fd`; no signals but those of the C runtime and the console, and a process
  that is sent any other is ended;
- a file that any of the simulated processes has open cannot be moved, replaced or removed, nor a
  folder in which one lies; `os.rename` replaces nothing; folders cannot be opened or synced;
- a listed folder tells no inode numbers; names that Windows cannot have cannot be made.

What is not simulated: drive letters and backslashes, names that differ in case alone, the 260
characters of a path, console windows. Libraries that have a Windows of their own (psutil, watchdog,
filelock, subprocess) keep Linux's.

Environment: `IMPASTO_WINDOWS` marks the simulated processes. `no-inodes` in it: no call tells
inode numbers, as on some network shares; `no-locks`: files cannot be locked.
"""

import errno
import functools
import importlib
import importlib.abc
import os
import pkgutil
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["VARIABLE", "become"]

VARIABLE = "IMPASTO_WINDOWS"

ABSENT_MODULES = {"fcntl", "pwd", "grp", "resource", "termios"}
ABSENT_IN_OS = (
    *("O_NOFOLLOW", "O_PATH", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC", "O_TMPFILE"),
    *("killpg", "statvfs", "fstatvfs", "pread", "pwrite", "preadv", "posix_fallocate", "sysconf"),
    *("getuid", "geteuid", "getgid", "getegid", "getgroups", "setsid", "fork", "uname", "mkfifo"),
    *("chown", "fchown", "fchmod", "getloadavg", "sched_getaffinity", "WIFSIGNALED"),
)
ABSENT_IN_SIGNAL = (
    *("SIGKILL", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCHLD", "SIGSTOP"),
    *("pthread_sigmask", "pthread_kill", "sigwait", "sigwaitinfo", "SIG_BLOCK", "SIG_UNBLOCK"),
)
LIBRARIES = ("psutil", "filelock", "watchdog")

SIGBREAK = 21
CTRL_BREAK_EVENT = 1
CREATE_NEW_PROCESS_GROUP = 0x200
SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, SIGBREAK}

FORBIDDEN = set('<>:"|?*\\') | {chr(number) for number in range(32)}
DEVICES = {
    *("con", "prn", "aux", "nul", "conin$", "conout$"),
    *(f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789¹²³"),
}

_hook_state = threading.local()
"""`.off` while the simulation itself looks at files."""


def become() -> None:
    """Simulate Windows in this process from now on."""
    real_os, real_signal = _copy(os), _copy(signal)
    wishes = os.environ.get(VARIABLE, "").split(",")
    for library in LIBRARIES:
        _keep(library, real_os, real_signal)
    subprocess.os, subprocess.signal = real_os, real_signal  # type: ignore[attr-defined]
    if "no-locks" in wishes:
        _take_locks_away()
    _choose_windows()
    sys.meta_path.insert(0, _Absent())
    for name in ABSENT_MODULES:
        sys.modules.pop(name, None)
    _simulate_processes(real_os, real_signal)
    _simulate_files(real_os, inodes="no-inodes" not in wishes)
    for module, names in ((os, ABSENT_IN_OS), (signal, ABSENT_IN_SIGNAL)):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    _Shares(real_os).install()


def _copy(module: types.ModuleType) -> Any:
    copy = types.ModuleType(module.__name__)
    copy.__dict__.update(module.__dict__)
    return copy


def _keep(library: str, real_os: Any, real_signal: Any) -> None:
    """Import all of a library, and let it have the system that it was made for."""
    package = importlib.import_module(library)
    names = [library]
    for found in pkgutil.walk_packages(package.__path__, f"{library}."):
        if not any(word in found.name for word in ("tests", "win", "tricks", "osx", "bsd")):
            names.append(found.name)
    for name in names:
        try:
            module = importlib.import_module(name)
        except (ImportError, AttributeError, OSError):
            continue
        for attribute, real in (("os", real_os), ("signal", real_signal)):
            if isinstance(module.__dict__.get(attribute), types.ModuleType):
                setattr(module, attribute, real)


def _take_locks_away() -> None:
    import filelock

    def refuse(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    filelock.lock_descriptor = refuse


def _choose_windows() -> None:
    """Let the hot folder take this for Windows. Others than it do not ask."""
    # What it imports has to be there before, since libraries ask as well.
    importlib.import_module("platformdirs")
    before, sys.platform = sys.platform, "win32"
    try:
        importlib.import_module("hotfolder.platforms")
    finally:
        sys.platform = before


class _Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        if name in ABSENT_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


# --- processes


def _simulate_processes(real_os: Any, real_signal: Any) -> None:
    set_handler = signal.signal

    def handle(number: int, handler: Any) -> Any:
        if number not in SIGNALS:
            raise ValueError("invalid signal value")
        return set_handler(number, handler)

    def kill(pid: int, number: int) -> None:
        if number == CTRL_BREAK_EVENT:
            real_os.killpg(pid, SIGBREAK)
        else:
            real_os.kill(pid, real_signal.SIGKILL)

    start = subprocess.Popen.__init__

    @functools.wraps(start)
    def started(self: Any, *arguments: Any, creationflags: int = 0, **keywords: Any) -> None:
        keywords["start_new_session"] = bool(creationflags & CREATE_NEW_PROCESS_GROUP)
        start(self, *arguments, **keywords)

    def send_signal(self: Any, number: int) -> None:
        if self.poll() is None:
            kill(self.pid, number)

    signal.signal, os.kill = handle, kill  # type: ignore[assignment]
    set_handler(SIGBREAK, signal.SIG_DFL)
    subprocess.Popen.__init__ = started  # type: ignore[method-assign]
    subprocess.Popen.send_signal = send_signal  # type: ignore[method-assign, assignment]


# --- files


def _simulate_files(real_os: Any, *, inodes: bool) -> None:
    def without_folders(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*arguments: Any, **keywords: Any) -> Any:
            for name in ("dir_fd", "src_dir_fd", "dst_dir_fd"):
                if keywords.pop(name, None) is not None:
                    raise NotImplementedError(f"{name} unavailable on this platform")
            return function(*arguments, **keywords)

        return called

    by_folder = [function.__name__ for function in os.supports_dir_fd]
    for name in {*by_folder, "rename", "replace", "link", "remove"}:
        setattr(os, name, without_folders(getattr(os, name)))
    os.supports_dir_fd = os.supports_fd = os.supports_follow_symlinks = set()
    shutil._use_fd_functions = False  # type: ignore[attr-defined]

    rename, fsync = os.rename, os.fsync
    listing, scan, stat_of = os.listdir, os.scandir, os.stat

    def rename_to_a_free_name(source: Any, target: Any, **keywords: Any) -> None:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(target))
        rename(source, target, **keywords)

    def by_path(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Any = ".") -> Any:
            if isinstance(path, int):
                raise TypeError("a path, not a descriptor")
            return function(path)

        return called

    def sync(descriptor: int) -> None:
        facts = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
        flags = int(facts.partition("flags:")[2].split()[0], 8)
        if flags & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        fsync(descriptor)

    def disk_usage(path: Any) -> Any:
        facts = real_os.statvfs(path)
        size, free = facts.f_blocks * facts.f_frsize, facts.f_bavail * facts.f_frsize
        return shutil._ntuple_diskusage(size, size - free, free)

    def no_inodes(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(*arguments: Any, **keywords: Any) -> os.stat_result:
            return _without_inode(function(*arguments, **keywords))

        return called

    tempfile.TemporaryFile = tempfile.NamedTemporaryFile  # type: ignore[assignment]
    os.rename = rename_to_a_free_name  # type: ignore[assignment]
    os.listdir = by_path(listing)
    os.scandir = by_path(lambda path: _Scan(scan(path)))
    os.fsync = sync  # type: ignore[assignment]
    shutil.disk_usage = disk_usage
    if not inodes:
        os.stat, os.lstat, os.fstat = no_inodes(stat_of), no_inodes(os.lstat), no_inodes(os.fstat)


def _without_inode(facts: os.stat_result) -> os.stat_result:
    mode, _, _, _, *others = facts[:10]
    times = {name: getattr(facts, name) for name in ("st_atime_ns", "st_mtime_ns", "st_ctime_ns")}
    exact = {name.removesuffix("_ns"): value / 1e9 for name, value in times.items()}
    return os.stat_result((mode, 0, 0, 0, *others), exact | times)


class _Scan:
    """`os.scandir` of Windows."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __iter__(self) -> Iterator["_Entry"]:
        return map(_Entry, self._real)

    def __next__(self) -> "_Entry":
        return _Entry(next(self._real))

    def __enter__(self) -> "_Scan":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._real.close()


class _Entry(os.PathLike[str]):
    """What is known of a listed file without asking for it: neither inode nor device."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.name: str = real.name
        self.path: str = real.path

    def __fspath__(self) -> str:
        return self.path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return _without_inode(self._real.stat(follow_symlinks=follow_symlinks))


class _Shares:
    """What other processes have open stays where it is; what is no name for Windows is not made."""

    def __init__(self, real_os: Any) -> None:
        self._os = real_os
        self._simulated: dict[str, bool] = {}

    def install(self) -> None:
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link"):
            return
        if getattr(_hook_state, "off", False):
            return
        _hook_state.off = True
        try:
            self._check(event, arguments)
        finally:
            _hook_state.off = False

    def _check(self, event: str, arguments: tuple[Any, ...]) -> None:
        if isinstance(arguments[0], int):
            return
        path = self._os.fsdecode(arguments[0])
        match event:
            case "open":
                flags = arguments[2] if isinstance(arguments[2], int) else 0
                if flags & self._os.O_CREAT:
                    _check_name(path)
                elif self._os.path.isdir(path):
                    _refuse(path)
            case "os.mkdir":
                _check_name(path)
            case "os.link":
                _check_name(self._os.fsdecode(arguments[1]))
            case "os.rename":
                target = self._os.fsdecode(arguments[1])
                _check_name(target)
                self._check_closed(path)
                self._check_closed(target)
            case _:
                self._check_closed(path)

    def _check_closed(self, path: str) -> None:
        try:
            facts = self._os.lstat(path)
        except OSError:
            return
        is_folder = stat.S_ISDIR(facts.st_mode)
        for descriptor in self._descriptors():
            try:
                opened = self._os.stat(descriptor)
                if not stat.S_ISREG(opened.st_mode):
                    continue
                if self._os.path.samestat(opened, facts):
                    _refuse(path)
                if is_folder and self._os.readlink(descriptor).startswith(f"{path}/"):
                    _refuse(path)
            except FileNotFoundError:  # Closed at this moment.
                continue

    def _descriptors(self) -> Iterator[str]:
        for pid in self._os.listdir("/proc"):
            if pid.isdigit() and self._is_simulated(pid):
                try:
                    names = self._os.listdir(f"/proc/{pid}/fd")
                except OSError:
                    continue
                yield from (f"/proc/{pid}/fd/{name}" for name in names)

    def _is_simulated(self, pid: str) -> bool:
        if pid not in self._simulated:
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
                    self._simulated[pid] = VARIABLE.encode() in file.read()
            except OSError:
                return False
        return self._simulated[pid]


def _check_name(path: str) -> None:
    name = path.rpartition("/")[2]
    device = name.partition(".")[0].rstrip(" ").casefold() in DEVICES
    if device or name.endswith((".", " ")) or FORBIDDEN & set(name):
        raise OSError(errno.EINVAL, "The filename, directory name, or label is incorrect", path)


def _refuse(path: str) -> None:
    raise PermissionError(errno.EACCES, "The file is being used by another process", path)
