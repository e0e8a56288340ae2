"""Who paints a batch: a server that runs, or one of its own for as long as it takes."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from hotfolder.cli.console import report
from hotfolder.cli.where import find_hot_folder
from hotfolder.errors import FolderError

if TYPE_CHECKING:
    from hotfolder.config.model import Config
    from plugin.client import Client

__all__ = ["OWN_FOLDER", "server_of", "serving", "workers_of"]

OWN_FOLDER = ".impasto-batch"
"""Below the output folder: the hot folder of a batch that nobody else serves."""

START_SECONDS = 60.0


def server_of(hot: Path | None, config: Path | None, *, here: bool) -> "Client | None":
    """The client of a server that runs, if one is to be used."""
    from plugin.client import Client

    if here:
        if hot is not None:
            raise typer.BadParameter("--here and --hot exclude each other.")
        return None
    try:
        client = Client(find_hot_folder(hot, config))
    except FolderError:
        if hot is not None:
            raise
        return None
    if client.server().running:
        report(f"The server of {client.root} paints.")
        return client
    if hot is not None:
        raise FolderError(
            f"Nobody serves {client.root}. Run `impasto watch --hot {client.root}`, or leave "
            "--hot out: then it is painted here."
        )
    return None


@contextlib.contextmanager
def serving(
    client: "Client | None", config: "Config", out: Path, *, left: int
) -> "Iterator[tuple[Client, Callable[[], None] | None]]":
    """The server that runs, or one of our own for a batch with `left` pictures to paint."""
    from plugin.client import Client

    if client is not None:
        yield client, None
        return
    from hotfolder.config.reload import ConfigWatch
    from hotfolder.server.server import Server, configured_dispatcher

    root = out / OWN_FOLDER
    if not left:  # No worker need be started to find that all is done.
        yield Client(root), None
        return
    root.mkdir(exist_ok=True)
    own = config.model_copy(update={"settle_seconds": 0.2, "originals": "delete", "name": None})
    dispatcher = partial(configured_dispatcher, many=left > 1)
    with (
        _log_into(root / "batch.log", config.log_level),
        Server(ConfigWatch(own), [root], dispatcher=dispatcher) as server,
    ):
        _wait_for_status(client := Client(root), server.check)
        yield client, server.check


def _wait_for_status(client: "Client", check: Callable[[], None]) -> None:
    """Until the status has every job that lay in the inbox, whether it is claimed or not."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        check()
        jobs = [
            client.job(path.stem.removesuffix(".batch")) for path in client.inbox.glob("*.yaml")
        ]
        if all(job is not None and job.live for job in jobs):
            return
        time.sleep(0.05)


def workers_of(client: "Client", check: Callable[[], None]) -> int:
    """How many workers a server has. Waits for the first one: it tells how many there are to be.

    Args:
        check: raises what ends the server.
    """
    until = time.monotonic() + START_SECONDS
    while True:
        check()
        devices = client.server().devices
        known = any(device.get("state") != "starting" for device in devices)
        if known or time.monotonic() >= until:
            return len(devices)
        time.sleep(0.05)


@contextlib.contextmanager
def _log_into(path: Path, level: str) -> Iterator[None]:
    from hotfolder.config.logs import TextFormatter

    log = logging.getLogger("hotfolder")
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(TextFormatter())
    before = log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(level.upper())
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()
        log.setLevel(before[0])
        log.propagate = before[1]
