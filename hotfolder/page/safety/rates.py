"""How much one visitor may ask for: requests a second and open streams. The clock is injected."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["OpenStreams", "RateLimit"]

MAX_VISITORS = 4096
"""Whose rates are remembered; of more, those seen last."""


class RateLimit:
    """A bucket of tokens for each visitor: `burst` at once, then `per_second`."""

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Tokens, and when there were so many."""

    def take(self, visitor: str) -> float:
        """Use a token. Seconds to wait if there is none, else 0."""
        now = self._clock()
        tokens, then = self._buckets.pop(visitor, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - then) * self._per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self._per_second
        self._buckets[visitor] = (tokens - (0 if wait else 1), now)
        while len(self._buckets) > MAX_VISITORS:
            self._buckets.popitem(last=False)
        return wait

    def is_spent(self, visitor: str) -> bool:
        """Whether nothing is left, without using anything."""
        tokens, then = self._buckets.get(visitor, (float(self._burst), self._clock()))
        return tokens + (self._clock() - then) * self._per_second < 1


class OpenStreams:
    """Streams that are open, of all and of each visitor."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most = most
        self._most_each = most_each
        self._open: Counter[str] = Counter()

    def has_room(self, visitor: str) -> bool:
        return self._open.total() < self._most and self._open[visitor] < self._most_each

    @contextmanager
    def one(self, visitor: str) -> Iterator[None]:
        """Counts one while the block runs."""
        self._open[visitor] += 1
        try:
            yield
        finally:
            self._open[visitor] -= 1
            if not self._open[visitor]:
                del self._open[visitor]
