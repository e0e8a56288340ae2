"""When a file is finished: its size and time have not changed for a while. Pure, clock injected.

An event such as "closed after writing" is no proof: copies over a network, renames and hard links
never send it. Quiet is the one sign that all deliveries share.

FAT and some shares keep times to 2 seconds only: there a file that is being written may look still
for that long. So a time of whole seconds, which elsewhere is one in a thousand million, has to stay
as it is for 2 seconds more.

A file that ends in zeros is often one whose size was reserved by a copy that has stalled; it has to
be quiet for longer.
"""

from collections.abc import Callable, Mapping

from hotfolder.folder_access import Fingerprint

__all__ = ["COARSE_SECONDS", "EMPTY_END_SECONDS", "StabilityTracker"]

COARSE_SECONDS = 2.0
"""What FAT keeps times to, the coarsest there is."""

EMPTY_END_SECONDS = 30.0
"""For so long a file that ends in zeros has to be quiet."""

_SECOND = 1_000_000_000


class StabilityTracker:
    """Remembers since when each file has looked the same."""

    def __init__(self, settle_seconds: float, clock: Callable[[], float]) -> None:
        self.settle_seconds = settle_seconds
        self._clock = clock
        self._seen: dict[str, tuple[Fingerprint, float]] = {}
        self._unsettled: dict[str, float] = {}
        """Since when a file has not been settled."""
        self._empty_ends: dict[str, Fingerprint] = {}

    def note_empty_end(self, name: str) -> None:
        """The file, as it is, ends in zeros."""
        self._empty_ends[name] = self._seen[name][0]

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
        self._empty_ends = {
            name: fingerprint
            for name, fingerprint in self._empty_ends.items()
            if files.get(name) == fingerprint
        }
        unsettled, self._unsettled = self._unsettled, {}
        for name, (_, since) in self._seen.items():
            if not self.is_settled(name, now):
                self._unsettled[name] = unsettled.get(name, since)
        return self._seen != before

    def is_settled(self, name: str, at: float | None = None) -> bool:
        """Whether `name` has been quiet for long enough, as of now, or as of `at`."""
        return name in self._seen and self._remaining(name, at) <= 0

    def unsettled_for(self, name: str) -> float:
        """Seconds for which `name` has changed again and again."""
        return self._clock() - self._unsettled.get(name, self._clock())

    def next_settling(self) -> float | None:
        """Seconds until the next file may settle; None if all have."""
        remaining = [left for name in self._seen if (left := self._remaining(name)) > 0]
        return min(remaining, default=None)

    def _remaining(self, name: str, at: float | None = None) -> float:
        fingerprint, since = self._seen[name]
        quiet = self.settle_seconds
        if quiet <= 0:
            return 0.0
        if fingerprint.mtime_ns % _SECOND == 0:
            quiet += COARSE_SECONDS
        if name in self._empty_ends:
            quiet = max(quiet, EMPTY_END_SECONDS)
        return since + quiet - (self._clock() if at is None else at)
