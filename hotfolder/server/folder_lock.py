"""One server a folder: an advisory lock that ends with its process."""

import contextlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from filelock import lock_descriptor

from hotfolder.atomic_files import read_json, write_json
from hotfolder.errors import AlreadyRunning
from hotfolder.folder_access import opener
from hotfolder.paths import FolderPaths
from plugin.client.protocol import ServerState

__all__ = ["locked"]

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10
"""An older heartbeat means that the server is gone (docs/protocol.md), as does one that has not
changed for so long."""

LOOK_SECONDS = 0.1


@contextlib.contextmanager
def locked(folder: FolderPaths) -> Iterator[None]:
    """Hold the folder for this process.

    The lock is the kernel's, so a killed server leaves none behind. Its holder is written beside
    it, since on Windows nobody else can read a file that is locked. Some network shares lock on
    one host only: there the heartbeat of another host counts: one that is fresh, or, since the
    clocks of two hosts need not agree, one that changes while we look at it (for
    `HEARTBEAT_SECONDS`).

    Raises:
        AlreadyRunning: another server has the folder; the message names its host and process.
    """
    descriptor = opener(str(folder.lock), os.O_RDWR | os.O_CREAT)
    try:
        try:
            is_locked = lock_descriptor(descriptor, blocking=False)
        except OSError:
            # A file system without locks: the heartbeat is all there is.
            _check_heartbeat(folder, _holder(folder), any_host=True)
        else:
            if not is_locked:
                raise _already_running(folder.root, _living_holder(folder))
            _check_heartbeat(folder, _holder(folder), any_host=False)
        mine = {"pid": os.getpid(), "host": socket.gethostname()}
        with contextlib.suppress(OSError):  # The disk is full: no reason not to serve.
            write_json(_holder_file(folder), mine, durable=False)
        yield
    finally:
        os.close(descriptor)


def _holder_file(folder: FolderPaths) -> Path:
    return folder.lock.with_suffix(".json")


def _holder(folder: FolderPaths) -> dict[str, Any]:
    """Who had the lock last; empty if nobody did."""
    try:
        found = read_json(_holder_file(folder))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _living_holder(folder: FolderPaths) -> dict[str, Any]:
    """Who has the lock. It is written an instant after the lock is taken."""
    for _ in range(20):
        found = _holder(folder)
        is_here = found.get("host") == socket.gethostname()
        if found and (not is_here or found.get("pid") in psutil.pids()):
            return found
        time.sleep(0.005)
    return {}


def _check_heartbeat(folder: FolderPaths, holder: dict[str, Any], *, any_host: bool) -> None:
    """
    Raises:
        AlreadyRunning: the holder's heartbeat is fresh, or changes.
    """
    if holder.get("host") in (None, socket.gethostname()) and not any_host:
        return
    first = _heartbeat(folder)
    if first is None:
        return
    until = time.monotonic() + HEARTBEAT_SECONDS
    is_alive = _is_fresh(first)
    if not is_alive:
        log.info("looking for a heartbeat of process %s on %s", *_named(holder))
    while not is_alive and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
        is_alive = _heartbeat(folder) not in (None, first)
    if is_alive:
        raise _already_running(folder.root, holder)


def _heartbeat(folder: FolderPaths) -> str | None:
    """The time in the heartbeat; None if the server has stopped, or there is none."""
    try:
        status = read_json(folder.status / "server.json")
        return None if status["state"] == ServerState.STOPPED else str(status["updated"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_fresh(heartbeat: str) -> bool:
    try:
        age = (datetime.now(UTC) - datetime.fromisoformat(heartbeat)).total_seconds()
    except (ValueError, TypeError):
        return False
    return 0 <= age < HEARTBEAT_SECONDS


def _named(holder: dict[str, Any]) -> tuple[Any, Any]:
    return holder.get("pid", "?"), holder.get("host", "?")


def _already_running(root: Path, holder: dict[str, Any]) -> AlreadyRunning:
    who = "process {} on {}".format(*_named(holder))
    return AlreadyRunning(
        f"{root} is already served by another daemon ({who}). Stop that one first, or use another "
        "hot folder."
    )
