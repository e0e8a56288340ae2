"""The doorbell: the system's word that something may have changed.

Only that: an event is never believed. Renames, hard links and network shares send others than one
would think, queues overflow without a word, and a watch can be dead without noticing. The daemon
looks at the folder itself, when the bell rings and regularly besides. So an event handler does
nothing but set a flag (an exception in one would end watchdog's thread), and a watch whose threads
have ended, whose folder was replaced, or that missed a change is set anew.
"""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import watchdog.events
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

from hotfolder.inbox.network_mounts import network_file_system

__all__ = ["FolderWatcher"]

log = logging.getLogger(__name__)

MISSED_EVENTS_LIMIT = 2
"""So many changes in a row without an event are taken for chance; then the watch is given up."""

_Identity = tuple[int, int]
"""Device and inode: a folder of the same name may be another one."""

# Not the opening and closing that our own looking causes.
_TELLING: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    FileClosedEvent,
    DirModifiedEvent,
    *([watchdog.events.FileAttribEvent] if hasattr(watchdog.events, "FileAttribEvent") else []),
]


class FolderWatcher:
    """Rings when something changes in `folders`."""

    def __init__(self, folders: Sequence[Path], *, polling: bool = False) -> None:
        """`polling` leaves the events out; so do network shares, and a system that has none."""
        self._folders = tuple(folders)
        self._rung = threading.Event()
        self._observer: BaseObserver | None = None
        self._watched: tuple[_Identity | None, ...] = ()
        self._missed_events = 0
        """Changes in a row of which nothing was heard."""
        self._polling = polling
        self._new = True
        self._set()

    @property
    def native(self) -> bool:
        """Whether events come at all."""
        return self._observer is not None

    def pending(self) -> bool:
        """Whether it rang since the last call."""
        rang = self._rung.is_set()
        self._rung.clear()
        if rang:
            self._missed_events = 0
        return rang

    def check(self) -> bool:
        """Set the watch anew where it cannot be trusted: one of its threads has ended, or a folder
        is another one than that which it was set on. A dead watch looks alive from outside.

        True if it is new since the last check, so that it cannot have told of earlier changes.
        """
        if not self._polling:
            if self._watched != self._identities():
                log.warning("a watched folder is another one now; it is watched anew")
                self._set()
            elif self._observer is not None and not _is_alive(self._observer):
                log.warning("the watch on the folders has died; it is set anew")
                self._set()
        is_new, self._new = self._new, False
        return is_new

    def missed_event(self) -> None:
        """Something had changed without a ring: the watch is set anew, or given up if that
        is no help."""
        if self._observer is None:
            return
        self._missed_events += 1
        if self._missed_events > MISSED_EVENTS_LIMIT:
            log.warning("file events do not come; looking regularly instead")
            self._polling = True
            self.close()
        else:
            log.warning("a change came without a file event; the folders are watched anew")
            self._set()

    def close(self) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=5)
            self._observer = None

    def _set(self) -> None:
        self.close()
        self._new = True
        # Before the watch is set: a folder replaced in between is noticed at the next check.
        self._watched = self._identities()
        if self._polling or None in self._watched or self._is_remote():
            return
        observer = Observer()
        try:
            for folder in self._folders:
                ringer = _EventHandler(self._rung)
                observer.schedule(ringer, str(folder), recursive=True, event_filter=_TELLING)
            observer.start()
        except OSError as error:
            # inotify's limits (fs.inotify.max_user_watches, max_user_instances) and odd mounts.
            log.warning(
                "no file events from %s (%s): looking regularly instead. A higher "
                "fs.inotify.max_user_instances often helps; `watch: {polling: true}` silences this",
                ", ".join(str(folder) for folder in self._folders),
                error.strerror,
            )
            observer.stop()
            return
        self._observer = observer

    def _is_remote(self) -> bool:
        for folder in self._folders:
            if (kind := network_file_system(folder.resolve())) is not None:
                log.info("%s is on a network share (%s): looking regularly instead", folder, kind)
                return True
        return False

    def _identities(self) -> tuple[_Identity | None, ...]:
        return tuple(_identity(folder) for folder in self._folders)


class _EventHandler(FileSystemEventHandler):
    def __init__(self, bell: threading.Event) -> None:
        self._bell = bell

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._bell.set()


def _is_alive(observer: BaseObserver) -> bool:
    return observer.is_alive() and all(emitter.is_alive() for emitter in observer.emitters)


def _identity(folder: Path) -> _Identity | None:
    try:
        facts = folder.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
