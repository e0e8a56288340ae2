"""systemd: telling it that the daemon is ready and alive, and the unit that it runs by.

The protocol (sd_notify(3)) is a datagram of `KEY=value` lines to the socket that the environment
names. Without one, nothing is sent.
"""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

__all__ = ["SystemdNotifier", "unit_text"]

WATCHDOG_SECONDS = 120
"""A daemon whose loop has not gone round for so long is restarted."""


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
        """Feed the watchdog; to be called at every turn of the loop, and by nothing else."""
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
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker,
        ):
            # Rather miss one than wait for a systemd that is busy.
            speaker.setblocking(False)
            speaker.sendto(message.encode(), address)


def unit_text(
    command: Sequence[str],
    folders: Sequence[Path],
    *,
    working_folder: Path | None = None,
    user: str | None = None,
) -> str:
    """The unit that runs `command` (absolute), which serves `folders`.

    Args:
        user: whom a system's unit runs as; None for a user's unit.
    """
    lines = [
        "[Unit]",
        f"Description=Impasto, serving {_value(', '.join(map(str, folders)))}",
        # Mounts that systemd knows come first; for others the command waits (`watch --wait`).
        f"RequiresMountsFor={' '.join(_in_quotes(str(folder)) for folder in folders)}",
        # A server that cannot start is tried a few times, not for ever.
        "StartLimitIntervalSec=300",
        "StartLimitBurst=5",
        "",
        "[Service]",
        "Type=notify",
        f"ExecStart={' '.join(_quoted(word) for word in command)}",
        *([f"WorkingDirectory={_value(str(working_folder))}"] if working_folder else []),
        *([f"User={_value(user)}"] if user else []),
        "Restart=on-failure",
        "RestartSec=5",
        # Called wrongly, or a wrong configuration: trying again would say the same.
        "RestartPreventExitStatus=1 9",
        f"WatchdogSec={WATCHDOG_SECONDS}",
        # The daemon gets the signal and ends its workers itself.
        "KillMode=mixed",
        "TimeoutStopSec=30",
        "",
        "[Install]",
        f"WantedBy={'multi-user.target' if user else 'default.target'}",
    ]
    return "\n".join(lines) + "\n"


def _watchdog_pause(environment: Mapping[str, str]) -> float:
    """Half of what systemd allows, as it advises; without a watchdog, now and then."""
    meant = environment.get("WATCHDOG_PID") in (None, "", str(os.getpid()))
    try:
        allowed = int(environment.get("WATCHDOG_USEC", "")) / 1e6
    except ValueError:
        allowed = 0.0
    return allowed / 2 if meant and allowed > 0 else 10.0


def _quoted(word: str) -> str:
    """One word of ExecStart, whatever it is made of."""
    return _in_quotes(word).replace("$", "$$")


def _in_quotes(word: str) -> str:
    """One word of a list."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{_value(text)}"'


def _value(text: str) -> str:
    """A % would begin a specifier, a line's end a new setting."""
    return text.replace("%", "%%").replace("\n", " ")
