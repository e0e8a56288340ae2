"""What lives in a hot folder at one moment, as its status files tell it.

A status is read when its file has changed. Of thousands that have ended only a few facts are kept.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hotfolder import folder_access
from hotfolder.page.folder.curve import LossCurves
from hotfolder.paths import FolderPaths
from hotfolder.platforms import system
from hotfolder.server.pause import Pause
from plugin.client import Client, FolderMissing, Server, Status
from plugin.client.protocol import PREVIEW_SUFFIX, SERVER_STATUS, STATUS_SUFFIX, JobState

__all__ = ["Ended", "FolderReader", "Snapshot"]

LISTING_SHARE = 100
"""The next listing of status/ waits for so many times as long as the last one took."""

_ORDER = (JobState.RUNNING, JobState.QUEUED, JobState.HELD, JobState.WAITING)


class Ended(NamedTuple):
    """What is kept of a job that has ended."""

    name: str
    state: str
    message: str
    updated: str
    result: str | None
    record: str | None
    folder: str | None
    batch: str | None
    """Of which it was a job."""

    @property
    def is_batch(self) -> bool:
        return self.record is not None and self.record.endswith(".summary.yaml")


@dataclass(frozen=True)
class Snapshot:
    """One moment of the folder."""

    server: Server = field(default_factory=Server)
    is_there: bool = True
    """Whether the hot folder can be reached."""
    paused: str | None = None
    """Who has paused it and why."""
    live: Sequence[Status] = ()
    """Running ones first, then in the order of the queue; batches are not among them."""
    batches: Sequence[Status] = ()
    """Batches that have not ended."""
    ended: Mapping[str, Ended] | None = None
    failed: int = 0
    """Folders in failed/."""
    free_bytes: int | None = None
    disk_bytes: int | None = None
    previews: Mapping[str, int] | None = None
    """When each preview of a live job was written, in ns."""

    def of_state(self, *states: str) -> list[Status]:
        return [job for job in self.live if job.state in states]

    def job(self, name: str) -> Status | None:
        """The live job or batch called `name`."""
        return next((job for job in (*self.live, *self.batches) if job.name == name), None)

    def jobs_of(self, batch: str) -> list[Ended | Status]:
        """The jobs of a batch that have a status."""
        live = [job for job in self.live if job.client.get("batch") == batch]
        return [*live, *(job for job in (self.ended or {}).values() if job.batch == batch)]

    @property
    def ended_batches(self) -> list[Ended]:
        """The batches that have ended, the last first."""
        found = [job for job in (self.ended or {}).values() if job.is_batch]
        return sorted(found, key=lambda job: job.updated, reverse=True)


class FolderReader:
    """Makes snapshots of one hot folder, for any thread."""

    def __init__(self, folder: FolderPaths, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = folder
        self.client = Client(folder.root)
        self.curves = LossCurves()
        self.latest = Snapshot()
        self._clock = clock
        self._pause = Pause(folder)
        self._lock = threading.Lock()
        self._known: dict[str, tuple[tuple[int, int], Status | Ended | None]] = {}
        self._failed_seen = 0, 0
        """The time of failed/, and how many are in it."""
        self._listed_at = float("-inf")
        self._listing_took = 0.0

    def refresh(self, *, listing: bool = False) -> Snapshot:
        """The present moment; `listing` has every status looked at, and not only those that are
        likely to have changed."""
        with self._lock:
            return self._refreshed(listing=listing)

    def _refreshed(self, *, listing: bool) -> Snapshot:
        try:
            if folder_access.is_link(self.folder.status):  # Its own links were followed once.
                raise FolderMissing("status/ has become a link")
            server = self.client.server()
        except FolderMissing:
            self.latest = replace(self.latest, is_there=False, server=Server())
            return self.latest
        since = self._clock() - self._listed_at
        if listing or since >= max(0.5, LISTING_SHARE * self._listing_took):
            self._list()
        else:
            self._look_again(server)
        jobs = [job for _, job in self._known.values() if isinstance(job, Status)]
        self.curves.note(jobs)
        batches = [job for job in jobs if _is_batch(job)]
        live = sorted((job for job in jobs if not _is_batch(job)), key=_queue_order)
        free, disk = self._room()
        self.latest = Snapshot(
            server,
            paused=self._paused(),
            live=live,
            batches=sorted(batches, key=lambda job: job.dropped),
            ended={job.name: job for _, job in self._known.values() if isinstance(job, Ended)},
            failed=self._failed(),
            free_bytes=free,
            disk_bytes=disk,
            previews=self._previews(live),
        )
        return self.latest

    def _list(self) -> None:
        """Look at every file in status/, and read those that have changed."""
        started = self._clock()
        try:
            found = folder_access.scan(self.folder.status)
        except OSError:
            return
        known = {}
        for file, facts in found:
            name = file.removesuffix(STATUS_SUFFIX)
            if name in (file, SERVER_STATUS) or name.startswith("."):
                continue
            key = (facts.st_mtime_ns, facts.st_ino)
            before = self._known.get(name)
            known[name] = before if before and before[0] == key else (key, self._read(name))
        self._known = known
        self._listed_at = self._clock()
        self._listing_took = self._listed_at - started

    def _look_again(self, server: Server) -> None:
        """Read what is likely to have changed: what runs, and the head of the queue."""
        names = {str(device.get("job")) for device in server.devices if device.get("job")}
        names |= {job.name for job in (*self.latest.live[:20], *self.latest.batches[:20])}
        for name in names:
            job = self._read(name)
            if job is not None:
                # The next listing reads it again: nobody knows which file this was.
                self._known[name] = ((0, 0), job)

    def _read(self, name: str) -> Status | Ended | None:
        status = self.client.job(name)
        if status is None or not status.ended:
            return status
        batch = status.client.get("batch")
        return Ended(
            *(status.name, status.state, status.message, status.updated),
            *(status.result, status.record, status.folder),
            batch if isinstance(batch, str) else None,
        )

    def _paused(self) -> str | None:
        try:
            return self._pause.reason()
        except OSError:
            return self.latest.paused

    def _failed(self) -> int:
        try:
            stamp = folder_access.lstat(self.folder.failed).st_mtime_ns
            if stamp != self._failed_seen[0]:
                names = folder_access.names(self.folder.failed)
                self._failed_seen = stamp, sum(not name.startswith(".") for name in names)
        except OSError:
            return 0
        return self._failed_seen[1]

    def _room(self) -> tuple[int | None, int | None]:
        try:
            room = system.disk_room(self.folder.outbox)
        except OSError:
            return None, None
        return room.free, room.size

    def _previews(self, jobs: Iterable[Status]) -> dict[str, int]:
        found = {}
        for job in jobs:
            if job.preview is not None:
                path = self.folder.status / f"{job.name}{PREVIEW_SUFFIX}"
                try:
                    found[job.name] = folder_access.lstat(path).st_mtime_ns
                except OSError:
                    continue
        return found


def _is_batch(job: Status) -> bool:
    """A job that runs, or has run, was claimed, and so has an id; a batch never has."""
    return job.id is None and (job.state == JobState.RUNNING or job.fraction > 0)


def _queue_order(job: Status) -> tuple[int, int, str, str]:
    state = _ORDER.index(JobState(job.state)) if job.state in _ORDER else len(_ORDER)
    return state, job.position or 1_000_000, job.dropped, job.name
