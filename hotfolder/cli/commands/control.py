"""`cancel`, `hold`, `release`, `priority`, `retry`, `pause`, `resume`: control of the queue.

The commands write control files into the hot folder, so they work over a network share, and what
is asked for while no server runs is done by the next one.
"""

import glob
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import did_you_mean, report
from hotfolder.cli.options import HotOption
from hotfolder.cli.where import find_hot_folder
from hotfolder.errors import ExitCode, InputError
from hotfolder.folder_access import touch
from hotfolder.paths import in_plain_folder

if TYPE_CHECKING:
    from plugin.client import Client

__all__ = ["cancel", "hold", "pause", "priority", "release", "resume", "retry"]

NamesArgument = Annotated[
    list[str], typer.Argument(metavar="NAME", help="Jobs, as `status` names them.")
]

PATIENCE_SECONDS = 30.0
"""How long the server may take to do what it is asked for, before that is left to it."""


@command("cancel", "impasto cancel cat", "impasto cancel cat dog --hot hot")
def cancel(names: NamesArgument, hot: HotOption = None) -> int:
    """Cancel jobs, whether they wait, are held or run.

    Their pictures go to done/.
    """
    from plugin.client import TimedOut

    client = _client_of_live_jobs(hot, names)
    for name in names:
        client.cancel(name)
    if not _is_served(client, names, "cancelled"):
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


@command("hold", "impasto hold cat", "impasto hold cat dog --hot hot")
def hold(names: NamesArgument, hot: HotOption = None) -> None:
    """Keep jobs from being painted until they are released.

    A job that runs already goes on; `cancel` would stop it.
    """
    client = _client_of_live_jobs(hot, names)
    for name in _request(client, names, "hold", "held"):
        job = client.job(name)
        is_batch = job is not None and job.state == "running" and job.id is None
        going_on = ("waiting", "queued", *(["running"] if is_batch else []))
        _wait_until(lambda name, states: _state(client, name) not in states, name, going_on)
        state = _state(client, name)
        report(f"{name} is {state}." + (" It cannot be held." if state == "running" else ""))


@command("release", "impasto release cat", "impasto release cat dog --hot hot")
def release(names: NamesArgument, hot: HotOption = None) -> None:
    """Let held jobs go on.

    One that lacks a picture waits for it again.
    """
    client = _client_of_live_jobs(hot, names)
    holds = {name: client.inbox / f"{name}.hold" for name in names}
    idle = [n for n in names if _state(client, n) not in ("held", None) and not holds[n].exists()]
    if idle:
        raise InputError(f"Not held: {', '.join(idle)}. `impasto status` lists them.")
    for name, file in _request(client, names, "release", "released").items():
        _wait_until(lambda file: not file.exists(), file)
        report(f"{name} is {'asked to go on' if file.exists() else 'released'}.")


@command("priority", "impasto priority cat 9", "impasto priority cat 0 --hot hot")
def priority(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The job, as `status` names it.")],
    value: Annotated[
        int, typer.Argument(metavar="PRIORITY", min=0, max=9, help="0 to 9; the default is 5.")
    ],
    hot: HotOption = None,
) -> None:
    """Let a job that waits be painted before others, or after them.

    A job that runs already is not stopped.
    """
    from hotfolder.atomic_files import write_whole
    from hotfolder.paths import without_links

    client = _client_of_live_jobs(hot, [name])
    write_whole(without_links(client.inbox) / f"{name}.priority", f"{value}\n".encode())
    report(f"{name} has priority {value}.")


@command("retry", "impasto retry cat", "impasto retry --all-failed")
def retry(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Jobs, as failed/ names them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all-failed", help="All jobs in failed/.")] = False,
    hot: HotOption = None,
) -> None:
    """Try failed jobs again, with what is in failed/NAME/ now.

    They keep their names and settings; a corrected sidecar is read again.
    """
    from plugin.client import Client

    client = Client(find_hot_folder(hot))
    failed = client.root / "failed"
    there = sorted(path.name for path in failed.iterdir() if path.is_dir())
    if every == bool(names):
        raise typer.BadParameter("name jobs, or give --all-failed.", param_hint="NAME")
    wanted = there if every else list(dict.fromkeys(names or ()))
    missing = [name for name in wanted if name not in there]
    if missing:
        raise InputError(
            "\n".join(f"There is no failed/{name}/.{did_you_mean(name, there)}" for name in missing)
        )
    if not wanted:
        report("Nothing has failed.")
        return
    files = _request(client, wanted, "retry", "tried again")
    _wait_until(lambda: not any(file.exists() for file in files.values()))
    for name, file in files.items():
        if file.exists():
            report(f"{name} will be tried again when there is room.")
        elif any(path.name != "error.txt" for path in (failed / name).glob("*")):
            report(f"{name}: not all of failed/{name}/ is a job's; see what is left there.")
        else:
            report(f"{name} is in the queue again.")


@command("pause", "impasto pause", "impasto pause --hot hot --reason 'the fan is loud'")
def pause(
    hot: HotOption = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Shown by `status`.")
    ] = "",
) -> None:
    """Start no job until `resume`; what runs is finished.

    A restart of the server does not end it.
    """
    import getpass
    import socket
    from datetime import UTC, datetime

    from hotfolder.paths import FolderPaths
    from hotfolder.server.pause import Pause

    folder = FolderPaths(find_hot_folder(hot))
    since = datetime.now(UTC).isoformat(sep=" ", timespec="minutes")
    who = f"by {getpass.getuser()} on {socket.gethostname()} since {since}"
    folder.private.mkdir(exist_ok=True)
    Pause(folder).begin(who + (f": {reason}" if reason else ""))
    report(f"{folder.root} is paused; `impasto resume --hot {folder.root}` lets it go on.")


@command("resume", "impasto resume", "impasto resume --hot hot")
def resume(hot: HotOption = None) -> None:
    """Go on after `pause`."""
    from hotfolder.paths import FolderPaths
    from hotfolder.server.pause import Pause

    folder = FolderPaths(find_hot_folder(hot))
    ended = Pause(folder).end()
    report(f"{folder.root} goes on." if ended else f"{folder.root} was not paused.")


def _client_of_live_jobs(hot: Path | None, names: Sequence[str]) -> "Client":
    """The hot folder's client; the whole command is refused if one of the names is no live job's.

    Raises:
        InputError: names each, and the nearest name there is.
    """
    from plugin.client import Client

    client = Client(find_hot_folder(hot))
    jobs = {job.name: job for job in client.jobs()}
    live = [name for name, job in jobs.items() if job.live]
    problems = []
    for name in names:
        job = jobs.get(name)
        if job is not None and job.ended:
            problems.append(f"{name} has ended already: {job.state}.")
        elif job is None and not any(client.inbox.glob(f"{glob.escape(name)}.*")):
            hint = did_you_mean(name, live, " `impasto status` lists them.")
            problems.append(f"There is no job called {name!r}.{hint}")
    if problems:
        raise InputError("\n".join(problems))
    return client


def _request(client: "Client", names: Sequence[str], kind: str, state: str) -> dict[str, Path]:
    """Write the jobs' control files; returns those that a running server is about to take."""
    files = {name: client.inbox / f"{name}.{kind}" for name in names}
    for file in files.values():
        touch(in_plain_folder(file))
    return files if _is_served(client, names, state) else {}


def _is_served(client: "Client", names: Sequence[str], state: str) -> bool:
    """Whether a server runs. If not, report that the jobs come into `state` later."""
    if client.server().running:
        return True
    verb = "will be" if len(names) == 1 else "will all be"
    report(f"Nobody serves {client.root}; {', '.join(names)} {verb} {state} when somebody does.")
    return False


def _wait_until(condition: Callable[..., bool], *arguments: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition(*arguments) and time.monotonic() < deadline:
        time.sleep(0.1)


def _state(client: "Client", name: str) -> str | None:
    job = client.job(name)
    return job.state if job is not None else None
