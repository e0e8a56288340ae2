"""What a server has done, and the exit code that says so."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from hotfolder.errors import ExitCode

__all__ = ["RunSummary"]


@dataclass(frozen=True)
class RunSummary:
    """What a server did between its start and its end."""

    done: int = 0
    failed: int = 0
    cancelled: int = 0
    waiting: int = 0
    """Candidates left in the inbox, and jobs left in the queue."""
    stopped_by: signal.Signals | None = None
    strays: tuple[str, ...] = ()
    """What lies in the inbox and belongs to no job, in words."""
    once: bool = False
    """Whether it was to end by itself."""

    @classmethod
    def of(
        cls, totals: Mapping[str, int], waiting: int, strays: tuple[str, ...], *, once: bool
    ) -> Self:
        """Of a server that nobody has stopped; `totals`: jobs that have ended, by their state."""
        done, failed, cancelled = (totals[state] for state in ("done", "failed", "cancelled"))
        return cls(done, failed, cancelled, waiting, strays=strays, once=once)

    @property
    def exit_code(self) -> ExitCode:
        """With `once`: whether everything succeeded. A service that SIGTERM stops did well."""
        if self.stopped_by is signal.SIGINT or (self.stopped_by and self.once):
            return ExitCode.INTERRUPTED
        if self.once and (self.failed or self.waiting):
            return ExitCode.SOME_JOBS_FAILED
        return ExitCode.OK
