"""launchd, on macOS: an agent of the user (from log-in to log-out), or a daemon of the machine."""

import plistlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hotfolder.platforms.service import Commands, Service, ServiceManager

__all__ = ["Launchd"]

RESTART_SECONDS = 60
"""Least time between two starts. launchd cannot be told which exit codes are final."""


class Launchd(ServiceManager):
    """Property lists. `home` and `uid` are the user's."""

    kind = "launchd property list"

    def __init__(self, home: Path, uid: int) -> None:
        self._home = home
        self._uid = uid

    def path(self, name: str, *, for_user: bool) -> Path:
        library = (
            self._home / "Library/LaunchAgents" if for_user else Path("/Library/LaunchDaemons")
        )
        return library / f"{name}.plist"

    def definition(self, service: Service) -> str:
        document: dict[str, Any] = {
            "Label": service.name,
            "ProgramArguments": list(service.command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": RESTART_SECONDS,
            "ExitTimeOut": 30,
            "ProcessType": "Background" if service.user else "Standard",
            "StandardErrorPath": str(self._log(service)),
        }
        if service.working_folder is not None:
            document["WorkingDirectory"] = str(service.working_folder)
        if service.user is not None:
            document["UserName"] = service.user
        return plistlib.dumps(document).decode()

    def served_folder(self, definition: str) -> str:
        try:
            words = plistlib.loads(definition.encode())["ProgramArguments"]
            return str(words[words.index("--hot") + 1])
        except (plistlib.InvalidFileException, ValueError, LookupError, TypeError):
            return ""

    def start(self, name: str, *, for_user: bool) -> Commands:
        path = str(self.path(name, for_user=for_user))
        return [["launchctl", "bootstrap", self._domain(for_user=for_user), path]]

    def stop(self, name: str, *, for_user: bool) -> Commands:
        return [["launchctl", "bootout", f"{self._domain(for_user=for_user)}/{name}"]]

    def status(self, name: str, *, for_user: bool) -> Sequence[str]:
        return ["launchctl", "print", f"{self._domain(for_user=for_user)}/{name}"]

    def remarks(self, service: Service) -> Sequence[str]:
        return [f"Its log: {self._log(service)}"]

    def _domain(self, *, for_user: bool) -> str:
        return f"gui/{self._uid}" if for_user else "system"

    def _log(self, service: Service) -> Path:
        library = Path("/Library") if service.user else self._home / "Library"
        return library / "Logs" / f"{service.name}.log"
