"""When to try again what has failed. Pure, clock injected."""

from collections.abc import Callable

__all__ = ["RETRY_SECONDS", "Backoff", "growing_pause"]

RETRY_SECONDS = 5.0

LONGEST_PAUSE = 3600.0


def growing_pause(first: float, times: int, longest: float = LONGEST_PAUSE) -> float:
    """Seconds to wait after something has failed for the `times`-th time: `first`, then twice as
    long each time, up to `longest`."""
    return float(min(first * 2.0 ** min(times - 1, 30), longest))


class Backoff:
    """Remembers until when not to try again what has failed, such as a job or a file, by name."""

    def __init__(self, clock: Callable[[], float], seconds: float = RETRY_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def is_delayed(self, name: str) -> bool:
        return self._clock() < self._until.get(name, 0.0)

    def delay(self, name: str, seconds: float | None = None) -> None:
        now = self._clock()
        self._until = {key: until for key, until in self._until.items() if until > now}
        self._until[name] = now + (self._seconds if seconds is None else seconds)

    def forget(self) -> None:
        self._until.clear()
