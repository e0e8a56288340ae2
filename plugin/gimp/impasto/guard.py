"""Cancels a job when the process that asked for it is killed, which is what GIMP's Cancel does.

A killed process can do nothing more; a small one beside it, this file run as a program, sees its
pipe close. (So it lies where Python finds the client beside it.) Where it cannot be started, the
server still notices by the missing heartbeat, half a minute later.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from client import Client, ClientError, Ticket

__all__ = ["guarded"]

ALL_IS_WELL = b"."


@contextlib.contextmanager
def guarded(client: Client, ticket: Ticket) -> Iterator[None]:
    """Within this, the job is cancelled if this process ends without leaving it."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW
    process = None
    with contextlib.suppress(OSError):
        process = subprocess.Popen(
            [sys.executable, __file__, str(client.root.absolute()), ticket.name, ticket.key],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=flags,
        )
    try:
        yield
    finally:
        if process is not None:
            with contextlib.suppress(OSError):
                process.communicate(ALL_IS_WELL)


def _wait(root: Path, ticket: Ticket) -> None:
    if sys.stdin.buffer.read() != ALL_IS_WELL:
        with contextlib.suppress(ClientError):
            Client(root).cancel(ticket)


if __name__ == "__main__":
    _wait(Path(sys.argv[1]), Ticket(sys.argv[2], sys.argv[3]))
