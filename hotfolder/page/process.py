"""The page as a child of the server's command: started, started again when it ends, and ended.

The server does not wait for it, and loads nothing of it: this module needs the standard library.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from hotfolder.backoff import growing_pause
from hotfolder.config.page_address import PageAddress
from hotfolder.platforms import system
from hotfolder.workers.worker_process import child_environment

__all__ = ["PageProcess", "page_command"]

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Before a page that has ended is started again."""

LONG_ENOUGH = 60.0
"""A page that was served for so long has not failed at its start."""

CLOSING_SECONDS = 5.0


def page_command(root: Path, address: PageAddress) -> list[str]:
    # -P: a folder called `engine` where the user happens to be must not be imported.
    return [sys.executable, "-P", "-m", "hotfolder.page", str(root), str(address)]


class PageProcess:
    """Keeps a page running within a `with` block. It ends with this process, however that ends."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="page", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
        self._thread.join(CLOSING_SECONDS)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def _keep(self) -> None:
        failures = 0
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    env=child_environment(),
                    # Ctrl-C at the terminal is for the server, which then ends the page.
                    start_new_session=True,
                    creationflags=system.background_flags,
                )
                with self._process:  # Closes the pipe to it.
                    code = self._process.wait()
            except OSError as error:
                log.warning("the page cannot be started: %s", error)
                code = -1
            if self._ending.is_set():
                return
            failures = 1 if time.monotonic() - began > LONG_ENOUGH else failures + 1
            pause = growing_pause(FIRST_PAUSE, failures, LONGEST_PAUSE)
            log.warning("the page has ended (%d); it is started again in %.0f s", code, pause)
            self._ending.wait(pause)
