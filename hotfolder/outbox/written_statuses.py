"""The statuses of jobs as they were last written, and which cannot be written."""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from hotfolder.atomic_files import NO_SPACE
from hotfolder.file_names import shown
from hotfolder.outbox.status_files import StatusWriter
from plugin.client.protocol import JobStatus

__all__ = ["OnStatus", "WrittenStatuses"]

log = logging.getLogger(__name__)

OnStatus = Callable[[Mapping[str, Any]], None]
"""Gets every job status as it is written (docs/protocol.md, the table of `status/NAME.json`)."""

REFRESH_SECONDS = 1.0
"""The protocol promises 2."""


class WrittenStatuses:
    """Writes statuses of jobs and remembers them, to see what differs."""

    def __init__(
        self,
        writer: StatusWriter,
        on_status: OnStatus | None,
        on_error: Callable[[OSError], None],
        clock: Callable[[], float],
    ) -> None:
        """`on_error` is called when a status cannot be written, which stops nothing else."""
        self._writer = writer
        self._on_status = on_status
        self._on_error = on_error
        self._clock = clock
        self._written: dict[str, tuple[JobStatus, float]] = {}
        """What was written last, and when, by name; until the job has ended."""
        self._refused: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        """Whether a status of it was written, and it has not ended."""
        return name in self._written

    @property
    def refused(self) -> list[str]:
        """Those that cannot be written, in words."""
        return list(self._refused.values())

    def write(self, status: JobStatus) -> None:
        """Write a status; if that fails, again when it would be refreshed."""
        with self.errors_noted(status.name):
            self.post(status)
            return
        self._written[status.name] = (status, self._clock())

    def post(self, status: JobStatus) -> Mapping[str, Any]:
        """Write a status; returns the document.

        Raises:
            OSError
        """
        if status.name not in self._written and status.preview is None:
            self._writer.clear_preview(status.name)
        try:
            document = self._writer.post(status)
        except OSError as error:
            self._note(status.name, error)
            raise
        self._refused.pop(status.name, None)
        self._written[status.name] = (status, self._clock())
        if self._on_status is not None:
            try:
                self._on_status(document)
            except Exception:
                log.exception("the listener of the status failed")
        return document

    def clear(self, name: str) -> None:
        """Remove the status of files that are gone from the inbox."""
        with self.errors_noted(name):
            self._writer.clear(name)
        self.forget(name)

    def forget(self, name: str) -> None:
        """The job has ended: its status stays as it is."""
        self._written.pop(name, None)

    @contextlib.contextmanager
    def errors_noted(self, name: str) -> Iterator[None]:
        """Within it an error concerns the status of `name` alone."""
        try:
            yield
        except OSError as error:
            self._note(name, error)
            self._on_error(error)
        else:
            self._refused.pop(name, None)

    def _note(self, name: str, error: OSError) -> None:
        if error.errno not in NO_SPACE:  # A full disk is told of in `paused`.
            words = f"status/{shown(name)}.json (cannot be written: {error.strerror or error})"
            self._refused[name] = words

    def has_changed(self, status: JobStatus) -> bool:
        """Whether to write it. A job that ends moves all the others: that can wait a little."""
        written = self._written.get(status.name)
        if written is None or written[0] == status:
            return written is None
        moved = replace(status, position=written[0].position) == written[0]
        return not moved or self.is_stale(status.name)

    def is_stale(self, name: str, seconds: float = REFRESH_SECONDS) -> bool:
        """Whether it was written longer ago than that."""
        return self._clock() - self.written_at(name) >= seconds

    def written_at(self, name: str) -> float:
        """When it was written; long ago if it was not."""
        written = self._written.get(name)
        return -math.inf if written is None else written[1]
