"""A hot folder served by a thread of this process, for as long as something needs it."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import DispatchError
from hotfolder.server.server import opened
from plugin.client import Client

__all__ = ["served_here"]

START_SECONDS = 60.0


@contextlib.contextmanager
def served_here(config: Config, root: Path) -> Iterator[Callable[[], None]]:
    """Serve `root` until the end of the block; what is unfinished then stays in its queue.

    Yields a function that raises what has ended the server, if something has.

    Raises:
        FolderError, AlreadyRunning, DispatchError: as `hotfolder.server.server.serve`.
    """
    with opened(ConfigWatch(config), root) as daemon:
        ended_by: list[BaseException] = []

        def run() -> None:
            try:
                daemon.run()
            except BaseException as error:
                ended_by.append(error)

        thread = threading.Thread(target=run, name="hot folder")

        def check() -> None:
            if ended_by:
                raise ended_by[0]
            if not thread.is_alive():
                raise DispatchError(f"the server of {root} has ended")

        thread.start()
        try:
            _wait_for_first_look(Client(root), check)
            yield check
        finally:
            daemon.stop()
            thread.join()


def _wait_for_first_look(client: Client, check: Callable[[], None]) -> None:
    """Until the status tells of every job that lay in the inbox, whether it is claimed or not."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        check()
        server = client.server()
        if server.running and server.state != "starting" and _all_told(client):
            return
        time.sleep(0.05)


def _all_told(client: Client) -> bool:
    for path in client.inbox.glob("*.yaml"):
        job = client.job(path.stem.removesuffix(".batch"))
        if job is None or not job.live:
            return False
    return True
