"""macOS: a Unix whose disks keep what was synced in a cache, with launchd."""

import fcntl
import os
import shutil
import sys
from pathlib import Path

from hotfolder.platforms.service import ServiceManager

assert sys.platform != "win32"  # for mypy

from hotfolder.platforms.posix import Posix  # noqa: E402

__all__ = ["MacOS"]

F_FULLFSYNC = 51
"""`fcntl` has it on macOS only."""

_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
"""Title and text are its arguments, so nothing in a job's name is read as a script."""


class MacOS(Posix):
    """Where it differs from Linux."""

    def sync_file(self, descriptor: int) -> None:
        try:
            fcntl.fcntl(descriptor, F_FULLFSYNC)
        except OSError:  # Network shares, and disks that cannot.
            os.fsync(descriptor)

    def notification(self, title: str, text: str) -> list[str] | None:
        if (program := shutil.which("osascript")) is None:
            return super().notification(title, text)
        script = [argument for line in _SCRIPT for argument in ("-e", line)]
        return [program, *script, title, text]

    @property
    def services(self) -> ServiceManager:
        from hotfolder.platforms.launchd import Launchd

        return Launchd(Path.home(), os.getuid())
