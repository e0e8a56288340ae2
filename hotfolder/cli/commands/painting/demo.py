"""`demo`: a hot folder, a server in another process, a photograph, a painting.

It does what a person would do: `impasto init`, `impasto watch`, `impasto submit`.
"""

import contextlib
import importlib.util
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import psutil
import typer

from hotfolder.cli.app import command
from hotfolder.cli.console import clock_time, report
from hotfolder.cli.options import hot_option
from hotfolder.cli.progress import follow
from hotfolder.cli.styles import OWN_STYLES, fill_style_library, find_style
from hotfolder.errors import DispatchError, InputError
from hotfolder.paths import FolderPaths
from hotfolder.platforms import system
from plugin.client import Client, Request

__all__ = ["demo", "photograph", "run_demo", "side_by_side"]

START_SECONDS = 60.0
STOP_SECONDS = 15.0

SMALLEST_SIZE = 48
"""The network needs 32 px on the shorter side, and the photograph is 451 x 300 px."""


@command("demo", "impasto demo", "impasto demo --hot /tmp/demo --style evening")
def demo(
    hot: Annotated[
        Path | None,
        hot_option("The hot folder to make.", "Else ./demo."),
    ] = None,
    folder: Annotated[Path | None, typer.Option("--folder", hidden=True)] = None,
    style: Annotated[
        str,
        typer.Option(
            "--style",
            "-S",
            metavar="STYLE",
            help="A painting: a name of `impasto styles`, or a file.",
        ),
    ] = "night",
    size: Annotated[
        int,
        typer.Option(
            "--size", metavar="PIXELS", min=SMALLEST_SIZE, help="Longest side of the result."
        ),
    ] = 512,
) -> None:
    """See how it works, in two or three minutes.

    Makes a hot folder, starts its server, drops a photograph and shows it being painted.
    """
    run_demo(hot or folder or Path("demo"), style=style, size=size)


def run_demo(folder: Path, *, style: str = "night", size: int = 512) -> Path:
    """Paint the photograph in `folder`, a hot folder made for it; returns the side-by-side picture.

    Raises:
        InputError: there is no photograph to paint.
        DispatchError: the server does not start.
        ClientError: the job does not end well.
    """
    content = photograph()
    hot = FolderPaths(folder)
    hot.create()
    fill_style_library(hot.styles)
    chosen = find_style(style, [hot.styles, OWN_STYLES])
    report(f"The hot folder: {hot.root}")
    client = Client(hot.root)
    started = time.monotonic()
    with _served(client):
        report(f"Dropping {content.name} (CC0, from scikit-image), to be painted as {chosen.name}")
        request = Request(
            content=content,
            styles=[chosen.name if chosen.parent == hot.styles else chosen],
            settings={"size": size},
            name=f"{content.stem}-{chosen.stem}",
        )
        ticket = client.submit(request)
        follow(client, ticket)
        result = client.result(ticket)
    target = result.picture.with_name(f"{result.picture.stem}.side-by-side.jpg")
    side_by_side([content, chosen, result.picture], target)
    report(f"Painted in {clock_time(time.monotonic() - started)}, the server's start included.")
    places = {"The painting": result.picture, "Its record": result.record, "Side by side": target}
    for what, path in places.items():
        typer.echo(f"{what + ':':<14}{path}")
    # `make demo` runs it from an environment that is not on the path.
    command = "impasto" if shutil.which("impasto") else sys.argv[0]
    report(f"Serve the folder yourself: {command} watch --hot {folder}")
    return target


def photograph() -> Path:
    """A cat, 451 x 300 px: `chelsea`, which scikit-image carries (CC0, S. van der Walt).

    Raises:
        InputError: scikit-image is not installed.
    """
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise InputError(
            "The demo's photograph comes with scikit-image, which is not installed. "
            "Run: pip install scikit-image (with pipx: pipx inject impasto scikit-image; with uv: "
            "install Impasto again, --with scikit-image)."
        )
    path = Path(spec.origin).parent / "data" / "chelsea.png"
    if not path.is_file():
        raise InputError(f"{path} is missing. Run: pip install --force-reinstall scikit-image")
    return path


def side_by_side(paths: list[Path], target: Path, height: int = 480, gap: int = 12) -> None:
    """Pictures in a row, equally high, on white."""
    from PIL import Image

    pictures = []
    for path in paths:
        with Image.open(path) as image:
            colour = image.convert("RGB")
        width = round(colour.width * height / colour.height)
        pictures.append(colour.resize((width, height), Image.Resampling.LANCZOS))
    whole = sum(picture.width for picture in pictures) + gap * (len(pictures) - 1)
    row = Image.new("RGB", (whole, height), "white")
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width + gap
    row.save(target, "JPEG", quality=90)


@contextlib.contextmanager
def _served(client: Client) -> Iterator[None]:
    """`impasto watch` in a process of its own, stopped at the end as Ctrl-C would stop it."""
    log = client.root / "watch.log"
    command = [sys.executable, "-P", "-m", "hotfolder.cli", "watch", "--hot", str(client.root)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            creationflags=system.interruptible_flags,
        )
        try:
            _wait_for(client, server, log)
            yield
        finally:
            system.ask_to_end(server)
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(client: Client, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        found = client.server()
        if found.running and _is(found.pid, server):
            report(f"Its server runs (impasto watch, process {server.pid}; log: {log})")
            return
        if server.poll() is not None or time.monotonic() > until:
            output = log.read_text(errors="replace").strip() or "no output"
            raise DispatchError(f"`impasto watch --hot {client.root}` did not start:\n{output}")
        time.sleep(0.1)


def _is(pid: int | None, server: "subprocess.Popen[bytes]") -> bool:
    """Whether it is this server's process. In a virtual environment on Windows `python.exe` is a
    program that runs the real one as its child."""
    try:
        return server.pid in (pid, psutil.Process(pid).ppid())
    except psutil.Error:
        return False
