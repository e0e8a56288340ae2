"""When a file is finished: its size and time have not changed for a while. Pure, clock injected.

An event such as "closed after writing" is no proof: copies over a network, renames and hard links
never send it. Quiet is the one sign that all deliveries share.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Fingerprint", "StabilityTracker"]


@dataclass(frozen=True)
class Fingerprint:
    """What changes when a file does. A renamed-over file has another inode."""

    size: int
    mtime_ns: int
    inode: int


class StabilityTracker:
    """Remembers since when each file has looked the same."""

    def __init__(self, settle_seconds: float, clock: Callable[[], float]) -> None:
        self.settle_seconds = settle_seconds
        self._clock = clock
        self._seen: dict[str, tuple[Fingerprint, float]] = {}

    def observe(self, files: Mapping[str, Fingerprint]) -> None:
        """Take in one scan; files that are gone are forgotten."""
        now = self._clock()
        self._seen = {
            name: self._seen[name]
            if name in self._seen and self._seen[name][0] == fingerprint
            else (fingerprint, now)
            for name, fingerprint in files.items()
        }

    def is_settled(self, name: str) -> bool:
        """Whether `name` has been quiet for long enough, as of now."""
        return name in self._seen and self._remaining(name) <= 0

    def next_settling(self) -> float | None:
        """Seconds until the next file may settle; None if all have."""
        remaining = [left for name in self._seen if (left := self._remaining(name)) > 0]
        return min(remaining, default=None)

    def _remaining(self, name: str) -> float:
        return self._seen[name][1] + self.settle_seconds - self._clock()
