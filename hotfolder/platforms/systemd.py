"""systemd, on Linux: the unit that the server runs by. What it hears while it runs is sent by
`hotfolder/server/systemd.py`."""

import os
from collections.abc import Sequence
from pathlib import Path

from hotfolder.platforms.service import Commands, Service, ServiceManager, described

__all__ = ["WATCHDOG_SECONDS", "Systemd"]

WATCHDOG_SECONDS = 120
"""A server whose loop has not gone round for so long is restarted."""


class Systemd(ServiceManager):
    """Units of the user, or of the machine."""

    kind = "systemd unit"

    def path(self, name: str, *, for_user: bool) -> Path:
        if not for_user:
            return Path("/etc/systemd/system") / _unit(name)
        base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
        return base / "systemd" / "user" / _unit(name)

    def definition(self, service: Service) -> str:
        home, user = service.working_folder, service.user
        lines = [
            "[Unit]",
            f"Description={_value(described(service.folder))}",
            # Mounts that systemd knows come first; for others the command waits (`watch --wait`).
            f"RequiresMountsFor={_in_quotes(str(service.folder))}",
            # A server that cannot start is tried a few times, not for ever.
            "StartLimitIntervalSec=300",
            "StartLimitBurst=5",
            "",
            "[Service]",
            "Type=notify",
            f"ExecStart={' '.join(_quoted(word) for word in service.command)}",
            *([f"WorkingDirectory={_value(str(home))}"] if home else []),
            *([f"User={_value(user)}"] if user else []),
            "Restart=on-failure",
            "RestartSec=5",
            # Called wrongly, or a wrong configuration: trying again would say the same.
            "RestartPreventExitStatus=1 9",
            f"WatchdogSec={WATCHDOG_SECONDS}",
            # The server gets the signal and ends its workers itself.
            "KillMode=mixed",
            "TimeoutStopSec=30",
            "",
            "[Install]",
            f"WantedBy={'multi-user.target' if user else 'default.target'}",
        ]
        return "\n".join(lines) + "\n"

    def served_folder(self, definition: str) -> str:
        lines = definition.partition(", serving ")[2].splitlines()
        return lines[0].replace("%%", "%") if lines else ""

    def start(self, name: str, *, for_user: bool) -> Commands:
        systemctl = _systemctl(for_user=for_user)
        return [
            *self.after_removal(for_user=for_user),
            [*systemctl, "enable", "--now", _unit(name)],
        ]

    def stop(self, name: str, *, for_user: bool) -> Commands:
        return [[*_systemctl(for_user=for_user), "disable", "--now", _unit(name)]]

    def after_removal(self, *, for_user: bool) -> Commands:
        return [[*_systemctl(for_user=for_user), "daemon-reload"]]

    def status(self, name: str, *, for_user: bool) -> Sequence[str]:
        return [*_systemctl(for_user=for_user), "is-active", _unit(name)]

    def remarks(self, service: Service) -> Sequence[str]:
        if service.user:
            return [f"Its log: journalctl -u {service.name} -f"]
        return [
            f"Its log: journalctl --user -u {service.name} -f",
            "It ends when you log out, unless: loginctl enable-linger",
        ]


def _unit(name: str) -> str:
    return f"{name}.service"


def _systemctl(*, for_user: bool) -> list[str]:
    return ["systemctl", "--user"] if for_user else ["systemctl"]


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
