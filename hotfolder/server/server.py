"""Serves one hot folder or several with one pool of workers, in one thread.

Each folder has its lock and its `FolderServer`. These are stepped in turn; between two rounds the
server waits for what the workers report.
"""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Self

from hotfolder.backoff import growing_pause
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import DispatchError, FolderError, HotFolderError
from hotfolder.outbox.status_reporter import OnStatus
from hotfolder.paths import FolderPaths
from hotfolder.platforms import system
from hotfolder.server.folder_lock import locked
from hotfolder.server.folder_server import FolderServer
from hotfolder.server.run_summary import RunSummary
from hotfolder.server.systemd import SystemdNotifier
from hotfolder.workers.cluster.ray_dispatcher import RayDispatcher
from hotfolder.workers.dispatcher import Dispatcher
from hotfolder.workers.local_dispatcher import LocalDispatcher
from hotfolder.workers.shared_dispatcher import SharedDispatcher
from hotfolder.workers.worker_process import WorkerOptions, worker_command

__all__ = ["Server", "configured_dispatcher"]

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Before a folder that failed is begun anew."""

TICK_SECONDS = 0.25
"""Longest time before a signal or an event of the watcher is noticed."""


def configured_dispatcher(config: Config, *, many: bool = False) -> Dispatcher:
    """The workers that the configuration asks for; `many` as in `WorkerOptions`."""
    options = WorkerOptions.model_validate(config, from_attributes=True)
    options = options.model_copy(update={"many": many})
    stall_seconds = 60 * config.stall_minutes or None
    if config.dispatch.backend == "ray":
        address = config.dispatch.address
        return RayDispatcher(address, options=options, stall_seconds=stall_seconds)
    return LocalDispatcher(
        config.devices, command=worker_command(options), stall_seconds=stall_seconds
    )


class Server:
    """Serves the hot folders at `roots`: `run` does it in the calling thread; `with Server(...)`
    does it in another thread, from the first scan of each folder until the end of the block."""

    def __init__(
        self,
        config: ConfigWatch,
        roots: Sequence[Path],
        *,
        once: bool = False,
        wait: bool = False,
        on_event: OnStatus | None = None,
        dispatcher: Callable[[Config], Dispatcher] = configured_dispatcher,
    ) -> None:
        """
        Args:
            once: end when everything that lies there has come to an end.
            wait: wait for a folder that is not there yet, and serve the others meanwhile.
            on_event: called with each job status as it is written (`status/NAME.json`'s document).
            dispatcher: starts the workers; called when all the folders are locked.
        """
        self._config = config
        self._once = once
        self._dispatcher = dispatcher
        self._notifier = SystemdNotifier({})
        self._folders: list[_ServedFolder] = []
        for root in roots:
            make_server = partial(
                FolderServer, config, once=once, on_event=on_event, alive=self._alive
            )
            self._folders.append(_ServedFolder(root, make_server, wait=wait))
        self._stopping = False
        self._stopped_by: signal.Signals | None = None
        self._thread = threading.Thread(target=self._serve_in_thread, name="hot folder")
        self._thread_error: BaseException | None = None
        self._has_scanned = threading.Event()

    def __str__(self) -> str:
        return str(self._folders[0]) if len(self._folders) == 1 else f"{len(self._folders)} folders"

    def run(self) -> RunSummary:
        """Serve until a signal to stop, `stop`, or (with `once`) until everything has ended.

        Raises:
            FolderError: a folder cannot be used.
            AlreadyRunning: another server has it.
            DispatchError: no worker can be started.
        """
        self._notifier = SystemdNotifier()
        with _signals_handled_by(self.stop):
            self._serve()
        return self._run_summary()

    def stop(self, by: signal.Signals | None = None) -> None:
        """End soon; what is unfinished stays in its queue. May be called from a signal handler or
        another thread."""
        self._stopped_by = self._stopped_by or by
        self._stopping = True

    def __enter__(self) -> Self:
        """
        Raises:
            FolderError, AlreadyRunning, DispatchError: as `run`.
        """
        self._thread.start()
        try:
            while not self._has_scanned.wait(0.05):
                self.check()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join()

    def check(self) -> None:
        """Within the `with` block: raise what has ended the server, if something has."""
        if self._thread_error is not None:
            raise self._thread_error
        if not self._thread.is_alive():
            raise DispatchError(f"the server of {self} has ended")

    def _serve_in_thread(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            self._thread_error = error

    def _serve(self) -> None:
        with contextlib.ExitStack() as held:
            for folder in self._folders:
                held.callback(folder.close)
                folder.lock()
            workers = SharedDispatcher(self._dispatcher(self._config.current()))
            workers.for_folder()  # Of nobody: the workers stay if every folder fails for a while.
            held.callback(self._stop_workers, workers)
            for folder in self._folders:
                if not folder.is_awaited:
                    folder.open(workers.for_folder())
            self._step(workers)
            self._notifier.ready(f"serving {self}")
            self._has_scanned.set()
            job_ended = False
            while not self._stopping and any(
                folder.is_served or folder.is_awaited for folder in self._folders
            ):
                # The place of a job that has ended is given away at once.
                job_ended = workers.pump(0.0 if job_ended else self._seconds_to_wait())
                self._step(workers)

    def _step(self, workers: SharedDispatcher) -> None:
        """
        Raises:
            DispatchError: no worker can be had, so no folder can be served.
            FolderError, AlreadyRunning: of the only folder, or with `once`.
        """
        for folder in self._folders:
            try:
                folder.step(workers)
            except DispatchError:
                raise
            except Exception as error:
                # Of several folders the others go on. What a file causes may end: it can be moved.
                is_only = len(self._folders) == 1 and isinstance(error, HotFolderError)
                if self._once or is_only:
                    raise
                folder.fail(error)
            self._alive()

    def _alive(self) -> None:
        if self._has_scanned.is_set():  # Before that, the manager waits for its being ready.
            self._notifier.alive(self._status_line())

    def _seconds_to_wait(self) -> float:
        served = [folder.server for folder in self._folders if folder.is_served]
        return min([TICK_SECONDS, *(server.seconds_to_next_scan() for server in served)])

    def _status_line(self) -> str:
        if len(self._folders) == 1:
            return self._folders[0].status
        return "; ".join(f"{folder.name}: {folder.status}" for folder in self._folders)

    def _stop_workers(self, workers: SharedDispatcher) -> None:
        """Before the folders are closed: so each takes in what has ended just now."""
        self._notifier.stopping()
        for folder in self._folders:
            if folder.is_served:
                folder.server.report_stopping()
        workers.stop()

    def _run_summary(self) -> RunSummary:
        parts = [folder.server.run_summary() for folder in self._folders if not folder.is_awaited]
        counts = {
            key: sum(getattr(part, key) for part in parts)
            for key in ("done", "failed", "cancelled", "waiting")
        }
        strays = tuple(words for part in parts for words in part.strays)
        return RunSummary(**counts, strays=strays, stopped_by=self._stopped_by, once=self._once)


class _ServedFolder:
    """One folder of a server: its lock, the `FolderServer` of what lies there, and its steps."""

    server: FolderServer
    _steps: Iterator[str]

    def __init__(self, root: Path, make_server: Callable[..., FolderServer], *, wait: bool) -> None:
        """`make_server` is called with the folder and its dispatcher."""
        self._root = root
        self._folder = FolderPaths(root)
        self._make_server = make_server
        self._wait = wait
        self._held = contextlib.ExitStack()
        """The lock and the steps."""
        self.is_served = False
        """Whether it has begun and not ended."""
        self.is_awaited = False
        """Whether it has not begun, because it is not there yet."""
        self.status = ""
        """One line for a person."""
        self._failures = 0
        self._due = 0.0
        """When to begin again after a failure."""

    def __str__(self) -> str:
        return str(self._folder.root)

    @property
    def name(self) -> str:
        return self._folder.root.name

    def lock(self) -> None:
        """Lock it, or begin to wait for it."""
        if self._wait and not self._is_there():
            if not self.is_awaited:
                log.warning("%s is not there; waiting until it is", self)
            self.is_awaited, self.status = True, "waits until the folder is there"
            return
        self.is_awaited = self._wait = False
        self._folder.create()
        self._folder.check()
        self._held.enter_context(locked(self._folder))

    def open(self, dispatcher: Dispatcher) -> None:
        try:
            self.server = self._make_server(self._folder, dispatcher)
        except OSError as error:
            raise FolderError(f"{self}: cannot be served: {error}.") from None
        self._steps = self._held.enter_context(contextlib.closing(self.server.steps()))

    def step(self, workers: SharedDispatcher) -> None:
        """One step. Another folder in the place of the one served is locked and served instead."""
        self.is_served = False  # If the step raises.
        if self.is_awaited:
            if time.monotonic() < self._due:
                return
            self._folder = FolderPaths(self._root)  # Its links lead elsewhere when it is mounted.
            self.lock()
            if self.is_awaited:
                return
            self.open(workers.for_folder())
        status = next(self._steps, None)
        if status is not None:
            self.status, self.is_served, self._failures = status, True, 0
        if self.is_served and self.server.is_replaced:
            log.warning("%s is another folder than before, or mounted anew: starting anew", self)
            self._held.close()
            self._folder = FolderPaths(self._root)
            self.lock()
            self.open(workers.for_folder())

    def fail(self, error: Exception) -> None:
        """It cannot be served now: begin anew after a pause, which grows."""
        self._failures += 1
        self._due = time.monotonic() + growing_pause(FIRST_PAUSE, self._failures, LONGEST_PAUSE)
        unforeseen = None if isinstance(error, HotFolderError) else error
        if (status := f"failed, and is begun anew: {error}") != self.status:
            log.error("%s cannot be served: %s", self, error, exc_info=unforeseen)
        self.status, self.is_served, self.is_awaited, self._wait = status, False, True, True
        try:
            self._held.close()
        except Exception:
            log.exception("%s could not be closed in order", self)

    def close(self) -> None:
        self._held.close()

    def _is_there(self) -> bool:
        """Whether it is a hot folder: without its share, its mount point is an empty folder."""
        try:
            return self._folder.inbox.is_dir()
        except OSError:
            return False


@contextlib.contextmanager
def _signals_handled_by(stop: Callable[[signal.Signals], None]) -> Iterator[None]:
    """The signals to stop call `stop`, if this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        stop(signal.Signals(number))

    before = {number: signal.signal(number, handle) for number in system.stop_signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
