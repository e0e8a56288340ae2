"""One server a folder: an advisory lock that ends with its process."""

import contextlib
import fcntl
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hotfolder.atomic_files import read_json
from hotfolder.errors import AlreadyRunning
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

    The lock is the kernel's (`flock`), so a killed server leaves none behind. Its holder is
    written into the file, for the message. Some network shares lock on one host only: there the
    heartbeat of another host counts: one that is fresh, or, since the clocks of two hosts need not
    agree, one that changes while we look at it (for `HEARTBEAT_SECONDS`). (`filelock` empties the
    file before it has the lock, and takes a file system without locks for a locked one.)

    Raises:
        AlreadyRunning: another server has the folder; the message names its host and process.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _already_running(folder.root, _holder(descriptor)) from None
        except OSError:
            # A file system without locks: the heartbeat is all there is.
            _check_heartbeat(folder, _holder(descriptor), any_host=True)
        else:
            _check_heartbeat(folder, _holder(descriptor), any_host=False)
        mine = {"pid": os.getpid(), "host": socket.gethostname()}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(mine).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> dict[str, Any]:
    # Written an instant after the lock is taken; a reader in between finds nothing yet.
    for _ in range(20):
        with contextlib.suppress(ValueError):
            found = json.loads(os.pread(descriptor, 4096, 0))
            if isinstance(found, dict):
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
