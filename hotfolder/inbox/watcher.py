"""File events: the system's word that something in a folder may have changed.

What an event says is never believed. Renames, hard links and network shares send others than one
would think, queues overflow without a word, and a watch can be dead without noticing. The server
scans the folder itself, after an event and regularly besides. So the event handler does nothing but
set a flag (an exception in it would end watchdog's thread), and a watch whose threads have ended,
whose folder was replaced, or that missed a change is set anew.

Each folder is watched by itself. A watch that takes in what is below looks for folders there by
their paths, and follows a link that is put into a folder's place at that moment, to wherever.
"""

import contextlib
import logging
import stat
import threading
from collections.abc import Iterable, Sequence
from itertools import islice
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
from watchdog.observers.api import BaseObserver, ObservedWatch

from hotfolder.folder_access import lstat
from hotfolder.inbox.network_mounts import network_file_system

__all__ = ["FolderWatcher"]

log = logging.getLogger(__name__)

MISSED_EVENTS_LIMIT = 2
"""After so many changes in a row without an event the watch is not set anew, but given up."""

MAX_BELOW = 32
"""Folders below that are watched: each takes a thread. Others are scanned regularly only."""

STOP_SECONDS = 5.0

_Identity = tuple[int, int]
"""Device and inode: a folder of the same name may be another one."""

# Not the opening and closing that our own scans cause.
_EVENT_TYPES: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    FileClosedEvent,
    DirModifiedEvent,
    *([watchdog.events.FileAttribEvent] if hasattr(watchdog.events, "FileAttribEvent") else []),
]


class FolderWatcher:
    """Watches folders for file events, and of those below them the ones that it is told of."""

    def __init__(self, folders: Sequence[Path], *, polling: bool = False) -> None:
        """`polling`: without events. There are none from network shares either, nor from a system
        that has none."""
        self._folders = tuple(folders)
        self._event_came = threading.Event()
        self._observer: BaseObserver | None = None
        self._watched: tuple[_Identity | None, ...] = ()
        self._below: dict[tuple[Path, _Identity], ObservedWatch] = {}
        self._missed_events = 0
        """Changes in a row of which no event came."""
        self._polling = polling
        self._new = True
        self._set()

    @property
    def native(self) -> bool:
        """Whether events come at all."""
        return self._observer is not None

    def pending(self) -> bool:
        """Whether an event has come since the last call."""
        pending = self._event_came.is_set()
        self._event_came.clear()
        if pending:
            self._missed_events = 0
        return pending

    def check(self) -> bool:
        """Set the watch anew where it cannot be trusted: one of its threads has ended, or a folder
        is another one than that which it was set on. A dead watch looks alive from outside.

        True if it is new since the last check, so that no event of earlier changes can have come.
        """
        if not self._polling:
            if self._watched != self._identities():
                log.warning("a watched folder is another one now; it is watched anew")
                self._set()
            elif self._observer is not None and not self._is_alive(self._observer):
                log.warning("the watch on the folders has died; it is set anew")
                self._set()
        is_new, self._new = self._new, False
        return is_new

    def watch_below(self, folders: Iterable[Path]) -> None:
        """Watch these besides, and none that it was told of before and is not now."""
        if self._observer is None:
            return
        wanted = {
            (folder, identity)
            for folder in folders
            if (identity := _identity_of_entry(folder)) is not None
        }
        alive = {emitter.watch for emitter in self._observer.emitters if emitter.is_alive()}
        kept = {key for key, watch in self._below.items() if watch in alive}
        for key in self._below.keys() - (wanted & kept):
            self._observer.unschedule(self._below.pop(key))
        new = sorted(wanted - self._below.keys())
        for key in islice(new, max(0, MAX_BELOW - len(self._below))):
            # Taken away at this moment, or the system's limit is reached.
            with contextlib.suppress(OSError):
                self._below[key] = self._schedule(self._observer, key[0])

    def missed_event(self) -> None:
        """Something has changed without an event: set the watch anew, or give it up if that has
        not helped."""
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
            _stop(self._observer)
            self._observer = None
        self._below.clear()

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
                self._schedule(observer, folder)
            observer.start()
        except OSError as error:
            # inotify's limits (fs.inotify.max_user_watches, max_user_instances) and odd mounts.
            log.warning(
                "no file events from %s (%s): looking regularly instead. A higher "
                "fs.inotify.max_user_instances often helps; `watch: {polling: true}` silences this",
                ", ".join(str(folder) for folder in self._folders),
                error.strerror,
            )
            _stop(observer)
            return
        self._observer = observer

    def _schedule(self, observer: BaseObserver, folder: Path) -> ObservedWatch:
        handler = _EventHandler(self._event_came)
        return observer.schedule(handler, str(folder), event_filter=_EVENT_TYPES)

    def _is_alive(self, observer: BaseObserver) -> bool:
        """The watch of a folder below ends when that is removed, as it may be."""
        below = self._below.values()
        emitters = [emitter for emitter in observer.emitters if emitter.watch not in below]
        return observer.is_alive() and all(emitter.is_alive() for emitter in emitters)

    def _is_remote(self) -> bool:
        for folder in self._folders:
            if (kind := network_file_system(folder)) is not None:
                log.info("%s is on a network share (%s): looking regularly instead", folder, kind)
                return True
        return False

    def _identities(self) -> tuple[_Identity | None, ...]:
        return tuple(_identity(folder) for folder in self._folders)


class _EventHandler(FileSystemEventHandler):
    def __init__(self, event_came: threading.Event) -> None:
        self._event_came = event_came

    def on_any_event(self, event: FileSystemEvent) -> None:
        self._event_came.set()


def _stop(observer: BaseObserver) -> None:
    """Stop it and wait for the end of its threads. One that reads an event at this very moment
    finds its watch gone, which watchdog logs as an error and which is none."""
    library = logging.getLogger("watchdog")
    level = library.level
    library.setLevel(logging.CRITICAL)
    try:
        observer.stop()
        if observer.is_alive():
            observer.join(timeout=STOP_SECONDS)
    finally:
        library.setLevel(level)


def _identity(folder: Path) -> _Identity | None:
    try:
        facts = folder.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _identity_of_entry(folder: Path) -> _Identity | None:
    """Of a folder below, which anybody may have replaced by a link."""
    try:
        facts = lstat(folder)
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino) if stat.S_ISDIR(facts.st_mode) else None
