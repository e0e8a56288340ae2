"""How a job leaves the spool when it has ended: published, reported and noted, then removed.

Each step can be repeated: whatever interrupts them, they are taken again from the first one.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hotfolder.backoff import Backoff
from hotfolder.batches.coordinator import BatchCoordinator
from hotfolder.errors import FolderError
from hotfolder.folder_access import unlink
from hotfolder.inbox.candidate import ControlPaths
from hotfolder.outbox.publisher import Publisher
from hotfolder.outbox.status_reporter import StatusReporter
from hotfolder.paths import FolderPaths
from hotfolder.spool.entry import SpooledJob
from hotfolder.spool.spool import Spool
from plugin.client.protocol import ControlFile, JobState

__all__ = ["JobCompletion"]

log = logging.getLogger(__name__)


class JobCompletion:
    """Completes the jobs of one hot folder."""

    def __init__(
        self,
        folder: FolderPaths,
        spool: Spool,
        publisher: Publisher,
        reporter: StatusReporter,
        batches: BatchCoordinator,
        *,
        once: bool,
        clock: Callable[[], float],
    ) -> None:
        """With `once`, a job that cannot be published ends the server."""
        self.totals = {"done": 0, "failed": 0, "cancelled": 0}
        self.cancel_files: dict[str, Path] = {}
        """By the name of the job that they cancel; removed when it has ended."""
        self.control_paths: ControlPaths = {}
        """The control files of the last scan."""
        self.backoff = Backoff(clock)
        """By job id: those that could not be published."""
        self._folder = folder
        self._spool = spool
        self._publisher = publisher
        self._reporter = reporter
        self._batches = batches
        self._once = once

    def complete(
        self, live: Mapping[str, SpooledJob]
    ) -> Iterator[tuple[SpooledJob, Mapping[str, Any]]]:
        """Complete those of `live` that have ended. Yields each that has left the spool, and its
        last status (`status/NAME.json`'s document). A job that cannot be published is tried again.

        Raises:
            FolderError: with `once`, a job cannot be published.
        """
        for entry in [entry for entry in live.values() if entry.outcome is not None]:
            if self.backoff.is_delayed(entry.job.id):
                continue
            try:
                status = self._complete(entry)
            except OSError as error:
                log.error("%s cannot be published: %s", entry.tag, error)
                if self._once:
                    raise FolderError(
                        f"{entry.job.name}: its end cannot be published: {error}. It is kept in "
                        f"{entry.folder}; the next run goes on with it."
                    ) from None
                self.backoff.delay(entry.job.id)
                with contextlib.suppress(OSError):
                    self._reporter.unpublished(entry, error)
            except Exception:
                log.exception("%s cannot be published", entry.tag)
                self.backoff.delay(entry.job.id)
            else:
                self.totals[entry.state] += 1
                _log_end(entry)
                yield entry, status

    def _complete(self, entry: SpooledJob) -> Mapping[str, Any]:
        self._publisher.publish(entry)
        status = self._reporter.ended(entry)
        self._batches.note_end(entry, status)
        self._remove_control_files(entry)
        self._spool.remove(entry)
        return status

    def _remove_control_files(self, entry: SpooledJob) -> None:
        name = entry.job.name
        if (cancel_file := self.cancel_files.pop(name, None)) is not None:
            unlink(cancel_file, missing_ok=True)
        for control in (ControlFile.HOLD, ControlFile.PRIORITY):
            found = self.control_paths.get((control, name), ())
            for path in (*found, self._folder.inbox / control.of(name)):
                unlink(path, missing_ok=True)
        if entry.job.options.owner is not None:
            unlink(self._folder.heartbeat(entry.job.source), missing_ok=True)


def _log_end(entry: SpooledJob) -> None:
    outcome = entry.outcome
    assert outcome is not None
    where = outcome.folder or "nowhere"
    if entry.state is JobState.FAILED:
        log.error("%s failed: %s (inputs in %s)", entry.tag, outcome.error, where)
    elif entry.state is JobState.DONE:
        log.info("%s done: outbox/%s", entry.tag, outcome.published)
    else:
        why = f": {outcome.error}" if outcome.error else ""
        log.info("%s cancelled%s (originals in %s)", entry.tag, why, where)
