"""The demo: a hot folder, a real server, a real photograph, a painting.

What it does by itself is what a person does: `impasto init`, `impasto watch` in another process,
a picture delivered through the client that editors use.
"""

import contextlib
import importlib.util
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hotfolder.cli.commands.folder import fill_style_library
from hotfolder.cli.commands.jobs import follow
from hotfolder.cli.console import clock_time, report
from hotfolder.cli.where import OWN_STYLES, find_style
from hotfolder.errors import DispatchError, InputError
from hotfolder.paths import FolderPaths
from plugin.client import Client, Request

__all__ = ["photograph", "run_demo", "side_by_side"]

START_SECONDS = 60.0
STOP_SECONDS = 15.0

STEPS = 60
"""Of `standard`'s 220 at the final size: most of the way, in a third of the time."""


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
            settings={"size": size, "steps": STEPS},
            name=f"{content.stem}-{chosen.stem}",
        )
        ticket = client.submit(request)
        follow(client, ticket)
        result = client.result(ticket)
    target = result.picture.with_name(f"{result.picture.stem}.side-by-side.jpg")
    side_by_side([content, chosen, result.picture], target)
    report(f"Painted in {clock_time(time.monotonic() - started)}, the server's start included.")
    print_places({"The painting": result.picture, "Its record": result.record})
    print_places({"Side by side": target})
    # `make demo` runs it from an environment that is not on the path.
    command = "impasto" if shutil.which("impasto") else sys.argv[0]
    report(f"Serve the folder yourself: {command} watch {folder}")
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
            "Run: pip install 'impasto[demo]'"
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


def print_places(places: dict[str, Path]) -> None:
    """On stdout, since they are what the demo is for."""
    for what, path in places.items():
        sys.stdout.write(f"{what + ':':<14}{path}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _served(client: Client) -> Iterator[None]:
    """`impasto watch` in a process of its own, stopped at the end as Ctrl-C would stop it."""
    log = client.root / "watch.log"
    command = [sys.executable, "-P", "-m", "hotfolder.cli", "watch", str(client.root)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait_for(client, server, log)
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for(client: Client, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        beat = client.server()
        if beat.running and beat.pid == server.pid:
            report(f"Its server runs (impasto watch, process {server.pid}; log: {log})")
            return
        if server.poll() is not None or time.monotonic() > until:
            words = log.read_text(errors="replace").strip() or "it said nothing"
            raise DispatchError(f"`impasto watch {client.root}` did not start:\n{words}")
        time.sleep(0.1)
