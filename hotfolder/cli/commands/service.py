"""`service install`, `uninstall`, `show`: the daemon under systemd."""

import getpass
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from hotfolder.cli.app import FOLDER, app
from hotfolder.cli.commands.folder import ConfigOption, HotArgument
from hotfolder.cli.console import report
from hotfolder.cli.where import find_hot_folder, read_config
from hotfolder.errors import ExitCode, FolderError

__all__ = ["install", "service", "show", "uninstall"]

service = typer.Typer(
    help="Run the server under systemd: at login or boot, restarted when it fails.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
app.add_typer(service, name="service", rich_help_panel=FOLDER)

UserOption = Annotated[
    bool, typer.Option("--user/--system", help="Yours, or the machine's (needs root).")
]
NameOption = Annotated[
    str, typer.Option("--name", help="What to call it, if there is more than one.")
]


@service.command("install", epilog="[cyan]impasto service install --user hot[/cyan]")
def install(
    hot: HotArgument = None,
    config: ConfigOption = None,
    user: UserOption = True,
    name: NameOption = "impasto",
) -> int:
    """Write the unit, enable it and start it."""
    from hotfolder.server.systemd import unit_text

    read_config(config)
    root = find_hot_folder(hot, config)
    command = [sys.executable, "-P", "-m", "hotfolder.cli", "watch", str(root)]
    if config is not None:
        command += ["--config", str(config.absolute())]
    # The unit is to see the ./config.yaml that this command sees.
    here = Path.cwd() if config is None and Path("config.yaml").is_file() else None
    text = unit_text(command, [root], working_folder=here, user=None if user else _owner(root))
    path = _unit(name, user=user)
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
            f"It is written, but systemd did not start it. Where it runs: "
            f"{_words(user)} daemon-reload && {_words(user)} enable --now {path.name}"
        )
        return ExitCode.OTHER
    report(
        f"{root} is served. Its log: {'journalctl --user' if user else 'journalctl'} -u {name} -f"
    )
    if user:
        report("It ends when you log out, unless: loginctl enable-linger")
    return ExitCode.OK


@service.command("uninstall", epilog="[cyan]impasto service uninstall --user[/cyan]")
def uninstall(user: UserOption = True, name: NameOption = "impasto") -> int:
    """Stop it and remove the unit.

    The hot folder stays as it is.
    """
    path = _unit(name, user=user)
    if not path.is_file():
        raise FolderError(f"{path}: there is no such unit. `impasto service install` writes it.")
    _systemctl(user, "disable", "--now", path.name)
    try:
        path.unlink()
    except OSError as error:
        raise FolderError(f"{path}: cannot be removed: {error.strerror}.") from None
    _systemctl(user, "daemon-reload")
    report(f"{path} is removed.")
    return ExitCode.OK


@service.command("show", epilog="[cyan]impasto service show --user[/cyan]")
def show(user: UserOption = True, name: NameOption = "impasto") -> int:
    """Print the unit, and whether it runs."""
    path = _unit(name, user=user)
    if not path.is_file():
        raise FolderError(f"{path}: there is no such unit. `impasto service install` writes it.")
    report(f"{path}: {_state(user, path.name)}")
    typer.echo(path.read_text(encoding="utf-8").rstrip())
    return ExitCode.OK


def _unit(name: str, *, user: bool) -> Path:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise typer.BadParameter(f"{name!r}: letters, digits, - and _ only.", param_hint="--name")
    if not user:
        return Path("/etc/systemd/system") / f"{name}.service"
    base = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return base / "systemd" / "user" / f"{name}.service"


def _owner(root: Path) -> str:
    """A system's service does not run as root, unless the folder is root's."""
    try:
        return root.owner()
    except (KeyError, NotImplementedError):
        return getpass.getuser()


def _systemctl(user: bool, *arguments: str) -> bool:
    """Whether it was done; what systemctl said is passed on."""
    if shutil.which("systemctl") is None:
        report("There is no systemctl here.")
        return False
    command = ["systemctl", *(["--user"] if user else []), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        report(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done.returncode == 0


def _state(user: bool, unit: str) -> str:
    if shutil.which("systemctl") is None:
        return "no systemctl here"
    command = ["systemctl", *(["--user"] if user else []), "is-active", unit]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()


def _words(user: bool) -> str:
    return "systemctl --user" if user else "systemctl"
