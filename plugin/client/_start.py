"""Starting a hot folder's server from an editor."""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from ._errors import NotStarted
from ._files import open_plain
from ._status import Server
from ._stopwatch import LONGEST_STEP_SECONDS, Stopwatch
from .protocol import PRIVATE

START_SECONDS = 60.0

LOG_TAIL_BYTES = 2000


def start_server(
    root: Path,
    command: Sequence[str],
    *,
    read_server: Callable[[], Server],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    timeout: float = START_SECONDS,
) -> Server:
    """`COMMAND watch --hot ROOT` in a process of its own, which outlives this one.

    Its output goes to `.impasto/watch.log` in the hot folder.

    Args:
        read_server: reads the heartbeat.

    Raises:
        NotStarted: with the end of its log.
    """
    by_hand = f"In a terminal: impasto watch --hot {root}"
    if not command:
        reason = "Nothing says how to start the server from here."
        raise NotStarted(f"{reason} {by_hand}", reason)
    log = root / PRIVATE / "watch.log"
    try:
        log.parent.mkdir(exist_ok=True)
        with open_plain(log, write=True) as output:
            process = _spawn([*command, "watch", "--hot", str(root)], output)
    except OSError as error:
        reason = f"{error.filename or command[0]}: {error.strerror or error}."
        raise NotStarted(f"The server cannot be started: {reason} {by_hand}", reason) from error
    # Waited for by a thread, so that its end leaves no zombie.
    threading.Thread(target=process.wait, name="impasto-watch", daemon=True).start()
    stopwatch = Stopwatch(clock, longest=LONGEST_STEP_SECONDS)
    while True:
        server = read_server()
        if server.running:
            return server
        if process.returncode is not None:
            ending = f"ended at once with exit code {process.returncode}"
            raise _ended(ending, log)
        if stopwatch.advance() >= timeout:
            with contextlib.suppress(OSError):
                process.terminate()
            waited = f"has not begun to serve {root} within {timeout:g} s and was stopped"
            raise _ended(waited, log)
        sleep(0.1)


def _ended(how: str, log: Path) -> NotStarted:
    last = _log_tail(log)
    return NotStarted(f"The server {how}: {last} The whole log: {log}", last)


def _spawn(command: Sequence[str], output: IO[bytes]) -> "subprocess.Popen[bytes]":
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=_environment(os.environ),
        # Neither the editor's end nor a Ctrl-C in its terminal is the server's business.
        start_new_session=True,
        creationflags=flags,
    )


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Ours, without what makes an editor's own Python work and another Python fail."""
    theirs = {"PYTHONHOME", "PYTHONPATH"}
    if "APPIMAGE" in ours:
        theirs.add("LD_LIBRARY_PATH")
    return {name: value for name, value in ours.items() if name not in theirs}


def _log_tail(log: Path) -> str:
    try:
        text = log.read_bytes()[-LOG_TAIL_BYTES:].decode("utf-8", errors="replace")
    except OSError:
        text = ""
    lines = [line for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:]) or "it said nothing."
