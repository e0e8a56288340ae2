"""`submit`, `status`: a client of the hot folder, through plugin.client."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotfolder.cli._app import FOLDER, PAINTING, command
from hotfolder.cli._console import clock_time, say, stdout_console
from hotfolder.cli._requests import (
    PresetOption,
    SetOption,
    SizeOption,
    StrengthOption,
    settings_layer,
)
from hotfolder.cli._where import OWN_STYLES, find_hot_folder, find_style
from hotfolder.cli.folder import HotArgument

if TYPE_CHECKING:
    from plugin.client import Client, Server, Status, Ticket

__all__ = ["follow", "status", "submit"]

HotOption = Annotated[
    Path | None,
    typer.Option(
        "--hot",
        metavar="HOT",
        help="The hot folder. Else IMPASTO_HOT_FOLDER, `hot_folder` of config.yaml, ./hot.",
    ),
]

ENDED_SHOWN = 10

START_PATIENCE = 60.0
"""Seconds for a person to start the server in another terminal."""


@command(
    "submit",
    PAINTING,
    "impasto submit cat.jpg night",
    "impasto submit cat.jpg wave.jpg --hot hot --preset preview --no-wait",
    "impasto submit cat.jpg night evening --set 'style_blend=[2, 1]' --name blend",
)
def submit(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="The picture to paint.")],
    styles: Annotated[
        list[str],
        typer.Argument(metavar="STYLE", help="Paintings: files, or names of the style library."),
    ],
    hot: HotOption = None,
    preset: PresetOption = None,
    assignments: SetOption = None,
    size: SizeOption = None,
    strength: StrengthOption = None,
    name: Annotated[str | None, typer.Option("--name", help="What to call the job.")] = None,
    initial: Annotated[
        Path | None, typer.Option("--init", metavar="FILE", help="A picture to start from.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow the job to its end.")
    ] = True,
) -> None:
    """Hand a picture to the hot folder's server, and follow it.

    Ctrl-C ends the following only; the job goes on.
    """
    from plugin.client import Client, Request

    root = find_hot_folder(hot)
    client = Client(root)
    layer = settings_layer(preset, assignments, size, strength)
    _check_settings(layer, with_init=initial is not None)
    library = root / "styles"
    found = [find_style(style, [library, OWN_STYLES]) for style in styles]
    request = Request(
        content=content,
        styles=[path.name if path.parent == library else path for path in found],
        settings=layer,
        name=name,
        init=initial,
    )
    server = client.server()
    ticket = client.submit(request)
    if not wait:
        note = "" if server.running else f" Nobody serves {root} yet: impasto watch {root}"
        say(f"{ticket.name} is in the inbox.{note}")
        typer.echo(ticket.name)
        return
    if not server.running:
        say(
            f"Nobody serves {root} yet. `impasto watch {root}` in another terminal does; "
            f"{START_PATIENCE:g} s of time for it."
        )
    try:
        follow(client, ticket, grace=10.0 if server.running else START_PATIENCE)
    except KeyboardInterrupt:
        say(f"\n{ticket.name} goes on without you. `impasto cancel {ticket.name}` ends it.")
        raise
    typer.echo(client.result(ticket).picture)


@command("status", FOLDER, "impasto status hot", "impasto status hot --json | jq .jobs[].state")
def status(
    hot: HotArgument = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also every job that has ended.")] = False,
) -> None:
    """Show the server and its jobs."""
    from hotfolder.folder import HotFolder
    from hotfolder.pause import Pause
    from plugin.client import Client

    client = Client(find_hot_folder(hot))
    server, jobs = client.server(), client.jobs()
    if as_json:
        document = {
            "hot_folder": str(client.root),
            "server": asdict(server),
            "jobs": [asdict(job) for job in jobs],
        }
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    live = sorted((job for job in jobs if job.live), key=_by_turn)
    ended = [job for job in jobs if not job.live]
    shown = live + (ended if every else ended[:ENDED_SHOWN])
    typer.echo(_headline(client, server))
    if server.running and (knowledge := _known_styles(server)):
        typer.echo(knowledge)
    if (paused := Pause(HotFolder(client.root)).reason()) is not None:
        typer.echo(f"Paused ({paused}). `impasto resume {client.root}` lets it go on.")
    if server.running and server.config_problem:
        typer.echo(f"The configuration was changed, but is refused: {server.config_problem}")
    if server.strays:
        typer.echo(f"In the inbox, but part of no job: {', '.join(server.strays)}")
    if not shown:
        typer.echo("No jobs.")
    elif sys.stdout.isatty():
        _print_table(shown)
    else:
        _print_columns(shown)
    if len(shown) < len(jobs):
        typer.echo(f"... and {len(jobs) - len(shown)} more that have ended (--all).")


def follow(client: "Client", ticket: "Ticket", *, grace: float = 10.0) -> None:
    """Show a job's progress until it has ended.

    Args:
        grace: seconds without a server after which it is given up.

    Raises:
        ClientError: no server.
    """
    from hotfolder.cli._progress import Point, ProgressView

    with ProgressView() as view:
        for status in client.watch(ticket, grace=grace):
            place = f"in the queue, place {status.position}" if status.position else status.message
            view.update(ticket.name, Point.of(status, place))


def _check_settings(layer: object, *, with_init: bool) -> None:
    """Refuse here what the server would refuse, while the person is still looking."""
    from engine.settings import resolve

    own = {"init": "file", "init_file": "a picture"} if with_init else {}
    assert isinstance(layer, dict)
    resolve(layer | own)


def _by_turn(job: "Status") -> tuple[int, int, str]:
    order = ["running", "queued", "waiting", "held"]
    return order.index(job.state), job.position or 0, job.dropped


def _headline(client: "Client", server: "Server") -> str:
    if not server.running:
        ago = "" if server.age is None else f" (the last heartbeat was {_long(server.age)} ago)"
        return f"{client.root}: nobody serves it{ago}. `impasto watch {client.root}` does."
    devices = ", ".join(
        f"{device.get('device')} {device.get('state')}" for device in server.devices
    )
    totals = ", ".join(f"{count} {state}" for state, count in server.totals.items())
    return (
        f"{client.root}: {server.state} ({devices or 'no device yet'}), "
        f"process {server.pid} on {server.host}; since its start {totals or 'nothing yet'}."
    )


def _known_styles(server: "Server") -> str:
    """How often the workers did not have to look at a style again; empty before it matters."""
    caches = [device.get("style_cache") or {} for device in server.devices]
    hits, misses, size = (
        sum(cache.get(key, 0) for cache in caches) for key in ("hits", "misses", "bytes")
    )
    if not hits + misses:
        return ""
    return f"Styles known from memory: {hits} of {hits + misses} times ({size / 1e6:.1f} MB)."


def _long(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


COLOURS = {
    "running": "cyan",
    "done": "green",
    "failed": "red",
    "cancelled": "dim",
    "queued": "blue",
    "waiting": "yellow",
    "held": "magenta",
}


def _cells(job: "Status") -> list[str]:
    loss = job.losses.get("total") if job.losses else None
    eta = job.eta_seconds
    return [
        job.name,
        job.state,
        f"{job.fraction:.0%}" if job.state == "running" else "",
        "" if loss is None else f"{loss:.3g}",
        clock_time(eta) if eta is not None and job.live else "",
        clock_time(job.seconds) if job.seconds is not None else "",
        (job.result or job.message) if job.state == "done" else job.message,
    ]


HEADINGS = ("job", "state", "done", "loss", "to go", "took", "")


def _print_table(jobs: "list[Status]") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold dim")
    for heading in HEADINGS:
        right = heading in ("done", "loss", "to go", "took")
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for job in jobs:
        cells = [Text(cell) for cell in _cells(job)]
        cells[1].stylize(COLOURS.get(job.state, ""))
        table.add_row(*cells)
    stdout_console().print(table)


def _print_columns(jobs: "list[Status]") -> None:
    """For pipes: no control codes, nothing cut."""
    rows = [list(HEADINGS), *(_cells(job) for job in jobs)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())
