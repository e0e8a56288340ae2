"""`service install`, `uninstall`, `status`: the server under the machine's service manager."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import report
from hotfolder.cli.options import ConfigOption, HotOption, hot_option
from hotfolder.cli.where import find_hot_folder, read_config
from hotfolder.errors import ExitCode, FolderError
from hotfolder.paths import expand_home
from hotfolder.platforms import system
from hotfolder.platforms.service import Commands, Service, ServiceManager

__all__ = ["install", "status", "uninstall"]

UserOption = Annotated[
    bool,
    typer.Option(
        "--user/--system", help="For your login, or for the machine (needs an administrator)."
    ),
]
NameOption = Annotated[
    str,
    typer.Option(
        "--name", metavar="NAME", help="The service's name; each hot folder needs its own."
    ),
]
ServedOption = Annotated[
    Path | None,
    hot_option("Only if the service serves this hot folder.", ""),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only print what would be written or removed, and run.")
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
    dry_run: DryRunOption = False,
) -> int:
    """Have the hot folder served from now on: by systemd, launchd or the Task Scheduler."""
    services = system.services
    read_config(config)
    root = find_hot_folder(hot, config)
    service = _service(root, config, name, for_user=user)
    definition = services.definition(service)
    path = _path(services, name, for_user=user)
    commands = services.start(name, for_user=user)
    if dry_run:
        report(f"Would write this {services.kind}, {path}, and then run:{_listed(commands)}")
        typer.echo(definition.rstrip())
        return ExitCode.OK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(definition, encoding=services.encoding)
    except OSError as error:
        hint = "" if user else " Run it as an administrator, or use --user."
        raise FolderError(f"{path}: cannot be written: {error.strerror}.{hint}") from None
    typer.echo(path)
    if not all(_done(words) for words in commands):
        report(
            f"The {services.kind} is written, but the service did not start. Where it can be "
            f"started:{_listed(commands)}"
        )
        return ExitCode.OTHER
    report("\n".join([f"{root} is served.", *services.remarks(service)]))
    return ExitCode.OK


@command("service uninstall", "impasto service uninstall", "impasto service uninstall --name work")
def uninstall(
    hot: ServedOption = None,
    user: UserOption = True,
    name: NameOption = "impasto",
    dry_run: DryRunOption = False,
) -> int:
    """Stop the service and remove it.

    The hot folder stays as it is.
    """
    services = system.services
    path = _installed(services, name, hot, for_user=user)
    stop = services.stop(name, for_user=user)
    after = services.after_removal(for_user=user)
    if dry_run:
        report(f"Would remove {path}, and run:{_listed([*stop, *after])}")
        return ExitCode.OK
    for words in stop:
        _done(words)
    try:
        path.unlink()
    except OSError as error:
        raise FolderError(f"{path}: cannot be removed: {error.strerror}.") from None
    for words in after:
        _done(words)
    report(f"{path} is removed.")
    return ExitCode.OK


@command("service status", "impasto service status")
def status(hot: ServedOption = None, user: UserOption = True, name: NameOption = "impasto") -> int:
    """Print what was installed, and whether the service runs."""
    services = system.services
    path = _installed(services, name, hot, for_user=user)
    report(f"{path}: {_run(services.status(name, for_user=user))[1]}")
    typer.echo(path.read_text(encoding=services.encoding).rstrip())
    return ExitCode.OK


def _service(root: Path, config: Path | None, name: str, *, for_user: bool) -> Service:
    command = [sys.executable, "-P", "-m", "hotfolder.cli", "watch", "--hot", str(root), "--wait"]
    if config is not None:
        command += ["--config", str(config.absolute())]
    # The service is to see the ./config.yaml that this command sees.
    here = Path.cwd() if config is None and Path("config.yaml").is_file() else None
    owner = None if for_user else system.owner_of(root)
    return Service(name, command, root, working_folder=here, user=owner)


def _path(services: ServiceManager, name: str, *, for_user: bool) -> Path:
    if not name.replace("-", "").replace("_", "").isalnum():
        raise typer.BadParameter(f"{name!r}: letters, digits, - and _ only.", param_hint="--name")
    return services.path(name, for_user=for_user)


def _installed(services: ServiceManager, name: str, hot: Path | None, *, for_user: bool) -> Path:
    """The definition's file.

    Raises:
        FolderError: there is none, or it serves another hot folder.
    """
    path = _path(services, name, for_user=for_user)
    if not path.is_file():
        raise FolderError(
            f"{path}: there is no such {services.kind}. `impasto service install` writes it."
        )
    if hot is not None:
        root = expand_home(hot).absolute()
        if services.served_folder(path.read_text(encoding=services.encoding)) != str(root):
            raise FolderError(f"{path} does not serve {root}. --name names another service.")
    return path


def _done(command: Sequence[str]) -> bool:
    """Whether it was done; an error message of the service manager is passed on."""
    done, message = _run(command)
    if not done:
        report(f"{' '.join(command)}: {message}")
    return done


def _run(command: Sequence[str]) -> tuple[bool, str]:
    """Whether it succeeded, and what it printed."""
    program = shutil.which(command[0])
    if program is None:
        return False, f"there is no {command[0]} here"
    words = [program, *command[1:]]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode == 0, (done.stderr or done.stdout).strip()


def _listed(commands: Commands) -> str:
    return "".join(f"\n  {shlex.join(words)}" for words in commands)
