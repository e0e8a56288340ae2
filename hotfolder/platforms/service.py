"""The interface of a service manager: what starts the server by itself, and keeps it running."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Commands", "Service", "ServiceManager", "described"]

Commands = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Service:
    """A server that is to run from now on."""

    name: str
    """Letters, digits, - and _."""
    command: Sequence[str]
    """Absolute, with its arguments."""
    folder: Path
    """The hot folder that it serves."""
    working_folder: Path | None = None
    user: str | None = None
    """Whom a service of the machine runs as; None: it is the user's own, from log-in to log-out."""


class ServiceManager(ABC):
    """Writes the definition of a service, and knows the commands that make it count."""

    kind: str
    """What a definition is called: `systemd unit`."""
    encoding: str = "utf-8"
    """Of the definition's file."""

    @abstractmethod
    def path(self, name: str, *, for_user: bool) -> Path:
        """Where the definition is kept."""

    @abstractmethod
    def definition(self, service: Service) -> str: ...

    @abstractmethod
    def served_folder(self, definition: str) -> str:
        """The hot folder that a definition serves; empty if it is none of ours."""

    @abstractmethod
    def start(self, name: str, *, for_user: bool) -> Commands:
        """To start the service whose definition is written, now and from now on."""

    @abstractmethod
    def stop(self, name: str, *, for_user: bool) -> Commands:
        """To stop it for good, before its definition is removed."""

    def after_removal(self, *, for_user: bool) -> Commands:
        """When the definition is removed."""
        return ()

    @abstractmethod
    def status(self, name: str, *, for_user: bool) -> Sequence[str]:
        """Prints whether it runs."""

    @abstractmethod
    def remarks(self, service: Service) -> Sequence[str]:
        """What a person should know once it is installed: where the log is, when it ends."""


def described(folder: Path) -> str:
    """One line that says what a service is, from which `served_folder` takes the folder."""
    return f"Impasto, serving {folder}"
