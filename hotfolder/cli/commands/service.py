"""`service install`, `uninstall`, `show`: the server under systemd."""

import getpass
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import report
from hotfolder.cli.options import ConfigOption, HotOption, hot_option
from hotfolder.cli.where import find_hot_folder, read_config
from hotfolder.errors import ExitCode, FolderError
from hotfolder.paths import expand_home

__all__ = ["install", "show", "uninstall"]

UserOption = Annotated[
    bool, typer.Option("--user/--system", help="For your login, or for the machine (needs root).")
]
NameOption = Annotated[
    str,
    typer.Option("--name", metavar="NAME", help="The unit's name; each hot folder needs its own."),
]
ServedOption = Annotated[
    Path | None,
    hot_option("Only if the unit serves this hot folder.", ""),
]


@command(
    "service install",
    "impasto service install --hot hot",
    "impasto service install --hot hot --dry-run",
)
def install(
    hot: HotOption = None,
    config: ConfigOption = None,
    user: UserOption = True,
    name: NameOption = "impasto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the unit, and where it would be written.")
    ] = False,
) -> int:
    """Write a systemd unit for the hot folder, enable it and start it."""
    from hotfolder.server.systemd import unit_text

    read_config(config)
    root = find_hot_folder(hot, config)
    command = [sys.executable, "-P", "-m", "hotfolder.cli", "watch", "--hot", str(root), "--wait"]
    if config is not None:
        command += ["--config", str(config.absolute())]
    # The unit is to see the ./config.yaml that this command sees.
    here = Path.cwd() if config is None and Path("config.yaml").is_file() else None
    text = unit_text(command, [root], working_folder=here, user=None if user else _owner(root))
    path = _unit(name, user=user)
    if dry_run:
        report(f"Would write {path}, enable it and start it:")
        typer.echo(text.rstrip())
        return ExitCode.OK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        hint = "" if user else " Run it as root, or use --user."
        raise FolderError(f"{path}: cannot be written: {error.strerror}.{hint}") from None
    typer.echo(path)
    started = _systemctl(user, "daemon-reload") and _systemctl(user, "enable", "--now", path.name)
    if not started:
        report(
            "The unit is written, but systemd did not start it. Where systemd runs: "
            f"{_words(user)} daemon-reload && {_words(user)} enable --now {path.name}"
        )
        return ExitCode.OTHER
    report(
        f"{root} is served. Its log: {'journalctl --user' if user else 'journalctl'} -u {name} -f"
    )
    if user:
        report("It ends when you log out, unless: loginctl enable-linger")
    return ExitCode.OK


@command("service uninstall", "impasto service uninstall", "impasto service uninstall --name work")
def uninstall(
    hot: ServedOption = None, user: UserOption = True, name: NameOption = "impasto"
) -> int:
    """Stop the service and remove its unit.

    The hot folder stays as it is.
    """
    path = _installed_unit(name, hot, user=user)
    _systemctl(user, "disable", "--now", path.name)
    try:
        path.unlink()
    except OSError as error:
        raise FolderError(f"{path}: cannot be removed: {error.strerror}.") from None
    _systemctl(user, "daemon-reload")
    report(f"{path} is removed.")
    return ExitCode.OK


@command("service show", "impasto service show")
def show(hot: ServedOption = None, user: UserOption = True, name: NameOption = "impasto") -> int:
    """Print the unit, and whether the service runs."""
    path = _installed_unit(name, hot, user=user)
    report(f"{path}: {_run_systemctl(user, 'is-active', path.name)[1]}")
    typer.echo(path.read_text(encoding="utf-8").rstrip())
    return ExitCode.OK


def _unit(name: str, *, user: bool) -> Path:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise typer.BadParameter(f"{name!r}: letters, digits, - and _ only.", param_hint="--name")
    if not user:
        return Path("/etc/systemd/system") / f"{name}.service"
    base = expand_home(os.environ.get("XDG_CONFIG_HOME") or "~/.config")
    return base / "systemd" / "user" / f"{name}.service"


def _installed_unit(name: str, hot: Path | None, *, user: bool) -> Path:
    """The unit's file.

    Raises:
        FolderError: there is none, or it serves another hot folder.
    """
    path = _unit(name, user=user)
    if not path.is_file():
        raise FolderError(f"{path}: there is no such unit. `impasto service install` writes it.")
    if hot is not None:
        served = path.read_text(encoding="utf-8").partition(", serving ")[2].splitlines()[:1]
        root = expand_home(hot).absolute()
        if served != [str(root).replace("%", "%%")]:
            raise FolderError(f"{path} does not serve {root}. --name names another unit.")
    return path


def _owner(root: Path) -> str:
    """Whom a service of the machine runs as: root only if the folder is root's."""
    try:
        return root.owner()
    except (KeyError, NotImplementedError):
        return getpass.getuser()


def _systemctl(user: bool, *arguments: str) -> bool:
    """Whether it was done; an error message of systemctl is passed on."""
    done, message = _run_systemctl(user, *arguments)
    if not done:
        report(f"{_words(user)} {' '.join(arguments)}: {message}")
    return done


def _run_systemctl(user: bool, *arguments: str) -> tuple[bool, str]:
    """Whether it succeeded, and what it printed."""
    if shutil.which("systemctl") is None:
        return False, "there is no systemctl here"
    command = [*_words(user).split(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stderr or done.stdout).strip()


def _words(user: bool) -> str:
    return "systemctl --user" if user else "systemctl"
