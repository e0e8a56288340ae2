"""Where GIMP 3 keeps what belongs to a person: its profile folders, plug-ins among them."""

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

__all__ = ["Kind", "Machine", "Profile", "find_old_profiles", "find_profiles", "newest"]

FLATPAK = "org.gimp.GIMP"


class Kind(StrEnum):
    """How GIMP came onto the machine: what it can see and start depends on that."""

    NATIVE = "native"
    FLATPAK = "Flatpak"
    SNAP = "Snap"


@dataclass(frozen=True)
class Machine:
    """Whose GIMP it is about."""

    home: Path
    environ: Mapping[str, str]
    platform: str
    """As `sys.platform`."""

    @classmethod
    def here(cls) -> "Machine":
        return cls(Path.home(), os.environ, sys.platform)


@dataclass(frozen=True)
class Profile:
    """One version's folder: `~/.config/GIMP/3.0`."""

    kind: Kind
    version: str
    """Such as `3.0`; empty for $GIMP3_DIRECTORY, whose name does not tell."""
    folder: Path

    @property
    def plug_ins(self) -> Path:
        return self.folder / "plug-ins"

    def __str__(self) -> str:
        kind = "" if self.kind is Kind.NATIVE else f" ({self.kind})"
        return f"GIMP {self.version or '3'}{kind}"


def find_profiles(machine: Machine) -> list[Profile]:
    """Every profile of a GIMP 3 that is there, the newest of each kind first.

    $GIMP3_DIRECTORY takes the place of the native ones, as for GIMP itself; it need not exist yet.
    """
    found = list(_versions(machine, re.compile(r"3\.(\d+)")))
    if named := machine.environ.get("GIMP3_DIRECTORY"):
        # GIMP: relative to the home folder.
        own = Profile(Kind.NATIVE, "", machine.home / named)
        found = [own, *(profile for profile in found if profile.kind != Kind.NATIVE)]
    return found


def find_old_profiles(machine: Machine) -> list[Profile]:
    """The profiles of GIMP 2."""
    return list(_versions(machine, re.compile(r"2\.(\d+)")))


def newest(profiles: Sequence[Profile]) -> list[Profile]:
    """One profile of each kind: that of the GIMP which a person uses."""
    first: dict[Kind, Profile] = {}
    for profile in profiles:
        first.setdefault(profile.kind, profile)
    return list(first.values())


def _versions(machine: Machine, pattern: re.Pattern[str]) -> Iterator[Profile]:
    for kind, base in _bases(machine):
        try:
            names = os.listdir(base)  # noqa: PTH208  (names, not paths)
        except OSError:
            continue
        matches = [match for name in names if (match := pattern.fullmatch(name))]
        for match in sorted(matches, key=lambda match: int(match[1]), reverse=True):
            if (base / match[0]).is_dir():
                yield Profile(kind, match[0], base / match[0])


def _bases(machine: Machine) -> Iterator[tuple[Kind, Path]]:
    """The folders that hold a profile for each version."""
    home, environ = machine.home, machine.environ
    if machine.platform == "win32":
        roaming = environ.get("APPDATA")
        yield Kind.NATIVE, (Path(roaming) if roaming else home / "AppData/Roaming") / "GIMP"
    elif machine.platform == "darwin":
        yield Kind.NATIVE, home / "Library/Application Support/GIMP"
    else:
        configured = environ.get("XDG_CONFIG_HOME")
        yield Kind.NATIVE, (Path(configured) if configured else home / ".config") / "GIMP"
        yield Kind.FLATPAK, home / ".var/app" / FLATPAK / "config/GIMP"
        yield Kind.SNAP, home / "snap/gimp/current/.config/GIMP"
