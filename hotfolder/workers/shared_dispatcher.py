"""One dispatcher for several hot folders, which take turns with its workers."""

from collections import deque
from collections.abc import Iterator

from hotfolder.job import Job
from hotfolder.workers.dispatcher import DeviceState, Dispatcher
from hotfolder.workers.events import ENDS, Cancelled, Event, WorkerLost

__all__ = ["FolderDispatcher", "SharedDispatcher"]


class SharedDispatcher:
    """Gives each folder a dispatcher of its own, and the workers to all of them in turn."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        """`dispatcher` is closed by this one from now on."""
        self.dispatcher = dispatcher
        self._folders: deque[FolderDispatcher] = deque()
        """The folder that was served last is last."""
        self._dispatched: dict[str, FolderDispatcher | None] = {}
        """By job that the dispatcher has: its folder; None if that is not served any more."""
        self._stopped = False

    def for_folder(self) -> "FolderDispatcher":
        """The dispatcher of one more folder."""
        self._folders.append(FolderDispatcher(self))
        return self._folders[-1]

    def pump(self, timeout: float) -> bool:
        """Submit jobs and pass events on to their folders; waits at most `timeout` seconds for the
        first event. Whether a job has ended.

        Raises:
            DispatchError: no worker can be had at all.
        """
        self.assign()
        job_ended = False
        for event in self.dispatcher.poll(timeout):
            folder = self._dispatched.get(event.job_id)
            if isinstance(event, ENDS):
                self._dispatched.pop(event.job_id, None)
                job_ended = True
            if folder is not None:
                folder.events.append(event)
        self.assign()
        return job_ended

    def assign(self) -> None:
        """Give free workers to the folder that has waited longest for its turn."""
        while not self._stopped and len(self._dispatched) < self.dispatcher.capacity:
            folder = next((folder for folder in self._folders if self._has_next(folder)), None)
            if folder is None:
                return
            job = folder.pending.popleft()
            self._folders.remove(folder)
            self._folders.append(folder)
            self._dispatched[job.id] = folder
            self.dispatcher.submit(job)

    def _has_next(self, folder: "FolderDispatcher") -> bool:
        # A folder mounted anew has the jobs that workers still do for the one before.
        return bool(folder.pending) and folder.pending[0].id not in self._dispatched

    def cancel(self, job_id: str) -> None:
        if job_id in self._dispatched:
            self.dispatcher.cancel(job_id)

    def leave(self, folder: "FolderDispatcher") -> None:
        """A folder is not served any more. The workers end with the last one."""
        if len(self._folders) == 1:
            self.stop()
        self._folders.remove(folder)
        for job_id in [id_ for id_, whose in self._dispatched.items() if whose is folder]:
            folder.events.append(WorkerLost(job_id, "the folder is not served any more"))
            self._dispatched[job_id] = None  # Its worker is taken until it reports the end.
            self.dispatcher.cancel(job_id)

    def stop(self) -> None:
        """End the workers, and pass their last events on."""
        if self._stopped:
            return
        self._stopped = True
        self.dispatcher.close(drain=False)
        self.pump(0)


class FolderDispatcher:
    """The `Dispatcher` of one folder. Its jobs wait here for a worker."""

    def __init__(self, shared: SharedDispatcher) -> None:
        self._shared = shared
        self.pending: deque[Job] = deque()
        self.events: deque[Event] = deque()
        self._closed = False

    @property
    def capacity(self) -> int:
        """All the workers: then none waits while a folder has jobs."""
        return self._shared.dispatcher.capacity

    @property
    def problem(self) -> str:
        return self._shared.dispatcher.problem

    def submit(self, job: Job) -> None:
        self.pending.append(job)
        self._shared.assign()

    def poll(self, timeout: float) -> Iterator[Event]:
        if timeout > 0 and not self.events:
            self._shared.pump(timeout)
        events, self.events = self.events, deque()
        return iter(events)

    def cancel(self, job_id: str) -> None:
        for job in [job for job in self.pending if job.id == job_id]:
            self.pending.remove(job)
            self.events.append(Cancelled(job_id))
            return
        self._shared.cancel(job_id)

    def devices(self) -> list[DeviceState]:
        return self._shared.dispatcher.devices()

    def close(self, *, drain: bool) -> None:
        if self._closed:
            return
        self._closed = True
        while drain and (self.pending or self in self._shared._dispatched.values()):
            self._shared.pump(0.1)
        self.events.extend(WorkerLost(job.id, "no worker was free yet") for job in self.pending)
        self.pending.clear()
        self._shared.leave(self)
