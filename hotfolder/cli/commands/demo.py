"""`demo`: the whole path, from a dropped picture to a painting, on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from hotfolder.cli.app import PAINTING, command

__all__ = ["demo"]


@command("demo", PAINTING, "impasto demo", "impasto demo --folder /tmp/demo --style evening")
def demo(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="DIR", help="Where its hot folder is made.")
    ] = Path("demo"),
    style: Annotated[
        str, typer.Option("--style", help="`night`, `evening`, or a picture of your own.")
    ] = "night",
    size: Annotated[int, typer.Option("--size", help="Longest side, in pixels.")] = 512,
) -> None:
    """See the whole path at work, in two or three minutes.

    Makes a hot folder, starts its server, drops a photograph and shows it being painted.
    """
    from hotfolder.cli.demo_run import run_demo

    run_demo(folder, style=style, size=size)
