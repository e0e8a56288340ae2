"""Keeps one kind of work to a share of the time, or to a length of a turn. Pure, clock injected."""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["SteppedWork", "Steps", "Throttle", "in_one_go"]

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work in short steps, each up to a `yield`, and what it returns at its end."""

SHARE = 20
"""Replacing a file can take milliseconds (ext4 then writes it to the disk at once), and thousands
of statuses change with every job that ends."""

BURST_SECONDS = 0.05


class Throttle:
    """Work that takes at most one part in `share` of the time: after each piece a pause follows
    that is so many times as long. Pieces begin at least `interval` seconds apart."""

    def __init__(
        self, clock: Callable[[], float], share: float = SHARE, interval: float = 0.0
    ) -> None:
        self._clock = clock
        self._share = share
        self._interval = interval
        self._next = clock()

    @property
    def delay(self) -> float:
        """Seconds until the next piece may begin; 0 if it may now."""
        return max(0.0, self._next - self._clock())

    @property
    def is_open(self) -> bool:
        """Whether the next piece may begin."""
        return self._clock() >= self._next

    def ended(self, started: float) -> None:
        """A piece that began at `started`, by the same clock, has just ended."""
        self._next = started + max(self._interval, self._share * (self._clock() - started))

    def take(self, work: Iterable[T]) -> Iterator[T]:
        """As much of `work` as there is time for now; at least one item, if the next piece may
        begin at all."""
        if not self.is_open:
            return
        started = self._clock()
        try:
            for item in work:
                yield item
                if self._clock() - started >= BURST_SECONDS:
                    break
        finally:
            self.ended(started)


def in_one_go(steps: Steps[T]) -> T:
    """Do all the steps; returns what the work does."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


class SteppedWork(Generic[T]):
    """Work that may take long, done over several turns. A turn begins no step after `seconds`; the
    next one goes on where it stopped."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._steps: Steps[T] | None = None
        self.busy = 0.0
        """Seconds that the work has taken so far, without what lay between its turns."""

    @property
    def is_running(self) -> bool:
        return self._steps is not None

    def begin(self, steps: Steps[T]) -> None:
        """Work that is not done yet is given up."""
        self._steps = steps
        self.busy = 0.0

    def turn(self) -> T | None:
        """Go on; returns what the work does when it is done. What it raises ends it."""
        if self._steps is None:
            return None
        steps, self._steps = self._steps, None
        began = self._clock()
        try:
            while self._clock() - began < self._seconds:
                next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            self.busy += self._clock() - began
        self._steps = steps
        return None
