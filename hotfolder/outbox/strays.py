"""What lies in the inbox and is no job's, as the heartbeat lists it and the log names it once."""

import logging
from collections.abc import Callable, Sequence

from hotfolder.file_names import shown
from hotfolder.limits import MAX_MESSAGE, shortened
from hotfolder.near_misses import split_reason

__all__ = ["MAX_LISTED", "StrayLog", "listed"]

log = logging.getLogger(__name__)

MAX_LISTED = 20
"""In the heartbeat and in a line of the log."""

MAX_LOGGED = 1_000
"""Of one scan."""


def listed(strays: Sequence[str], most: int = MAX_LISTED) -> list[str]:
    """At most so many lines: the first, and how many there are besides."""
    words = [shortened(shown(each), MAX_MESSAGE) for each in strays[:most]]
    if (more := len(strays) - most) > 0:
        words[-1] = f"and {more + 1} more"
    return words


class StrayLog:
    """Names each stray once in the log, when it has been one for a while: a picture may come before
    the sidecar that names it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}
        self._logged: set[str] = set()
        self._last: Sequence[str] = ()

    def note(self, strays: Sequence[str], seconds: float) -> None:
        """Take in the strays of now, each in words, and log those that have been there for so
        long."""
        if strays == self._last and len(self._logged) == len(self._since):
            return  # Nothing new, and nothing that is not logged.
        now, self._last = self._clock(), strays
        # What is in the brackets may change.
        words = {split_reason(each)[0]: each for each in strays}
        self._since = {name: self._since.get(name, now) for name in words}
        self._logged &= words.keys()
        due = [
            name
            for name, since in self._since.items()
            if name not in self._logged and now - since >= seconds
        ]
        self._logged.update(due)
        lines = listed([words[name] for name in due], MAX_LOGGED)
        for begin in range(0, len(lines), MAX_LISTED):
            some = ", ".join(lines[begin : begin + MAX_LISTED])
            log.warning("in the inbox, but part of no job: %s", some)
