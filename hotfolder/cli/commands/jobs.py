"""`submit`, `status`: a client of the hot folder, through plugin.client."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import report
from hotfolder.cli.options import (
    ContentArgument,
    HotOption,
    InitialOption,
    LabelsOption,
    MaskOption,
    PaletteOption,
    PresetOption,
    RegionOption,
    SecondsOption,
    SetOption,
    SizeOption,
    StrengthOption,
    StyleLabelsOption,
    StylesArgument,
    TextureOption,
    TileOption,
)
from hotfolder.cli.progress import follow
from hotfolder.cli.request.masks import MaskFiles
from hotfolder.cli.request.subject import painted
from hotfolder.cli.styles import OWN_STYLES, find_style
from hotfolder.cli.where import find_hot_folder
from hotfolder.limits import finite

__all__ = ["status", "submit"]

START_PATIENCE = 60.0
"""Seconds for a person to start the server in another terminal."""


@command(
    "submit",
    "impasto submit cat.jpg night",
    "impasto submit cat.jpg wave.jpg --hot hot --preset preview --no-wait",
    "impasto submit cat.jpg night evening --set 'style_blend=[2, 1]' --name blend",
    "impasto submit cat.jpg --region sky.png=night --region sea.png=watercolour",
    "impasto submit --texture mosaic --size 1024x512 --tile",
)
def submit(
    content: ContentArgument = None,
    styles: StylesArgument = None,
    hot: HotOption = None,
    preset: PresetOption = None,
    assignments: SetOption = None,
    size: SizeOption = None,
    strength: StrengthOption = None,
    seconds: SecondsOption = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What to call the job.")
    ] = None,
    initial: InitialOption = None,
    palette: PaletteOption = None,
    mask: MaskOption = None,
    regions: RegionOption = None,
    labels: LabelsOption = None,
    style_labels: StyleLabelsOption = None,
    texture: TextureOption = False,
    tile: TileOption = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Follow the job to its end.")
    ] = True,
) -> None:
    """Hand a picture to the hot folder's server, and follow it; or with --texture a style alone.

    Ctrl-C ends the following only; the job goes on.
    """
    from engine.settings import resolve
    from plugin.client import Client, Request

    root = find_hot_folder(hot)
    client = Client(root)
    content, styles, layer = painted(
        content,
        styles,
        preset,
        assignments,
        size,
        texture=texture,
        tile=tile,
        strength=strength,
        seconds=seconds,
    )
    library = root / "styles"
    palette_file = None if palette is None else find_style(palette, [library, OWN_STYLES])
    # What the server would refuse is refused here, while the person is still looking.
    masks = MaskFiles.of(styles, mask, regions, labels, style_labels)
    named = {} if initial is None else {"init": "file", "init_file": "a picture"}
    named |= {} if palette_file is None else {"palette": "a picture"}
    resolve({**layer, **named, **masks.layer})
    found = [find_style(style, [library, OWN_STYLES]) for style in masks.styles]
    request = Request(
        content=content,
        styles=[_delivered(path, library) for path in found],
        settings=layer,
        name=name,
        init=initial,
        palette=None if palette_file is None else _delivered(palette_file, library),
        mask=mask,
        regions=masks.regions,
        style_regions=masks.style_regions,
    )
    server = client.server()
    ticket = client.submit(request)
    if not wait:
        note = "" if server.running else f" Nobody serves {root} yet: impasto watch --hot {root}"
        report(f"{ticket.name} is in the inbox.{note}")
        typer.echo(ticket.name)
        return
    if not server.running:
        report(
            f"Nobody serves {root} yet. `impasto watch --hot {root}` in another terminal does; "
            f"{START_PATIENCE:g} s of time for it."
        )
    try:
        follow(client, ticket, grace=10.0 if server.running else START_PATIENCE)
    except KeyboardInterrupt:
        cancel = f"impasto cancel {ticket.name} --hot {root}"
        report(f"\n{ticket.name} goes on without you. `{cancel}` ends it.")
        raise
    typer.echo(client.result(ticket).picture)


def _delivered(path: Path, library: Path) -> Path | str:
    """A picture of the library by its name; another is copied."""
    return path.name if path.parent == library else path


@command("status", "impasto status", "impasto status --hot hot --watch")
def status(
    hot: HotOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every job that has ended, too.")] = False,
    live: Annotated[
        bool, typer.Option("--watch", "-w", help="Keep showing it, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the server and its jobs.

    The jobs that live come first, in their order; then the last ten that have ended.
    """
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
        text = json.dumps(finite(document), indent=1, ensure_ascii=False, allow_nan=False)
        typer.echo(text)
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
