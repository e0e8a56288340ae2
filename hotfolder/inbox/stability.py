"""When a file is finished: its size and time have not changed for a while. Pure, clock injected.

An event such as "closed after writing" is no proof: copies over a network, renames and hard links
never send it. Quiet is the one sign that all deliveries share.

FAT and some shares keep times to 2 seconds only: there a file that is being written may look still
for that long. So a time of whole seconds, which elsewhere is one in a thousand million, has to stay
as it is for 2 seconds more.
"""

from collections.abc import Callable, Mapping

from hotfolder.folder_access import Fingerprint

__all__ = ["COARSE_SECONDS", "StabilityTracker"]

COARSE_SECONDS = 2.0
"""What FAT keeps times to, the coarsest there is."""

_SECOND = 1_000_000_000


class StabilityTracker:
    """Remembers since when each file has looked the same."""

    def __init__(self, settle_seconds: float, clock: Callable[[], float]) -> None:
        self.settle_seconds = settle_seconds
        self._clock = clock
        self._seen: dict[str, tuple[Fingerprint, float]] = {}

    def observe(self, files: Mapping[str, Fingerprint]) -> bool:
        """Take in one scan; files that are gone are forgotten. Whether anything has changed."""
        now = self._clock()
        before = self._seen
        self._seen = {
            name: self._seen[name]
            if name in self._seen and self._seen[name][0] == fingerprint
            else (fingerprint, now)
            for name, fingerprint in files.items()
        }
        return self._seen != before

    def is_settled(self, name: str) -> bool:
        """Whether `name` has been quiet for long enough, as of now."""
        return name in self._seen and self._remaining(name) <= 0

    def next_settling(self) -> float | None:
        """Seconds until the next file may settle; None if all have."""
        remaining = [left for name in self._seen if (left := self._remaining(name)) > 0]
        return min(remaining, default=None)

    def _remaining(self, name: str) -> float:
        fingerprint, since = self._seen[name]
        quiet = self.settle_seconds
        if quiet > 0 and fingerprint.mtime_ns % _SECOND == 0:
            quiet += COARSE_SECONDS
        return since + quiet - self._clock()
