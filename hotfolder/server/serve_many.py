"""Several hot folders in one daemon: each with its own lock, queue and status, shared workers."""

import contextlib
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_lock import locked
from hotfolder.server.folder_server import TICK_SECONDS, FolderServer
from hotfolder.server.run_summary import RunSummary
from hotfolder.server.server import dispatcher_of, stopped_by_signals
from hotfolder.server.systemd import SystemdNotifier
from hotfolder.workers.shared_dispatcher import SharedDispatcher

__all__ = ["serve_many"]

log = logging.getLogger(__name__)


def serve_many(
    config: Config,
    roots: Sequence[Path],
    *,
    once: bool = False,
    on_event: Callable[[Path, Mapping[str, Any]], None] | None = None,
    config_watch: Callable[[], ConfigWatch] | None = None,
) -> RunSummary:
    """Serve all of them until a signal; see `hotfolder.server.server.serve`, for one.

    Args:
        on_event: called with the folder, too.
        config_watch: makes one for each folder.

    Raises:
        FolderError, AlreadyRunning, DispatchError: the same; then none is served.
    """
    notifier = SystemdNotifier()
    with contextlib.ExitStack() as held:
        folders = []
        for root in roots:
            folder = FolderPaths(root)
            folder.create()
            folder.check()
            held.enter_context(locked(folder))
            folders.append(folder)
        pool = SharedDispatcher(dispatcher_of(config))
        served_folders: list[_ServedFolder] = []
        held.callback(pool.stop)
        for folder in folders:
            served_folders.append(_ServedFolder(folder, pool, config, once, on_event, config_watch))
            held.callback(served_folders[-1].close)

        asked_to_stop = False

        def stop(by: signal.Signals) -> None:
            nonlocal asked_to_stop
            asked_to_stop = True
            for served in served_folders:
                served.daemon.stop(by)

        with stopped_by_signals(stop):
            notifier.ready(f"serving {len(served_folders)} folders")
            while True:
                if asked_to_stop:
                    notifier.stopping()
                    pool.stop()  # First, so that each folder hears what has ended just now.
                going_on = [served.scheduling_key() for served in served_folders]
                if not any(going_on):
                    break
                pool.pump(
                    min([TICK_SECONDS, *(s.daemon.seconds_to_next_scan() for s in served_folders)])
                )
                notifier.alive(_status_lines(served_folders))
        return _sum([served.daemon.run_summary() for served in served_folders], once=once)


class _ServedFolder:
    """One folder's daemon, and its place in the round."""

    def __init__(
        self,
        folder: FolderPaths,
        pool: SharedDispatcher,
        config: Config,
        once: bool,
        on_event: Callable[[Path, Mapping[str, Any]], None] | None,
        config_watch: Callable[[], ConfigWatch] | None,
    ) -> None:
        self._folder = folder
        self._pool = pool
        self._once = once
        self._on_event = on_event
        self._config = config_watch() if config_watch else ConfigWatch(config)
        self._open()

    def scheduling_key(self) -> bool:
        """Once around this folder's loop; whether there is another."""
        ended = next(self._steps, None) is None
        if (
            ended
            and self.daemon.run_summary().replaced
            and not self.daemon.run_summary().stopped_by
        ):
            log.warning("%s is another folder than before: starting anew", self._folder.root)
            self._open()
            return True
        return not ended

    def close(self) -> None:
        self._steps.close()

    def _open(self) -> None:
        on_event, root = self._on_event, self._folder.root
        self.daemon = FolderServer(
            self._config,
            self._folder,
            self._pool.share(),
            once=self._once,
            on_event=None if on_event is None else lambda status: on_event(root, status),
        )
        self._steps = self.daemon.steps(0)


def _status_lines(served_folders: Sequence[_ServedFolder]) -> str:
    return "; ".join(
        f"{served._folder.root.name}: {served.daemon.status_line()}" for served in served_folders
    )


def _sum(outcomes: Sequence[RunSummary], *, once: bool) -> RunSummary:
    return RunSummary(
        done=sum(each.done for each in outcomes),
        failed=sum(each.failed for each in outcomes),
        cancelled=sum(each.cancelled for each in outcomes),
        waiting=sum(each.waiting for each in outcomes),
        stopped_by=next((each.stopped_by for each in outcomes if each.stopped_by), None),
        once=once,
    )
