"""One daemon a folder: an advisory lock that dies with its process."""

import contextlib
import fcntl
import json
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

__all__ = ["locked"]

HEARTBEAT_SECONDS = 10
"""An older heartbeat means that the server is gone (docs/protocol.md)."""


@contextlib.contextmanager
def locked(folder: FolderPaths) -> Iterator[None]:
    """Hold the folder for this process.

    The lock is the kernel's (`flock`), so a killed daemon leaves none behind. Who holds it is
    written into the file, for the message. Some network shares lock on one host only: there the
    heartbeat of another host counts.

    Raises:
        AlreadyRunning: another daemon has the folder; the message names its host and process.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(_words(folder.root, _holder(descriptor))) from None
        except OSError:
            # A file system without locks: the heartbeat is all there is.
            _refuse_if_beating(folder, _holder(descriptor), any_host=True)
        else:
            _refuse_if_beating(folder, _holder(descriptor), any_host=False)
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


def _refuse_if_beating(folder: FolderPaths, holder: dict[str, Any], *, any_host: bool) -> None:
    if holder.get("host") in (None, socket.gethostname()) and not any_host:
        return
    try:
        beat = read_json(folder.status / "server.json")
        age = (datetime.now(UTC) - datetime.fromisoformat(beat["updated"])).total_seconds()
        alive = beat["state"] != "stopped" and 0 <= age < HEARTBEAT_SECONDS
    except (OSError, ValueError, KeyError, TypeError):
        return
    if alive:
        raise AlreadyRunning(_words(folder.root, holder))


def _words(root: Path, holder: dict[str, Any]) -> str:
    who = f"process {holder.get('pid', '?')} on {holder.get('host', '?')}"
    return (
        f"{root} is already served by another daemon ({who}). Stop that one first, or use another "
        "hot folder."
    )
