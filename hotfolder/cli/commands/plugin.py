"""`install-plugin` and `uninstall-plugin`: Impasto in an editor's menu."""

import shutil
import sys
import sysconfig
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import report
from hotfolder.cli.options import ORDER, hot_option
from hotfolder.cli.styles import fill_style_library
from hotfolder.cli.where import ENVIRONMENT, find_hot_folder, read_config
from hotfolder.errors import FolderError
from hotfolder.paths import expand_home

if TYPE_CHECKING:
    from hotfolder.cli.gimp.profiles import Machine, Profile

__all__ = ["install_plugin", "uninstall_plugin"]


class Editor(StrEnum):
    """The editors there is a plug-in for."""

    GIMP = "gimp"


BY_HAND = (
    "Where it keeps its plug-ins elsewhere (Edit > Preferences > Folders > Plug-ins lists the "
    "places), name that folder with --folder."
)

EditorArgument = Annotated[Editor, typer.Argument(metavar="EDITOR", help="gimp: GIMP 3.")]
FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="GIMP's plug-ins folder, or its profile folder; else those of every GIMP 3 found.",
    ),
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@command(
    "install-plugin",
    "impasto install-plugin gimp",
    "impasto install-plugin gimp --hot ~/Pictures/hot",
    "impasto install-plugin gimp --folder ~/.config/GIMP/3.0/plug-ins --dry-run",
)
def install_plugin(
    editor: EditorArgument,
    hot: Annotated[
        Path | None, hot_option("The hot folder it uses.", f"{ORDER} Without any, a new ~/Impasto.")
    ] = None,
    folder: FolderOption = None,
    dry_run: DryOption = False,
) -> None:
    """Put Impasto into GIMP's menu: Filters > Artistic > Neural Style.

    An older plug-in is replaced. The new one knows which hot folder it uses and how to start its
    server.
    """
    from engine import __version__
    from hotfolder.cli.gimp.plug_in import NAME, Facts, install
    from hotfolder.cli.gimp.profiles import Machine
    from hotfolder.cli.gimp.sandbox import flatpak_permissions, start_command, why_out_of_reach

    machine = Machine.here()
    profiles = _profiles(folder, machine)
    root = _hot_folder(hot, dry_run=dry_run)
    for profile in profiles:
        facts = Facts(root, start_command(profile.kind, _impasto()), __version__)
        target = profile.plug_ins / NAME
        if dry_run:
            replaced = " (one is there; it would be replaced)" if target.exists() else ""
            report(f"Would put the plug-in for {profile} there{replaced}, for {root}:")
        else:
            install(profile.plug_ins, facts)
            report(f"The plug-in for {profile} is there, for the hot folder {root}:")
        typer.echo(target)
        why = why_out_of_reach(profile.kind, root, machine, flatpak_permissions())
        if why is not None:
            report(
                f"Warning: {profile} cannot reach the hot folder: {why}. Name another with --hot."
            )
    if not dry_run:
        report(
            "Start GIMP anew; the entry is Filters > Artistic > Neural Style (Impasto). "
            "If it is missing, `impasto doctor` shows why."
        )


@command(
    "uninstall-plugin",
    "impasto uninstall-plugin gimp",
    "impasto uninstall-plugin gimp --dry-run",
)
def uninstall_plugin(
    editor: EditorArgument,
    folder: FolderOption = None,
    dry_run: DryOption = False,
) -> None:
    """Take Impasto out of GIMP's menu.

    The hot folder stays as it is.
    """
    from hotfolder.cli.gimp.plug_in import NAME, is_ours, uninstall
    from hotfolder.cli.gimp.profiles import Machine, find_profiles

    machine = Machine.here()
    profiles = find_profiles(machine) if folder is None else _profiles(folder, machine)
    found = False
    for profile in profiles:
        target = profile.plug_ins / NAME
        if dry_run and target.exists() and is_ours(target):
            report(f"Would remove the plug-in for {profile}:")
        elif dry_run or uninstall(profile.plug_ins) is None:
            continue
        else:
            report(f"The plug-in for {profile} is removed:")
        typer.echo(target)
        found = True
    if not found:
        places = ", ".join(str(profile.plug_ins) for profile in profiles)
        report(f"There is none{f' in {places}' if places else ': no GIMP 3 was found'}.")


def _profiles(folder: Path | None, machine: "Machine") -> "list[Profile]":
    """Where to install: the folder that is named, or the newest GIMP 3 of each kind.

    Raises:
        FolderError: there is none.
    """
    from hotfolder.cli.gimp.diagnosis import diagnose
    from hotfolder.cli.gimp.plug_in import NAME
    from hotfolder.cli.gimp.profiles import Kind, Profile, find_profiles, newest

    if folder is None:
        found = newest(find_profiles(machine))
        if found:
            return found
        reason = next(iter(diagnose(machine)))
        if reason.verdict == "ok":
            raise FolderError(f"No GIMP 3 was found. Install it and start it once. {BY_HAND}")
        raise FolderError(f"No folder of a GIMP 3 was found: {reason.detail}. {reason.remedy}")
    place = expand_home(folder).absolute()
    if place.name == NAME and place.parent.name == "plug-ins":
        place = place.parent
    profile = place.parent if place.name == "plug-ins" else place
    if not profile.is_dir():
        raise FolderError(f"{profile}: no such folder. {BY_HAND}")
    known = next((p for p in find_profiles(machine) if p.folder == profile), None)
    return [known or Profile(Kind.NATIVE, "", profile)]


def _hot_folder(given: Path | None, *, dry_run: bool) -> Path:
    """The hot folder that other commands would use; without any, a new one in the home folder."""
    import os

    from hotfolder.paths import FolderPaths

    try:
        return find_hot_folder(given)
    except FolderError:
        if given is not None or os.environ.get(ENVIRONMENT):
            raise
    hot = FolderPaths(read_config(None).hot_folder)
    if dry_run:
        report(f"Would make the hot folder {hot.root}.")
    else:
        hot.create()
        fill_style_library(hot.styles)
        report(f"There was no hot folder; {hot.root} is one now.")
    return hot.root


def _impasto() -> list[str]:
    """What starts this Impasto from anywhere."""
    script = shutil.which("impasto", path=sysconfig.get_path("scripts"))
    return [script] if script else [sys.executable, "-P", "-m", "hotfolder.cli"]
