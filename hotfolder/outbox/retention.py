"""Removes what is older than the configuration says: from done/, failed/ and status/.

Only what the server has put there, which a file in each folder shows; and nothing through a link.
"""

import contextlib
import logging
import re
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from hotfolder.config.reload import CurrentConfig
from hotfolder.folder_access import lstat, remove_tree, rmdir, scan, unlink
from hotfolder.outbox.originals import ARCHIVED, remove_originals
from hotfolder.outbox.status_files import read_statuses
from hotfolder.paths import FolderPaths
from plugin.client.protocol import END_STATES, PREVIEW_SUFFIX, SERVER_STATUS

__all__ = ["RetainedItem", "RetentionCleaner", "outdated"]

log = logging.getLogger(__name__)

CLEANING_SECONDS = 3600.0
ITEMS_PER_STEP = 20
"""What is removed in one step of the server, so that a first cleaning does not block it."""

ERROR_FILE = "error.txt"
"""The mark of a failed job's folder."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class RetainedItem:
    """What can be removed, and when it was last changed, in seconds since the epoch."""

    path: Path
    changed: float


def outdated(
    items: Sequence[RetainedItem], *, days: float | None, count: int | None, now: float
) -> list[RetainedItem]:
    """What is older than `days`, or not among the `count` newest. The oldest first. Pure."""
    newest = sorted(items, key=lambda each: (each.changed, each.path), reverse=True)
    old = set() if count is None else set(newest[count:])
    if days is not None:
        old |= {each for each in items if now - each.changed > days * 86_400}
    return sorted(old, key=lambda each: (each.changed, each.path))


class RetentionCleaner:
    """Removes what is outdated, a little at a time; by default nothing."""

    def __init__(
        self,
        config: CurrentConfig,
        folder: FolderPaths,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`clock` says when to clean, `now` how old something is."""
        self._config = config
        self._folder = folder
        self._clock = clock
        self._now = now
        self._due = clock()
        self._removals: Iterator[None] = iter(())

    def step(self, live: AbstractSet[str]) -> None:
        """Go on a little. `live` are the names of jobs that have not ended, or whose end is not
        published yet, and of the folders that these have in done/ or failed/.

        What cannot be removed is tried again at the next cleaning.
        """
        if self._clock() >= self._due:
            self._due = self._clock() + CLEANING_SECONDS
            self._removals = self._clean(live)
        for _ in zip(range(ITEMS_PER_STEP), self._removals, strict=False):
            pass

    def _clean(self, live: AbstractSet[str]) -> Iterator[None]:
        rules = self._config().retention
        done, failed, status = self._done(live), self._failed(live), self._ended_jobs(live)
        yield from self._remove("done", done, rules.done_days, rules.done_count, _remove_done)
        yield from self._remove(
            "failed", failed, rules.failed_days, rules.failed_count, remove_tree
        )
        yield from self._remove(
            "status", status, rules.status_days, rules.status_count, _remove_status
        )

    def _remove(
        self,
        folder: str,
        items: Iterator[RetainedItem],
        days: float | None,
        count: int | None,
        remove: Callable[[Path], None],
    ) -> Iterator[None]:
        if days is None and count is None:
            return
        removed = 0
        for each in outdated(list(items), days=days, count=count, now=self._now()):
            try:
                remove(each.path)
            except OSError as error:
                log.warning("retention: %s cannot be removed: %s", each.path, error.strerror)
            else:
                removed += 1
            yield
        if removed:
            log.info("retention: %d removed from %s/", removed, folder)

    def _done(self, live: AbstractSet[str]) -> Iterator[RetainedItem]:
        for day in _folders(self._folder.done):
            if _DAY.fullmatch(day.name):
                yield from _marked(day, ARCHIVED, live)

    def _failed(self, live: AbstractSet[str]) -> Iterator[RetainedItem]:
        yield from _marked(self._folder.failed, ERROR_FILE, live)

    def _ended_jobs(self, live: AbstractSet[str]) -> Iterator[RetainedItem]:
        for path, changed, document in read_statuses(self._folder.status):
            ended = document.get("state") in END_STATES
            if ended and path.stem != SERVER_STATUS and path.stem not in live:
                yield RetainedItem(path, changed)


def _folders(parent: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for name, facts in scan(parent):
            if stat.S_ISDIR(facts.st_mode):
                yield parent / name


def _marked(parent: Path, mark: str, live: AbstractSet[str]) -> Iterator[RetainedItem]:
    """The folders in `parent` that the server has made, as a file in them says, but for those of
    live jobs."""
    for folder in _folders(parent):
        if folder.name in live:
            continue
        with contextlib.suppress(OSError):
            yield RetainedItem(folder, lstat(folder / mark).st_mtime)


def _remove_done(path: Path) -> None:
    remove_originals(path)
    with contextlib.suppress(OSError):
        rmdir(path.parent)  # If it was the last of its day.


def _remove_status(path: Path) -> None:
    unlink(path, missing_ok=True)
    unlink(path.with_name(f"{path.stem}{PREVIEW_SUFFIX}"), missing_ok=True)
