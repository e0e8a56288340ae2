"""One hot folder served by this process: its lock, its workers, its daemon, and signals."""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import FolderError
from hotfolder.outbox.status_reporter import OnStatus
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_lock import locked
from hotfolder.server.folder_server import FolderServer
from hotfolder.server.run_summary import RunSummary
from hotfolder.server.systemd import SystemdNotifier
from hotfolder.workers.local_dispatcher import LocalDispatcher
from hotfolder.workers.worker_process import worker_command

__all__ = ["dispatcher_of", "opened", "serve", "stopped_by_signals"]

log = logging.getLogger(__name__)


def serve(
    config: Config,
    root: Path,
    *,
    once: bool = False,
    on_event: OnStatus | None = None,
    config_watch: ConfigWatch | None = None,
) -> RunSummary:
    """Serve the hot folder at `root`, with worker processes of this machine, until a signal.

    Args:
        once: end when everything that lies there has come to an end.
        on_event: called with each job status as it is written (`status/NAME.json`'s document).
        config_watch: brings a changed configuration, for what is new from then on.

    Raises:
        FolderError: the folder cannot be used.
        AlreadyRunning: another daemon serves it.
        DispatchError: no worker can be started.
    """
    watch = config_watch or ConfigWatch(config)
    while True:
        daemons = opened(watch, root, once=once, on_event=on_event, notifier=SystemdNotifier())
        with daemons as daemon, stopped_by_signals(daemon.stop):
            run_summary = daemon.run()
        if not run_summary.replaced or run_summary.stopped_by:
            return run_summary
        log.warning("%s is another folder than before, or mounted anew: starting anew", root)


def dispatcher_of(config: Config) -> LocalDispatcher:
    """The worker processes that the configuration asks for."""
    command = worker_command(
        threads=config.threads,
        max_megapixels=config.max_megapixels,
        memory=config.memory,
        style_cache_megabytes=config.style_cache_megabytes,
        checkpoint_seconds=config.checkpoint_seconds,
    )
    return LocalDispatcher(config.devices, command=command)


@contextlib.contextmanager
def opened(
    config: ConfigWatch,
    root: Path,
    *,
    once: bool = False,
    on_event: OnStatus | None = None,
    notifier: SystemdNotifier | None = None,
) -> "Iterator[FolderServer]":
    """The daemon that `serve` runs, for those who run it themselves."""
    folder = FolderPaths(root)
    folder.create()
    folder.check()
    with locked(folder):
        dispatcher = dispatcher_of(config.current())
        try:
            daemon = FolderServer(
                config,
                folder,
                dispatcher,
                once=once,
                on_event=on_event,
                notifier=notifier,
            )
        except OSError as error:
            dispatcher.close(drain=False)
            raise FolderError(f"{root}: cannot be served: {error}.") from None
        yield daemon


@contextlib.contextmanager
def stopped_by_signals(end: Callable[[signal.Signals], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call `end`, for as long as this lasts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        end(signal.Signals(number))

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
