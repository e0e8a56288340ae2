"""What lies in the inbox: one look at it, sorted into drops, cancellations and strays.

A *drop* is a job that is not claimed yet: files that belong together by name (form 1) or by a
sidecar that names them (form 2). Nothing is moved here and no picture is opened.
"""

import logging
import os
import stat
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import SettingsError
from engine.settings import Settings, resolve
from hotfolder.draft import Draft, InboxFile, Part, Verdict
from hotfolder.errors import HotFolderError, InputError, SidecarError
from hotfolder.folder import HotFolder
from hotfolder.library import StyleLibrary
from hotfolder.names import SIGNALS, Named, Role, key_of, parse, shown
from hotfolder.sidecar import PictureNamesError, Sidecar, read_sidecar
from hotfolder.stability import Fingerprint, StabilityTracker
from hotfolder.terms import Terms
from hotfolder.turns import Turn, folder_of

__all__ = ["Drop", "Inbox", "Part", "Snapshot", "Verdict"]


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drop:
    """A job to be, as of one scan."""

    name: str
    verdict: Verdict
    message: str
    """Why it waits or is refused, in one line; empty if it is ready."""
    parts: tuple[Part, ...]
    """Every file to take, styles in their order; a style may appear twice."""
    dropped: str
    settings: Settings | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)
    error: HotFolderError | None = None
    settled: bool = True
    seen: float = 0.0
    """When the first of it was found there, by the scanner's clock."""

    @property
    def age(self) -> tuple[float, str, str]:
        """Smaller is older. A picture that is moved in keeps its time, so that alone says little:
        it decides among those that were found at once, as after a start."""
        return self.seen, self.dropped, self.name

    @property
    def turn(self) -> Turn:
        """Its place in the queue: behind jobs like it that are claimed already."""
        return Turn(self.terms.priority, folder_of(self.name), (1, *self.age))

    def of(self, role: Role) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.role == role)


@dataclass(frozen=True)
class Snapshot:
    """One scan. `drops` are ordered by age, the oldest first."""

    drops: tuple[Drop, ...] = ()
    signals: Mapping[Role, Mapping[str, InboxFile]] = field(
        default_factory=lambda: {role: {} for role in SIGNALS}
    )
    """What is said about a job: by its role, and then by the job's name (for heartbeats the name
    under which it was dropped)."""
    strays: tuple[str, ...] = ()
    settling: float | None = None
    """Seconds until another look may tell more; None if everything is quiet."""
    changed: bool = False
    """Whether files have come, gone or changed since the scan before."""


class Inbox:
    """Looks at one hot folder's inbox. Remembers only since when things have been as they are."""

    def __init__(
        self,
        folder: HotFolder,
        base: Mapping[str, Any],
        *,
        settle_seconds: float = 1.0,
        wait_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`base` is `settings:` of config.yaml; after `wait_seconds` a drop that
        lacks something is held."""
        self._folder = folder
        self._base = base
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._tracker = StabilityTracker(settle_seconds, clock)
        self._sidecars: dict[tuple[str, Fingerprint], Sidecar | SidecarError] = {}
        self._unchanged_since: dict[str, tuple[object, float]] = {}
        self._first_seen: dict[str, float] = {}
        self._changed = False

    def reconfigure(
        self, base: Mapping[str, Any], *, settle_seconds: float, wait_seconds: float
    ) -> None:
        """For what is judged from now on."""
        self._base = base
        self._wait_seconds = wait_seconds
        self._tracker.settle_seconds = settle_seconds

    def scan(self) -> Snapshot:
        """Look once.

        Raises:
            OSError: the inbox cannot be listed.
        """
        files = self._list()
        library = StyleLibrary(self._folder.styles)
        signals = {role: _by_job(files, role) for role in SIGNALS}
        files = [file for file in files if file.named.role not in signals]
        by_key = {key_of(file.name): file for file in files}
        groups: dict[str, list[InboxFile]] = defaultdict(list)
        for file in files:
            if file.named.job:
                groups[file.named.job].append(file)
        self._forget(files, groups)
        drafts: dict[str, Draft] = {}
        for name, group in groups.items():
            try:
                drafts[name] = self._draft(name, group, by_key, library)
            except Exception as error:  # One drop must not stop the others.
                log.exception("[%s] cannot be understood", name)
                unforeseen = HotFolderError(f"{name}: an unforeseen error: {error!r}")
                drafts[name] = Draft(name, named=True, error=unforeseen)
                drafts[name].complete_by_name(group)
        uses = Counter(path for d in drafts.values() for path in {p.path for p in d.parts})
        by_path = {file.path: file for file in files}
        drops = [self._judge(draft, by_path, uses) for draft in drafts.values()]
        settling = [self._tracker.next_settling(), *(d.due for d in drafts.values())]
        return Snapshot(
            drops=tuple(sorted(drops, key=lambda drop: drop.age)),
            signals=signals,
            strays=tuple(shown(f.name) for f in files if not f.named.job and f.path not in uses),
            settling=min((s for s in settling if s is not None), default=None),
            changed=self._changed,
        )

    def release(self, name: str) -> None:
        """Let the drop `name` wait again, from the next scan on, as if it had just come."""
        self._unchanged_since.pop(name, None)

    def _list(self) -> list[InboxFile]:
        found: list[tuple[str, Path, Named, os.stat_result]] = []
        with os.scandir(self._folder.inbox) as entries:
            for entry in entries:
                named = parse(entry.name)
                if named is None:
                    continue
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if not stat.S_ISDIR(facts.st_mode):
                    found.append((entry.name, Path(entry.path), named, facts))
        prints = {
            name: Fingerprint(facts.st_size, facts.st_mtime_ns, facts.st_ino)
            for name, _, _, facts in found
        }
        self._changed = self._tracker.observe(prints)
        return [
            InboxFile(
                name,
                path,
                named,
                prints[name],
                stat.S_ISREG(facts.st_mode),
                self._tracker.is_settled(name),
            )
            for name, path, named, facts in sorted(found, key=lambda item: item[0])
        ]

    def _forget(self, files: Sequence[InboxFile], groups: Mapping[str, object]) -> None:
        prints = {(file.name, file.fingerprint) for file in files}
        self._sidecars = {k: v for k, v in self._sidecars.items() if k in prints}
        self._unchanged_since = {k: v for k, v in self._unchanged_since.items() if k in groups}
        now = self._clock()
        self._first_seen = {name: self._first_seen.get(name, now) for name in groups}

    def _sidecar(self, file: InboxFile) -> Sidecar:
        key = (file.name, file.fingerprint)
        if key not in self._sidecars:
            try:
                self._sidecars[key] = read_sidecar(file.path, file.name)
            except SidecarError as error:
                self._sidecars[key] = error
        read = self._sidecars[key]
        if isinstance(read, SidecarError):
            raise read
        return read

    def _draft(
        self,
        name: str,
        group: list[InboxFile],
        by_key: Mapping[str, InboxFile],
        library: StyleLibrary,
    ) -> Draft:
        """Bring together what a job has, and note what it lacks."""
        draft = Draft(name)
        sidecars = [f for f in group if f.named.role is Role.SIDECAR]
        sidecar: Sidecar | None = None
        if len(sidecars) == 1 and sidecars[0].settled:
            try:
                sidecar = self._sidecar(sidecars[0])
            except SidecarError as error:
                draft.error = error
                draft.named = isinstance(error, PictureNamesError)
        draft.one_of(Role.SIDECAR, sidecars)
        draft.pictures(group, sidecar, by_key, library)
        draft.complete_by_name(group)
        if draft.error is None:
            try:
                draft.settings = self._settings(sidecar, draft.init_file)
            except HotFolderError as error:
                draft.error = error
        if sidecar is not None:
            draft.client, draft.terms = sidecar.client, sidecar.terms
        self._age(draft)
        return draft

    def _settings(self, sidecar: Sidecar | None, init_file: str | None) -> Settings:
        if sidecar is not None:
            return sidecar.settings(self._base, init_file=init_file)
        own: dict[str, Any] = {"init": "file", "init_file": init_file} if init_file else {}
        try:
            return resolve(self._base, own)
        except SettingsError as error:  # config.yaml was checked; only together with `own`
            raise InputError(str(error)) from None

    def _age(self, draft: Draft) -> None:
        """Note how much longer a drop that cannot go on may stay as it is."""
        looks = (tuple(draft.lacks), draft.conflict, str(draft.error), tuple(draft.parts))
        before = self._unchanged_since.get(draft.name)
        since = before[1] if before and before[0] == looks else self._clock()
        self._unchanged_since[draft.name] = (looks, since)
        draft.patience = since + self._wait_seconds - self._clock()

    def _judge(
        self, draft: Draft, by_path: Mapping[Path, InboxFile], uses: Mapping[Path, int]
    ) -> Drop:
        own = [by_path[part.path] for part in draft.parts if part.path in by_path]
        settled = all(file.settled for file in own)
        verdict, message, error = draft.verdict() if settled else (Verdict.WAIT, "arriving", None)
        inbox = self._folder.inbox
        return Drop(
            name=draft.name,
            verdict=verdict,
            message=message,
            parts=tuple(
                Part(p.role, p.path, shared=p.path.parent != inbox or uses[p.path] > 1)
                for p in draft.parts
            ),
            dropped=_newest(own),
            seen=self._first_seen[draft.name],
            settings=draft.settings,
            client=draft.client,
            terms=draft.terms,
            error=error,
            settled=settled,
        )


def _by_job(files: Sequence[InboxFile], role: Role) -> dict[str, InboxFile]:
    """The files that say something about a job, by its name."""
    return {f.named.job: f for f in files if f.named.role is role and f.regular}


def _newest(files: Sequence[InboxFile]) -> str:
    """Modification time of the newest file, ISO 8601, UTC."""
    newest = max((file.fingerprint.mtime_ns for file in files), default=0)
    try:
        return datetime.fromtimestamp(newest / 1e9, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # a file from the year 10000
        return datetime.now(UTC).isoformat(timespec="seconds")
