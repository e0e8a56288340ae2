"""`submit`, `status`: a client of the hot folder, through plugin.client."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotfolder.cli.app import FOLDER, PAINTING, command
from hotfolder.cli.commands.folder import HotArgument
from hotfolder.cli.console import report
from hotfolder.cli.requests import (
    PresetOption,
    SetOption,
    SizeOption,
    StrengthOption,
    settings_layer,
)
from hotfolder.cli.where import OWN_STYLES, find_hot_folder, find_style

if TYPE_CHECKING:
    from plugin.client import Client, Ticket

__all__ = ["follow", "status", "submit"]

HotOption = Annotated[
    Path | None,
    typer.Option(
        "--hot",
        metavar="HOT",
        help="The hot folder. Else IMPASTO_HOT_FOLDER, `hot_folder` of config.yaml, ./hot.",
    ),
]

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
        report(f"{ticket.name} is in the inbox.{note}")
        typer.echo(ticket.name)
        return
    if not server.running:
        report(
            f"Nobody serves {root} yet. `impasto watch {root}` in another terminal does; "
            f"{START_PATIENCE:g} s of time for it."
        )
    try:
        follow(client, ticket, grace=10.0 if server.running else START_PATIENCE)
    except KeyboardInterrupt:
        report(f"\n{ticket.name} goes on without you. `impasto cancel {ticket.name}` ends it.")
        raise
    typer.echo(client.result(ticket).picture)


@command("status", FOLDER, "impasto status hot", "impasto status hot --watch")
def status(
    hot: HotArgument = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also every job that has ended.")] = False,
    live: Annotated[
        bool, typer.Option("--watch", "-w", help="Keep showing it, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the server and its jobs."""
    from hotfolder.cli.status_view import notes_on, print_jobs, shown_of, watch
    from plugin.client import Client

    client = Client(find_hot_folder(hot))
    if live:
        if as_json or not sys.stdout.isatty():
            raise typer.BadParameter("--watch is for a terminal; programs read --json again.")
        client.check()
        watch(client)
        return
    server, jobs = client.server(), client.jobs()
    if as_json:
        document = {
            "hot_folder": str(client.root),
            "server": asdict(server),
            "jobs": [asdict(job) for job in jobs],
        }
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    for note in notes_on(client, server):
        typer.echo(note)
    shown = shown_of(jobs, every=every)
    if not shown:
        typer.echo("No jobs.")
    else:
        print_jobs(shown)
    if len(shown) < len(jobs):
        typer.echo(f"... and {len(jobs) - len(shown)} more that have ended (--all).")


def follow(client: "Client", ticket: "Ticket", *, grace: float = 10.0) -> None:
    """Show a job's progress until it has ended.

    Args:
        grace: seconds without a server after which it is given up.

    Raises:
        ClientError: no server.
    """
    from hotfolder.cli.progress import Point, ProgressView

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
