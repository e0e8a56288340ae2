"""The server of one hot folder in this process: it is stepped, stopped, started, and killed at a
file operation."""

import contextlib
import itertools
import signal
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks.reliability.faults import Faults
from benchmarks.reliability.folder.dispatcher import ScriptedDispatcher
from benchmarks.reliability.folder.rights import full_rights, ordinary_rights
from hotfolder.batches.publishing import BatchPublisher
from hotfolder.config.layers import read_configuration
from hotfolder.config.model import Config
from hotfolder.config.reload import ConfigWatch
from hotfolder.errors import FolderError, HotFolderError
from hotfolder.paths import FolderPaths
from hotfolder.server.folder_lock import locked
from hotfolder.server.folder_server import FolderServer

__all__ = ["Daemon", "Hang", "Incident", "Killed"]


HANG_SECONDS = 60.0
"""After that a step does not end any more."""


class Hang(BaseException):
    """A step has not ended: it may wait for what never comes, as from a pipe."""


class Killed(BaseException):
    """The process ends here, and none of its code runs any more."""


@dataclass(frozen=True)
class Incident:
    """What happens at the n-th file operation of a step."""

    at: int
    act: Callable[[], None]
    """What it raises comes out of the operation."""
    until: int | None = None
    """It happens at each operation up to this one."""


class Daemon:
    """A server, and those that are started after it."""

    def __init__(
        self, folder: FolderPaths, config_file: Path, faults: Faults, heard: Callable[..., None]
    ) -> None:
        """`heard` is called with each status of a job."""
        self._now = 1000.0
        self.life = "paints"
        """Of the jobs that are painted from now on."""
        self.dispatcher = self._new_dispatcher()
        self.refusals: list[str] = []
        """Why it did not start, each time."""
        self.server: FolderServer | None = None
        self.once = False
        """Whether a server ends with what is there."""
        self._folder = folder
        self._config_file = config_file
        self._config = Config.model_validate({"watch": {"polling": True}})
        """The last that could be read."""
        self._watch: ConfigWatch | None = None
        self._faults = faults
        self._heard = heard
        self._steps: Generator[str, None, None] | None = None
        self._has_started = False
        self._held = contextlib.ExitStack()
        """The lock."""

    def clock(self) -> float:
        """Turned by hand, but for the time that the server takes: it has to be sparing of that."""
        return self._now + time.thread_time()

    @property
    def config(self) -> Config:
        return self._watch.current() if self._watch else self._config

    def step(self, seconds: float, incidents: tuple[Incident, ...] = ()) -> bool:
        """One step after so many seconds; starts a server if none runs. False if it was killed.

        Raises:
            Exception: what has ended the server.
        """
        self._now = self.clock() + seconds - time.thread_time()
        with self._working(incidents), _watchdog(), ordinary_rights():
            try:
                if self.server is None:
                    self._start()
                if self._steps is not None:
                    if next(self._steps, None) is None:
                        self._end()
                    self._has_started = True
                    if self.server is not None and self.server.is_replaced:
                        self._end()
            except Killed:
                self._vanish()
                return False
            except (HotFolderError, OSError) as error:
                if self._has_started and not (self.once and isinstance(error, HotFolderError)):
                    raise
                # At its start it may say so and end; somebody starts it again. One that is to end
                # by itself does so with what is refused for a job.
                self.refusals.append(str(error))
                self._end()
        return True

    def stop(self) -> None:
        """As by SIGTERM."""
        with self._working(()), _watchdog(), ordinary_rights():
            self._end()

    def kill(self) -> None:
        """As by SIGKILL, between two steps."""

        def die() -> None:
            raise Killed

        with self._working((Incident(1, die, until=10**9),)):
            self._vanish()

    def _start(self) -> None:
        with contextlib.suppress(HotFolderError), full_rights():
            self._config = self._load()
        self._watch = ConfigWatch(self._config, self._load, [self._config_file], clock=self.clock)
        self._folder.create()
        self._folder.check()
        self._held.enter_context(locked(self._folder))
        self.dispatcher = self._new_dispatcher()
        try:
            server = FolderServer(
                self._watch,
                self._folder,
                self.dispatcher,
                once=self.once,
                on_event=self._heard,
                clock=self.clock,
            )
        except OSError as error:
            raise FolderError(str(error)) from None
        self._steps = server.steps()
        self.server = server

    def _end(self) -> None:
        try:
            if self._steps is not None:
                self._steps.close()
        finally:
            self._config = self.config
            self._steps, self.server, self._watch = None, None, None
            self._has_started = False
            self._held.close()

    def _vanish(self) -> None:
        """What is left of the server's code comes no further than its first file operation."""
        with contextlib.suppress(Killed):
            self._end()
        self._held = contextlib.ExitStack()

    def _load(self) -> Config:
        with full_rights():
            flags = {"watch": {"polling": True}}
            return read_configuration(self._config_file, flags=flags, environment={}).config

    def _new_dispatcher(self) -> ScriptedDispatcher:
        return ScriptedDispatcher(lambda: self.life, self.elsewhere)

    @contextlib.contextmanager
    def elsewhere(self) -> Iterator[None]:
        """What is done meanwhile is another process's doing."""
        with self._faults.suspended(), full_rights():
            yield

    @contextlib.contextmanager
    def _working(self, incidents: tuple[Incident, ...]) -> Iterator[None]:
        count = itertools.count(1)
        due: list[Incident] = []

        def is_time() -> bool:
            number = next(count)
            due[:] = [each for each in incidents if each.at <= number <= (each.until or each.at)]
            return bool(due)

        def happen() -> None:
            for each in due:
                each.act()

        self._faults.strike(is_time, happen)
        try:
            with patch.object(BatchPublisher, "_sheet_is_made", lambda *_: True):
                yield
        finally:
            self._faults.strike(lambda: False, lambda: None)


@contextlib.contextmanager
def _watchdog() -> Iterator[None]:
    """
    Raises:
        Hang: the block has not ended after `HANG_SECONDS`.
    """

    def bite(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, bite)
    signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
