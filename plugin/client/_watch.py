"""Following a job to its end."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from ._errors import DeliveryError, ServerGone, TimedOut
from ._status import Server, Status, local_time
from ._stopwatch import LONGEST_STEP_SECONDS, Stopwatch
from .protocol import CLIENT_HEARTBEAT_SECONDS, DELIVERED

UNNOTICED_SECONDS = 300.0
"""A running server that has not looked at a drop for so long is not going to."""


def follow(
    root: Path,
    *,
    read_status: Callable[[], Status],
    read_server: Callable[[], Server],
    send_heartbeat: Callable[[], object] | None,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    timeout: float | None,
    interval: float,
    grace: float,
) -> Iterator[Status]:
    """The statuses of a job in the hot folder `root`; see `Client.watch`.

    Args:
        send_heartbeat: if the job ends with its client.

    Raises:
        FolderMissing, TimedOut, ServerGone
    """
    stopwatch = Stopwatch(clock, longest=max(interval, LONGEST_STEP_SECONDS))
    started = served = seen = stopwatch.seconds
    sent = float("-inf")
    last: Status | None = None
    while True:
        status = read_status()
        if status != last:
            last = status
            yield status
        if status.ended:
            return
        now = stopwatch.advance()
        if send_heartbeat is not None and (
            now - sent >= CLIENT_HEARTBEAT_SECONDS or stopwatch.jumped
        ):
            with contextlib.suppress(DeliveryError):  # The job's status shows what comes of it.
                send_heartbeat()
            sent = now
        server = read_server()
        if server.running:
            served = now
        if status.state != DELIVERED:
            seen = now
        if now - served >= grace:
            raise ServerGone(_server_gone(root, server, status, send_heartbeat is not None))
        if timeout is not None and now - started >= timeout:
            raise TimedOut(f"{status.name} is {status.state} after {timeout:g} s. It goes on.")
        if now - seen >= UNNOTICED_SECONDS:
            raise TimedOut(
                f"The server of {root} runs, but has not looked at {status.name} for "
                f"{UNNOTICED_SECONDS:g} s. `impasto status --hot {root}` says what it does."
            )
        sleep(interval)


def _server_gone(root: Path, server: Server, status: Status, heartbeat: bool) -> str:
    since = "" if server.age is None else f" since {local_time(server.updated)}"
    paints = "paints it"
    if heartbeat:
        paints += " while its client sends heartbeats, else cancels it"
    return (
        f"Nobody serves {root}{since}. {status.name} is {status.state} and stays there; "
        f"`impasto watch --hot {root}` {paints}."
    )
