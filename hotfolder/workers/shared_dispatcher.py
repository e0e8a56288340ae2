"""One pool of workers for several hot folders, which take turns."""

from collections import deque
from collections.abc import Iterator

from hotfolder.job import Job
from hotfolder.workers.dispatcher import DeviceState, Dispatcher
from hotfolder.workers.events import Cancelled, Done, Event, Failed, StorageFailed, WorkerLost

__all__ = ["FolderDispatcher", "SharedDispatcher"]


ENDS = (Done, Failed, Cancelled, WorkerLost, StorageFailed)


class SharedDispatcher:
    """Gives each folder a dispatcher of its own, and the workers to all of them in turn."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """`dispatcher` belongs to the pool from now on."""
        self._dispatcher = dispatcher
        self._shares: deque[FolderDispatcher] = deque()
        """In the order of their turns: who was served last is last."""
        self._dispatched: dict[str, FolderDispatcher] = {}
        """Whose each job is that the dispatcher has."""
        self._stopped = False

    def share(self) -> "FolderDispatcher":
        self._shares.append(FolderDispatcher(self))
        return self._shares[-1]

    @property
    def capacity(self) -> int:
        return self._dispatcher.capacity

    def devices(self) -> list[DeviceState]:
        return self._dispatcher.devices()

    def pump(self, timeout: float) -> None:
        """Hand jobs out, and bring events to those whose they are; waits at most `timeout` seconds
        for the first.

        Raises:
            DispatchError: no worker can be had at all.
        """
        self.assign()
        for event in self._dispatcher.poll(timeout):
            share = self._dispatched.get(event.job_id)
            if isinstance(event, ENDS):
                self._dispatched.pop(event.job_id, None)
            if share is not None:
                share.events.append(event)
        self.assign()

    def assign(self) -> None:
        """Give what is free to the folder that has waited longest for its turn."""
        while not self._stopped and len(self._dispatched) < self._dispatcher.capacity:
            share = next((s for s in self._shares if s.pending), None)
            if share is None:
                return
            job = share.pending.popleft()
            self._shares.remove(share)
            self._shares.append(share)
            self._dispatched[job.id] = share
            self._dispatcher.submit(job)

    def cancel(self, job_id: str) -> None:
        if job_id in self._dispatched:
            self._dispatcher.cancel(job_id)

    def leave(self, share: "FolderDispatcher") -> None:
        """A folder is not served any more; what it had with the workers is nobody's."""
        self._shares.remove(share)
        for job_id in [j for j, whose in self._dispatched.items() if whose is share]:
            share.events.append(WorkerLost(job_id, "the folder is not served any more"))
            self._dispatched[job_id] = FolderDispatcher(
                self
            )  # Its place is taken until the worker says so.
            self._dispatcher.cancel(job_id)
        if not self._shares:
            self.stop()

    def stop(self) -> None:
        """End the workers; their last words go to those whose they are."""
        if self._stopped:
            return
        self._stopped = True
        self._dispatcher.close(drain=False)
        self.pump(0)


class FolderDispatcher:
    """What one folder sees of the pool: a `Dispatcher`. Its jobs wait here for their turn."""

    def __init__(self, pool: SharedDispatcher) -> None:
        self._pool = pool
        self.pending: deque[Job] = deque()
        self.events: deque[Event] = deque()
        self._closed = False

    @property
    def capacity(self) -> int:
        """As if it were alone: then no worker waits while a folder has jobs."""
        return self._pool.capacity

    def submit(self, job: Job) -> None:
        self.pending.append(job)
        self._pool.assign()

    def poll(self, timeout: float) -> Iterator[Event]:
        if timeout > 0 and not self.events:
            self._pool.pump(timeout)
        events, self.events = self.events, deque()
        return iter(events)

    def cancel(self, job_id: str) -> None:
        for job in [job for job in self.pending if job.id == job_id]:
            self.pending.remove(job)
            self.events.append(Cancelled(job_id))
            return
        self._pool.cancel(job_id)

    def devices(self) -> list[DeviceState]:
        return self._pool.devices()

    def close(self, *, drain: bool) -> None:
        """The workers go on for the others; they end with the last folder."""
        if self._closed:
            return
        self._closed = True
        while drain and (self.pending or self in self._pool._dispatched.values()):
            self._pool.pump(0.1)
        self.events.extend(WorkerLost(job.id, "no worker was free yet") for job in self.pending)
        self.pending.clear()
        self._pool.leave(self)
