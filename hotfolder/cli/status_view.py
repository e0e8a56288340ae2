"""What `status` shows: a line about the server and its jobs as a table, once or continuously."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hotfolder.cli.console import by_reason, clock_time, print_columns, stdout_console

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from plugin.client import Client, Server, Status

__all__ = ["notes_on", "print_jobs", "shown_of", "watch"]

ENDED_SHOWN = 10

WATCH_SECONDS = 0.5


def notes_on(client: "Client", server: "Server") -> Iterator[str]:
    """Lines about the server."""
    from hotfolder.paths import FolderPaths
    from hotfolder.server.pause import Pause

    yield _headline(client, server)
    if server.running and (styles := _style_cache(server)):
        yield styles
    if (paused := Pause(FolderPaths(client.root)).reason()) is not None:
        yield f"Paused ({paused}). `impasto resume --hot {client.root}` lets it go on."
    elif server.running and server.paused:
        yield f"Waits: {server.paused}."
    for device in server.devices if server.running else ():
        if device.get("message"):
            yield f"{device.get('device')}: {device['message']}."
    if server.running and server.problem:
        yield f"Fails: {server.problem}."
    if server.running and server.config_problem:
        yield f"The configuration was changed, but is refused: {server.config_problem}"
    if server.strays:
        yield f"In the inbox, but part of no job: {by_reason(server.strays)}"


def shown_of(jobs: "list[Status]", *, every: bool = False) -> "list[Status]":
    """Those that have not ended, in the order of the queue, then the last that have."""
    live = sorted((job for job in jobs if job.live), key=_queue_order)
    ended = [job for job in jobs if not job.live]
    return live + (ended if every else ended[:ENDED_SHOWN])


def print_jobs(jobs: "list[Status]") -> None:
    """A table; aligned columns for pipes."""
    if sys.stdout.isatty():
        stdout_console().print(_table(jobs))
    else:
        print_columns([HEADINGS, *map(_cells, jobs)])


def watch(client: "Client") -> None:
    """Show both on the whole terminal until Ctrl-C, and once more at the end."""
    from rich.live import Live

    console = stdout_console()
    reader = _JobReader(client)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                live.update(_page(client, reader, console.height), refresh=True)
                time.sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            pass
    console.print(_page(client, reader, ENDED_SHOWN + 10))


class _JobReader:
    """Reads the jobs' statuses, and one that has not changed only once."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._known: dict[tuple[str, int, int], Status] = {}

    def jobs(self) -> "list[Status]":
        found = {}
        for path in (self._client.root / "status").glob("[!.]*.json"):
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                key = (path.stem, facts.st_mtime_ns, facts.st_ino)
                job = self._known.get(key) or self._client.job(path.stem)
                if job is not None and job.name != "server":
                    found[key] = job
        self._known = found
        return sorted(found.values(), key=lambda job: job.updated, reverse=True)


def _page(client: "Client", reader: _JobReader, lines: int) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    notes = [Text(note) for note in notes_on(client, client.server())]
    jobs = reader.jobs()
    room = max(3, lines - len(notes) - 4)
    shown = shown_of(jobs)[:room]
    left = len(jobs) - len(shown)
    more = [Text(f"... and {left} more", "dim")] if left else []
    return Group(*notes, Text(), _table(shown) if shown else Text("No jobs."), *more)


def _queue_order(job: "Status") -> tuple[int, int, str]:
    order = ["running", "queued", "waiting", "held"]
    return order.index(job.state), job.position or 0, job.dropped


def _headline(client: "Client", server: "Server") -> str:
    if not server.running:
        ago = "" if server.age is None else f" (the last heartbeat was {_duration(server.age)} ago)"
        return f"{client.root}: nobody serves it{ago}. `impasto watch --hot {client.root}` does."
    devices = ", ".join(
        f"{device.get('device')} {device.get('state')}" for device in server.devices
    )
    totals = ", ".join(f"{count} {state}" for state, count in server.totals.items())
    return (
        f"{client.root}: {server.state} ({devices or 'no device yet'}), "
        f"process {server.pid} on {server.host}; since its start {totals or 'nothing yet'}."
    )


def _style_cache(server: "Server") -> str:
    """How often the workers found a style's statistics in memory; empty before the first style."""
    caches = [device.get("style_cache") or {} for device in server.devices]
    hits, misses, size = (
        sum(cache.get(key, 0) for cache in caches) for key in ("hits", "misses", "bytes")
    )
    if not hits + misses:
        return ""
    return f"Styles known from memory: {hits} of {hits + misses} times ({size / 1e6:.1f} MB)."


def _duration(seconds: float) -> str:
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
        _details(job),
    ]


def _details(job: "Status") -> str:
    if job.state == "done":
        return job.result or job.message
    return f"place {job.position} {job.message}" if job.position else job.message


HEADINGS = ("job", "state", "done", "loss", "to go", "took", "")


def _table(jobs: "list[Status]") -> "Table":
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
    return table
