"""Linux, and what other Unix systems have in common with it."""

import contextlib
import html
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from hotfolder.platforms.platform import DiskRoom, Platform
from hotfolder.platforms.service import ServiceManager

__all__ = ["Posix"]

assert sys.platform != "win32"  # for mypy


class Posix(Platform):
    """Process groups, signals that can be blocked, folders that can be synced, systemd."""

    stop_signals = (signal.SIGINT, signal.SIGTERM)
    terminal_signals = (signal.SIGINT,)

    def ask_to_end(self, process: "subprocess.Popen[bytes]") -> None:
        process.terminate()

    def end_tree(self, process: "subprocess.Popen[bytes]") -> None:
        # The group of its session: also those whose own parent has ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)

    def before_termination(self, act: Callable[[], None]) -> None:
        # A handler would have to wait for the main thread's long calls.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # in threads to come, too

        def wait() -> None:
            signal.sigwait({signal.SIGTERM})
            try:
                act()
            except Exception:
                traceback.print_exc()
            # To have died of the signal, as whoever sent it expects.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=wait, daemon=True).start()

    def sync_folder(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # Some shares cannot sync folders.
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                self.sync_file(descriptor)
            finally:
                os.close(descriptor)

    def disk_room(self, folder: Path) -> DiskRoom:
        facts = os.statvfs(folder)
        free, size = facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize
        return DiskRoom(free, size, facts.f_favail if facts.f_files else None)

    def owner_of(self, path: Path) -> str:
        try:
            return path.owner()
        except KeyError:
            return super().owner_of(path)

    def send_datagram(self, address: str, message: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker:
            speaker.setblocking(False)
            speaker.sendto(message, address)

    def notification(self, title: str, text: str) -> list[str] | None:
        if (program := shutil.which("notify-send")) is None:
            return None
        # The text is read as markup.
        return [program, "--app-name=Impasto", "--", title, html.escape(text, quote=False)]

    @property
    def services(self) -> ServiceManager:
        from hotfolder.platforms.systemd import Systemd

        return Systemd()
