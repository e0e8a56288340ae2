"""The doorbell: the system's word that something may have changed.

Only that: an event is never believed. Renames, hard links and network shares send others than one
would think, queues overflow without a word, and a watch can be dead without noticing. The daemon
looks at the folder itself, when the bell rings and regularly besides. So an event handler does
nothing but set a flag (an exception in one would end watchdog's thread).
"""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from watchdog.events import (
    DirModifiedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

__all__ = ["Doorbell"]

log = logging.getLogger(__name__)

# Not the opening and closing that our own looking causes.
_TELLING: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    FileClosedEvent,
    DirModifiedEvent,
]


class Doorbell:
    """Rings when something changes in `folders`."""

    def __init__(self, folders: Sequence[Path], *, polling: bool = False) -> None:
        """`polling` leaves the events out; so does a system that has none to give."""
        self._rung = threading.Event()
        self._observer: BaseObserver | None = None
        if polling:
            return
        observer = Observer()
        try:
            for folder in folders:
                observer.schedule(_Ringer(self._rung), str(folder), event_filter=_TELLING)
            observer.start()
        except OSError as error:
            # inotify's limits (fs.inotify.max_user_watches, max_user_instances) and odd mounts.
            log.warning(
                "no file events from %s (%s): looking regularly instead. A higher "
                "fs.inotify.max_user_instances often helps; `watch: {polling: true}` silences this",
                ", ".join(str(folder) for folder in folders),
                error.strerror,
            )
            return
        self._observer = observer

    @property
    def native(self) -> bool:
        """Whether events come at all."""
        return self._observer is not None

    def rung(self) -> bool:
        """Whether it rang since the last call."""
        rang = self._rung.is_set()
        self._rung.clear()
        return rang

    def close(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=5)
            self._observer = None


class _Ringer(FileSystemEventHandler):
    def __init__(self, bell: threading.Event) -> None:
        self._bell = bell

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._bell.set()
