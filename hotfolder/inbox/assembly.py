"""Which files make a job, what is missing, and whether to go on, wait or refuse.

A *draft* is a drop in the making: files that belong together by name (form 1), or because a sidecar
names them (form 2), or by a mixture of both.
"""

import difflib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Problem
from engine.settings import Settings
from hotfolder.errors import HotFolderError, InputError, SidecarError
from hotfolder.file_names import FileRole, key_of, shown
from hotfolder.inbox.model import Decision, InboxFile, InputFile, Preset
from hotfolder.inbox.sidecar import Sidecar
from hotfolder.inbox.style_library import StyleLibrary
from hotfolder.job_options import JobOptions

__all__ = ["JobAssembly"]


@dataclass
class JobAssembly:
    """A drop in the making."""

    name: str
    preset: Preset | None = None
    inputs: list[InputFile] = field(default_factory=list)
    settings: Settings | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    options: JobOptions = field(default_factory=JobOptions)
    init_file: str | None = None
    lacks: list[str] = field(default_factory=list)
    """What is missing, in words."""
    missing: list[str] = field(default_factory=list)
    """The same of what the sidecar asks for by name, with its line."""
    named: bool = False
    """Whether the pictures are the sidecar's affair: then no pair need be waited for."""
    conflict: str = ""
    hold: str = ""
    """What is wrong with the preset: a person must mend it, not this job."""
    error: HotFolderError | None = None
    remaining_wait: float = 0.0
    unread: bool = False
    """Whether its sidecar could not be read, so that nobody knows which pictures it names."""

    @property
    def due(self) -> float | None:
        """Seconds until waiting in vain ends."""
        waits = self.error or self.lacks or self.conflict
        return self.remaining_wait if waits and self.remaining_wait > 0 else None

    def decision(self) -> tuple[Decision, str, HotFolderError | None]:
        """Errors are shown at once, but the drop is failed only when nothing more can come that
        would then be taken for a job of its own, or when that has been waited for."""
        if self.hold:
            return Decision.HOLD, self.hold, None
        overdue = self.remaining_wait <= 0
        if self.error is not None:
            final = overdue or self.named or not (self.lacks or self.conflict)
            return Decision.REFUSE if final else Decision.WAIT, _first_line(self.error), self.error
        wait = Decision.HOLD if overdue else Decision.WAIT
        if self.conflict:
            return wait, self.conflict, None
        if self.missing and overdue:
            return wait, self.missing[0], None
        if self.lacks:
            return wait, f"lacks {'; '.join(self.lacks)}", None
        return Decision.CLAIM, "", None

    def one_of(self, role: FileRole, candidates: Sequence[InboxFile], slot: int = 0) -> None:
        """Note a conflict if several files are there for one part."""
        if len(candidates) > 1:
            what = f"{role}{slot if slot > 1 else ''}"
            names = ", ".join(shown(file.name) for file in candidates)
            self.conflict = f"several files for {what}: {names}; take all but one away"

    def complete_by_name(self, group: Sequence[InboxFile]) -> None:
        """Take along what bears the job's name but found no use (one of several candidates)."""
        taken = {input_file.path for input_file in self.inputs}
        self.inputs += [InputFile(f.named.role, f.path) for f in group if f.path not in taken]

    def add(self, role: FileRole, file: InboxFile, *, stays: bool = False) -> None:
        """Take a file of the inbox; anything but a plain file is an error."""
        self.inputs.append(InputFile(role, file.path, stays=stays))
        if not file.regular and self.error is None:
            kind = "a link" if file.path.is_symlink() else "not a plain file"
            self.error = InputError(
                f"{shown(file.name)}: {kind}. Put the picture itself into the inbox."
            )

    def pictures(
        self,
        group: Sequence[InboxFile],
        sidecar: Sidecar | None,
        by_key: Mapping[str, InboxFile],
        library: StyleLibrary,
    ) -> None:
        """Find content, styles and the picture to start from: by role, and by the sidecar."""
        by_role: dict[tuple[FileRole, int], list[InboxFile]] = defaultdict(list)
        for file in group:
            if file.named.role is not FileRole.SIDECAR:
                by_role[file.named.role, file.named.slot].append(file)
        for (role, slot), candidates in by_role.items():
            self.one_of(role, candidates, slot)
        if self.conflict:
            return
        content = by_role[FileRole.CONTENT, 0]
        init = by_role[FileRole.INIT, 0]
        styles = [
            files[0] for (role, _), files in sorted(by_role.items()) if role is FileRole.STYLE
        ]
        if sidecar is not None and sidecar.content is not None:
            content = self._named(FileRole.CONTENT, sidecar, sidecar.content, content, by_key)
        elif not content:
            self.lacks.append(f"a content picture ({self.name}.content.jpg)")
        if sidecar is not None and sidecar.init_file is not None:
            init = self._named(FileRole.INIT, sidecar, sidecar.init_file, init, by_key)
            self.init_file = sidecar.init_file
        elif init:
            self.init_file = init[0].name
        elif sidecar is not None and sidecar.wants_init_picture():
            self.init_file = f"{self.name}.init.png"
            self.lacks.append(f"a picture to start from ({self.init_file})")
        for role, files in ((FileRole.CONTENT, content), (FileRole.INIT, init)):
            for file in files:
                self.add(role, file)
        if self.preset is not None:
            self.add(FileRole.PRESET, self.preset.file, stays=True)
        if sidecar is not None and sidecar.styles:
            self._named_styles(sidecar, styles, by_key, library)
        elif self.preset is not None and self.preset.sidecar.styles and not styles:
            self._named_styles(self.preset.sidecar, [], by_key, library)
        else:
            self._styles_by_role(styles)

    def _named(
        self,
        role: FileRole,
        sidecar: Sidecar,
        name: str,
        by_role: list[InboxFile],
        by_key: Mapping[str, InboxFile],
    ) -> list[InboxFile]:
        file = by_key.get(key_of(name))
        if file is None:
            key = "content" if role is FileRole.CONTENT else "init_file"
            pictures = [f.name for f in by_key.values() if f.named.role is FileRole.PICTURE]
            self._miss(sidecar, (key,), name, "beside it, which is not there", pictures)
            return by_role
        if by_role and by_role[0] != file:
            self.conflict = (
                f"several files for {role}: {shown(by_role[0].name)}, and {name} by the sidecar; "
                "take one away"
            )
        return [file]

    def _named_styles(
        self,
        sidecar: Sidecar,
        by_role: list[InboxFile],
        by_key: Mapping[str, InboxFile],
        library: StyleLibrary,
    ) -> None:
        preset = self.preset is not None and sidecar is self.preset.sidecar
        named: list[InboxFile] = []
        for index, name in enumerate(sidecar.styles):
            if (file := by_key.get(key_of(name))) is not None:
                named.append(file)
                self.add(FileRole.STYLE, file, stays=preset)
                continue
            inside = name.removeprefix("styles/")
            path = library.find(inside)
            if path is not None:
                if library.leaves(path):
                    self.named = True
                    problem = Problem(
                        ("styles", index), repr(name), "a picture, not a link that leads elsewhere"
                    )
                    self._refuse(sidecar.document.describe([problem]), preset=preset)
                else:
                    self.inputs.append(
                        InputFile(FileRole.STYLE, library.resolved(path), stays=True)
                    )
                continue
            where = "beside it or in styles/, which is in neither"
            if library_only := inside != name or "/" in name:
                where = "in styles/, which is not there"
            self._miss(sidecar, ("styles", index), name, where, library.names())
            if library_only:  # The library is not a delivery: no waiting for it.
                self._refuse(self.missing[-1], preset=preset)
        for file in by_role:
            if file not in named:
                self.conflict = (
                    f"several files for style: {shown(file.name)}, and {', '.join(sidecar.styles)} "
                    "by the sidecar; take one away"
                )

    def _refuse(self, problem: str, *, preset: bool) -> None:
        """A sidecar's error ends its job; a preset's only keeps it waiting."""
        if preset:
            self.hold = self.hold or problem
        else:
            self.error = self.error or SidecarError(problem)

    def _styles_by_role(self, styles: list[InboxFile]) -> None:
        for file in styles:
            self.add(FileRole.STYLE, file)
        slots = {file.named.slot for file in styles}
        for slot in range(1, max(slots, default=1) + 1):
            if slot not in slots:
                number = str(slot) if slot > 1 else ""
                self.lacks.append(f"a style picture ({self.name}.style{number}.jpg)")

    def _miss(
        self,
        sidecar: Sidecar,
        path: tuple[str | int, ...],
        name: str,
        where: str,
        there: Sequence[str],
    ) -> None:
        """Note that a picture that the sidecar names is not there."""
        nearest = difflib.get_close_matches(name.rpartition("/")[2], there, n=1)
        problem = Problem(path, repr(name), f"a picture {where}", *nearest)
        self.missing.append(sidecar.document.describe([problem]))
        self.lacks.append(f"{name}, which {sidecar.document.name} names as {path[0]}")
        self.named = True


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
