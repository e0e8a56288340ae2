"""One folder into which work is dropped: the inbox, or a folder in it. Sorts its files into drops.

Nothing is moved here, and no picture is opened.
"""

import contextlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.errors import SettingsError
from engine.settings import Settings, resolve
from hotfolder.draft import Draft, InboxFile, Part, Preset, Verdict
from hotfolder.drop import Drop, Snapshot
from hotfolder.errors import HotFolderError, InputError, SidecarError
from hotfolder.library import StyleLibrary
from hotfolder.listing import Listing
from hotfolder.names import SIGNALS, Named, Role, is_presentable, key_of, parse, shown
from hotfolder.sidecar import PictureNamesError, Sidecar, check_preset, read_sidecar
from hotfolder.stability import Fingerprint

__all__ = ["Place", "Rules"]

log = logging.getLogger(__name__)

SETTINGS_KEPT = 1000

PRESET_NAMES = ("preset.yaml", "preset.yml")


@dataclass(frozen=True)
class Rules:
    """How drops are judged."""

    base: Mapping[str, Any]
    """`settings:` of config.yaml."""
    settle_seconds: float
    wait_seconds: float
    """How long a drop may lack something before it is held."""


class Place:
    """Looks at one folder. Remembers only since when things have been as they are."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        *,
        folder: str = "",
        presets: bool | None = None,
    ) -> None:
        """
        Args:
            folder: its name below the inbox, if it is not the inbox itself.
            presets: whether it may have a preset; None: if it has a name.
        """
        self._path = path
        self._clock = clock
        self._folder = folder
        self._presets = bool(folder) if presets is None else presets
        self._rules = Rules({}, 0.0, 0.0)
        self._listing = Listing(path, clock, self._named)
        self._complete: dict[str, tuple[object, Drop]] = {}
        """Drops that lack nothing, and what they were made of."""
        self._resolved: dict[str, Settings] = {}
        """Settings by what they were made of: a crowd that asks for the same shares them."""
        self._sidecars: dict[tuple[str, Fingerprint], Sidecar | SidecarError] = {}
        self._unchanged_since: dict[str, tuple[object, float]] = {}
        self._first_seen: dict[str, float] = {}
        self._preset: Preset | None = None
        """The last one that could be read."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in it, as of the last scan."""
        return self._listing.folders

    def scan(self, library: StyleLibrary, rules: Rules) -> Snapshot:
        """Look once.

        Raises:
            OSError: the folder cannot be listed.
        """
        if rules != self._rules:
            self._rules, self._resolved = rules, {}
        files = self._listing.look(rules.settle_seconds)
        signals = {role: self._by_job(files, role) for role in (*SIGNALS, Role.BATCH)}
        files = [file for file in files if file.named.role not in signals]
        preset, problem, files = self._take_preset(files)
        by_key = {key_of(file.name): file for file in files}
        if preset is not None or problem:
            files = self._loose_pictures_are_contents(files, preset)
        groups: dict[str, list[InboxFile]] = defaultdict(list)
        for file in files:
            if file.named.job:
                groups[file.named.job].append(file)
        self._forget(files, groups)
        drafts: dict[str, Draft] = {}
        keys: dict[str, object] = {}
        known: dict[str, Drop] = {}
        for name, group in groups.items():
            try:
                keys[name] = key = self._made_of(group, by_key, library, preset)
                complete = self._complete.get(name)
                if complete is not None and complete[0] == key and not problem:
                    known[name] = complete[1]
                    continue
                drafts[name] = self._draft(name, group, by_key, library, preset)
            except OSError as error:
                drafts[name] = self._unreadable(name, group, error)
            except Exception as error:  # One drop must not stop the others.
                log.exception("[%s] cannot be understood", name)
                unforeseen = HotFolderError(f"{name}: an unforeseen error: {error!r}")
                drafts[name] = Draft(name, named=True, error=unforeseen)
                drafts[name].complete_by_name(group)
            drafts[name].hold = problem or drafts[name].hold
        uses = Counter(path for d in drafts.values() for path in {p.path for p in d.parts})
        uses.update(path for d in known.values() for path in {p.path for p in d.parts})
        by_path = {file.path: file for file in files}
        if preset is not None:
            by_path[preset.file.path] = preset.file
        drops = {name: self._judge(draft, by_path, uses) for name, draft in drafts.items()}
        drops |= {name: _with_shares(drop, uses) for name, drop in known.items()}
        unread = next((draft.name for draft in drafts.values() if draft.unread), None)
        if unread is not None:
            drops = {name: _waits_for(unread, drop, by_path) for name, drop in drops.items()}
        self._complete = {
            name: (keys[name], drop)
            for name, drop in drops.items()
            if drop.verdict is Verdict.CLAIM
        }
        settling = [self._listing.next_settling(), *(d.due for d in drafts.values())]
        return Snapshot(
            drops=tuple(sorted(drops.values(), key=lambda drop: drop.age)),
            signals=signals,
            free=() if preset or problem else _free(files, uses),
            strays=self._strays(files, uses, preset),
            settling=min((s for s in settling if s is not None), default=None),
            changed=self._listing.changed,
        )

    def release(self, name: str) -> None:
        """Let the drop `name` wait again, from the next scan on, as if it had just come."""
        self._unchanged_since.pop(name, None)

    def _source(self, name: str) -> str:
        return f"{self._folder}/{name}" if self._folder else name

    def _shown(self, file_name: str) -> str:
        """A file as messages name it."""
        return self._source(shown(file_name))

    def _by_job(self, files: Sequence[InboxFile], role: Role) -> dict[str, InboxFile]:
        """The files that say something about a job, by its name."""
        said = {self._source(f.named.job): f for f in files if f.named.role is role and f.regular}
        if role is Role.HEARTBEAT:
            return said
        return {source.replace("/", "-"): file for source, file in said.items()}

    def _take_preset(self, files: list[InboxFile]) -> tuple[Preset | None, str, list[InboxFile]]:
        """The folder's preset (while it is being written, the one before), what is wrong with it,
        and the other files."""
        found = [f for f in files if self._presets and key_of(f.name) in PRESET_NAMES]
        if not found:
            self._preset = None
            return None, "", files
        others = [file for file in files if file not in found]
        if len(found) > 1:
            names = ", ".join(self._shown(file.name) for file in found)
            return self._preset, f"several presets: {names}; take all but one away", others
        (file,) = found
        problem = ""
        if file.settled:
            try:
                sidecar = self._sidecar(file)
                check_preset(sidecar, self._rules.base)
                self._preset = Preset(file, sidecar)
            except SidecarError as error:
                problem = str(error).partition("\n")[0]
        elif self._preset is None:
            return None, "", []  # Nothing can be said of the pictures yet.
        if self._preset is not None:
            self._preset = replace(self._preset, file=file)
        return self._preset, problem, others

    def _loose_pictures_are_contents(
        self, files: Sequence[InboxFile], preset: Preset | None
    ) -> list[InboxFile]:
        """In a preset folder every picture that nobody names is a job."""
        of_pictures = [file for file in files if file.named.role is Role.SIDECAR]
        sidecars = [] if preset is None else [preset.sidecar]
        for file in of_pictures:
            if file.settled:
                with contextlib.suppress(SidecarError):
                    sidecars.append(self._sidecar(file))
        named = {key_of(name) for sidecar in sidecars for name in sidecar.pictures()}
        # A sidecar that is still being written may name a picture, too.
        own = {file.named.job for file in of_pictures}
        all_read = all(file.settled for file in of_pictures)
        return [
            replace(
                file,
                named=Named(Role.CONTENT, job),
                settled=file.settled and (all_read or job in own),
            )
            if file.named.role is Role.PICTURE
            and key_of(file.name) not in named
            and is_presentable(self._source(job := key_of(file.name).rpartition(".")[0]))
            else file
            for file in files
        ]

    def _strays(
        self, files: Sequence[InboxFile], uses: Mapping[Path, int], preset: Preset | None
    ) -> tuple[str, ...]:
        """What belongs to no job, in words."""
        named = preset.sidecar.pictures() if preset is not None else ()
        used = {key_of(name) for name in named}
        strays = [
            self._shown(file.name)
            for file in files
            if not file.named.job and file.path not in uses and key_of(file.name) not in used
        ]
        if not self._folder:
            return tuple(strays)
        pictures = [f for f in files if f.named.role is Role.PICTURE and f.path not in uses]
        if preset is None and pictures:
            strays = [f"{shown(self._folder)}/ (no preset.yaml, so its pictures are no jobs)"]
        return (*strays, *(f"{self._shown(name)}/ (a folder in a folder)" for name in self.folders))

    def _named(self, file_name: str) -> Named | None:
        named = parse(file_name)
        if named is None:
            return None
        if self._folder and named.role is Role.BATCH:
            return Named(Role.OTHER)  # Batches lie in the inbox itself.
        if named.job and not is_presentable(self._source(named.job)):
            return Named(Role.OTHER)
        return named

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
                self._sidecars[key] = read_sidecar(file.path, self._shown(file.name))
            except SidecarError as error:
                self._sidecars[key] = error
        read = self._sidecars[key]
        if isinstance(read, SidecarError):
            raise read
        return read

    def _made_of(
        self,
        group: Sequence[InboxFile],
        by_key: Mapping[str, InboxFile],
        library: StyleLibrary,
        preset: Preset | None,
    ) -> object:
        """All that a drop without a fault depends on: while it is the same, so is the drop."""
        said = [] if preset is None else [preset.sidecar]
        for file in group:
            if file.named.role is Role.SIDECAR and file.settled:
                with contextlib.suppress(SidecarError):
                    said.append(self._sidecar(file))
        found = (
            by_key.get(key_of(name)) or library.find(name.removeprefix("styles/"))
            for sidecar in said
            for name in sidecar.pictures()
        )
        return (*group, preset, self._rules, *found)

    def _draft(
        self,
        name: str,
        group: list[InboxFile],
        by_key: Mapping[str, InboxFile],
        library: StyleLibrary,
        preset: Preset | None,
    ) -> Draft:
        """Bring together what a job has, and note what it lacks."""
        draft = Draft(name, preset=preset)
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
                draft.settings = self._settings(sidecar, draft)
            except HotFolderError as error:
                draft.error = error
        for said in (preset.sidecar if preset else None, sidecar):
            if said is not None:
                draft.client = said.client or draft.client
                draft.terms = draft.terms.under(said.terms)
        self._age(draft)
        return draft

    def _unreadable(self, name: str, group: Sequence[InboxFile], error: OSError) -> Draft:
        """A drop of which something cannot be read at this moment: it may be open elsewhere."""
        what = Path(error.filename).name if isinstance(error.filename, str) else name
        message = f"{self._shown(what)}: cannot be read: {error.strerror}. Check its permissions."
        lacks = ["files that can be read"]
        draft = Draft(name, error=InputError(message), lacks=lacks, unread=True)
        draft.complete_by_name(group)
        self._age(draft)
        return draft

    def _settings(self, sidecar: Sidecar | None, draft: Draft) -> Settings:
        base = [self._rules.base]
        if draft.preset is not None:
            base.append(draft.preset.sidecar.layer)
        layer = {} if sidecar is None else sidecar.layer
        key = repr((draft.preset and draft.preset.sidecar.layer, layer, draft.init_file))
        if key not in self._resolved or (sidecar is not None and sidecar.wrong_terms):
            if len(self._resolved) >= SETTINGS_KEPT:
                self._resolved.clear()
            self._resolved[key] = self._resolve(sidecar, base, draft)
        return self._resolved[key]

    def _resolve(
        self, sidecar: Sidecar | None, base: Sequence[Mapping[str, Any]], draft: Draft
    ) -> Settings:
        if sidecar is not None:
            return sidecar.settings(*base, init_file=draft.init_file)
        own: dict[str, Any] = {}
        if draft.init_file is not None:
            own = {"init": "file", "init_file": draft.init_file}
        try:
            return resolve(*base, own)
        except SettingsError as error:  # The layers were checked; only together with `own`
            raise InputError(str(error)) from None

    def _age(self, draft: Draft) -> None:
        """Note how much longer a drop that cannot go on may stay as it is."""
        looks = (tuple(draft.lacks), draft.conflict, str(draft.error), tuple(draft.parts))
        before = self._unchanged_since.get(draft.name)
        since = before[1] if before and before[0] == looks else self._clock()
        self._unchanged_since[draft.name] = (looks, since)
        draft.patience = since + self._rules.wait_seconds - self._clock()

    def _judge(
        self, draft: Draft, by_path: Mapping[Path, InboxFile], uses: Mapping[Path, int]
    ) -> Drop:
        own = [by_path[part.path] for part in draft.parts if part.path in by_path]
        going = [part.path for part in draft.parts if not part.stays]
        settled = all(file.settled for file in own)
        verdict, message, error = draft.verdict() if settled else (Verdict.WAIT, "arriving", None)
        return Drop(
            name=self._source(draft.name),
            verdict=verdict,
            message=message,
            parts=_shared(draft.parts, uses),
            dropped=_newest([by_path[path] for path in going if path in by_path]),
            seen=self._first_seen[draft.name],
            settings=draft.settings,
            client=draft.client,
            terms=draft.terms,
            error=error,
            settled=settled,
            files=tuple(own),
        )


def _shared(parts: Sequence[Part], uses: Mapping[Path, int]) -> tuple[Part, ...]:
    """The parts, with what others need as well marked as shared."""
    return tuple(
        part
        if part.shared == (shared := part.stays or uses[part.path] > 1)
        else replace(part, shared=shared)
        for part in parts
    )


def _waits_for(unread: str, drop: Drop, by_path: Mapping[Path, InboxFile]) -> Drop:
    """A sidecar that cannot be read may name the very picture that this drop would move away."""
    own = (by_path[part.path] for part in drop.parts if part.path in by_path)
    if not any(file.named.role is Role.PICTURE for file in own):
        return drop
    message = f"waits until the sidecar of {unread} can be read"
    return replace(drop, verdict=Verdict.WAIT, message=message)


def _with_shares(drop: Drop, uses: Mapping[Path, int]) -> Drop:
    parts = _shared(drop.parts, uses)
    same = all(one is other for one, other in zip(parts, drop.parts, strict=True))
    return drop if same else replace(drop, parts=parts)


def _free(files: Sequence[InboxFile], uses: Mapping[Path, int]) -> tuple[InboxFile, ...]:
    """Pictures that no job uses."""
    return tuple(
        file
        for file in files
        if file.named.role is Role.PICTURE and file.regular and file.path not in uses
    )


def _newest(files: Sequence[InboxFile]) -> str:
    """Modification time of the newest file, ISO 8601, UTC."""
    newest = max((file.fingerprint.mtime_ns for file in files), default=0)
    try:
        return datetime.fromtimestamp(newest / 1e9, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # a file from the year 10000
        return datetime.now(UTC).isoformat(timespec="seconds")
