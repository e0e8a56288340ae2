"""Where the pictures lie that sidecars name: beside them, or in the style library."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

from hotfolder.file_names import FileRole, is_ignored, key_of, shown
from hotfolder.folder_access import is_file, is_folder, names
from hotfolder.inbox.model import InboxFile
from hotfolder.near_misses import NearNames
from hotfolder.paths import without_links
from plugin.client.protocol import PICTURE_SUFFIXES, labelled_stem

__all__ = ["PictureSources", "StyleLibrary"]

KINDS = {FileRole.PICTURE, FileRole.OTHER, FileRole.PALETTE} | {
    *(FileRole.CONTENT, FileRole.STYLE, FileRole.INIT, FileRole.MASK, FileRole.REGION)
}
"""What may have been meant as a job's picture."""

MAX_LISTED = 20_000
"""Names of a folder that are read. Beyond them a picture is found by its exact name alone."""

MAX_NEAR = 5_000
"""Files of a folder whose names may be the ones that were meant."""


class StyleLibrary:
    """The style library, listed at most once a scan and only if a sidecar asks."""

    def __init__(self, root: Path) -> None:
        """`root` is free of links, as those of `FolderPaths` are."""
        self._root = root
        self._folders: dict[Path, dict[str, Path]] = {}
        self._found: dict[str, Path | None] = {}
        self._resolved: dict[Path, Path] = {}

    def find(self, name: str) -> Path | None:
        """The file that `name` (relative, no `..`) means.

        Raises:
            OSError: the library is there, but cannot be looked at now.
        """
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def resolved(self, path: Path) -> Path:
        """`path` without links; of a link that leads to itself, the link."""
        if path not in self._resolved:
            self._resolved[path] = without_links(path)
        return self._resolved[path]

    def _find(self, name: str) -> Path | None:
        exact = self._root / name
        *folders, last = name.split("/")
        folder = self._root.joinpath(*folders)
        if self.leaves(folder):
            return exact  # Nothing is looked at there.
        found: Path | None = exact
        if not is_file(self.resolved(exact)):
            found = self._listed(self.resolved(folder)).get(key_of(last))
        return found if found is not None and not is_folder(self.resolved(found)) else None

    def leaves(self, path: Path) -> bool:
        """Whether a link at or above `path` leads out of the library."""
        return not self.resolved(path).is_relative_to(self.resolved(self._root))

    def names(self) -> list[str]:
        """The pictures at its top, but for label pictures beside theirs."""
        listed = self._listed(self._root)
        stems = {Path(name).stem for name in listed}
        return [
            name
            for name in listed
            if name.endswith(PICTURE_SUFFIXES)
            and not is_ignored(name)
            and labelled_stem(Path(name).stem) not in stems
        ]

    @cached_property
    def near(self) -> NearNames:
        """Their names, to find what another may have meant."""
        return NearNames(self.names())

    def _listed(self, folder: Path) -> dict[str, Path]:
        if folder not in self._folders:
            try:
                listed = names(folder)[:MAX_LISTED]
                self._folders[folder] = {key_of(name): folder / name for name in listed}
            except (FileNotFoundError, NotADirectoryError):
                self._folders[folder] = {}
        return self._folders[folder]


@dataclass(frozen=True)
class PictureSources:
    """Where the pictures may lie that a sidecar names."""

    files: Mapping[str, InboxFile]
    """Those of the sidecar's folder, by their keys."""
    library: StyleLibrary

    def beside(self, name: str) -> InboxFile | None:
        return self.files.get(key_of(name))

    def find(self, name: str) -> InboxFile | Path | None:
        return self.beside(name) or self.library.find(name.removeprefix("styles/"))

    def loose(self, name: str) -> InboxFile | None:
        """The picture beside the sidecar that no other job bears the name of."""
        file = self.beside(name)
        is_loose = file is not None and file.parsed.role is FileRole.PICTURE and file.regular
        return file if is_loose else None

    def is_picture(self, file: InboxFile) -> bool:
        """Whether it is a picture by its name, and nothing else of a job."""
        found = self.beside(file.name)
        return found is not None and found.parsed.role is FileRole.PICTURE

    @cached_property
    def near(self) -> NearNames:
        """The names of pictures beside the sidecar, and of files that may be meant as such."""
        files = islice(self.files.values(), MAX_NEAR)
        return NearNames(shown(file.name) for file in files if file.parsed.role in KINDS)

    @cached_property
    def near_pictures(self) -> NearNames:
        """The same of pictures that a sidecar may name."""
        files = islice(self.files.values(), MAX_NEAR)
        return NearNames(shown(f.name) for f in files if f.parsed.role is FileRole.PICTURE)

    def nearest(self, name: str, *, styles: bool = True) -> str | None:
        """The picture beside the sidecar, or of the library, that is nearly called so."""
        name = name.rpartition("/")[2]
        if not styles:
            return self.near_pictures.nearest(name)
        return self.near_pictures.same(name) or self.library.near.nearest(name)
