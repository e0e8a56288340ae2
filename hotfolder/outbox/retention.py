"""Removes what is older than the configuration says: from done/, failed/ and status/."""

import contextlib
import logging
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from hotfolder.atomic_files import read_json
from hotfolder.config.reload import CurrentConfig
from hotfolder.paths import FolderPaths
from plugin.client.protocol import END_STATES, PREVIEW_SUFFIX, SERVER_STATUS

__all__ = ["RetainedItem", "RetentionCleaner", "outdated"]

log = logging.getLogger(__name__)

CLEANING_SECONDS = 3600.0
ITEMS_PER_STEP = 20
"""What is removed in one step of the server, so that a first cleaning does not block it."""

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
        """Go on a little. `live` are the names of jobs that have not ended.

        What cannot be removed is tried again at the next cleaning.
        """
        if self._clock() >= self._due:
            self._due = self._clock() + CLEANING_SECONDS
            self._removals = self._clean(live)
        for _ in zip(range(ITEMS_PER_STEP), self._removals, strict=False):
            pass

    def _clean(self, live: AbstractSet[str]) -> Iterator[None]:
        rules = self._config().retention
        yield from self._remove("done", self._done(), rules.done_days, rules.done_count)
        yield from self._remove("failed", self._failed(), rules.failed_days, rules.failed_count)
        yield from self._remove(
            "status", self._ended_jobs(live), rules.status_days, rules.status_count
        )
        for day in self._days():
            with contextlib.suppress(OSError):
                if rules.done_days is not None or rules.done_count is not None:
                    day.rmdir()  # If nothing is left in it.

    def _remove(
        self, folder: str, items: Iterator[RetainedItem], days: float | None, count: int | None
    ) -> Iterator[None]:
        if days is None and count is None:
            return
        removed = 0
        for each in outdated(list(items), days=days, count=count, now=self._now()):
            try:
                _remove(each.path)
            except OSError as error:
                log.warning("retention: %s cannot be removed: %s", each.path, error.strerror)
            else:
                removed += 1
            yield
        if removed:
            log.info("retention: %d removed from %s/", removed, folder)

    def _days(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return sorted(p for p in self._folder.done.iterdir() if _DAY.fullmatch(p.name))
        return []

    def _done(self) -> Iterator[RetainedItem]:
        for day in self._days():
            yield from _folders(day)

    def _failed(self) -> Iterator[RetainedItem]:
        """Only what the server has put there."""
        for each in _folders(self._folder.failed):
            if (each.path / "error.txt").exists():
                yield each

    def _ended_jobs(self, live: AbstractSet[str]) -> Iterator[RetainedItem]:
        with contextlib.suppress(OSError):
            for path in self._folder.status.glob("*.json"):
                if path.stem == SERVER_STATUS or path.stem in live or path.name.startswith("."):
                    continue
                with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):
                    if read_json(path).get("state") in END_STATES:
                        yield RetainedItem(path, path.stat().st_mtime)


def _folders(parent: Path) -> Iterator[RetainedItem]:
    with contextlib.suppress(OSError):
        for path in parent.iterdir():
            if path.is_dir() and not path.is_symlink():
                yield RetainedItem(path, path.stat().st_mtime)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
        return
    path.unlink(missing_ok=True)
    path.with_name(f"{path.stem}{PREVIEW_SUFFIX}").unlink(missing_ok=True)
