"""`cancel`, `hold`, `release`, `priority`, `retry`, `pause`, `resume`: what a person decides.

All of it is said through files in the hot folder, so it holds on a network share, and while no
server runs it is heard by the next one.
"""

import difflib
import glob
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotfolder.cli.app import FOLDER, command
from hotfolder.cli.commands.folder import HotArgument
from hotfolder.cli.commands.jobs import HotOption
from hotfolder.cli.console import report
from hotfolder.cli.where import find_hot_folder
from hotfolder.errors import ExitCode, InputError

if TYPE_CHECKING:
    from plugin.client import Client

__all__ = ["cancel", "hold", "pause", "priority", "release", "resume", "retry"]

NamesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME...", help="Jobs, as `status` names them.")
]

PATIENCE_SECONDS = 30.0
"""How long the server may take to do what it is asked for, before that is left to it."""


@command("cancel", FOLDER, "impasto cancel cat", "impasto cancel cat dog --hot hot")
def cancel(names: NamesArgument, hot: HotOption = None) -> int:
    """Cancel jobs, whether they wait, are held or run.

    Their pictures go to done/.
    """
    from plugin.client import Client, TimedOut

    client = Client(find_hot_folder(hot))
    _check_live(client, names)
    for name in names:
        client.cancel(name)
    if not client.server().running:
        _say_later(client, names, "cancelled")
        return ExitCode.OK
    code = ExitCode.OK
    for name in names:
        try:
            *_, end = client.watch(name, timeout=PATIENCE_SECONDS)
        except TimedOut:
            report(f"{name} is asked to stop.")
            continue
        report(f"{name} is {end.state}.")
        if end.state != "cancelled":
            code = ExitCode.OTHER
    return code


@command("hold", FOLDER, "impasto hold cat", "impasto hold cat dog --hot hot")
def hold(names: NamesArgument, hot: HotOption = None) -> None:
    """Keep jobs from being painted until they are released.

    A job that runs already goes on; `cancel` would stop it.
    """
    from plugin.client import Client

    client = Client(find_hot_folder(hot))
    _check_live(client, names)
    for name in names:
        (client.inbox / f"{name}.hold").touch()
    if not client.server().running:
        _say_later(client, names, "held")
        return
    for name in names:
        _wait(partial(_has_left, client, name, ("waiting", "queued")))
        state = _state(client, name)
        report(f"{name} is {state}." + (" It cannot be held." if state == "running" else ""))


@command("release", FOLDER, "impasto release cat", "impasto release cat dog --hot hot")
def release(names: NamesArgument, hot: HotOption = None) -> None:
    """Let held jobs go on.

    One that lacks something waits for it anew.
    """
    from plugin.client import Client

    client = Client(find_hot_folder(hot))
    _check_live(client, names)
    holds = {name: client.inbox / f"{name}.hold" for name in names}
    idle = [n for n in names if _state(client, n) not in ("held", None) and not holds[n].exists()]
    if idle:
        raise InputError(f"Not held: {', '.join(idle)}. `impasto status` lists them.")
    files = {name: client.inbox / f"{name}.release" for name in names}
    for file in files.values():
        file.touch()
    if not client.server().running:
        _say_later(client, names, "released")
        return
    for name, file in files.items():
        _wait(partial(_is_gone, file))
        report(f"{name} is {'asked to go on' if file.exists() else 'released'}.")


@command("priority", FOLDER, "impasto priority cat 9", "impasto priority cat 0 --hot hot")
def priority(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The job, as `status` names it.")],
    value: Annotated[
        int, typer.Argument(metavar="PRIORITY", min=0, max=9, help="0 to 9; 5 is usual.")
    ],
    hot: HotOption = None,
) -> None:
    """Let a job that waits overtake others, or stand back.

    A job that runs already is not stopped.
    """
    from hotfolder.atomic_files import write_whole
    from plugin.client import Client

    client = Client(find_hot_folder(hot))
    _check_live(client, [name])
    write_whole(client.inbox / f"{name}.priority", f"{value}\n".encode())
    report(f"{name} has priority {value}.")


@command("retry", FOLDER, "impasto retry cat", "impasto retry --all-failed")
def retry(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Folders in failed/.")
    ] = None,
    every: Annotated[bool, typer.Option("--all-failed", help="All that lie in failed/.")] = False,
    hot: HotOption = None,
) -> None:
    """Try failed jobs again, with what is in failed/NAME/ now.

    They keep their names and their settings; a mended sidecar is read again.
    """
    from plugin.client import Client

    client = Client(find_hot_folder(hot))
    failed = client.root / "failed"
    there = sorted(path.name for path in failed.iterdir() if path.is_dir())
    if every == bool(names):
        raise typer.BadParameter("name jobs, or say --all-failed.", param_hint="NAME")
    wanted = there if every else list(dict.fromkeys(names or ()))
    missing = [name for name in wanted if name not in there]
    if missing:
        raise InputError("\n".join(_nothing_failed(name, there) for name in missing))
    if not wanted:
        report("Nothing has failed.")
        return
    files = {name: client.inbox / f"{name}.retry" for name in wanted}
    for file in files.values():
        file.touch()
    if not client.server().running:
        _say_later(client, wanted, "tried again")
        return
    _wait(lambda: not any(file.exists() for file in files.values()))
    for name, file in files.items():
        if file.exists():
            report(f"{name} will be tried again when there is room.")
        elif any(path.name != "error.txt" for path in _listed(failed / name)):
            report(f"{name}: not all of failed/{name}/ is a job's; see what is left there.")
        else:
            report(f"{name} is in the queue again.")


@command("pause", FOLDER, "impasto pause", "impasto pause hot --reason 'the fan is loud'")
def pause(
    hot: HotArgument = None,
    reason: Annotated[str, typer.Option("--reason", help="Shown in the status.")] = "",
) -> None:
    """Paint nothing new, until `resume`. What runs is finished.

    This outlives a restart of the server.
    """
    import getpass
    import socket
    from datetime import datetime

    from hotfolder.paths import FolderPaths
    from hotfolder.server.pause import Pause

    folder = FolderPaths(find_hot_folder(hot))
    since = datetime.now().astimezone().isoformat(sep=" ", timespec="minutes")
    who = f"by {getpass.getuser()} on {socket.gethostname()} since {since}"
    folder.private.mkdir(exist_ok=True)
    Pause(folder).begin(who + (f": {reason}" if reason else ""))
    report(f"{folder.root} is paused; `impasto resume {folder.root}` lets it go on.")


@command("resume", FOLDER, "impasto resume", "impasto resume hot")
def resume(hot: HotArgument = None) -> None:
    """Go on after `pause`."""
    from hotfolder.paths import FolderPaths
    from hotfolder.server.pause import Pause

    folder = FolderPaths(find_hot_folder(hot))
    ended = Pause(folder).end()
    report(f"{folder.root} goes on." if ended else f"{folder.root} was not paused.")


def _check_live(client: "Client", names: Sequence[str]) -> None:
    """Refuse the whole command if one of the names is no live job's.

    Raises:
        InputError: names each, and the nearest name there is.
    """
    jobs = {job.name: job for job in client.jobs()}
    problems = []
    for name in names:
        job = jobs.get(name)
        if job is not None and job.ended:
            problems.append(f"{name} has ended already: {job.state}.")
        elif job is None and not any(client.inbox.glob(f"{glob.escape(name)}.*")):
            nearest = difflib.get_close_matches(name, [n for n, j in jobs.items() if j.live], n=1)
            hint = f" Did you mean {nearest[0]!r}?" if nearest else " `impasto status` lists them."
            problems.append(f"There is no job called {name!r}.{hint}")
    if problems:
        raise InputError("\n".join(problems))


def _nothing_failed(name: str, there: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name, there, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return f"There is no failed/{name}/.{hint}"


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _state(client: "Client", name: str) -> str | None:
    job = client.job(name)
    return job.state if job is not None else None


def _has_left(client: "Client", name: str, states: Sequence[str]) -> bool:
    return _state(client, name) not in states


def _is_gone(file: Path) -> bool:
    return not file.exists()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def _say_later(client: "Client", names: Sequence[str], state: str) -> None:
    verb = "will be" if len(names) == 1 else "will all be"
    report(f"Nobody serves {client.root}; {', '.join(names)} {verb} {state} when somebody does.")
