"""Why Impasto is not in GIMP's menu: GIMP skips without a message what it cannot use."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from engine import __version__
from hotfolder.cli.diagnostics import DiagnosticResult, fail, ok, warn
from hotfolder.cli.gimp.plug_in import FACTS, NAME, PROGRAM, differences, read_facts
from hotfolder.cli.gimp.profiles import (
    Kind,
    Machine,
    Profile,
    find_old_profiles,
    find_profiles,
    newest,
)
from hotfolder.cli.gimp.sandbox import Permissions, flatpak_permissions, why_out_of_reach
from hotfolder.errors import FolderError

__all__ = ["diagnose", "menu_entry"]

SUBJECT = "GIMP"

PACKAGES = "On Debian and Ubuntu: apt install python3-gi gir1.2-gimp-3.0; on Arch: python-gobject."

INSTALL = "Run: impasto install-plugin gimp"

PROGRAMS = ("gimp-3", "gimp", "gimp-console-3", "gimp-console")

PROBE = """
import sys
if sys.version_info < (3, 10): sys.exit(f"it is Python {sys.version.split()[0]}, 3.10 is needed")
try:
    import gi
    gi.require_version("Gimp", "3.0")
    gi.require_version("GimpUi", "3.0")
except (ImportError, ValueError) as error: sys.exit(str(error))
"""


def diagnose(machine: Machine) -> Iterator[DiagnosticResult]:
    """Each GIMP 3 of this machine and its plug-in."""
    profiles = find_profiles(machine)
    if not profiles:
        yield _without_profile(machine)
    for profile in newest(profiles):
        folder = profile.plug_ins / NAME
        if (folder / PROGRAM).exists():
            problems = list(_installed(profile, folder, machine))
            yield from problems
            if not any(problem.verdict == "fail" for problem in problems):
                yield menu_entry(profile)
        else:
            yield _not_installed(profile, profiles, machine)


def menu_entry(profile: Profile) -> DiagnosticResult:
    """Whether GIMP has taken an installed plug-in, by the notes it keeps of its plug-ins."""
    notes, program = profile.folder / "pluginrc", profile.plug_ins / NAME / PROGRAM
    try:
        text, noted = notes.read_text(errors="replace"), notes.stat().st_mtime
        changed = int(program.stat().st_mtime)
    except OSError:
        text, noted, changed = "", 0.0, 0
    entry = re.search(rf'\(plug-in-def "[^"]*{NAME}[/\\]+{PROGRAM}" (\d+)\s*(\(proc-def)?', text)
    if entry is not None and int(entry[1]) == changed and entry[2]:
        return ok(SUBJECT, f"{profile}: in its menu, Filters > Artistic")
    if noted > changed + 1:
        wrong = f"{profile}: started since the plug-in was installed, but could not use it"
        remedy = "Start GIMP from a terminal: it prints there what Python complains about."
        return warn(SUBJECT, wrong, remedy)
    remark = f"{profile}: the plug-in is installed; its menu entry comes at GIMP's next start"
    return ok(SUBJECT, remark)


def _without_profile(machine: Machine) -> DiagnosticResult:
    version = _version_on_path(machine)
    if version.startswith("3"):
        detail = f"GIMP {version} is here, but has not made its folder yet"
        return warn(SUBJECT, detail, "Start it once, then run: impasto install-plugin gimp")
    old = sorted({profile.version for profile in find_old_profiles(machine)} - {""})
    if version or old:
        detail = f"GIMP {version or ', '.join(old)} only; the plug-in needs GIMP 3"
        return warn(
            SUBJECT, detail, "Install GIMP 3, start it once, then run: impasto install-plugin gimp"
        )
    return ok(SUBJECT, "none here; Impasto can put itself into the menu of GIMP 3")


def _not_installed(profile: Profile, profiles: list[Profile], machine: Machine) -> DiagnosticResult:
    stray = _stray(profile)
    if stray is not None:
        wrong = (
            f"{profile}: {stray} is in the wrong place; GIMP runs plug-ins/{NAME}/{PROGRAM} only"
        )
        return fail(SUBJECT, wrong, f"Remove it. {INSTALL}")
    for other in [*profiles, *find_old_profiles(machine)]:
        if other is profile or other.kind is not profile.kind:
            continue
        if (other.plug_ins / NAME / PROGRAM).exists() or _stray(other) is not None:
            wrong = f"{profile}: the plug-in is in the folder of {other}, {other.plug_ins}"
            return fail(SUBJECT, wrong, INSTALL)
    return warn(SUBJECT, f"{profile}: the plug-in is not installed", INSTALL)


def _installed(profile: Profile, folder: Path, machine: Machine) -> Iterator[DiagnosticResult]:
    """What keeps an installed plug-in from being offered, or from working."""
    program = folder / PROGRAM
    if machine.platform != "win32" and not os.access(program, os.X_OK):
        if program.stat().st_mode & 0o111:
            wrong = f"{program} cannot be run: its file system forbids programs (noexec)"
            yield fail(SUBJECT, wrong, "Mount it without noexec, or set GIMP3_DIRECTORY elsewhere.")
        else:
            wrong = f"{program} has no run bit, so GIMP skips it"
            yield fail(SUBJECT, wrong, f"Run: chmod +x '{program}'")
    if not _is_searched(profile):
        wrong = f"plug-in-path in {profile.folder / 'gimprc'} leaves {profile.plug_ins} out"
        yield fail(SUBJECT, wrong, "Add it in GIMP: Edit > Preferences > Folders > Plug-ins.")
    yield from _stale(folder)
    yield from _facts(profile, folder, machine)
    if profile.kind is Kind.NATIVE and machine.platform == "linux":
        yield from _python(machine)


def _stale(folder: Path) -> Iterator[DiagnosticResult]:
    """A folder that is not as this Impasto would write it."""
    try:
        found = list(differences(folder))
    except FolderError as error:
        yield fail(SUBJECT, str(error), "Run: pip install --force-reinstall impasto")
        return
    missing = [name for name, how in found if how == "missing"]
    if any(name.startswith("client/") for name in missing):
        yield fail(SUBJECT, f"{folder} lacks its client ({missing[0]})", INSTALL)
    elif missing:
        yield fail(SUBJECT, f"{folder} lacks {', '.join(missing)}", INSTALL)
    elif found:
        theirs = read_facts(folder).get("version")
        wrong = f"the plug-in in {folder} is not this Impasto's: {found[0][0]} differs"
        if isinstance(theirs, str) and theirs != __version__:
            wrong = f"the plug-in in {folder} came with Impasto {theirs}; this is {__version__}"
        yield warn(SUBJECT, wrong, INSTALL)


def _facts(profile: Profile, folder: Path, machine: Machine) -> Iterator[DiagnosticResult]:
    """The hot folder and the command in `impasto.json`."""
    facts = read_facts(folder)
    place, command = facts.get("hot_folder"), facts.get("command")
    if not isinstance(place, str) or not place:
        yield fail(SUBJECT, f"{folder / FACTS} names no hot folder", INSTALL)
        return
    hot = Path(place)
    if not (hot / "inbox").is_dir():
        wrong = f"the plug-in is to use {hot} ({FACTS}), which is no hot folder"
        yield fail(
            SUBJECT,
            wrong,
            f"Run: impasto init --hot '{hot}', or: impasto install-plugin gimp --hot HOT",
        )
    permissions = flatpak_permissions() if profile.kind is Kind.FLATPAK else Permissions()
    why = why_out_of_reach(profile.kind, hot, machine, permissions)
    if why is not None:
        remedy = "Choose a hot folder that it sees: impasto install-plugin gimp --hot ~/Impasto"
        yield fail(SUBJECT, f"{profile} cannot reach the hot folder: {why}", remedy)
    by_hand = f"Start it in a terminal: impasto watch --hot {hot}"
    if profile.kind is Kind.FLATPAK and not permissions.starts_programs:
        remedy = (
            f"{by_hand}. Or let it: "
            "flatpak override --user --talk-name=org.freedesktop.Flatpak org.gimp.GIMP"
        )
        yield warn(SUBJECT, f"{profile} may not start the server (its sandbox)", remedy)
    elif profile.kind is Kind.SNAP:
        yield warn(SUBJECT, f"{profile} cannot start the server (its sandbox)", by_hand)
    elif profile.kind is Kind.NATIVE and not _can_be_run(command):
        wrong = f"the command that is to start the server is gone: {command}"
        yield fail(SUBJECT, wrong, INSTALL)


def _python(machine: Machine) -> Iterator[DiagnosticResult]:
    """Whether the Python that would run the plug-in can talk to GIMP."""
    if _program(machine) is None:
        return  # An AppImage, or no GIMP at all any more: it has its own.
    python = shutil.which("python3", path=_path(machine))
    if python is None:
        yield fail(SUBJECT, "there is no python3 on the path, which runs the plug-in", PACKAGES)
        return
    answer = _output([python, "-I", "-c", PROBE], machine)
    if answer is not None and answer[0] != 0:
        reason = answer[1].strip().splitlines()[-1:] or ["it failed"]
        wrong = f"{python} cannot run GIMP's plug-ins: {reason[0]}"
        yield fail(SUBJECT, wrong, PACKAGES)


def _stray(profile: Profile) -> Path | None:
    """Our program in a folder that GIMP does not search."""
    places = [
        profile.folder / PROGRAM,
        profile.folder / NAME / PROGRAM,
        profile.folder / "scripts" / PROGRAM,
        profile.plug_ins / PROGRAM,
        *sorted(profile.plug_ins.glob(f"*/{PROGRAM}")),
        *sorted(profile.plug_ins.glob(f"{NAME}*/*/{PROGRAM}")),
    ]
    return next((path for path in places if path.is_file()), None)


def _is_searched(profile: Profile) -> bool:
    """Whether GIMP searches the profile's plug-ins: its preferences can name other folders."""
    try:
        text = (profile.folder / "gimprc").read_text(errors="replace")
    except OSError:
        return True
    match = re.search(r'^\s*\(plug-in-path\s+"([^"]*)"', text, re.MULTILINE)
    if match is None:
        return True
    folders = [
        part.replace("${gimp_dir}", str(profile.folder)) for part in match[1].split(os.pathsep)
    ]
    return str(profile.plug_ins) in [folder.rstrip("/\\") for folder in folders]


def _can_be_run(command: object) -> bool:
    if not isinstance(command, list) or not command or not isinstance(command[0], str):
        return False
    return shutil.which(command[0]) is not None


def _program(machine: Machine) -> str | None:
    found = (shutil.which(name, path=_path(machine)) for name in PROGRAMS)
    return next(filter(None, found), None)


def _version_on_path(machine: Machine) -> str:
    """Of the GIMP that a shell would start; empty if there is none."""
    program = _program(machine)
    answer = _output([program, "--version"], machine) if program else None
    match = re.search(r"(\d+\.\d+(\.\d+)?)", answer[1]) if answer else None
    return match[1] if match else ""


def _output(command: list[str], machine: Machine) -> tuple[int, str] | None:
    """Exit code and output; None if the command cannot be run or takes too long."""
    environ = {k: v for k, v in machine.environ.items() if not k.startswith("PYTHON")}
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=20,
            env=environ | {"PATH": _path(machine)},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.returncode, answer.stdout


def _path(machine: Machine) -> str:
    """The path that GIMP sees when it is not started from our own environment's shell."""
    own = machine.environ.get("VIRTUAL_ENV")
    parts = machine.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(part for part in parts if not own or Path(part).parent != Path(own))
