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
from hotfolder.errors import HotFolderError, InputError, SidecarError
from hotfolder.file_names import (
    CONTROL_FILES,
    FileRole,
    ParsedName,
    is_presentable,
    key_of,
    parse,
    shown,
)
from hotfolder.inbox.assembly import JobAssembly
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.listing import Listing
from hotfolder.inbox.model import Decision, InboxFile, InputFile, Preset
from hotfolder.inbox.sidecar import PictureNamesError, Sidecar, check_preset, read_sidecar
from hotfolder.inbox.stability import Fingerprint
from hotfolder.inbox.style_library import StyleLibrary

__all__ = ["FolderScanner", "ScanOptions"]

log = logging.getLogger(__name__)

SETTINGS_KEPT = 1000

PRESET_NAMES = ("preset.yaml", "preset.yml")


@dataclass(frozen=True)
class ScanOptions:
    """How drops are judged."""

    base: Mapping[str, Any]
    """`settings:` of config.yaml."""
    settle_seconds: float
    wait_seconds: float
    """How long a drop may lack something before it is held."""


class FolderScanner:
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
        self._rules = ScanOptions({}, 0.0, 0.0)
        self._listing = Listing(path, clock, self._named)
        self._complete: dict[str, tuple[object, JobCandidate]] = {}
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

    def scan(self, library: StyleLibrary, rules: ScanOptions) -> Snapshot:
        """Look once.

        Raises:
            OSError: the folder cannot be listed.
        """
        if rules != self._rules:
            self._rules, self._resolved = rules, {}
        files = self._listing.look(rules.settle_seconds)
        control_files = {
            role: self._by_job(files, role) for role in (*CONTROL_FILES, FileRole.BATCH)
        }
        files = [file for file in files if file.named.role not in control_files]
        preset, problem, files = self._take_preset(files)
        by_key = {key_of(file.name): file for file in files}
        if preset is not None or problem:
            files = self._loose_pictures_are_contents(files, preset)
        groups: dict[str, list[InboxFile]] = defaultdict(list)
        for file in files:
            if file.named.job:
                groups[file.named.job].append(file)
        self._forget(files, groups)
        assemblies: dict[str, JobAssembly] = {}
        keys: dict[str, object] = {}
        known: dict[str, JobCandidate] = {}
        for name, group in groups.items():
            try:
                keys[name] = key = self._made_of(group, by_key, library, preset)
                complete = self._complete.get(name)
                if complete is not None and complete[0] == key and not problem:
                    known[name] = complete[1]
                    continue
                assemblies[name] = self._draft(name, group, by_key, library, preset)
            except OSError as error:
                assemblies[name] = self._unreadable(name, group, error)
            except Exception as error:  # One drop must not stop the others.
                log.exception("[%s] cannot be understood", name)
                unforeseen = HotFolderError(f"{name}: an unforeseen error: {error!r}")
                assemblies[name] = JobAssembly(name, named=True, error=unforeseen)
                assemblies[name].complete_by_name(group)
            assemblies[name].hold = problem or assemblies[name].hold
        uses = Counter(path for d in assemblies.values() for path in {p.path for p in d.inputs})
        uses.update(path for d in known.values() for path in {p.path for p in d.inputs})
        by_path = {file.path: file for file in files}
        if preset is not None:
            by_path[preset.file.path] = preset.file
        candidates = {
            name: self._judge(assembly, by_path, uses) for name, assembly in assemblies.items()
        }
        candidates |= {name: _with_shares(candidate, uses) for name, candidate in known.items()}
        unread = next((assembly.name for assembly in assemblies.values() if assembly.unread), None)
        if unread is not None:
            candidates = {
                name: _waits_for(unread, candidate, by_path)
                for name, candidate in candidates.items()
            }
        self._complete = {
            name: (keys[name], candidate)
            for name, candidate in candidates.items()
            if candidate.decision is Decision.CLAIM
        }
        settling = [self._listing.next_settling(), *(d.due for d in assemblies.values())]
        return Snapshot(
            candidates=tuple(sorted(candidates.values(), key=lambda candidate: candidate.age)),
            control_files=control_files,
            unclaimed=() if preset or problem else _unclaimed(files, uses),
            unrecognised=self._unrecognised(files, uses, preset),
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

    def _by_job(self, files: Sequence[InboxFile], role: FileRole) -> dict[str, InboxFile]:
        """The files that say something about a job, by its name."""
        said = {self._source(f.named.job): f for f in files if f.named.role is role and f.regular}
        if role is FileRole.HEARTBEAT:
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
        of_pictures = [file for file in files if file.named.role is FileRole.SIDECAR]
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
                named=ParsedName(FileRole.CONTENT, job),
                settled=file.settled and (all_read or job in own),
            )
            if file.named.role is FileRole.PICTURE
            and key_of(file.name) not in named
            and is_presentable(self._source(job := key_of(file.name).rpartition(".")[0]))
            else file
            for file in files
        ]

    def _unrecognised(
        self, files: Sequence[InboxFile], uses: Mapping[Path, int], preset: Preset | None
    ) -> tuple[str, ...]:
        """What belongs to no job, in words."""
        named = preset.sidecar.pictures() if preset is not None else ()
        used = {key_of(name) for name in named}
        unrecognised = [
            self._shown(file.name)
            for file in files
            if not file.named.job and file.path not in uses and key_of(file.name) not in used
        ]
        if not self._folder:
            return tuple(unrecognised)
        pictures = [f for f in files if f.named.role is FileRole.PICTURE and f.path not in uses]
        if preset is None and pictures:
            unrecognised = [f"{shown(self._folder)}/ (no preset.yaml, so its pictures are no jobs)"]
        return (
            *unrecognised,
            *(f"{self._shown(name)}/ (a folder in a folder)" for name in self.folders),
        )

    def _named(self, file_name: str) -> ParsedName | None:
        named = parse(file_name)
        if named is None:
            return None
        if self._folder and named.role is FileRole.BATCH:
            return ParsedName(FileRole.OTHER)  # Batches lie in the inbox itself.
        if named.job and not is_presentable(self._source(named.job)):
            return ParsedName(FileRole.OTHER)
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
            if file.named.role is FileRole.SIDECAR and file.settled:
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
    ) -> JobAssembly:
        """Bring together what a job has, and note what it lacks."""
        assembly = JobAssembly(name, preset=preset)
        sidecars = [f for f in group if f.named.role is FileRole.SIDECAR]
        sidecar: Sidecar | None = None
        if len(sidecars) == 1 and sidecars[0].settled:
            try:
                sidecar = self._sidecar(sidecars[0])
            except SidecarError as error:
                assembly.error = error
                assembly.named = isinstance(error, PictureNamesError)
        assembly.one_of(FileRole.SIDECAR, sidecars)
        assembly.pictures(group, sidecar, by_key, library)
        assembly.complete_by_name(group)
        if assembly.error is None:
            try:
                assembly.settings = self._settings(sidecar, assembly)
            except HotFolderError as error:
                assembly.error = error
        for said in (preset.sidecar if preset else None, sidecar):
            if said is not None:
                assembly.client = said.client or assembly.client
                assembly.options = assembly.options.under(said.options)
        self._age(assembly)
        return assembly

    def _unreadable(self, name: str, group: Sequence[InboxFile], error: OSError) -> JobAssembly:
        """A drop of which something cannot be read at this moment: it may be open elsewhere."""
        what = Path(error.filename).name if isinstance(error.filename, str) else name
        message = f"{self._shown(what)}: cannot be read: {error.strerror}. Check its permissions."
        lacks = ["files that can be read"]
        assembly = JobAssembly(name, error=InputError(message), lacks=lacks, unread=True)
        assembly.complete_by_name(group)
        self._age(assembly)
        return assembly

    def _settings(self, sidecar: Sidecar | None, assembly: JobAssembly) -> Settings:
        base = [self._rules.base]
        if assembly.preset is not None:
            base.append(assembly.preset.sidecar.layer)
        layer = {} if sidecar is None else sidecar.layer
        key = repr((assembly.preset and assembly.preset.sidecar.layer, layer, assembly.init_file))
        if key not in self._resolved or (sidecar is not None and sidecar.wrong_options):
            if len(self._resolved) >= SETTINGS_KEPT:
                self._resolved.clear()
            self._resolved[key] = self._resolve(sidecar, base, assembly)
        return self._resolved[key]

    def _resolve(
        self, sidecar: Sidecar | None, base: Sequence[Mapping[str, Any]], assembly: JobAssembly
    ) -> Settings:
        if sidecar is not None:
            return sidecar.settings(*base, init_file=assembly.init_file)
        own: dict[str, Any] = {}
        if assembly.init_file is not None:
            own = {"init": "file", "init_file": assembly.init_file}
        try:
            return resolve(*base, own)
        except SettingsError as error:  # The layers were checked; only together with `own`
            raise InputError(str(error)) from None

    def _age(self, assembly: JobAssembly) -> None:
        """Note how much longer a drop that cannot go on may stay as it is."""
        looks = (
            tuple(assembly.lacks),
            assembly.conflict,
            str(assembly.error),
            tuple(assembly.inputs),
        )
        before = self._unchanged_since.get(assembly.name)
        since = before[1] if before and before[0] == looks else self._clock()
        self._unchanged_since[assembly.name] = (looks, since)
        assembly.remaining_wait = since + self._rules.wait_seconds - self._clock()

    def _judge(
        self, assembly: JobAssembly, by_path: Mapping[Path, InboxFile], uses: Mapping[Path, int]
    ) -> JobCandidate:
        own = [
            by_path[input_file.path] for input_file in assembly.inputs if input_file.path in by_path
        ]
        going = [input_file.path for input_file in assembly.inputs if not input_file.stays]
        settled = all(file.settled for file in own)
        decision, message, error = (
            assembly.decision() if settled else (Decision.WAIT, "arriving", None)
        )
        return JobCandidate(
            name=self._source(assembly.name),
            decision=decision,
            message=message,
            inputs=_shared(assembly.inputs, uses),
            dropped=_newest([by_path[path] for path in going if path in by_path]),
            seen=self._first_seen[assembly.name],
            settings=assembly.settings,
            client=assembly.client,
            options=assembly.options,
            error=error,
            settled=settled,
            files=tuple(own),
        )


def _shared(inputs: Sequence[InputFile], uses: Mapping[Path, int]) -> tuple[InputFile, ...]:
    """The parts, with what others need as well marked as shared."""
    return tuple(
        input_file
        if input_file.shared == (shared := input_file.stays or uses[input_file.path] > 1)
        else replace(input_file, shared=shared)
        for input_file in inputs
    )


def _waits_for(
    unread: str, candidate: JobCandidate, by_path: Mapping[Path, InboxFile]
) -> JobCandidate:
    """A sidecar that cannot be read may name the very picture that this drop would move away."""
    own = (
        by_path[input_file.path] for input_file in candidate.inputs if input_file.path in by_path
    )
    if not any(file.named.role is FileRole.PICTURE for file in own):
        return candidate
    message = f"waits until the sidecar of {unread} can be read"
    return replace(candidate, decision=Decision.WAIT, message=message)


def _with_shares(candidate: JobCandidate, uses: Mapping[Path, int]) -> JobCandidate:
    inputs = _shared(candidate.inputs, uses)
    same = all(one is other for one, other in zip(inputs, candidate.inputs, strict=True))
    return candidate if same else replace(candidate, inputs=inputs)


def _unclaimed(files: Sequence[InboxFile], uses: Mapping[Path, int]) -> tuple[InboxFile, ...]:
    """Pictures that no job uses."""
    return tuple(
        file
        for file in files
        if file.named.role is FileRole.PICTURE and file.regular and file.path not in uses
    )


def _newest(files: Sequence[InboxFile]) -> str:
    """Modification time of the newest file, ISO 8601, UTC."""
    newest = max((file.fingerprint.mtime_ns for file in files), default=0)
    try:
        return datetime.fromtimestamp(newest / 1e9, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # a file from the year 10000
        return datetime.now(UTC).isoformat(timespec="seconds")
