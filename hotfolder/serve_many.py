"""Several hot folders in one daemon: each with its own lock, queue and status, shared workers."""

import contextlib
import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hotfolder.config import Config
from hotfolder.daemon import TICK_SECONDS, Daemon
from hotfolder.folder import HotFolder
from hotfolder.lock import locked
from hotfolder.outcome import Outcome
from hotfolder.pool import Pool
from hotfolder.reload import ConfigWatch
from hotfolder.serve import dispatcher_of, stopped_by_signals
from hotfolder.systemd import Notifier

__all__ = ["serve_many"]

log = logging.getLogger(__name__)


def serve_many(
    config: Config,
    roots: Sequence[Path],
    *,
    once: bool = False,
    on_event: Callable[[Path, Mapping[str, Any]], None] | None = None,
    config_watch: Callable[[], ConfigWatch] | None = None,
) -> Outcome:
    """Serve all of them until a signal; see `hotfolder.serve.serve`, for one.

    Args:
        on_event: called with the folder, too.
        config_watch: makes one for each folder.

    Raises:
        FolderError, AlreadyRunning, DispatchError: the same; then none is served.
    """
    notifier = Notifier()
    with contextlib.ExitStack() as held:
        folders = []
        for root in roots:
            folder = HotFolder(root)
            folder.create()
            folder.check()
            held.enter_context(locked(folder))
            folders.append(folder)
        pool = Pool(dispatcher_of(config))
        seats: list[_Seat] = []
        held.callback(pool.stop)
        for folder in folders:
            seats.append(_Seat(folder, pool, config, once, on_event, config_watch))
            held.callback(seats[-1].close)

        asked_to_stop = False

        def stop(by: signal.Signals) -> None:
            nonlocal asked_to_stop
            asked_to_stop = True
            for seat in seats:
                seat.daemon.stop(by)

        with stopped_by_signals(stop):
            notifier.ready(f"serving {len(seats)} folders")
            while True:
                if asked_to_stop:
                    notifier.stopping()
                    pool.stop()  # First, so that each folder hears what has ended just now.
                going_on = [seat.turn() for seat in seats]
                if not any(going_on):
                    break
                pool.pump(min([TICK_SECONDS, *(s.daemon.seconds_to_next_look() for s in seats)]))
                notifier.alive(_summary(seats))
        return _sum([seat.daemon.outcome() for seat in seats], once=once)


class _Seat:
    """One folder's daemon, and its place in the round."""

    def __init__(
        self,
        folder: HotFolder,
        pool: Pool,
        config: Config,
        once: bool,
        on_event: Callable[[Path, Mapping[str, Any]], None] | None,
        config_watch: Callable[[], ConfigWatch] | None,
    ) -> None:
        self._folder = folder
        self._pool = pool
        self._once = once
        self._on_event = on_event
        self._watch = config_watch() if config_watch else None
        self._config = config
        self._open()

    def turn(self) -> bool:
        """Once around this folder's loop; whether there is another."""
        ended = next(self._rounds, None) is None
        if ended and self.daemon.outcome().replaced and not self.daemon.outcome().stopped_by:
            log.warning("%s is another folder than before: starting anew", self._folder.root)
            self._open()
            return True
        return not ended

    def close(self) -> None:
        self._rounds.close()

    def _open(self) -> None:
        on_event, root = self._on_event, self._folder.root
        self.daemon = Daemon(
            self._watch.config if self._watch else self._config,
            self._folder,
            self._pool.share(),
            once=self._once,
            on_event=None if on_event is None else lambda status: on_event(root, status),
            config_watch=self._watch,
        )
        self._rounds = self.daemon.rounds(0)


def _summary(seats: Sequence[_Seat]) -> str:
    return "; ".join(f"{seat._folder.root.name}: {seat.daemon.summary()}" for seat in seats)


def _sum(outcomes: Sequence[Outcome], *, once: bool) -> Outcome:
    return Outcome(
        done=sum(each.done for each in outcomes),
        failed=sum(each.failed for each in outcomes),
        cancelled=sum(each.cancelled for each in outcomes),
        waiting=sum(each.waiting for each in outcomes),
        stopped_by=next((each.stopped_by for each in outcomes if each.stopped_by), None),
        once=once,
    )
