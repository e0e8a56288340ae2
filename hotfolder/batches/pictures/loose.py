"""The pictures of an inbox that a batch may take."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath

from hotfolder.batches.patterns import PathPattern, is_pattern
from hotfolder.batches.pictures.beside import PicturesBeside
from hotfolder.file_names import is_showable
from hotfolder.folder_access import Fingerprint
from hotfolder.inbox.model import InboxFile
from hotfolder.near_misses import NearNames, split_reason
from plugin.client.protocol import fold_name

__all__ = ["LoosePictures"]


class LoosePictures:
    """The pictures of the inbox that no job uses, and what of no job lies beside such, by their
    paths below it."""

    def __init__(
        self, inbox: Path, unclaimed: Iterable[InboxFile], unrecognised: Sequence[str] = ()
    ) -> None:
        """`unrecognised`: what else lies there and belongs to no job, in words."""
        self._unrecognised = unrecognised
        self.beside = PicturesBeside()
        self._files: dict[str, InboxFile] = {}
        self._folded: dict[str, list[str]] = {}
        """By what equals for names that mean the same."""
        for file in sorted(unclaimed, key=lambda file: file.path):
            path = file.path.relative_to(inbox).as_posix()
            if is_showable(path):  # Else nobody could read of it in a summary.
                self._files[path] = file
                if self.beside.add(Path(path)):
                    continue
                self._folded.setdefault(fold_name(path), []).append(path)
        self._parts = {path: PurePosixPath(path).parts for path in self._folded}

    def fitting(self, pattern: str) -> list[str]:
        """The paths that a name or a pattern means, in their order."""
        if (same := self._folded.get(fold_name(pattern))) is not None or not is_pattern(pattern):
            return same or []
        compiled = PathPattern(pattern)
        fitting = (self._folded[p] for p, parts in self._parts.items() if compiled.fits(parts))
        return [path for paths in fitting for path in paths]

    def left_out(self, pattern: str) -> list[str]:
        """What lies in the folder that a pattern means as a whole and is no picture, or lies in a
        folder in it, in words."""
        folder, _, last = pattern.rpartition("/")
        if last not in ("*", "**") or is_pattern(folder):
            return []
        prefix = fold_name(f"{folder}/")
        found = []
        for words in self._unrecognised:
            path = split_reason(words)[0]
            # The folder itself is meant; with `**`, those in it, too.
            is_taken = path.endswith("/") and (last == "**" or fold_name(path) == prefix)
            if fold_name(path).startswith(prefix) and not is_taken:
                found.append(words)
        return found

    @cached_property
    def near(self) -> NearNames:
        """Their names."""
        return NearNames(PurePosixPath(path).name for path in self._files)

    def find(self, name: str) -> str | None:
        """The path of one picture, or of one beside another."""
        if name in self._files:
            return name
        return next(iter(self._folded.get(fold_name(name), ())), None)

    def problem(self, path: str) -> str | None:
        """Why the file is no picture, as far as one sees without reading it."""
        file = self._files[path]
        if file.regular:
            return None
        what = "a folder" if file.is_folder else "a link, or no plain file"
        return f"{file.label}: {what}; put the picture itself there"

    def is_settled(self, path: str) -> bool:
        return self._files[path].settled

    def fingerprint(self, path: str) -> Fingerprint:
        return self._files[path].fingerprint

    def remove(self, paths: Iterable[str]) -> None:
        """They are a batch's now."""
        for path in paths:
            del self._files[path]
            if (same := self._folded.get(fold_name(path))) is None:
                continue  # It lies beside a picture.
            same.remove(path)
            if not same:
                del self._folded[fold_name(path)], self._parts[fold_name(path)]
