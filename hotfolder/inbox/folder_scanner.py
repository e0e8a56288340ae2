"""Finds the job candidates in one folder: the inbox, or a folder in it.

A scan lists the files, sets control files, batches and the preset aside, groups what is left by the
job that it is named after, assembles each group to a job candidate, and decides what is to be done
with it. Nothing is moved here, and no picture is opened.
"""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from engine.settings import Settings
from hotfolder.errors import HotFolderError, InputError
from hotfolder.file_names import (
    BESIDE,
    FileRole,
    ParsedName,
    is_presentable,
    key_of,
    parse,
    shown,
)
from hotfolder.inbox.assembly import JobAssembly
from hotfolder.inbox.candidate import JobCandidate, Snapshot
from hotfolder.inbox.listing import Listing, arriving_message, newest_time
from hotfolder.inbox.model import Decision, InboxFile
from hotfolder.inbox.presets import PresetFolder, is_preset_name
from hotfolder.inbox.refusals import RefusalGuard
from hotfolder.inbox.sidecar import ForeignFileError, Sidecar
from hotfolder.inbox.style_library import PictureSources, StyleLibrary
from hotfolder.inbox.unrecognised import unrecognised
from hotfolder.throttle import Steps
from plugin.client.protocol import PICTURE_SUFFIXES, ControlFile

__all__ = ["FolderScanner", "ScanOptions"]


@dataclass(frozen=True)
class ScanOptions:
    """How job candidates are judged."""

    base: Mapping[str, Any]
    """`settings:` of config.yaml."""
    settle_seconds: float
    wait_seconds: float
    """How long a job may lack something before it is held."""


@dataclass(slots=True)
class _Group:
    """The files of one job's name, and what is remembered of them while there are any."""

    name: str
    first_seen: float
    files: list[InboxFile] = field(default_factory=list)
    candidate: JobCandidate | None = None
    """The job that they are, as of the last scan."""
    made_of: object = None
    """All that `candidate` depends on, if it lacks nothing."""
    state: object = None
    """What the job had and lacked, and what was wrong with it."""
    unchanged_since: float = 0.0

    @property
    def has_content(self) -> bool:
        return any(file.parsed.role is FileRole.CONTENT for file in self.files)


class FolderScanner:
    """Scans one folder. Remembers since when things have been as they are, and the candidates that
    lack nothing, so that a crowd of them need not be assembled in every scan."""

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        *,
        folder: str = "",
        presets: bool = False,
    ) -> None:
        """
        Args:
            folder: its name below the inbox, if it is not the inbox itself.
            presets: whether it may have a preset.
        """
        self._clock = clock
        self._folder = folder
        self._listing = Listing(path, clock, folder=folder, parse_name=self._parse)
        self._may_have_preset = presets
        self.presets = PresetFolder(self._source, of_one_job=not folder)
        """As of the last scan."""
        self._options = ScanOptions({}, 0.0, 0.0)
        self._groups: dict[str, _Group] = {}
        self._guard = RefusalGuard()
        self._foreign: dict[Path, str] = {}
        """Files of other programs that are called like sidecars, in words."""
        self._control_paths: dict[tuple[ControlFile, str], list[Path]] = {}
        self._no_files: list[str] = []
        """Links, pipes and devices that are called like a batch or a control file, in words."""
        self._resolved: WeakValueDictionary[str, Settings] = WeakValueDictionary()
        """Settings by the layers they came of: a crowd that asks for the same shares them."""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders in it, as of the last scan."""
        return self._listing.folders

    def steps(
        self, library: StyleLibrary, options: ScanOptions, above: PresetFolder | None = None
    ) -> Steps[Snapshot]:
        """Scan once. Nothing is decided before all files are listed and all sidecars are read.

        Args:
            above: the preset of the folder above, if it holds here, too.

        Raises:
            OSError: the folder cannot be listed.
        """
        if options != self._options:  # Else the same object, which is compared at once.
            self._options = options
        listed = yield from self._listing.steps(options.settle_seconds)
        control_files, batch_files, files = self._sort(listed)
        yield
        self._foreign = {}
        for file in files:
            if file.parsed.role is FileRole.SIDECAR and file.settled:
                with contextlib.suppress(OSError):  # Its job says so.
                    self._note_foreign(file)
                yield
        files = [
            replace(file, parsed=ParsedName(FileRole.OTHER)) if file.path in self._foreign else file
            for file in files
        ]
        if self._may_have_preset:
            files = self.presets.take(files, options.base, above)
        sources = PictureSources({file.key: file for file in files}, library)
        files = self.presets.loose_pictures_as_contents(files)
        self._group(files)
        yield
        waits = [self._listing.next_settling()]
        unread: list[_Group] = []
        for group in self._groups.values():
            if (assembly := self._assemble(group, sources)) is not None:
                group.candidate = self._judge(assembly, group)
                waits.append(assembly.due)
                unread += [group] if assembly.unread else []
            yield
        uses: Counter[Path] = Counter()
        for group in self._groups.values():
            uses.update({file.path for file in group.candidate.inputs} if group.candidate else ())
            yield
        for group in self._groups.values():
            if group.candidate is not None:
                group.candidate = group.candidate.with_shares(uses)
                if unread:
                    group.candidate = self._waits_for(unread, group.candidate)
        yield
        candidates = [group.candidate for group in self._groups.values() if group.candidate]
        return Snapshot(
            candidates=tuple(sorted(candidates, key=lambda candidate: candidate.age)),
            control_files=control_files,
            control_paths={key: tuple(paths) for key, paths in self._control_paths.items()},
            batch_files=batch_files,
            unclaimed=(
                *(f for f in files if self._is_unclaimed(f) and f.path not in uses),
                *(f for f in self._lone_pictures() if uses[f.path] < 2),
            ),
            unrecognised=(
                *(*self._no_files, *self._listing.unreadable),
                *unrecognised(files, uses, self._foreign, self._folder, self.folders, self.presets),
            ),
            settling=min((seconds for seconds in waits if seconds is not None), default=None),
            arriving=self.presets.is_arriving or any(not each.settled for each in candidates),
            changed=self._listing.changed,
        )

    def release(self, name: str) -> None:
        """Let the job dropped as `name` wait again, from the next scan on, as if it had just
        come."""
        if name in self._groups:
            self._groups[name].state = None

    # --- which files are what --------------------------------------------------------------

    def _source(self, name: str) -> str:
        return f"{self._folder}/{name}" if self._folder else name

    def _parse(self, file_name: str) -> ParsedName | None:
        parsed = parse(file_name)
        if parsed is None:
            return None
        if self._folder and parsed.role is FileRole.BATCH:
            return ParsedName(FileRole.OTHER)  # Batches lie in the inbox itself.
        if parsed.job and not is_presentable(self._source(parsed.job)):
            return ParsedName(FileRole.OTHER)
        return parsed

    def _sort(
        self, files: Iterable[InboxFile]
    ) -> tuple[dict[ControlFile, dict[str, InboxFile]], dict[str, InboxFile], list[InboxFile]]:
        """Control files and batches, by the names of their jobs, and what may be a job's input."""
        controls: dict[ControlFile, dict[str, InboxFile]] = {role: {} for role in ControlFile}
        batches: dict[str, InboxFile] = {}
        others = []
        self._no_files = []
        self._control_paths = defaultdict(list)
        for file in files:
            role, source = file.parsed.role, self._source(file.parsed.job)
            if isinstance(role, ControlFile) and file.regular:
                name = self._controlled(role, source)
                controls[role][name] = file
                self._control_paths[role, name].append(file.path)
            elif role is FileRole.BATCH and file.regular:
                batches[source] = file
            elif isinstance(role, FileRole) and role is not FileRole.BATCH:
                others.append(file)
            else:
                self._no_files.append(f"{file.label} (not a plain file)")
        return controls, batches, others

    def _note_foreign(self, file: InboxFile) -> None:
        """Read a sidecar, which is remembered, and note whether it is another program's file.

        Raises:
            OSError: it cannot be read now.
        """
        is_preset = self._may_have_preset and is_preset_name(file.name)
        if isinstance(file.sidecar, ForeignFileError) and not is_preset:
            self._foreign[file.path] = str(file.sidecar).removeprefix(f"{file.label}: ").rstrip(".")

    def _controlled(self, role: ControlFile, source: str) -> str:
        """The name by which a control file means its job."""
        # A client knows the name under which it dropped its job, and no other.
        return source if role is ControlFile.HEARTBEAT else source.replace("/", "-")

    def _group(self, files: Iterable[InboxFile]) -> None:
        """Bring the files together that bear one job's name; forget names that are gone."""
        by_job: dict[str, list[InboxFile]] = defaultdict(list)
        after_pictures = []
        for file in files:
            if file.parsed.picture:
                after_pictures.append(file)
            elif file.parsed.job:
                by_job[file.parsed.job].append(file)
        for twin, job in self.presets.twins.items():
            by_job[twin] += [
                f for f in by_job.get(job, ()) if f.parsed.role is not FileRole.CONTENT
            ]
        for job in {*self.presets.twins.values()}:
            if not any(f.parsed.role is FileRole.CONTENT for f in by_job.get(job, ())):
                by_job.pop(job, None)  # The last picture of the stem takes them.
        named = {key_of(file.parsed.picture) for file in after_pictures}
        contents = {f.key: job for job, group in by_job.items() for f in group if f.key in named}
        for file in after_pictures:
            # There may be a job of the very name `cat.jpg`.
            own = file.parsed.picture in by_job and file.parsed.picture
            job = own or contents.get(key_of(file.parsed.picture)) or file.parsed.job
            by_job[job].append(file)
        before, self._groups = self._groups, {}
        now = self._clock()
        for name, group_files in by_job.items():
            self._groups[name] = before.get(name) or _Group(name, first_seen=now)
            self._groups[name].files = group_files

    def _is_unclaimed(self, file: InboxFile) -> bool:
        """Whether it is a picture that a batch may take."""
        is_picture = file.parsed.role is FileRole.PICTURE and file.regular
        return is_picture and not self.presets.is_active

    def _lone_pictures(self) -> Iterator[InboxFile]:
        """Masks and palettes of jobs that have nothing else: a batch takes them with the pictures
        that they lie beside."""
        for group in self._groups.values() if not self.presets.is_active else ():
            if all(file.parsed.role in BESIDE for file in group.files):
                yield from group.files

    # --- what job they are -----------------------------------------------------------------

    def _assemble(self, group: _Group, sources: PictureSources) -> JobAssembly | None:
        """Bring together what a job has, and note what it lacks; None if it is as it was in the
        last scan and lacks nothing."""
        try:
            made_of = self._made_of(group, sources)
            complete = group.candidate is not None and group.candidate.decision is Decision.CLAIM
            if complete and group.made_of == made_of and not self.presets.problem:
                return None
            group.made_of = made_of
            assembly = JobAssembly(group.name, preset=self.presets.preset)
            assembly.collect(group.files, sources)
            if assembly.error is None:
                try:
                    assembly.settings = self._settings(assembly)
                except HotFolderError as error:
                    assembly.error = error
        except OSError as error:
            assembly = self._unreadable(group, error)
        except Exception as error:  # One job must not stop the others.
            refusal = self._guard.refusal(self._source(group.name), error)
            assembly = JobAssembly(group.name, named_by_sidecar=True, error=refusal)
            assembly.complete_by_name(group.files)
        assembly.hold = self.presets.problem or assembly.hold
        self._note_waiting(group, assembly)
        return assembly

    def _made_of(self, group: _Group, sources: PictureSources) -> object:
        """All that a job without a fault depends on: while it is the same, so is the job."""
        preset = self.presets.preset
        sidecars = [] if preset is None else [preset.sidecar]
        for file in group.files:
            is_sidecar = file.parsed.role is FileRole.SIDECAR and file.settled
            if is_sidecar and isinstance(file.sidecar, Sidecar):
                sidecars.append(file.sidecar)
        found = [sources.find(name) for sidecar in sidecars for name in sidecar.pictures()]
        if any(sidecar.is_texture() for sidecar in sidecars):
            found += [sources.loose(f"{group.name}{suffix}") for suffix in PICTURE_SUFFIXES]
        after = (sources.loose(f.parsed.picture) for f in group.files if f.parsed.picture)
        return (*group.files, preset, self._options, *found, *after)

    def _unreadable(self, group: _Group, error: OSError) -> JobAssembly:
        """A job of which something cannot be read at this moment: it may be open elsewhere."""
        what = Path(error.filename).name if isinstance(error.filename, str) else group.name
        message = (
            f"{shown(self._source(what))}: cannot be read: {error.strerror}. Check its permissions."
        )
        lacks = ["files that can be read"]
        assembly = JobAssembly(group.name, error=InputError(message), lacks=lacks, unread=True)
        assembly.complete_by_name(group.files)
        return assembly

    def _settings(self, assembly: JobAssembly) -> Settings:
        base = [self._options.base]
        if assembly.preset is not None:
            base.append(assembly.preset.sidecar.layer)
        sidecar = assembly.sidecar
        named = (assembly.init_file, assembly.palette, assembly.masks)
        key = repr((base, sidecar and sidecar.layer, named))
        settings = self._resolved.get(key)
        if settings is None or (sidecar is not None and sidecar.wrong_options):
            settings = self._resolved[key] = assembly.resolved(base)
        return settings

    def _note_waiting(self, group: _Group, assembly: JobAssembly) -> None:
        """Note how much longer a job that cannot go on may stay as it is."""
        lacks, inputs = tuple(assembly.lacks), tuple(assembly.inputs)
        state = (lacks, assembly.conflict, str(assembly.error), inputs)
        if group.state != state:
            group.state, group.unchanged_since = state, self._clock()
        until = group.unchanged_since + self._options.wait_seconds
        assembly.remaining_wait = until - self._clock()

    def _judge(self, assembly: JobAssembly, group: _Group) -> JobCandidate:
        leaving = {file.path for file in assembly.inputs if not file.stays}
        arriving = {
            file.label: self._listing.arriving_for(file.name)
            for file in assembly.files
            if not file.settled
        }
        settled = not arriving
        decision, message, error = assembly.decision() if settled else (Decision.WAIT, "", None)
        if arriving:
            longest = max(arriving, key=lambda label: arriving[label])
            message = arriving_message([longest], arriving[longest])
        return JobCandidate(
            name=self._source(assembly.name),
            decision=decision,
            message=message,
            inputs=tuple(assembly.inputs),
            dropped=newest_time(file for file in assembly.files if file.path in leaving),
            seen=group.first_seen,
            settings=assembly.settings,
            client=assembly.client,
            options=assembly.options,
            error=error,
            settled=settled,
            files=tuple(assembly.files),
        )

    def _waits_for(self, unread: Sequence[_Group], candidate: JobCandidate) -> JobCandidate:
        """A sidecar that cannot be read may name the very picture that this job would move away.
        But in a preset folder one that has a picture of its own name is that picture's."""
        if not any(file.parsed.role is FileRole.PICTURE for file in candidate.files):
            if not any(file.path in self.presets.loose for file in candidate.files):
                return candidate
            unread = [group for group in unread if not group.has_content]
        for group in unread:
            if self._source(group.name) != candidate.name:
                message = f"waits until the sidecar of {shown(group.name)} can be read"
                return replace(candidate, decision=Decision.WAIT, message=message)
        return candidate
