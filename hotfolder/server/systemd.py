"""systemd: telling it that the daemon is ready and alive.

The protocol (sd_notify(3)) is a datagram of `KEY=value` lines to the socket that the environment
names. Without one, nothing is sent.
"""

import contextlib
import os
import time
from collections.abc import Callable, Mapping

from hotfolder.platforms import system

__all__ = ["SystemdNotifier"]


class SystemdNotifier:
    """Speaks to the systemd that started this process, if one did."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        environment = os.environ if environment is None else environment
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._clock = clock
        self._pause = _watchdog_pause(environment)
        self._due = clock()
        self._status = ""

    def ready(self, status: str) -> None:
        self._send(READY=1, STATUS=status)

    def alive(self, status: str) -> None:
        """Feed the watchdog; to be called between the parts of every turn of the loop, and by
        nothing else."""
        changed = status != self._status
        if self._clock() < self._due and not changed:
            return
        self._due = self._clock() + self._pause
        self._status = status
        self._send(WATCHDOG=1, STATUS=status)

    def stopping(self) -> None:
        self._send(STOPPING=1)

    def _send(self, **facts: object) -> None:
        if not self._address:
            return
        message = "\n".join(f"{key}={value}" for key, value in facts.items())
        # A leading @ stands for the abstract name space.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        # Rather miss one than wait for a systemd that is busy.
        with contextlib.suppress(OSError):
            system.send_datagram(address, message.encode())


def _watchdog_pause(environment: Mapping[str, str]) -> float:
    """Half of what systemd allows, as it advises; without a watchdog, now and then."""
    meant = environment.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
    try:
        allowed = int(environment.get("WATCHDOG_USEC", "")) / 1e6
    except ValueError:
        allowed = 0.0
    return allowed / 2 if meant and allowed > 0 else 10.0
