"""The batch files in the inbox: what each asks for, what it lacks, and since when; and what control
files ask of batches (docs/protocol.md).

As with jobs: what lacks something waits, after `wait_seconds` it is held, and it goes on when that
comes. Moves nothing.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hotfolder.batches.batch_file import BatchFile, parse_batch
from hotfolder.batches.matching import InputMatcher, MatchResult
from hotfolder.batches.pictures.loose import LoosePictures
from hotfolder.config.reload import CurrentConfig
from hotfolder.errors import HotFolderError
from hotfolder.file_names import FreeNames
from hotfolder.inbox.candidate import Snapshot
from hotfolder.inbox.listing import arriving_message, newest_time
from hotfolder.inbox.model import Decision, InboxFile
from hotfolder.inbox.refusals import RefusalGuard
from hotfolder.inbox.sidecar import read_text
from hotfolder.job_tag import JobTag
from hotfolder.limits import MAX_MESSAGE, shortened
from hotfolder.spool.spent_controls import SpentControlFiles
from hotfolder.throttle import Steps
from plugin.client.protocol import ControlFile, JobState, JobStatus, portable_name

__all__ = ["BatchCandidate", "BatchCandidates", "BatchControls"]

log = logging.getLogger(__name__)


@dataclass
class BatchCandidate:
    """A batch that is not claimed yet."""

    name: str
    source: str
    file: InboxFile
    decision: Decision
    message: str = ""
    held_at: float | None = None
    """When waiting for what it lacks becomes being held, by the clock."""
    error: HotFolderError | None = None
    read: BatchFile | None = None
    found: MatchResult | None = None
    priority: int | None = None
    """From `NAME.priority`."""

    def status(self, now: float) -> JobStatus:
        """As of `now`, by the clock."""
        is_held = self.decision is Decision.HOLD
        is_held |= self.held_at is not None and now >= self.held_at
        priority = self.priority
        if priority is None and self.read is not None:
            priority = self.read.options.priority
        return JobStatus(
            name=self.name,
            source=self.source,
            state=JobState.HELD if is_held else JobState.WAITING,
            message=shortened(f"held: {self.message}" if is_held else self.message, MAX_MESSAGE),
            priority=priority,
            client=self.read.client if self.read else {},
            dropped=newest_time([self.file]),
        )


class BatchCandidates:
    """Judges the batch files of one inbox, scan by scan."""

    def __init__(
        self,
        config: CurrentConfig,
        matcher: InputMatcher,
        clock: Callable[[], float],
        *,
        once: bool,
    ) -> None:
        """With `once` nothing more will come, so what lacks something is held at once."""
        self._config = config
        self._matcher = matcher
        self._clock = clock
        self._once = once
        self._guard = RefusalGuard()
        self._read: dict[str, tuple[InboxFile, Mapping[str, Any], BatchFile]] = {}
        """What was read, and under which `settings:` of the configuration."""
        self._names: dict[str, str] = {}
        self._since: dict[str, tuple[str, float]] = {}
        """What each waits for, and since when."""

    def choose_names(self, sources: Collection[str], free: FreeNames) -> Mapping[str, str]:
        """A name for each batch file that is there, by its name when dropped: one that no job and
        no other batch has, and the same at every scan. What is known of others is forgotten."""
        self._read = {source: self._read[source] for source in sources if source in self._read}
        self._since = {source: self._since[source] for source in sources if source in self._since}
        before, self._names = self._names, {}
        for source in sorted(sources, key=lambda source: source not in before):
            wanted = portable_name(source)
            name = before.get(source, wanted)
            self._names[source] = free.take(wanted if name in free else name)
        return self._names

    def release(self, source: str) -> None:
        """Let it wait again, as if it had just come."""
        self._since.pop(source, None)

    def judge(
        self, source: str, name: str, file: InboxFile, loose: LoosePictures
    ) -> Steps[BatchCandidate]:
        """What is to be done with the batch `name`, dropped as `source`."""
        candidate = BatchCandidate(name, source, file, Decision.CLAIM)
        try:
            if file.settled:
                candidate.read = self._parsed(source, file)
                candidate.found = yield from self._matcher.find(candidate.read, loose)
            self._decide(candidate)
        except HotFolderError as error:
            candidate.decision, candidate.error = Decision.REFUSE, error
        except OSError as error:
            self._wait(candidate, f"cannot be read now: {error.strerror or error}")
        except Exception as error:
            candidate.error = self._guard.refusal(file.label, error)
            candidate.decision = Decision.REFUSE
        return candidate

    def _parsed(self, source: str, file: InboxFile) -> BatchFile:
        settings = self._config().settings
        known = self._read.get(source)
        if known is None or known[0] is not file or known[1] is not settings:
            read = parse_batch(read_text(file.path, file.label), file.label, settings)
            known = self._read[source] = file, settings, read
        return known[2]

    def _decide(self, candidate: BatchCandidate) -> None:
        found = candidate.found
        arriving = [candidate.file.label] if found is None else found.arriving
        if arriving:
            since = self._waiting_since(candidate, "arriving")
            candidate.decision = Decision.WAIT
            candidate.message = arriving_message(arriving, self._clock() - since)
        elif found is not None and (found.missing or found.conflicts):
            self._wait(candidate, found.lacks)

    def _wait(self, candidate: BatchCandidate, message: str) -> None:
        """It lacks something that may come."""
        wait_seconds = 0 if self._once else self._config().wait_seconds
        candidate.decision, candidate.message = Decision.WAIT, message
        candidate.held_at = self._waiting_since(candidate, message) + wait_seconds

    def _waiting_since(self, candidate: BatchCandidate, what: str) -> float:
        known = self._since.get(candidate.source)
        if known is None or known[0] != what:
            known = self._since[candidate.source] = what, self._clock()
        return known[1]


class BatchControls:
    """Those of one scan."""

    def __init__(
        self,
        spent: SpentControlFiles,
        snapshot: Snapshot | None = None,
        priorities: Mapping[str, int] | None = None,
    ) -> None:
        """
        Args:
            spent: removes the control files that have been obeyed.
            priorities: those of priority files, by name.
        """
        self._spent = spent
        snapshot = snapshot or Snapshot()
        self._paths = snapshot.control_paths
        self.cancelled = frozenset(snapshot.control_files[ControlFile.CANCEL])
        self._released = frozenset(snapshot.control_files[ControlFile.RELEASE])
        self.held = frozenset(snapshot.control_files[ControlFile.HOLD]) - self._released
        """The names of what somebody holds."""
        self.priorities: Mapping[str, int] = priorities or {}

    def of_scan(self, snapshot: Snapshot, priorities: Mapping[str, int]) -> "BatchControls":
        """Those of a later scan."""
        return BatchControls(self._spent, snapshot, priorities)

    def release(self, name: str) -> bool:
        """End the hold of a batch for which a release file is there; whether there is one."""
        if name not in self._released:
            return False
        log.info("%s released", JobTag(name))
        holds = self._paths.get((ControlFile.HOLD, name), ())
        self._spent.end_hold(holds, self._paths.get((ControlFile.RELEASE, name), ()))
        return True

    def remove(self, name: str, *controls: ControlFile) -> None:
        """Remove what was found, wherever it lies and however its name is written."""
        for control in controls:
            for path in self._paths.get((control, name), ()):
                self._spent.remove(path)
