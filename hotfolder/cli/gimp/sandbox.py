"""What a GIMP in a sandbox can reach: the hot folder, and a way to start the server."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from hotfolder.cli.gimp.profiles import FLATPAK, Kind, Machine

__all__ = ["Permissions", "flatpak_permissions", "start_command", "why_out_of_reach"]

# https://docs.flatpak.org/en/latest/sandbox-permissions.html: not part of `host`.
RESERVED = {
    *("app", "bin", "boot", "dev", "efi", "etc", "lib", "lib32", "lib64", "proc", "root", "run"),
    *("sbin", "sys", "tmp", "usr", "var"),
}


@dataclass(frozen=True)
class Permissions:
    """What a Flatpak is allowed."""

    filesystems: Sequence[str] = ("host",)
    starts_programs: bool = False
    """Whether it may start programs outside of its sandbox."""


def flatpak_permissions() -> Permissions:
    """Those of the GIMP that is installed, overrides included; its usual ones if none is."""
    flatpak = shutil.which("flatpak")
    if flatpak is None:
        return Permissions()
    try:
        answer = subprocess.run(
            [flatpak, "info", "--show-permissions", FLATPAK],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return Permissions()
    lines = answer.stdout.splitlines()
    filesystems = next((line for line in lines if line.startswith("filesystems=")), "=")
    return Permissions(
        [name for name in filesystems.partition("=")[2].split(";") if name],
        "org.freedesktop.Flatpak=talk" in lines,
    )


def start_command(kind: Kind, command: Sequence[str]) -> list[str]:
    """How a GIMP of this kind starts `command`; empty if it never can."""
    if kind is Kind.FLATPAK:
        return ["flatpak-spawn", "--host", *command]
    return [] if kind is Kind.SNAP else list(command)


def why_out_of_reach(
    kind: Kind, folder: Path, machine: Machine, permissions: Permissions
) -> str | None:
    """Why a GIMP of this kind cannot use `folder`; None if it can."""
    at_home = folder.is_relative_to(machine.home)
    if kind is Kind.SNAP:
        return _why_not_snap(folder, machine.home, at_home=at_home)
    if kind is Kind.NATIVE:
        return None
    for allowed in permissions.filesystems:
        name, _, mode = allowed.partition(":")
        if mode == "ro":
            continue
        if name == "host" and (at_home or not RESERVED.intersection(folder.parts[1:2])):
            return None
        if name == "home" and at_home:
            return None
        if name.startswith(("/", "~/")):
            place = machine.home / name[2:] if name.startswith("~") else PurePath(name)
            if folder.is_relative_to(place):
                return None
    return f"the Flatpak has no permission for {folder}"


def _why_not_snap(folder: Path, home: Path, *, at_home: bool) -> str | None:
    if at_home:
        hidden = folder.relative_to(home).parts[:1]
        if hidden and hidden[0].startswith("."):
            return f"a Snap sees nothing below ~/{hidden[0]}"
        return None
    if any(folder.is_relative_to(place) for place in ("/media", "/mnt", "/run/media")):
        return None  # After `snap connect gimp:removable-media`.
    return f"a Snap sees nothing of {folder}"
