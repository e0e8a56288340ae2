"""Windows: no signals but the console's events, no file that is open can be moved, Task Scheduler.

Standard library and psutil only, so that it can be imported and tested on every platform.
"""

import contextlib
import errno
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import platformdirs
import psutil

from hotfolder.platforms.platform import Platform
from hotfolder.platforms.service import ServiceManager

__all__ = ["Windows"]

Result = TypeVar("Result")

# Of the Windows API; `signal` and `subprocess` have them on Windows only.
SIGBREAK = 21
CTRL_BREAK_EVENT = 1
CREATE_NEW_PROCESS_GROUP = 0x0000_0200
CREATE_NO_WINDOW = 0x0800_0000

PAUSES = (0.01, 0.02, 0.04, 0.08, 0.16)
"""Seconds before each further attempt at a file that somebody has open: a virus scanner, an
indexer, a client that reads a status."""


class Windows(Platform):
    """Process groups of the console, and files that are locked while they are open."""

    # SIGTERM never comes from outside; SIGBREAK is Ctrl-Break, the closed window, the log-out.
    stop_signals = (signal.SIGINT, signal.SIGTERM, SIGBREAK)
    terminal_signals = (signal.SIGINT, SIGBREAK)
    # A console of its own, unseen: else each child of a server without one would open a window.
    background_flags = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP
    interruptible_flags = CREATE_NEW_PROCESS_GROUP

    def ask_to_end(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            process.send_signal(CTRL_BREAK_EVENT)
        except OSError:  # There is no console that could pass it on.
            process.terminate()

    def end_tree(self, process: "subprocess.Popen[bytes]") -> None:
        family: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(process.pid).children(recursive=True)
        with contextlib.suppress(OSError):
            process.kill()
        for child in family:
            with contextlib.suppress(psutil.Error):
                child.kill()

    def before_termination(self, act: Callable[[], None]) -> None:
        """Nothing can be done: a process that is ended from outside is not told."""

    def patiently(self, operation: Callable[[], Result]) -> Result:
        for pause in PAUSES:
            try:
                return operation()
            except OSError as error:
                # A folder keeps a name that was removed as long as somebody has its file open.
                if error.errno not in (errno.EACCES, errno.ENOTEMPTY):
                    raise
                time.sleep(pause)
        return operation()

    def sync_folder(self, folder: Path) -> None:
        """A folder cannot be opened; the file system's own journal has to do."""

    @property
    def services(self) -> ServiceManager:
        from hotfolder.platforms.task_scheduler import TaskScheduler

        local = platformdirs.user_data_path("impasto", appauthor=False)
        return TaskScheduler(Path(local))
