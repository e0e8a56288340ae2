"""The interface of a platform, and what is the same on all of them."""

import errno
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from hotfolder.platforms.service import ServiceManager

__all__ = ["DiskRoom", "Platform"]

Result = TypeVar("Result")


@dataclass(frozen=True)
class DiskRoom:
    """What is left of a disk, for this user."""

    free: int
    """Bytes."""
    size: int
    """Bytes, of the whole disk."""
    files: int | None = None
    """How many files can still be made; None where there is no such limit."""


class Platform(ABC):
    """What the hot folder asks of the operating system."""

    # --- processes and signals

    stop_signals: Sequence[int]
    """Each tells the server to end in order."""

    terminal_signals: Sequence[int]
    """What a terminal sends to all of its processes, and only the server is to act on."""

    background_flags: int = 0
    """`creationflags` of a child that no terminal's signal is to reach. To be given together with
    `start_new_session`, which does it where there are sessions."""

    interruptible_flags: int = 0
    """`creationflags` of a child that only `ask_to_end` is to interrupt."""

    @abstractmethod
    def ask_to_end(self, process: "subprocess.Popen[bytes]") -> None:
        """Have a child that was started with `interruptible_flags` end in order."""

    @abstractmethod
    def end_tree(self, process: "subprocess.Popen[bytes]") -> None:
        """Kill a child that was started in the background, and what it has started."""

    @abstractmethod
    def before_termination(self, act: Callable[[], None]) -> None:
        """Call `act`, in a thread of its own, when this process is told to end; then end."""

    # --- files

    def patiently(self, operation: Callable[[], Result]) -> Result:
        """Rename, replace or remove a file that somebody may have open for a moment."""
        return operation()

    def sync_file(self, descriptor: int) -> None:
        """Make what was written outlive a power cut."""
        os.fsync(descriptor)

    @abstractmethod
    def sync_folder(self, folder: Path) -> None:
        """Make renames in `folder` outlive a power cut, where that can be done."""

    def disk_room(self, folder: Path) -> DiskRoom:
        """
        Raises:
            OSError: it is not known.
        """
        usage = shutil.disk_usage(folder)
        return DiskRoom(usage.free, usage.total)

    def owner_of(self, path: Path) -> str:
        """The name of the user whom a file belongs to, as far as that is known."""
        return str(psutil.Process().username())

    # --- the machine's services

    def send_datagram(self, address: str, message: bytes) -> None:
        """Send to a local socket, without waiting; the service manager listens on one.

        Raises:
            OSError: it was not sent.
        """
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    def notification(self, title: str, text: str) -> list[str] | None:
        """The command that shows a notification on the desktop; None where there is none."""
        return None

    @property
    @abstractmethod
    def services(self) -> ServiceManager:
        """What starts the server when the user logs in, or the machine starts."""
