"""One hot folder served by this process: its lock, its workers, its daemon, and signals."""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from hotfolder.config import Config
from hotfolder.daemon import Daemon
from hotfolder.errors import FolderError
from hotfolder.folder import HotFolder
from hotfolder.local import LocalDispatcher
from hotfolder.lock import locked
from hotfolder.outcome import Outcome
from hotfolder.process import worker_command
from hotfolder.reload import ConfigWatch
from hotfolder.reporter import OnStatus
from hotfolder.systemd import Notifier

__all__ = ["dispatcher_of", "opened", "serve", "stopped_by_signals"]

log = logging.getLogger(__name__)


def serve(
    config: Config,
    root: Path,
    *,
    once: bool = False,
    on_event: OnStatus | None = None,
    config_watch: ConfigWatch | None = None,
) -> Outcome:
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
    while True:
        current = config_watch.config if config_watch else config
        daemons = opened(
            current,
            root,
            once=once,
            on_event=on_event,
            config_watch=config_watch,
            notifier=Notifier(),
        )
        with daemons as daemon, stopped_by_signals(daemon.stop):
            outcome = daemon.run()
        if not outcome.replaced or outcome.stopped_by:
            return outcome
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
    config: Config,
    root: Path,
    *,
    once: bool = False,
    on_event: OnStatus | None = None,
    config_watch: ConfigWatch | None = None,
    notifier: Notifier | None = None,
) -> "Iterator[Daemon]":
    """The daemon that `serve` runs, for those who run it themselves."""
    folder = HotFolder(root)
    folder.create()
    folder.check()
    with locked(folder):
        dispatcher = dispatcher_of(config)
        try:
            daemon = Daemon(
                config,
                folder,
                dispatcher,
                once=once,
                on_event=on_event,
                config_watch=config_watch,
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
