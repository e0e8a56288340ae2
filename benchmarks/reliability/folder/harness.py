"""A hot folder with a stranger and a server in it, and what has to hold whatever either of them
does."""

import contextlib
import json
import os
import stat
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from benchmarks.reliability.faults import faults
from benchmarks.reliability.folder.daemon import Daemon, Hang, Incident
from benchmarks.reliability.folder.ledger import Ledger, Sight
from benchmarks.reliability.folder.outside import SECRET, Outside
from benchmarks.reliability.folder.stranger import Stranger
from hotfolder.config.model import Config
from hotfolder.paths import FolderPaths
from plugin.client.protocol import END_STATES, ControlFile, JobStatus, ServerStatus

__all__ = ["FolderHarness", "Tally"]

MAX_STATUS_BYTES = 1 << 20
STEP_SECONDS = 5.0
"""Of this thread's processor time."""

CONTROL_SUFFIXES = tuple(control.suffix for control in ControlFile)

_STATUS = TypeAdapter(JobStatus)
_SERVER = TypeAdapter(ServerStatus)


@dataclass
class Tally:
    """What a run came to."""

    steps: int = 0
    """Of the machine: what the stranger did, and what the server was let do."""
    server_steps: int = 0
    kills: int = 0
    starts_refused: int = 0
    jobs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    files: int = 0
    checks_outside: int = 0
    longest_step: float = 0.0


class FolderHarness:
    """One hot folder, from empty to the end. A context manager."""

    def __init__(self, tally: Tally, elsewhere: str | None = None) -> None:
        """`elsewhere`: which of the hot folder's folders lies on another file system."""
        self.tally = tally
        memory = Path("/dev/shm")
        self._temporary = tempfile.TemporaryDirectory(
            prefix="impasto-", dir=memory if os.access(memory, os.W_OK) else None
        )
        self._other: tempfile.TemporaryDirectory[str] | None = None
        self.place = Path(self._temporary.name)
        roots = {name: self.place / name for name in ("hot", "away")}
        roots["hot"].mkdir()
        if elsewhere and (target := self._put_elsewhere(elsewhere)) is not None:
            roots[f"hot/{elsewhere}"] = target
        self.folder = FolderPaths(roots["hot"])
        self.folder.create()
        (self.place / "away").mkdir()
        for name in ("wave.jpg", "night.jpg"):
            (self.folder.styles / name).write_bytes(b"of the library")
        self.config_file = self.place / "config.yaml"
        self.config_file.write_text("")
        self.outside = Outside(self.place / "outside")
        (self.folder.styles / "link.jpg").symlink_to(self.outside.file)
        self.stranger = Stranger(self.folder, self.outside, self.place / "away")
        self._faults = faults(self.folder.root)
        self.daemon = Daemon(
            self.folder, self.config_file, self._faults.__enter__(), self._take_status
        )
        self._ledger = Ledger(roots)
        self.sight = self._ledger.look()
        self.tracked: set[str] = set()
        """The marks that must not go."""
        self.by_stranger: dict[str, int] = {}
        """Files that the stranger has put where they are, and their inodes."""
        self._by_server: dict[str, int] = {}
        """The same of those that the server has put there: one that was away with its folder is
        still the server's when the folder is back."""
        self.disturbed: set[str] = set()
        """Folders in which the stranger has changed something."""
        self._statuses: dict[str, Mapping[str, Any]] = {}
        """The last of each job, by its name."""
        self.growing: str | None = None
        """A file below the inbox that grows until the end."""
        self._problems: list[str] = []
        self._ended_now = 0
        """Jobs that have ended since the last look."""
        self._configs = [self.daemon.config]
        """Those that were in force in the last step."""

    def _put_elsewhere(self, name: str) -> Path | None:
        """Let a part of the hot folder lie on another file system. None if there is no other."""
        self._other = tempfile.TemporaryDirectory(prefix="impasto-")
        target = Path(self._other.name) / name
        target.mkdir()
        if target.stat().st_dev == self.place.stat().st_dev:
            return None
        (self.place / "hot" / name).symlink_to(target)
        return target

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.daemon.kill()
        self._faults.__exit__(kind, error, trace)
        self.allow_everything()
        self._temporary.cleanup()
        if self._other is not None:
            self._other.cleanup()

    # --- what happens ------------------------------------------------------------------------

    def act(self, deed: Callable[[], None]) -> None:
        """The stranger does something, if the system lets him."""
        with self.daemon.elsewhere():
            self._look()
            with contextlib.suppress(OSError, ValueError, OverflowError):
                deed()
            self._note_deed(self._ledger.look())
            self.outside.touched()

    def step(self, seconds: float, incidents: tuple[Incident, ...] = ()) -> None:
        """One step of the server. An incident's act may be `act`.

        Raises:
            AssertionError: it has done what it must not.
        """
        self._grow()
        started = time.thread_time()
        self._configs = [self._configs[-1]]
        try:
            survived = self.daemon.step(seconds, incidents)
        except Hang:
            raise AssertionError(f"the server hangs: {traceback.format_exc()}") from None
        except Exception:
            raise AssertionError(f"the server has ended: {traceback.format_exc()}") from None
        self._configs.append(self.daemon.config)
        spent = time.thread_time() - started
        self.tally.server_steps += 1
        self.tally.kills += not survived
        self.tally.longest_step = max(self.tally.longest_step, spent)
        if spent > STEP_SECONDS:
            self._problems.append(f"one step took {spent:.1f} s")
        self.check()

    def _grow(self) -> None:
        path = self.growing and self.folder.inbox / self.growing
        if not path or path.parent.resolve() != path.parent:
            return
        if not os.path.lexists(path) or _is_plain(path):
            with contextlib.suppress(OSError, ValueError), path.open("ab") as file:
                file.write(b"more")

    def stop(self) -> None:
        try:
            self.daemon.stop()
        except (Exception, Hang):
            raise AssertionError(f"it cannot stop: {traceback.format_exc()}") from None
        self.check()

    def kill(self) -> None:
        self.daemon.kill()
        self.tally.kills += 1
        self.check()

    def look(self) -> Sight:
        """What lies where, now."""
        return self._ledger.look()

    def check(self) -> None:
        """What holds at every moment.

        Raises:
            AssertionError: it does not.
        """
        self._look()
        self._problems += self.daemon.dispatcher.problems
        self.tally.starts_refused += len(self.daemon.refusals)
        self.daemon.refusals.clear()
        problems, self._problems = self._problems, []
        self.insist(problems)

    def insist(self, problems: list[str]) -> None:
        """
        Raises:
            AssertionError: there is one.
        """
        assert not problems, "\n".join(dict.fromkeys(problems))

    def allow_everything(self) -> None:
        """All modes as they were at first."""
        for folder, folders, files in os.walk(self.place):
            for name in folders:
                path = Path(folder, name)
                if not path.is_symlink():
                    path.chmod(0o755)
            for name in files:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink() and "outside" not in path.parts:
                    path.chmod(0o644)

    # --- the invariants ----------------------------------------------------------------------

    def _look(self) -> None:
        """Find out what the server has done since the last look."""
        self.tally.checks_outside += 1
        self._problems += self.outside.touched()
        before, self.sight = self.sight, self._ledger.look()
        self._check_files(before, self.sight)
        self._ended_now = 0
        self._check_status_files(before, self.sight)

    def _note_deed(self, now: Sight) -> None:
        """After the stranger's deed: what he took away is nobody's loss."""
        before, self.sight = self.sight, now
        for mark, paths in before.marks.items():
            if len(now.marks.get(mark, ())) < len(paths):
                self.tracked.discard(mark)
        for mark, paths in now.marks.items():
            if mark not in before.marks and any(map(_counts, paths)):
                self.tracked.add(mark)
                self.tally.files += 1
        for path, facts in now.files.items():
            if before.files.get(path) != facts and self._by_server.get(path) != facts[0]:
                self.by_stranger[path] = facts[0]
                if not _counts(path):
                    marks = {mark for mark, paths in now.marks.items() if path in paths}
                    self.tracked -= marks
        changed = before.files.items() ^ now.files.items()
        folders = before.folders ^ now.folders
        links = before.links ^ now.links
        for path in (*(path for path, _ in changed), *folders, *links):
            self.disturbed.update((path, path.rpartition("/")[0]))

    def _check_files(self, before: Sight, now: Sight) -> None:
        for mark in sorted(self.tracked - now.marks.keys()):
            self.tracked.discard(mark)
            paths = before.marks.get(mark, set())
            if not self._may_go(mark, paths, before):
                self._problems.append(f"lost: {mark}, which was {sorted(paths)}")
        self._by_server |= {
            path: facts[0] for path, facts in now.files.items() if before.files.get(path) != facts
        }
        for path in now.marks.get(SECRET.decode(), ()):
            if path not in before.marks.get(SECRET.decode(), ()):
                self._problems.append(f"{path} has what stands in a file outside")
        for mark, paths in now.marks.items():
            published = [path for path in paths if path.startswith("hot/outbox/") and _counts(path)]
            if mark.startswith("painted ") and published:
                self.tracked.add(mark)
                if len(published) > 1:
                    self._problems.append(f"doubled: {published}")
        for path, inode in list(self.by_stranger.items()):
            if path not in now.files or now.files[path][0] != inode:
                del self.by_stranger[path]

    def _may_go(self, mark: str, paths: set[str], before: Sight) -> bool:
        """Whether the configuration lets the server remove it."""
        return any(
            self._may_leave(path, before, config) for path in paths for config in self._configs
        )

    def _may_leave(self, path: str, before: Sight, config: Config) -> bool:
        if path.startswith("hot/"):
            _, place, *rest = path.split("/")
            own = path not in self.by_stranger
            if place in ("inbox", ".impasto") and self._ended_now and _cleans(config.retention):
                return True  # It has ended and was removed since the last look.
            match place:
                case ".impasto" if rest[0] == "spool" and config.originals == "delete":
                    mark = f"painted {rest[1]}"
                    return mark in before.marks or mark in self.sight.marks
                case ".impasto" if rest[0] == "batches" and config.originals == "delete":
                    return True
                case "outbox" if config.overwrite:
                    return True
                case "done" if own and _is_set(config.retention, "done"):
                    return True
                case "failed" if own and _is_set(config.retention, "failed"):
                    return True
        return False

    def _check_status_files(self, before: Sight, now: Sight) -> None:
        for path, facts in now.files.items():
            folder, _, name = path.rpartition("/")
            if folder != "hot/status" or not name.endswith(".json") or path in self.by_stranger:
                continue
            if before.files.get(path) == facts or name.startswith("."):
                continue
            data = (self.place / path).read_bytes()
            if len(data) >= MAX_STATUS_BYTES:
                self._problems.append(f"{path} has {len(data)} bytes")
            try:
                document = json.loads(data, parse_constant=_refuse)
                document.pop("protocol")
                if losses := document.get("losses"):  # A number that is not finite is null.
                    document["losses"] = {key: value or 0.0 for key, value in losses.items()}
                kind = _SERVER if name == "server.json" else _STATUS
                kind.validate_json(json.dumps(document), strict=True)
                text = document.get("message") or ""
                assert text.isprintable(), f"the message {text!r}"
                assert name == "server.json" or document["name"] == name.removesuffix(".json")
            except (ValueError, KeyError, AssertionError, ValidationError) as error:
                self._problems.append(f"{path} is no status: {error}")

    def _take_status(self, status: Mapping[str, Any]) -> None:
        name = status["name"]
        known = self._statuses.get(name)
        self._statuses[name] = status
        if status["state"] in END_STATES and (known is None or known["id"] != status["id"]):
            self.tally.jobs += 1
        if status["state"] in END_STATES:
            self._ended_now += 1
            self.tally.ends[status["state"]] += 1


def _counts(path: str) -> bool:
    """Whether what is put there must not be lost: not among the server's own files, nor under a
    name that it keeps for itself, nor as a control file."""
    top, place, *_ = path.split("/")
    name = path.rpartition("/")[2]
    if name.startswith(".impasto-") or name.lower().endswith(CONTROL_SUFFIXES):
        return False
    return top == "away" or place in ("inbox", "outbox", "done", "failed", "styles")


def _is_plain(path: Path) -> bool:
    """Whether it is a file that opening cannot lead elsewhere, nor wait for anybody."""
    return stat.S_ISREG(path.lstat().st_mode)


def _is_set(retention: Any, place: str) -> bool:
    limits = getattr(retention, f"{place}_days"), getattr(retention, f"{place}_count")
    return limits != (None, None)


def _cleans(retention: Any) -> bool:
    return _is_set(retention, "done") or _is_set(retention, "failed")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
