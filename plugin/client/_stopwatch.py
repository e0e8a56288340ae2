"""Seconds that pass while one looks."""

from collections.abc import Callable

__all__ = ["LONGEST_STEP_SECONDS", "Stopwatch"]

LONGEST_STEP_SECONDS = 2.0
"""More between two looks is a machine that slept, or a clock that was set."""


class Stopwatch:
    """Adds up the steps of a clock that may jump: a machine sleeps, a clock is set."""

    def __init__(self, clock: Callable[[], float], *, longest: float) -> None:
        """`longest`: a step that takes longer counts as a jump, and as so many seconds."""
        self._clock = clock
        self._longest = longest
        self._last = clock()
        self.seconds = 0.0
        """Those that have passed so far."""
        self.jumped = False
        """Whether the last step was a jump."""

    def advance(self) -> float:
        """One step; returns `seconds`."""
        now = self._clock()
        step, self._last = now - self._last, now
        self.jumped = not 0 <= step <= self._longest
        self.seconds += min(max(0.0, step), self._longest)
        return self.seconds
