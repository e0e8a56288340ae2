"""A folder's preset: `preset.yaml` says what holds for every picture of the folder (form 3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from engine.errors import Problem
from hotfolder.errors import HotFolderError, SidecarError
from hotfolder.file_names import FileRole, ParsedName, can_be_job, key_of
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.refusals import RefusalGuard, regions_problem
from hotfolder.inbox.sidecar import Sidecar
from plugin.client.protocol import PRESET, SIDECAR_SUFFIXES, fold_name

__all__ = ["Preset", "PresetFolder", "check_preset", "is_preset_name"]

PRESET_NAMES = tuple(f"{PRESET}{suffix}" for suffix in SIDECAR_SUFFIXES)


@dataclass(frozen=True)
class Preset:
    """What holds for every picture of a folder."""

    file: InboxFile
    sidecar: Sidecar
    pictures: Mapping[str, InboxFile] = field(default_factory=dict)
    """Those beside it that it names, by their keys."""


class PresetFolder:
    """The preset of one folder, and the pictures that are jobs because of it."""

    def __init__(self, source_of: Callable[[str], str], *, of_one_job: bool = False) -> None:
        """
        Args:
            source_of: tells the name under which the job of a picture is dropped.
            of_one_job: the folder is a failed job's, which may be called `preset` itself.
        """
        self._source_of = source_of
        self._of_one_job = of_one_job
        self.preset: Preset | None = None
        """The last one that could be read, while there is a preset at all."""
        self.problem = ""
        """What is wrong with what lies there now; then every job of the folder is held."""
        self.is_arriving = False
        """Whether the first preset is still being written."""
        self.is_inherited = False
        """Whether it is that of a folder above."""
        self.loose: frozenset[Path] = frozenset()
        """Pictures that are contents because no sidecar names them."""
        self.twins: dict[str, str] = {}
        """Of pictures that differ in their suffix alone, the job of each but the first, and the
        job of the first."""
        self._jobs: dict[Path, str] = {}
        """The job of each loose picture, while it is there."""
        self._guard = RefusalGuard()

    @property
    def is_active(self) -> bool:
        """Whether pictures alone are jobs here."""
        return self.preset is not None or bool(self.problem)

    @property
    def is_recursive(self) -> bool:
        """Whether it holds for the folders in this one, too."""
        return self.preset is not None and self.preset.sidecar.recursive is True

    def take(
        self, files: list[InboxFile], base: Mapping[str, Any], above: Self | None = None
    ) -> list[InboxFile]:
        """Take the preset out of `files`.

        Args:
            base: `settings:` of config.yaml.
            above: that of the folder above, if it holds here as long as there is no other.
        """
        found = [file for file in files if is_preset_name(file.name)]
        self.problem = ""
        self.is_arriving = False
        if self._of_one_job and any(_is_sidecar_of_its_job(file, files) for file in found):
            found = []
        if found and self.is_inherited:
            self.preset = None
        self.is_inherited = not found and above is not None
        if not found:
            self.preset = above.preset if above is not None else None
            self.problem = above.problem if above is not None else ""
            return files
        others = [file for file in files if file not in found]
        if len(found) > 1:
            names = ", ".join(file.label for file in found)
            self.problem = f"several presets: {names}; take all but one away"
            return others
        (file,) = found
        if file.settled:
            try:
                self.preset = self._guard.look(file.label, lambda: _checked(file, base))
            except HotFolderError as error:
                self.problem = str(error).partition("\n")[0]
            except OSError as error:
                self.problem = f"{file.label}: cannot be read now: {error.strerror or error}"
        elif self.preset is None:
            self.is_arriving = True
            return []  # It is not known yet what the pictures are.
        if self.preset is not None:
            named = {key_of(name) for name in self.preset.sidecar.pictures()}
            pictures = {each.key: each for each in others if each.key in named}
            self.preset = replace(self.preset, file=file, pictures=pictures)
        return others

    def loose_pictures_as_contents(self, files: list[InboxFile]) -> list[InboxFile]:
        """In a preset folder every picture that no sidecar names is the content of a job."""
        self.loose = frozenset()
        if not self.is_active:
            self._jobs, self.twins = {}, {}
            return files
        sidecar_files = [file for file in files if file.parsed.role is FileRole.SIDECAR]
        sidecars = [_read(file) for file in sidecar_files if file.settled]
        if self.preset is not None and not self.is_inherited:
            sidecars.append(self.preset.sidecar)
        named = {
            key_of(name)
            for sidecar in sidecars
            if isinstance(sidecar, Sidecar)
            for name in sidecar.pictures()
        }
        loose = [
            file
            for file in files
            if file.parsed.role is FileRole.PICTURE
            and file.key not in named
            and can_be_job(self._source_of(_stem(file)))
        ]
        self._choose_jobs(loose)
        # A sidecar that is still being written may name a picture, too.
        with_sidecar = {file.parsed.job for file in sidecar_files}
        all_read = all(file.settled for file in sidecar_files)
        contents = {
            file.path: replace(
                file,
                parsed=ParsedName(FileRole.CONTENT, self._jobs[file.path]),
                settled=file.settled and (all_read or _stem(file) in with_sidecar),
            )
            for file in loose
        }
        self.loose = frozenset(contents)
        return [contents.get(file.path, file) for file in files]

    def _choose_jobs(self, loose: list[InboxFile]) -> None:
        """A job for each picture: `cat` of cat.jpg, and `cat-png` of a cat.png that lies beside it
        or has lain there before."""
        before, self._jobs, self.twins = self._jobs, {}, {}
        taken: set[str] = set()
        for file in sorted(loose, key=lambda file: file.path not in before):
            stem, job = _stem(file), before.get(file.path, _stem(file))
            while job in taken:
                job += file.key[len(stem) :].replace(".", "-")
            self._jobs[file.path] = job
            taken.add(job)
            if job != stem:
                self.twins[job] = stem


def check_preset(preset: Sidecar, base: Mapping[str, Any]) -> None:
    """What a preset may not say: it is a sidecar for every picture of a folder.

    Raises:
        SidecarError: one line for each problem.
    """
    expected = "no such key in a preset: it is for every picture in the folder"
    named = {"content": preset.content, "init_file": preset.init_file}
    problems = [
        Problem((key,), repr(value), expected) for key, value in named.items() if value is not None
    ]
    if preset.styles and (problem := regions_problem(preset.masks(), len(preset.styles))):
        problems.append(problem)
    if problems:
        raise SidecarError(preset.document.describe(problems))
    preset.settings(base, of_folder=True)


def is_preset_name(file_name: str) -> bool:
    """Whether a folder's preset may be called so. Case does not count."""
    return fold_name(file_name) in PRESET_NAMES


def _stem(file: InboxFile) -> str:
    return file.key.rpartition(".")[0]


def _checked(file: InboxFile, base: Mapping[str, Any]) -> Preset:
    sidecar = file.sidecar
    if isinstance(sidecar, SidecarError):
        raise SidecarError(str(sidecar))
    check_preset(sidecar, base)
    return Preset(file, sidecar)


def _read(file: InboxFile) -> Sidecar | SidecarError | None:
    """Its contents; None if it cannot be read now, which its own job says."""
    try:
        return file.sidecar
    except OSError:
        return None


def _is_sidecar_of_its_job(file: InboxFile, files: list[InboxFile]) -> bool:
    """Whether `preset.yaml` is the sidecar of a job called `preset`."""
    sidecar = _read(file) if file.settled else None
    names_content = isinstance(sidecar, Sidecar) and sidecar.content is not None
    return names_content or any(
        other.parsed.role is FileRole.CONTENT and other.parsed.job == PRESET for other in files
    )
