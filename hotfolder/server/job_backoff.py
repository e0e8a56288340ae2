"""What the file system has refused for one job: that job alone waits, says why, and is tried again.

Every write for a single job goes through `attempt`, so that the first one which fails ends neither
the step nor the work for the others.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping

from hotfolder.backoff import Backoff
from hotfolder.errors import FolderError
from hotfolder.outbox.status_reporter import StatusReporter
from hotfolder.paths import FolderPaths
from hotfolder.spool.entry import SpooledJob

__all__ = ["JobBackoff"]

log = logging.getLogger(__name__)


class JobBackoff:
    """The jobs of one hot folder for which something was refused."""

    def __init__(
        self, folder: FolderPaths, reporter: StatusReporter, clock: Callable[[], float]
    ) -> None:
        self._folder = folder
        self._reporter = reporter
        self._backoff = Backoff(clock)
        self._reasons: dict[str, str] = {}

    @property
    def reasons(self) -> Mapping[str, str]:
        """What was refused and why, by job id, until it has succeeded."""
        return self._reasons

    def is_delayed(self, job_id: str) -> bool:
        """Whether nothing is to be tried for the job now."""
        return self._backoff.is_delayed(job_id)

    @contextlib.contextmanager
    def attempt(self, entry: SpooledJob, what: str) -> Iterator[None]:
        """Within it an error concerns this job alone: it is logged, shown in the job's status as
        the reason why `what` has not happened, and the job is delayed."""
        job_id = entry.job.id
        try:
            yield
        except Exception as error:
            words = str(error) or repr(error)
            if isinstance(error, OSError):
                words = self._folder.why_refused(error)
            reason = f"{what}: {words}"
            if self._reasons.get(job_id) != reason:
                unforeseen = None if isinstance(error, OSError) else error
                log.error("%s %s: %s", entry.tag, what, error, exc_info=unforeseen)
            self._reasons[job_id] = reason
            self._backoff.delay(job_id)
            self._reporter.refused(entry, reason)
        else:
            if self._reasons.pop(job_id, None) is not None:
                self._reporter.refused(entry, None)

    def check(self, live: Mapping[str, SpooledJob]) -> None:
        """
        Raises:
            FolderError: something is refused for one of the `live` jobs.
        """
        refusals = [
            f"{live[job_id].job.name}: {reason}. It is kept in {live[job_id].folder}; run it again."
            for job_id, reason in self._reasons.items()
            if job_id in live
        ]
        if refusals:
            raise FolderError("\n".join(refusals))

    def forget(self, job_id: str) -> None:
        """The job has left the spool."""
        self._reasons.pop(job_id, None)

    def retry_at_once(self) -> None:
        """End every delay."""
        self._backoff.forget()
