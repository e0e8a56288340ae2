"""One worker process, seen from the server: its pipes, the threads that read them, its end."""

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import BaseModel, ConfigDict

from engine import THREADS_ENVIRONMENT
from hotfolder.platforms import system

__all__ = ["WorkerOptions", "WorkerProcess", "child_environment", "worker_command"]

log = logging.getLogger(__name__)

KILL_SECONDS = 1.0
"""How long to wait for the end of a process that was killed."""

Receive = Callable[["WorkerProcess", dict[str, Any] | None], None]


class WorkerOptions(BaseModel):
    """How a worker works. Those that the configuration has too are described there."""

    model_config = ConfigDict(frozen=True)

    workers_per_device: Literal["auto"] | int | None = None
    many: bool = False
    """Whether many paintings wait, so that it matters less when one of them is there."""
    cuda_graphs: bool = True
    threads: int | None = None
    max_megapixels: float = 200.0
    memory: str = "auto"
    style_cache_megabytes: int = 256
    checkpoint_seconds: float = 30.0
    preview_seconds: float = 1.5
    """Least time between two previews."""


def worker_command(options: WorkerOptions | None = None) -> list[str]:
    """How a worker is started; `--device NAME` follows."""
    options = options or WorkerOptions()
    # -P: a folder called `engine` where the user happens to be must not be imported.
    command = [sys.executable, "-P", "-m", "hotfolder.workers.worker"]
    return [*command, "--options", options.model_dump_json()]


class WorkerProcess:
    """A started worker. `receive` gets each of its messages, and None when its output ends; it is
    called from a thread of the worker's own."""

    machine_lost = False

    def __init__(self, command: Sequence[str], name: str, receive: Receive) -> None:
        self.name = name
        self._receive = receive
        self._stderr_tail: deque[str] = deque(maxlen=5)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
            # Ctrl-C at the terminal is for the server, which then ends its workers in order.
            start_new_session=True,
            creationflags=system.background_flags,
        )
        self._commands: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=work, args=(pipe,), name=f"{name}-{work.__name__}", daemon=True)
            for work, pipe in (
                (self._write_commands, self._process.stdin),
                (self._read_messages, self._process.stdout),
                (self._read_log, self._process.stderr),
            )
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, command: Mapping[str, Any]) -> None:
        """Send a command; never waits. If the worker is dead, the end of its output reports it."""
        self._commands.put(json.dumps(command).encode() + b"\n")

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def reap(self, deadline: float) -> str:
        """Wait for the end until `deadline` (monotonic), then kill. Returns how it ended."""
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
            # What hangs inside the system, in a driver or a share, ends when that returns.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(KILL_SECONDS)
        self._commands.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=1)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        status = self._process.returncode
        return "hangs and cannot be ended" if status is None else _exit_in_words(status)

    def stderr_tail(self) -> str:
        """The end of what it wrote to standard error."""
        return " / ".join(self._stderr_tail)

    def _write_commands(self, pipe: IO[bytes]) -> None:
        """In a thread of its own: the pipe to a worker that hangs fills, and writing would wait."""
        with contextlib.suppress(OSError, ValueError):
            while (data := self._commands.get()) is not None:
                while data:
                    data = data[os.write(pipe.fileno(), data) :]

    def _read_messages(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in pipe:
                try:
                    document = json.loads(line)
                except ValueError:  # killed in the middle of a line
                    break
                self._receive(self, document)
        self._receive(self, None)

    def _read_log(self, pipe: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in pipe:
                text = line.decode(errors="replace").rstrip()
                if text:
                    self._stderr_tail.append(text)
                    log.info("worker %s: %s", self.name, text)


def child_environment() -> dict[str, str]:
    """Ours, and our code findable even where it is not installed."""
    root = Path(__file__).resolve().parents[2]
    # On PYTHONPATH, installed packages would come before the standard library: PyPI has one named
    # `dataclasses`.
    if root.name in ("site-packages", "dist-packages"):
        return THREADS_ENVIRONMENT | os.environ
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return THREADS_ENVIRONMENT | os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def _exit_in_words(status: int) -> str:
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = " (often: the system ran out of memory)" if name == "SIGKILL" else ""
    return f"was ended by {name}{hint}"
