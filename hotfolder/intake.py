"""From the inbox into the spool: when to look, what to claim, whom to cancel."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hotfolder.absence import Absence
from hotfolder.backoff import RETRY_SECONDS, Backoff
from hotfolder.config import Config
from hotfolder.errors import HotFolderError
from hotfolder.folder import HotFolder
from hotfolder.inbox import Drop, Inbox, Snapshot, Verdict
from hotfolder.job import State
from hotfolder.publish import free_name
from hotfolder.spool import Ending, Entry, Spool, ending_now
from hotfolder.status import RESERVED_NAMES
from hotfolder.watcher import Doorbell

__all__ = ["Intake", "Look"]

log = logging.getLogger(__name__)


@dataclass
class Look:
    """What one look at the inbox led to."""

    claimed: list[Entry] = field(default_factory=list)
    cancelled: dict[str, str] = field(default_factory=dict)
    """Live jobs that are to end, by id, and why (empty: somebody said so). Named again at every
    look until they have."""
    waiting: dict[str, Drop] = field(default_factory=dict)
    """Drops that stay in the inbox, by the name they have in the status."""
    cancels: dict[str, Path] = field(default_factory=dict)
    """Cancel files, by the name of the job they end; to be removed when it has ended."""
    strays: tuple[str, ...] = ()
    settling: bool = False
    """Whether waiting alone may change something."""


class Intake:
    """Claims everything that is ready: a job that is complete is in the queue, visibly and safe
    from later changes in the inbox."""

    def __init__(
        self,
        config: Config,
        folder: HotFolder,
        spool: Spool,
        *,
        once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._spool = spool
        self._clock = clock
        self._once = once
        self._watch = config.watch
        self._inbox = Inbox(
            folder,
            config.settings,
            settle_seconds=config.settle_seconds,
            # Nothing more will come to a daemon that ends with what is there.
            wait_seconds=0 if once else config.wait_seconds,
            clock=clock,
        )
        self._bell = Doorbell([folder.inbox, folder.styles], polling=config.watch.polling)
        self._absence = Absence(config.client_timeout, clock)
        self._backoff = Backoff(clock)
        self._next_look = 0.0

    def reconfigure(self, config: Config) -> None:
        """For what is claimed from now on. Whether the system's events are used stays."""
        self._watch = config.watch
        self._inbox.reconfigure(
            config.settings,
            settle_seconds=config.settle_seconds,
            wait_seconds=0 if self._once else config.wait_seconds,
        )

    def seconds_to_next_look(self) -> float:
        return max(0.0, self._next_look - self._clock())

    def look_if_due(self, live: Mapping[str, Entry]) -> Look | None:
        """Look if the bell rang or it is time. `live` are the jobs in the spool.

        The inbox being out of reach is not the same as its being empty: then nothing is changed.
        """
        if not self._bell.rung() and self._clock() < self._next_look:
            return None
        try:
            snapshot = self._inbox.scan()
        except OSError as error:
            log.error("cannot look into %s: %s", self._folder.inbox, error.strerror or error)
            self._next_look = self._clock() + RETRY_SECONDS
            return None
        watch = self._watch
        pause = watch.rescan_seconds if self._bell.native else watch.poll_seconds
        if snapshot.settling is not None:
            pause = min(pause, snapshot.settling)
        self._next_look = self._clock() + pause
        return self._take(snapshot, live)

    def close(self) -> None:
        self._bell.close()

    def _take(self, snapshot: Snapshot, live: Mapping[str, Entry]) -> Look:
        look = Look(strays=snapshot.strays, settling=snapshot.settling is not None)
        by_name = {entry.job.name: entry for entry in live.values()}
        gone = self._gone(snapshot, live)
        for entry in live.values():
            if entry.job.source in gone:
                look.cancelled[entry.job.id] = gone[entry.job.source]
        for name, path in snapshot.cancels.items():
            if name in by_name:
                look.cancels[name] = path
                look.cancelled[by_name[name].job.id] = ""
        names = {name.casefold() for name in by_name} | RESERVED_NAMES
        shared: set[Path] = set()
        for drop in snapshot.drops:
            name = free_name(drop.name, lambda candidate: candidate.casefold() in names)
            names.add(name.casefold())
            ending = self._decided(drop, snapshot.cancels.get(name), gone.get(drop.name))
            if drop.verdict is Verdict.WAIT and ending is None:
                look.waiting[name] = drop
                continue
            if name in snapshot.cancels and ending is not None:
                look.cancels[name] = snapshot.cancels[name]
            paths = self._shared_paths(drop)
            if paths & shared:
                # What one drop has copied may now be the other's alone: look again first.
                look.waiting[name] = drop
                self._next_look = 0.0
                look.settling = True
            else:
                shared |= paths
                self._claim(drop, name, ending, look)
        self._remove_idle_cancels(snapshot, by_name.keys() | look.waiting.keys(), look)
        self._remove_idle_heartbeats(snapshot, live)
        return look

    def _gone(self, snapshot: Snapshot, live: Mapping[str, Entry]) -> Mapping[str, str]:
        """Whose client is gone and how one knows, by the name under which the job was dropped."""
        owned = [(entry.job.source, entry.job.terms.owner) for entry in live.values()]
        owned += [(drop.name, drop.terms.owner) for drop in snapshot.drops]
        owners = {name: owner for name, owner in owned if owner is not None}
        beats = {name: file.fingerprint for name, file in snapshot.heartbeats.items()}
        return self._absence.gone(owners, beats)

    def _decided(self, drop: Drop, cancel: Path | None, gone: str | None) -> Ending | None:
        """The end of a drop that will not be painted."""
        if drop.settled and (cancel is not None or gone is not None):
            return ending_now(State.CANCELLED, error=gone if cancel is None else None)
        if drop.verdict is Verdict.REFUSE:
            error = drop.error or HotFolderError(drop.message)
            return ending_now(State.FAILED, error=str(error), exit_code=int(error.exit_code))
        return None

    def _claim(self, drop: Drop, name: str, ending: Ending | None, look: Look) -> None:
        later = replace(drop, message="cannot be taken in; it is tried again")
        if self._backoff.must_wait(drop.name):
            look.waiting[name] = later
            return
        try:
            entry = self._spool.claim(drop, name, ending)
        except FileNotFoundError:
            return  # Taken away at this moment: the next look will tell.
        except OSError as error:
            log.error("[%s] cannot be taken in: %s", name, error)
            self._backoff.refused(drop.name)
            look.waiting[name] = later
            return
        look.claimed.append(entry)
        log.info("%s %s", entry.tag, "claimed" if ending is None else ending.state)

    def _shared_paths(self, drop: Drop) -> set[Path]:
        inbox = self._folder.inbox
        return {part.path for part in drop.parts if part.shared and part.path.parent == inbox}

    def _remove_idle_cancels(self, snapshot: Snapshot, names: set[str], look: Look) -> None:
        """Remove cancel files that are for nobody, once they are no delivery's forerunner."""
        for name, path in snapshot.cancels.items():
            if name not in names and name not in look.cancels and self._inbox.is_settled(path):
                log.info("[%s] nothing to cancel", name)
                path.unlink(missing_ok=True)

    def _remove_idle_heartbeats(self, snapshot: Snapshot, live: Mapping[str, Entry]) -> None:
        """Remove heartbeats of nobody, such as a beat that came after the job's end."""
        sources = {entry.job.source for entry in live.values()}
        sources |= {drop.name for drop in snapshot.drops}
        for name, file in snapshot.heartbeats.items():
            if name not in sources and file.settled:
                file.path.unlink(missing_ok=True)
