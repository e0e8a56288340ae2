"""What a scan of the inbox finds: job candidates, control files and batches.

A *job candidate* is a job that is not claimed yet: files that belong together by name (form 1), by
a sidecar that names them (form 2), or a picture in a preset folder (form 3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from engine.errors import SettingsError
from engine.settings import Settings, resolve
from hotfolder.errors import HotFolderError, InputError
from hotfolder.file_names import BESIDE, FileRole
from hotfolder.folder_access import fingerprint_of, lstat
from hotfolder.inbox.model import Decision, InboxFile, InputFile
from hotfolder.inbox.presets import Preset
from hotfolder.inbox.sidecar import Sidecar
from hotfolder.job_options import JobOptions
from hotfolder.limits import MAX_PROBLEMS
from hotfolder.scheduling import SchedulingKey, folder_of
from plugin.client.protocol import ControlFile

__all__ = ["Collected", "ControlPaths", "JobCandidate", "Snapshot"]

ControlPaths = Mapping[tuple[ControlFile, str], tuple[Path, ...]]
"""Control files by what they ask for and the job's name."""


@dataclass(frozen=True)
class JobCandidate:
    """A job that may be claimed, as of one scan."""

    name: str
    """Under which it was dropped; in a folder of the inbox `FOLDER/NAME`."""
    decision: Decision
    message: str
    """Why it waits or is refused, in one line; empty if it is ready."""
    inputs: tuple[InputFile, ...]
    """Every file to take, styles in their order; a style may appear twice."""
    dropped: str
    settings: Settings | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    options: JobOptions = field(default_factory=JobOptions)
    error: HotFolderError | None = None
    settled: bool = True
    seen: float = 0.0
    """When the first of it was found there, by the scanner's clock."""
    files: tuple[InboxFile, ...] = ()
    """Its files in the inbox, as they were found."""

    def is_unchanged(self) -> bool:
        """Whether its files are still as they were found."""
        try:
            return all(fingerprint_of(lstat(file.path)) == file.fingerprint for file in self.files)
        except OSError:
            return False

    @property
    def age(self) -> tuple[float, str, str]:
        """Smaller is older. A picture that is moved in keeps its time, so the time decides only
        among those that were found in one scan, as after a start."""
        return self.seen, self.dropped, self.name

    @property
    def called(self) -> str:
        """What the job is called, if no other is: `oil/cat`, from the folder oil, is oil-cat."""
        return self.name.replace("/", "-")

    @cached_property
    def scheduling_key(self) -> SchedulingKey:
        """Its place in the queue: behind jobs like it that are claimed already."""
        return SchedulingKey(self.options.priority, folder_of(self.name), (1, *self.age))

    def with_shares(self, uses: Mapping[Path, int]) -> Self:
        """With the inputs marked as shared that others need as well; without those of them that are
        no plain files, of which there are no copies.

        Args:
            uses: by how many each file is needed.
        """
        irregular = {file.path for file in self.files if not file.regular}
        inputs = tuple(
            file if file.shared == shared else replace(file, shared=shared)
            for file in self.inputs
            for shared in [file.stays or uses[file.path] > 1]
            if not (shared and file.path in irregular)
        )
        return self if inputs == self.inputs else replace(self, inputs=inputs)

    def of(self, role: FileRole) -> tuple[InputFile, ...]:
        return tuple(input_file for input_file in self.inputs if input_file.role == role)


@dataclass(frozen=True)
class Snapshot:
    """One scan. `candidates` are ordered by age, the oldest first."""

    candidates: tuple[JobCandidate, ...] = ()
    control_files: Mapping[ControlFile, Mapping[str, InboxFile]] = field(
        default_factory=lambda: {role: {} for role in ControlFile}
    )
    """By what they ask for, and then by the job's name (of heartbeats: its name when dropped)."""
    control_paths: ControlPaths = field(default_factory=dict)
    """Every file that asks for the same of the same job: in the inbox, in a folder of it, under
    either Unicode form of the name."""
    batch_files: Mapping[str, InboxFile] = field(default_factory=dict)
    """By the batch's name."""
    unclaimed: tuple[InboxFile, ...] = ()
    """Pictures that no job uses, and masks whose job has nothing else."""
    unrecognised: tuple[str, ...] = ()
    """What belongs to no job, in words."""
    settling: float | None = None
    """Seconds until another scan may tell more; None if everything is quiet."""
    arriving: bool = False
    """Whether a file of a job is still being written."""
    changed: bool = False
    """Whether files have come, gone or changed since the scan before; not those in folders, whose
    files may come before the watch on them."""


@dataclass
class Collected:
    """What has been found of a job in the making, and what it lacks."""

    name: str
    preset: Preset | None = None
    sidecar: Sidecar | None = None
    inputs: list[InputFile] = field(default_factory=list)
    files: list[InboxFile] = field(default_factory=list)
    """Those of the inputs that lie in the inbox, as they were found."""
    settings: Settings | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    options: JobOptions = field(default_factory=JobOptions)
    init_file: str | None = None
    palette: str | None = None
    masks: dict[str, Any] = field(default_factory=dict)
    """The settings that name masks."""
    lacks: list[str] = field(default_factory=list)
    """What is missing, in words."""
    missing: list[str] = field(default_factory=list)
    """The same of what the sidecar asks for by name, with its line."""
    named_by_sidecar: bool = False
    """Whether the sidecar says which pictures the job takes: then no pair need be waited for."""
    conflict: str = ""
    hold: str = ""
    """What is wrong with the preset: a person must mend it, not this job."""
    error: HotFolderError | None = None
    remaining_wait: float = 0.0
    unread: bool = False
    """Whether its sidecar could not be read, so that nobody knows which pictures it names."""

    @property
    def layers(self) -> list[Sidecar]:
        """The preset's and the job's own, as far as there are such."""
        layers = (self.preset.sidecar if self.preset else None, self.sidecar)
        return [layer for layer in layers if layer is not None]

    @property
    def texture(self) -> Sidecar | None:
        """The layer that asks for a texture, if the job is one."""
        for layer in reversed(self.layers):
            if layer.is_texture() or layer.layer.get("texture") is False:
                return layer if layer.is_texture() else None
        return None

    @property
    def makes_textures(self) -> bool:
        """Whether a picture by itself is the style of a texture: the preset asks for that."""
        preset = self.preset.sidecar if self.preset else None
        return self.texture is not None and preset is not None and preset.is_texture()

    def resolved(self, base: Sequence[Mapping[str, Any]]) -> Settings:
        """The job's settings over the layers of `base`.

        Raises:
            SidecarError, InputError: they are refused.
        """
        # The preset's palette is in the preset's layer, which this one may outrank.
        preset = self.preset.sidecar if self.preset else None
        palette = None if preset and preset.palette == self.palette else self.palette
        if self.sidecar is not None:
            return self.sidecar.settings(
                *base, init_file=self.init_file, palette=palette, masks=self.masks
            )
        own = {"init": "file", "init_file": self.init_file} if self.init_file is not None else {}
        own |= {"palette": palette} if palette is not None else {}
        try:
            return resolve(*base, own | self.masks)
        except SettingsError as error:  # The layers were checked; only together with `own`
            raise InputError(str(error)) from None

    @property
    def due(self) -> float | None:
        """Seconds until waiting in vain ends."""
        waits = self.error or self.lacks or self.conflict
        return self.remaining_wait if waits and self.remaining_wait > 0 else None

    def decision(self) -> tuple[Decision, str, HotFolderError | None]:
        """What to do, why, and the error to fail the job with.

        Errors are shown at once, but the job is failed only when nothing more can come that would
        then be taken for a job of its own, or when that has been waited for.
        """
        if self.hold:
            return Decision.HOLD, self.hold, None
        overdue = self.remaining_wait <= 0
        beside_alone = bool(self.files) and all(file.parsed.role in BESIDE for file in self.files)
        if self.error is not None and beside_alone:
            # They may be a batch's, which would be painted without them.
            wait = Decision.HOLD if overdue else Decision.WAIT
            return wait, str(self.error).partition("\n")[0], None
        if self.error is not None:
            final = overdue or self.named_by_sidecar or not (self.lacks or self.conflict)
            first_line = str(self.error).partition("\n")[0]
            return Decision.REFUSE if final else Decision.WAIT, first_line, self.error
        wait = Decision.HOLD if overdue else Decision.WAIT
        if self.conflict:
            return wait, self.conflict, None
        if self.missing and overdue:
            return wait, self.missing[0], None
        if self.lacks:
            more = len(self.lacks) - MAX_PROBLEMS
            lacks = [*self.lacks[:MAX_PROBLEMS], *([f"{more} more"] if more > 0 else [])]
            return wait, f"lacks {'; '.join(lacks)}", None
        return Decision.CLAIM, "", None
