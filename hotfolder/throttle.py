"""Keeps one kind of work to a share of the time. Pure, clock injected."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["Throttle"]

T = TypeVar("T")

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
