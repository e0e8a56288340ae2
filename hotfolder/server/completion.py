"""How a job leaves the spool when it has ended: published, reported and noted, then removed.

Each step can be repeated: whatever interrupts them, they are taken again from the first one.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hotfolder.batches.coordinator import BatchCoordinator
from hotfolder.inbox.candidate import ControlPaths
from hotfolder.outbox.publisher import Publisher
from hotfolder.outbox.status_reporter import StatusReporter
from hotfolder.paths import FolderPaths
from hotfolder.server.job_backoff import JobBackoff
from hotfolder.spool.entry import SpooledJob
from hotfolder.spool.spent_controls import SpentControlFiles
from hotfolder.spool.spool import Spool
from plugin.client.protocol import ControlFile, JobState

__all__ = ["JobCompletion", "names_of_folders"]

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
        backoff: JobBackoff,
        spent_controls: SpentControlFiles,
    ) -> None:
        self.totals = {"done": 0, "failed": 0, "cancelled": 0}
        self.cancel_files: dict[str, Path] = {}
        """By the name of the job that they cancel; removed when it has ended."""
        self.control_paths: ControlPaths = {}
        """The control files of the last scan."""
        self._folder = folder
        self._spool = spool
        self._publisher = publisher
        self._reporter = reporter
        self._batches = batches
        self._backoff = backoff
        self._spent_controls = spent_controls

    def complete(
        self, live: Mapping[str, SpooledJob]
    ) -> Iterator[tuple[SpooledJob, Mapping[str, Any]]]:
        """Complete those of `live` that have ended. Yields each that has left the spool, and its
        last status (`status/NAME.json`'s document). A job that cannot be published is tried again.
        """
        for entry in [entry for entry in live.values() if entry.outcome is not None]:
            if self._backoff.is_delayed(entry.job.id):
                continue
            status = None
            with self._backoff.attempt(entry, "waits to be published"):
                status = self._complete(entry)
            if status is not None:
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
            self._spent_controls.remove(cancel_file)
        for control in (ControlFile.HOLD, ControlFile.PRIORITY):
            found = self.control_paths.get((control, name), ())
            for path in (*found, self._folder.inbox / control.of(name)):
                self._spent_controls.remove(path)
        if entry.job.options.owner is not None:
            self._spent_controls.remove(self._folder.heartbeat(entry.job.source))


def names_of_folders(live: Mapping[str, SpooledJob]) -> set[str]:
    """Those in done/ and failed/ of jobs whose end is not published yet."""
    ends = (entry.outcome for entry in live.values())
    return {Path(end.folder).name for end in ends if end is not None and end.folder is not None}


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
