"""The parts of a server's step, kept apart: one that fails ends neither the others nor the server.

What lies in a folder may make any part raise. That part is tried again after growing pauses, and
the status of the server says what it is.
"""

import logging
from collections.abc import Callable

from hotfolder.backoff import Backoff, growing_pause
from hotfolder.errors import DispatchError
from hotfolder.limits import MAX_REASON, shortened

__all__ = ["StepGuard"]

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


class StepGuard:
    """Runs the parts of the steps of one folder's server."""

    def __init__(
        self, clock: Callable[[], float], alive: Callable[[], None], *, once: bool = False
    ) -> None:
        """
        Args:
            alive: called after each part: the server is busy, not stuck.
            once: a server that is to end by itself does so by what a part raises.
        """
        self._backoff = Backoff(clock)
        self._alive = alive
        self._once = once
        self._failures: dict[str, tuple[int, str]] = {}
        """How often each part has failed in succession, and why, by what it does."""

    @property
    def problem(self) -> str | None:
        """What fails, and why, for a person; None if nothing does."""
        parts = [f"{what}: {reason}" for what, (_, reason) in self._failures.items()]
        return f"{'; '.join(parts)}; it is tried again" if parts else None

    def run(self, what: str, part: Callable[[], None]) -> None:
        """
        Raises:
            DispatchError: no worker can be had: without one nothing goes on.
            Exception: whatever the part raises, with `once`.
        """
        if self._backoff.is_delayed(what):
            return
        try:
            part()
        except Exception as error:
            if self._once or isinstance(error, DispatchError):
                raise
            self._note(what, error)
        else:
            self._failures.pop(what, None)
        self._alive()

    def _note(self, what: str, error: Exception) -> None:
        reason = shortened(f"{type(error).__name__}: {error}", MAX_REASON)
        times, before = self._failures.get(what, (0, ""))
        pause = growing_pause(FIRST_PAUSE, times + 1, LONGEST_PAUSE)
        if reason != before:
            log.exception("%s cannot go on; tried again in %g s, then less often", what, pause)
        self._failures[what] = times + 1, reason
        self._backoff.delay(what, pause)

    def retry_at_once(self) -> None:
        """End every pause."""
        self._backoff.forget()
