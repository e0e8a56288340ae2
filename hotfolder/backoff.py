"""When to try again what the file system refused. Pure, clock injected."""

from collections.abc import Callable

__all__ = ["RETRY_SECONDS", "Backoff"]

RETRY_SECONDS = 5.0


class Backoff:
    """Remembers what was refused lately."""

    def __init__(self, clock: Callable[[], float], seconds: float = RETRY_SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._until: dict[str, float] = {}

    def must_wait(self, what: str) -> bool:
        return self._clock() < self._until.get(what, 0.0)

    def refused(self, what: str) -> None:
        now = self._clock()
        self._until = {key: until for key, until in self._until.items() if until > now}
        self._until[what] = now + self._seconds

    def forget(self) -> None:
        self._until.clear()
