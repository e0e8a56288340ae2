"""How long the past is kept: done/, failed/ and the status of jobs that have ended."""

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

__all__ = ["RetainedItem", "RetentionCleaner", "outdated"]

log = logging.getLogger(__name__)

SWEEP_SECONDS = 3600.0
AT_ONCE = 20
"""Things removed in one step of the daemon, so that a first sweep does not stop it."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class RetainedItem:
    """Something of the past, and when it came to be, in seconds since the epoch."""

    path: Path
    since: float


def outdated(
    kept: Sequence[RetainedItem], *, days: float | None, count: int | None, now: float
) -> list[RetainedItem]:
    """What is older than `days`, or not among the `count` newest. The oldest first. Pure."""
    newest = sorted(kept, key=lambda each: (each.since, each.path), reverse=True)
    over = set() if count is None else set(newest[count:])
    if days is not None:
        over |= {each for each in kept if now - each.since > days * 86_400}
    return sorted(over, key=lambda each: (each.since, each.path))


class RetentionCleaner:
    """Removes what is outdated, a little at a time. By default nothing is."""

    def __init__(
        self,
        config: CurrentConfig,
        folder: FolderPaths,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`clock` says when to sweep, `now` how old something is."""
        self._config = config
        self._folder = folder
        self._clock = clock
        self._now = now
        self._due = clock()
        self._left: Iterator[None] = iter(())

    def step(self, live: AbstractSet[str]) -> None:
        """Go on a little. `live` are the names of jobs that have not ended.

        What cannot be removed stays for the next sweep.
        """
        if self._clock() >= self._due:
            self._due = self._clock() + SWEEP_SECONDS
            self._left = self._sweep(live)
        for _ in zip(range(AT_ONCE), self._left, strict=False):
            pass

    def _sweep(self, live: AbstractSet[str]) -> Iterator[None]:
        rules = self._config().retention
        yield from self._remove("done", self._done(), rules.done_days, rules.done_count)
        yield from self._remove("failed", self._failed(), rules.failed_days, rules.failed_count)
        yield from self._remove("status", self._ended(live), rules.status_days, rules.status_count)
        for day in self._days():
            with contextlib.suppress(OSError):
                if rules.done_days is not None or rules.done_count is not None:
                    day.rmdir()  # If nothing is left in it.

    def _remove(
        self, what: str, found: Iterator[RetainedItem], days: float | None, count: int | None
    ) -> Iterator[None]:
        if days is None and count is None:
            return
        removed = 0
        for each in outdated(list(found), days=days, count=count, now=self._now()):
            try:
                _remove(each.path)
            except OSError as error:
                log.warning("retention: %s cannot be removed: %s", each.path, error.strerror)
            else:
                removed += 1
            yield
        if removed:
            log.info("retention: %d removed from %s/", removed, what)

    def _days(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return sorted(p for p in self._folder.done.iterdir() if _DAY.fullmatch(p.name))
        return []

    def _done(self) -> Iterator[RetainedItem]:
        for day in self._days():
            yield from _folders(day)

    def _failed(self) -> Iterator[RetainedItem]:
        """Only what the daemon has put there."""
        for each in _folders(self._folder.failed):
            if (each.path / "error.txt").exists():
                yield each

    def _ended(self, live: AbstractSet[str]) -> Iterator[RetainedItem]:
        with contextlib.suppress(OSError):
            for path in self._folder.status.glob("*.json"):
                if path.stem == "server" or path.stem in live or path.name.startswith("."):
                    continue
                with contextlib.suppress(OSError, ValueError, AttributeError):
                    if read_json(path).get("state") in _ENDED:
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
    path.with_name(f"{path.stem}.preview.jpg").unlink(missing_ok=True)
