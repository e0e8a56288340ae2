"""Tells everybody who waits their place: jobs in the spool and drops in the inbox, in one line."""

import time
from collections.abc import Callable, Mapping

from hotfolder.intake import Look
from hotfolder.reporter import Reporter
from hotfolder.spool import Entry
from hotfolder.turns import Turn, Turns
from hotfolder.work import Work

__all__ = ["Line"]

CROWD = 200
"""With more jobs than this, places in the line are told only every `CROWD_SECONDS`."""

CROWD_SECONDS = 1.0

TELLING_SHARE = 20.0
"""Telling the places of a crowd takes no more than one part in so many of the time."""


class Line:
    """All that wait in one hot folder, the next one first."""

    def __init__(
        self,
        live: Mapping[str, Entry],
        work: Work,
        turns: Turns,
        reporter: Reporter,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._live = live
        self._work = work
        self._turns = turns
        self._reporter = reporter
        self._clock = clock
        self._due = 0.0
        """In a crowd: when to tell again."""

    def tell(self, look: Look) -> None:
        """Report everybody's place. In a crowd that takes its time, so not at every step.

        Raises:
            OSError: a status cannot be written.
        """
        crowded = len(self._live) + len(look.drops) > CROWD
        if crowded and self._clock() < self._due:
            return
        started = self._clock()
        waiting: list[tuple[Turn, Entry | None, str]] = [
            (entry.turn, entry, "") for entry in self._work.queued()
        ]
        waiting += [(drop.turn, None, name) for name, drop in look.ready.items()]
        line = self._turns.order(waiting, lambda each: each[0])
        line.sort(key=lambda each: each[1] is not None and self._work.rests(each[1]))
        positions: dict[str, int] = {}
        for position, (_, entry, name) in enumerate(line, start=1):
            if entry is not None:
                rest = self._work.pause_after_loss(entry) if self._work.rests(entry) else None
                self._reporter.queued(entry, position, rest=rest)
            else:
                positions[name] = position
        self._reporter.inbox(look.drops, positions)
        self._due = self._clock() + max(CROWD_SECONDS, TELLING_SHARE * (self._clock() - started))
