"""A hot folder with a stranger and a server in it, and what has to hold whatever either of them
does."""

import contextlib
import json
import os
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
from benchmarks.reliability.folder.stranger import Stranger, places_of
from hotfolder.config.model import Config
from hotfolder.file_names import FileRole, is_ignored, parse, shown
from hotfolder.paths import FolderPaths
from plugin.client.protocol import END_STATES, ControlFile, JobStatus, ServerStatus

__all__ = ["FolderHarness", "Tally"]

MAX_STATUS_BYTES = 1 << 20
STEP_SECONDS = 3.0
"""Of this thread's processor time."""
REST_STEPS = 400
QUIET_STEPS = 25
"""So many without a change are rest. Each advances the clock by `REST_SECONDS`."""
REST_SECONDS = 30.0

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
        self._sight = self._ledger.look()
        self._tracked: set[str] = set()
        """The marks that must not go."""
        self._by_stranger: dict[str, int] = {}
        """Files that the stranger has put where they are, and their inodes."""
        self._disturbed: set[str] = set()
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
        self._allow_everything()
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
        if path and path.parent.resolve() == path.parent and not path.is_symlink():
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
        self._insist(problems)

    def _insist(self, problems: list[str]) -> None:
        """
        Raises:
            AssertionError: there is one.
        """
        assert not problems, "\n".join(dict.fromkeys(problems))

    # --- the invariants ----------------------------------------------------------------------

    def _look(self) -> None:
        """Find out what the server has done since the last look."""
        self.tally.checks_outside += 1
        self._problems += self.outside.touched()
        before, self._sight = self._sight, self._ledger.look()
        self._check_files(before, self._sight)
        self._ended_now = 0
        self._check_status_files(before, self._sight)

    def _note_deed(self, now: Sight) -> None:
        """After the stranger's deed: what he took away is nobody's loss."""
        before, self._sight = self._sight, now
        for mark, paths in before.marks.items():
            if len(now.marks.get(mark, ())) < len(paths):
                self._tracked.discard(mark)
        for mark, paths in now.marks.items():
            if mark not in before.marks and any(map(_counts, paths)):
                self._tracked.add(mark)
                self.tally.files += 1
        for path, facts in now.files.items():
            if before.files.get(path) != facts:
                self._by_stranger[path] = facts[0]
                if not _counts(path):
                    marks = {mark for mark, paths in now.marks.items() if path in paths}
                    self._tracked -= marks
        changed = before.files.items() ^ now.files.items()
        folders = before.folders ^ now.folders
        links = before.links ^ now.links
        for path in (*(path for path, _ in changed), *folders, *links):
            self._disturbed.update((path, path.rpartition("/")[0]))

    def _check_files(self, before: Sight, now: Sight) -> None:
        for mark in sorted(self._tracked - now.marks.keys()):
            self._tracked.discard(mark)
            paths = before.marks.get(mark, set())
            if not self._may_go(mark, paths, before):
                self._problems.append(f"lost: {mark}, which was {sorted(paths)}")
        for path in now.marks.get(SECRET.decode(), ()):
            if path not in before.marks.get(SECRET.decode(), ()):
                self._problems.append(f"{path} has what stands in a file outside")
        for mark, paths in now.marks.items():
            published = [path for path in paths if path.startswith("hot/outbox/")]
            if mark.startswith("painted ") and published:
                self._tracked.add(mark)
                if len(published) > 1:
                    self._problems.append(f"doubled: {published}")
        for path, inode in list(self._by_stranger.items()):
            if path not in now.files or now.files[path][0] != inode:
                del self._by_stranger[path]

    def _may_go(self, mark: str, paths: set[str], before: Sight) -> bool:
        """Whether the configuration lets the server remove it."""
        return any(
            self._may_leave(path, before, config) for path in paths for config in self._configs
        )

    def _may_leave(self, path: str, before: Sight, config: Config) -> bool:
        if path.startswith("hot/"):
            _, place, *rest = path.split("/")
            own = path not in self._by_stranger
            if place in ("inbox", ".impasto") and self._ended_now and _cleans(config.retention):
                return True  # It has ended and was removed since the last look.
            match place:
                case ".impasto" if rest[0] == "spool" and config.originals == "delete":
                    mark = f"painted {rest[1]}"
                    return mark in before.marks or mark in self._sight.marks
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
            if folder != "hot/status" or not name.endswith(".json") or path in self._by_stranger:
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

    # --- the end -----------------------------------------------------------------------------

    def finish(self) -> None:
        """The stranger stops, and everything works again: each job comes to its end, or says for
        what it waits.

        Raises:
            AssertionError: one does not.
        """
        growing, self.growing = self.growing, None
        self._others_go_on()
        self.stop()
        self.act(self._allow_everything)
        self.act(self.stranger.unlock)
        self.act(self.stranger.swap_back)
        self.act(self.stranger.bring_places_back)
        self.act(self._allow_everything)
        self.act(self.stranger.resume)
        self.daemon.life = "paints"
        quiet, last = 0, None
        for _ in range(REST_STEPS):
            self.step(REST_SECONDS)
            now = self._state()
            quiet = quiet + 1 if now == last else 0
            last = now
            if quiet == QUIET_STEPS:
                break
        else:
            raise AssertionError(f"it does not come to rest: {self._state()}")
        self._check_ends()
        self.growing = growing
        self._check_once()

    def _others_go_on(self) -> None:
        """What is wrong with one job stops no other."""
        self.daemon.life = "paints"
        for _ in range(12):
            self.step(REST_SECONDS)
        server, folder = self.daemon.server, self.folder
        places = (*places_of(folder), folder.root, folder.private, folder.spool)
        if server is None or (folder.private / "paused").exists() or not all(map(_is_open, places)):
            return
        for entry in server._live.values():
            mine = f"hot/.impasto/spool/{entry.job.id}"
            is_whole = _is_open(entry.folder) and _is_open(entry.inputs)
            if is_whole and mine not in self._disturbed and entry.state in ("queued", "running"):
                self._insist([f"{entry.tag} is kept from its end: {entry.state}"])
        shown = {status["id"] or status["name"] for status in self._written().values()}
        for mark in sorted(self._tracked):
            for path in self._sight.marks.get(mark, ()):
                _, place, *parts = path.split("/")
                if place == ".impasto" and parts[0] in ("spool", "batches"):
                    taken = (
                        parts[1] in shown
                        or f"hot/.impasto/{parts[0]}/{parts[1]}" in self._disturbed
                    )
                    self._insist([] if taken else [f"no status of {path}"])

    def _check_once(self) -> None:
        """A server that is to end when all has ended does, whatever lies in the folder."""
        self.stop()
        self.daemon.once = True
        for number in range(60):
            self.step(REST_SECONDS / 10)
            if self.daemon.server is None:
                return
            if number == 30 and not self._grows_beside_the_jobs():
                self.growing = None  # For the files of a job it waits as long as they grow.
        self._insist(["`run --once` does not end"])

    def _grows_beside_the_jobs(self) -> bool:
        server, name = self.daemon.server, (self.growing or "").rpartition("/")[2]
        return server is not None and shown(name) in " ".join(server._last_scan.unrecognised)

    def _state(self) -> Any:
        statuses = [(s["name"], s["state"], s["message"]) for s in self._written().values()]
        return sorted(statuses), sorted(self._ledger.look().marks)

    def _written(self) -> dict[str, Mapping[str, Any]]:
        """The status files that are the server's."""
        found = {}
        for path in self.folder.status.glob("*.json"):
            name = f"hot/status/{path.name}"
            if path.name.startswith(".") or path.stem == "server" or name in self._by_stranger:
                continue
            if path.is_file() and not path.is_symlink():
                found[path.stem] = json.loads(path.read_bytes())
        return found

    def _check_ends(self) -> None:
        server = self.daemon.server
        assert server is not None, "it does not start"
        written = self._written()
        problems = []
        for status in written.values():
            explained = status["state"] in ("waiting", "held") and status["message"]
            if status["state"] not in END_STATES and not explained:
                problems.append(f"for ever {status['state']}: {status['name']}")
        heartbeat = None
        if (path := self.folder.status / "server.json").is_file():
            heartbeat = json.loads(path.read_bytes())
        sources = {status["source"] for status in written.values()}
        held = {status["id"] for status in written.values() if status["state"] == "held"}
        scan = server._last_scan
        seen = {path for each in scan.candidates.values() for path in map(str, _paths(each))}
        strays = " ".join(scan.unrecognised)
        for mark in sorted(self._tracked):
            for path in self._sight.marks.get(mark, ()):
                parts = path.split("/")
                if parts[1] == ".impasto" and parts[2] in ("spool", "batches"):
                    if parts[3] not in held:
                        problems.append(f"left: {path}")
                elif parts[1] == "inbox" and not self._is_explained(path, seen, strays, sources):
                    problems.append(f"nobody is told of {path}")
        for path in self._sight.folders:
            parts = path.split("/")
            is_failed = parts[:2] == ["hot", "failed"] and len(parts) == 3
            if is_failed and path not in self._disturbed:
                reason = f"{path}/error.txt" in self._sight.files
                problems += [] if reason else [f"no reason in {path}"]
        if heartbeat and any(heartbeat["queue"][state] for state in ("queued", "running")):
            problems.append(f"the server says of its queue: {heartbeat['queue']}")
        self._insist(problems)

    def _is_explained(self, path: str, seen: set[str], strays: str, sources: set[str]) -> bool:
        inside = path.removeprefix("hot/inbox/")
        folder, _, name = inside.rpartition("/")
        if str(self.folder.absolute(path.removeprefix("hot/"))) in seen or any(
            map(is_ignored, inside.split("/"))
        ):
            return True
        if shown(name) in strays or (folder and f"{shown(folder.split('/')[0])}/" in strays):
            return True
        if "/" in folder and f"{shown(folder)}/" in strays:
            return True
        if folder and name.lower() in ("preset.yaml", "preset.yml"):
            return True
        parsed = parse(name)
        return (
            parsed is not None
            and parsed.role is FileRole.BATCH
            and not folder
            and parsed.job in sources
        )

    def _allow_everything(self) -> None:
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


def _is_open(folder: Path) -> bool:
    return folder.is_dir() and folder.stat().st_mode & 0o700 == 0o700


def _paths(candidate: Any) -> list[Path]:
    return [*(file.path for file in candidate.inputs), *(file.path for file in candidate.files)]


def _counts(path: str) -> bool:
    """Whether what is put there must not be lost: not among the server's own files, nor under a
    name that it keeps for itself, nor as a control file."""
    top, place, *_ = path.split("/")
    name = path.rpartition("/")[2]
    if name.startswith(".impasto-") or name.lower().endswith(CONTROL_SUFFIXES):
        return False
    return top == "away" or place in ("inbox", "outbox", "done", "failed", "styles")


def _is_set(retention: Any, place: str) -> bool:
    limits = getattr(retention, f"{place}_days"), getattr(retention, f"{place}_count")
    return limits != (None, None)


def _cleans(retention: Any) -> bool:
    return _is_set(retention, "done") or _is_set(retention, "failed")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
