"""Which files make a job, what is missing, and whether to claim it, wait, hold or refuse.

Files belong together by name (form 1), because a sidecar names them (form 2), or by a mixture of
both; what neither names comes from the folder's preset (form 3).
"""

from collections import defaultdict
from collections.abc import Sequence

from engine.errors import Problem
from hotfolder.errors import InputError, SidecarError
from hotfolder.file_names import FileRole, key_of, shown
from hotfolder.folder_access import is_link
from hotfolder.inbox.candidate import Collected
from hotfolder.inbox.model import InboxFile, InputFile
from hotfolder.inbox.refusals import regions_problem
from hotfolder.inbox.sidecar import (
    LIBRARY_KEYS,
    PictureNamesError,
    Sidecar,
    UnreadSidecarError,
)
from hotfolder.inbox.style_library import PictureSources
from hotfolder.near_misses import list_hint
from plugin.client.protocol import PICTURE_SUFFIXES

__all__ = ["JobAssembly"]

MAX_HINTS = 3
"""Missing pictures of one job for which the nearest name is looked for."""


class JobAssembly(Collected):
    """A job candidate in the making."""

    def collect(self, group: Sequence[InboxFile], sources: PictureSources) -> None:
        """Find the job's sidecar and pictures, and take what they say of client and options.

        Args:
            group: the files that bear the job's name.
        """
        sidecars = [file for file in group if file.parsed.role is FileRole.SIDECAR]
        if len(sidecars) == 1 and sidecars[0].settled:
            sidecar = sidecars[0].sidecar
            if isinstance(sidecar, Sidecar):
                self.sidecar = sidecar
            else:
                self.error = sidecar
                self.named_by_sidecar = isinstance(sidecar, PictureNamesError)
            if isinstance(sidecar, PictureNamesError):
                self.error = sidecar.hinted(sources.nearest)
        self._one_of(FileRole.SIDECAR, sidecars)
        if misnamed := [file for file in group if file.parsed.role is FileRole.MISNAMED]:
            name = misnamed[0].name
            self.conflict = (
                f"{shown(name)}: called {shown(name.rpartition('.')[0])} it would be this job's "
                "sidecar; rename it, or take it away"
            )
        named = next((file.parsed.picture for file in sidecars if file.parsed.picture), "")
        self._collect_pictures(group, sources, "" if named == self.name else named)
        self.complete_by_name(group)
        if isinstance(self.error, SidecarError) and self.sidecar is None:
            self._complete_by_unread(sidecars, sources)
        for layer in self.layers:
            self.client = layer.client or self.client
            self.options = self.options.under(layer.options)

    def complete_by_name(self, group: Sequence[InboxFile]) -> None:
        """Take along what bears the job's name but found no use (one of several for one role)."""
        taken = {input_file.path for input_file in self.inputs}
        left = [file for file in group if file.path not in taken and not file.is_folder]
        self.inputs += [InputFile(FileRole(file.parsed.role), file.path) for file in left]
        self.files += left

    def _complete_by_unread(self, sidecars: Sequence[InboxFile], sources: PictureSources) -> None:
        """Take along the pictures that sidecars may mean which nobody understands: those that bear
        the job's name, and those whose names stand in them. So the job fails as a whole."""
        names = [f"{self.name}{suffix}" for suffix in PICTURE_SUFFIXES]
        for file in sidecars:
            unread = file.sidecar if file.settled else None
            if isinstance(unread, UnreadSidecarError):
                names += unread.mentioned
        taken = {input_file.path for input_file in self.inputs}
        for name in names:
            picture = sources.loose(name)
            if picture is not None and picture.path not in taken:
                taken.add(picture.path)
                self.inputs.append(InputFile(FileRole.PICTURE, picture.path))
                self.files.append(picture)

    def _one_of(self, role: FileRole, files: Sequence[InboxFile], slot: int = 0) -> None:
        """Note a conflict if several files are there for one role."""
        if len(files) > 1:
            region = role is FileRole.REGION
            what = f"{FileRole.MASK if region else role}{slot if slot > 1 or region else ''}"
            names = ", ".join(shown(file.name) for file in files)
            self.conflict = f"several files for {what}: {names}; take all but one away"

    def _add(self, role: FileRole, file: InboxFile, *, stays: bool = False) -> None:
        """Take a file of the inbox; anything but a plain file is an error, or to be taken away."""
        if file.is_folder:
            self.conflict = f"{shown(file.name)}: a folder, not a picture; take it away"
            return
        self.inputs.append(InputFile(role, file.path, stays=stays))
        self.files.append(file)
        if not file.regular and self.error is None:
            kind = "a link" if is_link(file.path) else "not a plain file"
            self.error = InputError(
                f"{shown(file.name)}: {kind}. Put the picture itself into the inbox."
            )

    def _collect_pictures(
        self, group: Sequence[InboxFile], sources: PictureSources, named: str
    ) -> None:
        """Find content, styles and the picture to start from: by role, and by the sidecar, which
        may be called after the picture `named`."""
        sidecar = self.sidecar
        by_role: dict[tuple[FileRole, int], list[InboxFile]] = defaultdict(list)
        for file in group:
            role = FileRole(file.parsed.role)
            if role not in (FileRole.SIDECAR, FileRole.MISNAMED):
                by_role[role, file.parsed.slot].append(file)
        for (role, slot), files in by_role.items():
            self._one_of(role, files, slot)
        if self.conflict:
            return
        content = by_role[FileRole.CONTENT, 0]
        init = by_role[FileRole.INIT, 0]
        styles = [
            files[0] for (role, _), files in sorted(by_role.items()) if role is FileRole.STYLE
        ]
        content, alone = self._content_or_texture(content, styles, sources, named)
        if sidecar is not None and sidecar.init_file is not None:
            init = self._picture_by_sidecar(
                FileRole.INIT, sidecar, sidecar.init_file, init, sources
            )
            self.init_file = sidecar.init_file
        elif init:
            self.init_file = init[0].name
        elif sidecar is not None and sidecar.wants_init_picture():
            self.init_file = f"{self.name}.init.png"
            self._lack("a picture to start from", self.init_file, sources)
        mask = by_role[FileRole.MASK, 0]
        if sidecar is not None and sidecar.mask is not None:
            mask = self._picture_by_sidecar(FileRole.MASK, sidecar, sidecar.mask, mask, sources)
            self.masks["mask"] = sidecar.mask
        elif mask:
            self.masks["mask"] = mask[0].name
        roles = ((FileRole.CONTENT, content), (FileRole.INIT, init), (FileRole.MASK, mask))
        for role, files in roles:
            for file in files:
                self._add(role, file)
        self._collect_palette(by_role[FileRole.PALETTE, 0], sources)
        if self.preset is not None:
            self._add(FileRole.PRESET, self.preset.file, stays=True)
        for file in alone:
            self._add(FileRole.STYLE, file)
        regions = [
            files[0] for (role, _), files in sorted(by_role.items()) if role is FileRole.REGION
        ]
        if sidecar is not None and sidecar.styles:
            self._styles_by_sidecar(sidecar, styles, sources)
        elif (
            (self.preset is not None and self.preset.sidecar.styles)
            and not styles
            and (alone or not self.makes_textures)
        ):
            self._styles_by_sidecar(self.preset.sidecar, [], sources)
        elif styles or not alone:
            self._styles_by_role(styles, sources, max([f.parsed.slot for f in regions], default=1))
        self._collect_regions(regions, sources, own_styles=bool(styles))

    def _content_or_texture(
        self,
        content: list[InboxFile],
        styles: Sequence[InboxFile],
        sources: PictureSources,
        named: str,
    ) -> tuple[list[InboxFile], list[InboxFile]]:
        """The content, by role or by the sidecar; or else, of a texture, the picture that bears its
        name and is its first style."""
        sidecar, texture = self.sidecar, self.texture
        alone = [file for file in content if self.makes_textures and sources.is_picture(file)]
        content = [file for file in content if file not in alone]
        if sidecar is not None and sidecar.content is not None:
            content = self._picture_by_sidecar(
                FileRole.CONTENT, sidecar, sidecar.content, content, sources
            )
        elif not content and not alone:
            if texture is not None and not styles and not any(each.styles for each in self.layers):
                names = [named] if named else [f"{self.name}{end}" for end in PICTURE_SUFFIXES]
                alone = [file for name in names if (file := sources.loose(name)) is not None]
                self._one_of(FileRole.STYLE, alone)
            elif (picture := sources.loose(named)) is not None:
                content = [picture]
            elif texture is None:
                self._lack("a content picture", named or f"{self.name}.content.jpg", sources)
        if texture is not None and (content or (sidecar is not None and sidecar.content)):
            self.error = SidecarError(texture.document.describe([texture.without_content()]))
        return content, alone

    def _picture_by_sidecar(
        self,
        role: FileRole,
        sidecar: Sidecar,
        name: str,
        by_role: list[InboxFile],
        sources: PictureSources,
    ) -> list[InboxFile]:
        file = sources.beside(name)
        if file is None:
            key = "init_file" if role is FileRole.INIT else role.value
            self._miss(sidecar, (key,), name, "beside it, which is not there", sources)
            return by_role
        if by_role and by_role[0] != file:
            self.conflict = (
                f"several files for {role}: {shown(by_role[0].name)}, and {name} by the sidecar; "
                "take one away"
            )
        return [file]

    def _styles_by_sidecar(
        self, sidecar: Sidecar, by_role: list[InboxFile], sources: PictureSources
    ) -> None:
        named = [
            self._named(FileRole.STYLE, sidecar, ("styles", index), name, sources)
            for index, name in enumerate(sidecar.styles)
        ]
        self._check_named(FileRole.STYLE, by_role, named, ", ".join(sidecar.styles))

    def _collect_palette(self, by_role: list[InboxFile], sources: PictureSources) -> None:
        """Find the picture whose colours are used: the sidecar's, the job's own, the preset's."""
        sidecar, preset = self.sidecar, self.preset.sidecar if self.preset else None
        for layer in (sidecar, None if by_role else preset):
            if layer is not None and layer.palette is not None:
                name = self.palette = layer.palette
                file = self._named(FileRole.PALETTE, layer, ("palette",), name, sources)
                self._check_named(FileRole.PALETTE, by_role, [file], name)
                return
        if by_role:
            self.palette = by_role[0].name
            self._add(FileRole.PALETTE, by_role[0])
        elif any(layer is not None and layer.wants_palette() for layer in (sidecar, preset)):
            self.palette = f"{self.name}.palette.png"
            self._lack("a picture whose colours are used", self.palette, sources)

    def _check_named(
        self,
        role: FileRole,
        by_role: list[InboxFile],
        named: Sequence[InboxFile | None],
        names: str,
    ) -> None:
        for file in by_role:
            if file not in named:
                self.conflict = (
                    f"several files for {role}: {shown(file.name)}, and {names} by the sidecar; "
                    "take one away"
                )

    def _named(
        self,
        role: FileRole,
        sidecar: Sidecar,
        path: tuple[str | int, ...],
        name: str,
        sources: PictureSources,
    ) -> InboxFile | None:
        """Take the picture that a sidecar or the preset names, beside it (then it is returned) or
        of the library."""
        library = sources.library
        preset = self.preset is not None and sidecar is self.preset.sidecar
        beside = self.preset.pictures.get if preset and self.preset else sources.files.get
        if (file := beside(key_of(name))) is not None:
            self._add(role, file, stays=preset)
            return file
        inside = name.removeprefix("styles/")
        found = library.find(inside)
        if found is not None:
            if library.leaves(found):
                self.named_by_sidecar = True
                problem = Problem(path, repr(name), "a picture, not a link that leads elsewhere")
                self._refuse(sidecar.document.describe([problem]), preset=preset)
            else:
                self.inputs.append(InputFile(role, library.resolved(found), stays=True))
            return None
        where = "beside it or in styles/, which is in neither"
        if library_only := inside != name or "/" in name:
            where = "in styles/, which is not there"
        hint = list_hint(name) if role is FileRole.STYLE else ""
        self._miss(sidecar, path, name, where + hint, sources)
        if library_only:  # The library is not a delivery: no waiting for it.
            self._refuse(self.missing[-1], preset=preset)
        return None

    def _refuse(self, problem: str, *, preset: bool) -> None:
        """A sidecar's error ends its job; a preset's only keeps it waiting."""
        if preset:
            self.hold = self.hold or problem
        else:
            self.error = self.error or SidecarError(problem)

    def _styles_by_role(
        self, styles: list[InboxFile], sources: PictureSources, regions: int
    ) -> None:
        """`regions`: how many there are, each of which has a style of its own."""
        for file in styles:
            self._add(FileRole.STYLE, file)
        slots = {file.parsed.slot for file in styles}
        for slot in range(1, max([*slots, regions]) + 1):
            if slot not in slots:
                number = str(slot) if slot > 1 else ""
                self._lack("a style picture", f"{self.name}.style{number}.jpg", sources)

    def _collect_regions(
        self, by_role: list[InboxFile], sources: PictureSources, *, own_styles: bool
    ) -> None:
        """Find the masks of regions and the label pictures: by the sidecar, by role, or by the
        preset, whose mask and regions are for its own styles."""
        sidecar, preset = self.sidecar, self.preset.sidecar if self.preset else None
        styles = sum(input_file.role is FileRole.STYLE for input_file in self.inputs)
        if sidecar is not None and (sidecar.regions or sidecar.style_regions):
            self._regions_by(sidecar, sources)
            if others := [f for f in by_role if f.key not in map(key_of, sidecar.regions)]:
                names = ", ".join(sidecar.regions)
                self.conflict = (
                    f"several files for regions: {shown(others[0].name)}, and {names} by the "
                    "sidecar; take one away"
                )
        elif by_role:
            slots = {file.parsed.slot for file in by_role}
            for slot in sorted({*range(1, max([*slots, styles]) + 1)} - slots):
                self._lack("a mask picture", f"{self.name}.mask{slot}.png", sources)
            for file in by_role:
                self._add(FileRole.REGION, file)
            self.masks["regions"] = [file.name for file in by_role]
        elif preset is not None and not own_styles and not (sidecar and sidecar.styles):
            self._regions_by(preset, sources)
        if preset is not None and preset.mask and "mask" not in self.masks:
            self._mask_by_preset(FileRole.MASK, ("mask",), preset.mask)
            self.masks["mask"] = preset.mask
        if not self.lacks and (problem := regions_problem(self.masks, styles)):
            named = sidecar is not None and sidecar.regions
            text = sidecar.document.describe([problem]) if sidecar and named else str(problem)
            self.error = self.error or SidecarError(text)

    def _regions_by(self, sidecar: Sidecar, sources: PictureSources) -> None:
        """Those that a sidecar, or the preset, names."""
        several = (
            ("regions", FileRole.REGION, sidecar.regions),
            ("style_regions", FileRole.STYLE_REGION, sidecar.style_regions),
        )
        for key, role, names in several:
            for index, name in enumerate(names):
                if self.preset is not None and sidecar is self.preset.sidecar:
                    self._mask_by_preset(role, (key, index), name)
                elif (file := sources.beside(name)) is not None:
                    self._add(role, file)
                else:
                    where = "beside it, which is not there"
                    self._miss(sidecar, (key, index), name, where, sources)
            if names:
                self.masks[key] = [*names]

    def _mask_by_preset(self, role: FileRole, path: tuple[str | int, ...], name: str) -> None:
        assert self.preset is not None
        file = self.preset.pictures.get(key_of(name))
        if file is not None:
            self._add(role, file, stays=True)
            return
        problem = Problem(path, repr(name), "a picture beside it, which is not there")
        self.hold = self.hold or self.preset.sidecar.document.describe([problem])

    def _lack(self, what: str, name: str, sources: PictureSources) -> None:
        """Note that a picture is missing that would be found by its name."""
        near = sources.near.same(name) if len(self.lacks) < MAX_HINTS else None
        hint = f"; {near} is nearly called so" if near is not None else ""
        self.lacks.append(f"{what} ({name}){hint}")

    def _miss(
        self,
        sidecar: Sidecar,
        path: tuple[str | int, ...],
        name: str,
        where: str,
        sources: PictureSources,
    ) -> None:
        """Note that a picture that the sidecar names is not there."""
        is_style = path[0] in LIBRARY_KEYS
        hint = len(self.missing) < MAX_HINTS and not (is_style and list_hint(name))
        nearest = sources.nearest(name, styles=is_style) if hint else None
        problem = Problem(path, repr(name), f"a picture {where}", nearest)
        self.missing.append(sidecar.document.describe([problem]))
        self.lacks.append(f"{name}, which {sidecar.document.name} names as {path[0]}")
        self.named_by_sidecar = True
