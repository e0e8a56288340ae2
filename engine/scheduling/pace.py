"""Elapsed and remaining seconds of a painting."""

import time
from collections.abc import Callable

__all__ = ["Pace"]


class Pace:
    """Elapsed seconds, and remaining seconds by the pace since the first report.

    The time before the first report was preparation and is left out of the pace.

    Args:
        before: seconds that the work had already taken when it was interrupted.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, before: float = 0.0) -> None:
        self._clock = clock
        self._started = clock() - before
        self._first: tuple[float, float] | None = None

    @property
    def seconds(self) -> float:
        return self._clock() - self._started

    def to_go(self, fraction: float) -> float | None:
        """Seconds until the work is done, given the fraction (0 to 1) that is; None at first."""
        now = self.seconds
        first, done_by_then = self._first = self._first or (now, fraction)
        if fraction <= done_by_then:
            return None
        return (now - first) / (fraction - done_by_then) * (1 - fraction)
