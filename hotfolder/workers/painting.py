"""What becomes of one job in a worker, as events: its progress, and its end in words."""

import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

from engine.errors import EngineError, ExitCode
from hotfolder.atomic_files import NO_SPACE
from hotfolder.errors import WorkerCrash
from hotfolder.job import Job
from hotfolder.workers.dispatcher import StyleCache
from hotfolder.workers.events import (
    Cancelled,
    Done,
    Event,
    Failed,
    Progress,
    Started,
    StorageFailed,
)

__all__ = ["Painter", "events_of"]

# Steps of small pictures take milliseconds; a status need not change that often.
PROGRESS_SECONDS = 0.1


class Painter(Protocol):
    """What does the work. `paint` yields progress, then one Done; closing it cancels."""

    @property
    def device(self) -> str: ...
    @property
    def devices(self) -> Sequence[str]: ...
    @property
    def workers(self) -> int:
        """How many there are to be on the device."""

    @property
    def style_cache(self) -> StyleCache: ...

    alive: Callable[[], None]
    """Set by the worker; to be called by whatever paints, as often as it goes on."""

    def paint(self, job: Job) -> Iterator[Progress | Done]: ...
    def checkpoint(self) -> None:
        """Write a checkpoint of the job. Called from another thread than `paint`."""


def events_of(painter: Painter, job: Job, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
    """Every event of one job. Whatever a codec or a library raises is the job's failure.

    Args:
        is_cancelled: asked between two steps.

    Raises:
        WorkerCrash: the worker must not take another job.
    """
    yield Started(job.id, painter.device)
    sent = -PROGRESS_SECONDS
    try:
        with closing(_closable(painter.paint(job))) as events:
            for event in events:
                painter.alive()
                if isinstance(event, Done):
                    yield event
                    return
                if is_cancelled():
                    yield Cancelled(job.id)
                    return
                last = event.scale == event.scales and event.step == event.steps
                if last or event.preview or time.monotonic() - sent >= PROGRESS_SECONDS:
                    sent = time.monotonic()
                    yield event
    except WorkerCrash:
        raise
    except EngineError as error:
        yield Failed(job.id, _in_words(str(error), job), error.exit_code)
    except MemoryError:
        yield Failed(
            job.id,
            f"Not enough memory for `size: {job.settings.size}` on {painter.device}. "
            "Choose a smaller `size`.",
            ExitCode.OTHER,
        )
    except OSError as error:
        words = _in_words(f"A file failed: {error}", job)
        if error.errno in NO_SPACE:
            yield StorageFailed(job.id, words, full=True)
        else:
            yield Failed(job.id, words, ExitCode.FILE_ACCESS)
    except Exception as error:
        traceback.print_exc()  # into the server's log
        words = f"An unforeseen error ({type(error).__name__}: {error}). The log has the details."
        yield Failed(job.id, _in_words(words, job), ExitCode.OTHER)


def _closable(events: Iterator[Progress | Done]) -> Any:
    """Generators can be closed; a plain iterator is made into one."""
    return events if hasattr(events, "close") else (event for event in events)


def _in_words(message: str, job: Job) -> str:
    """Name files as the user knows them, not by their place in the spool."""
    for folder in (Path(job.folder) / "inputs", Path(job.folder)):
        message = message.replace(f"{folder}{os.sep}", "")
    return message
