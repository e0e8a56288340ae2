"""How much of the daemon's time goes into what can wait. Pure, clock injected."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

__all__ = ["Throttle"]

T = TypeVar("T")

SHARE = 20
"""One part in so many of the time. Replacing a file can take milliseconds (ext4 then writes it to
the disk at once), and thousands of statuses change with every job that ends."""

AT_ONCE_SECONDS = 0.05


class Throttle:
    """Time for one kind of work: a little at once, and then a pause of many times as long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._from = clock()

    @property
    def left(self) -> bool:
        return self._clock() >= self._from

    def take(self, work: Iterable[T]) -> Iterator[T]:
        """As much of `work` as there is time for now; at least one piece, unless it is none yet."""
        if not self.left:
            return
        started = self._clock()
        try:
            for piece in work:
                yield piece
                if self._clock() - started >= AT_ONCE_SECONDS:
                    break
        finally:
            self._from = self._clock() + (SHARE - 1) * (self._clock() - started)
