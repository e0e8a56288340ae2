"""Which pictures the words of `impasto batch` mean, where results go, and what is left out."""

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.batches.patterns import compiled_part, is_pattern
from hotfolder.batches.pictures.beside import PicturesBeside, beside, label_picture_of
from hotfolder.errors import InputError
from hotfolder.file_names import is_ignored
from hotfolder.near_misses import NearNames, why_unrecognised
from hotfolder.paths import expand_home, without_links
from plugin.client.protocol import PICTURE_SUFFIXES, SIDECAR_SUFFIXES, fold_name

__all__ = ["Contents", "find_contents"]


@dataclass
class Contents:
    """The pictures that were found, and what was not taken."""

    pictures: dict[Path, str] = field(default_factory=dict)
    """Each once, with the folder below the output folder where its results go: that below the
    folder, or the fixed part of the pattern, in which it was found."""
    left_out: list[str] = field(default_factory=list)
    """Files and folders, in words."""
    beside: PicturesBeside = field(default_factory=PicturesBeside)
    """Masks, label pictures and palettes beside the pictures."""
    _beside: list[Path] = field(default_factory=list)
    """Those that were found among the words."""
    _seen: set[Path] = field(default_factory=set)
    _looked_into: dict[Path, set[str]] = field(default_factory=dict)
    """Of folders that have contents, the stems of the pictures there."""

    def others(self) -> dict[Path, OtherPictures]:
        """The masks and the palette of each picture that has some."""
        found = {path: self.beside.of(path) for path in self.pictures}
        return {path: others for path, others in found.items() if others}

    def labels(self, blends: Sequence[Sequence[Path]]) -> dict[Path, Path]:
        """The label pictures of those pictures that have one, and of the styles."""
        of_contents = {path: self.beside.labels(path) for path in self.pictures}
        of_styles = {style: label_picture_of(style) for blend in blends for style in blend}
        found = {**of_styles, **of_contents}
        return {path: label for path, label in found.items() if label is not None}

    def check_beside(self, blends: Sequence[Sequence[Path]]) -> None:
        """
        Raises:
            InputError: what lies beside a picture is not what the styles need.
        """
        labels = self.labels(blends)
        of_contents = [labels[path] for path in self.pictures if path in labels]
        for file in (*of_contents, *(each for others in self.others().values() for each in others)):
            if not file.is_file():
                raise InputError(f"{file}: a folder or a link to nothing, not a picture.")
        styles = [style for blend in blends for style in blend]
        unlabelled = [style.name for style in styles if style not in labels]
        for path in self.pictures:
            if (problem := self.beside.problem(path, blends, unlabelled)) is not None:
                raise InputError(f"{problem}.")

    def add(self, path: Path, root: Path) -> bool:
        """Take a file found below `root`, or note why not. Whether it is a picture."""
        if path.suffix.lower() not in PICTURE_SUFFIXES or is_ignored(path.name):
            self.left_out.append(f"{path} ({_why(path.name)})")
            return False
        if not path.is_file():
            what = "not a plain file" if path.exists() else "a link to nothing"
            self.left_out.append(f"{path} ({what})")
            return False
        if (named := beside(path)) is not None:
            job, what = named
            if job in self._stems_in(path.parent):
                self._beside.append(path)
                return True  # It is found beside its picture.
            self.left_out.append(f"{path} ({what}, but no picture {job} lies beside it)")
            return False
        self._stems_in(path.parent)
        if path.absolute() not in self._seen:
            self._seen.add(path.absolute())
            below = path.parent.relative_to(root).as_posix()
            self.pictures[path] = "" if below == "." else below
        return True

    def end(self) -> None:
        """Note the pictures beside others that are not among the contents.

        Raises:
            InputError: there is no picture at all.
        """
        taken = {(path.parent, unicodedata.normalize("NFC", path.stem)) for path in self.pictures}
        found = ((path, beside(path) or ("", "")) for path in self._beside)
        left = [(path, what) for path, (job, what) in found if (path.parent, job) not in taken]
        self.left_out += [f"{path} ({what} whose picture is not named)" for path, what in left]
        if left and not self.pictures:
            path, what = left[0]
            it = what.removeprefix("a ")
            raise InputError(f"{path}: {what}. Name the picture; the {it} beside it is found.")

    def _stems_in(self, folder: Path) -> set[str]:
        """The stems of the pictures in a folder; what lies beside them is noted."""
        if folder not in self._looked_into:
            stems = self._looked_into[folder] = set()
            for name in sorted(os.listdir(folder)):  # noqa: PTH208  (names alone)
                path = folder / name
                if path.suffix.lower() not in PICTURE_SUFFIXES or is_ignored(name):
                    continue
                if not self.beside.add(path):
                    stems.add(unicodedata.normalize("NFC", path.stem))
        return self._looked_into[folder]


def find_contents(
    given: Iterable[str], *, recursive: bool = False, but: Path | None = None
) -> Contents:
    """The pictures that files, folders and patterns (`photos/*.jpg`, `**/*.png`) mean, each once.

    A file of the very name comes before a pattern: `IMG [1].jpg` is that file. In patterns neither
    case nor Unicode form counts.

    Args:
        recursive: look into the folders in folders.
        but: a folder that is not looked into, for the results.

    Raises:
        InputError: one of them means no picture.
        FolderError: one begins with the `~` of nobody.
    """
    found = Contents()
    but = but and without_links(but)
    for word in given:
        left = len(found.left_out)
        path = expand_home(word)
        if path.is_file():
            some = found.add(path, path.parent)
        elif path.is_dir():
            some = _add_folder(path, path, found, but, recursive=recursive)
        else:
            some = _add_matching(path, found, but, recursive=recursive)
        if not some:
            raise InputError(_nothing(word, path, found.left_out[left:]))
    found.end()
    return found


def _add_folder(
    folder: Path, root: Path, found: Contents, but: Path | None, *, recursive: bool
) -> bool:
    """The pictures of a folder; whether there is one."""
    some = False
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  (names alone)
    except OSError as error:
        found.left_out.append(f"{folder}/ (cannot be read: {error.strerror})")
        names = []
    for name in names:
        if not is_ignored(name):
            some |= _add(folder / name, root, found, but, recursive=recursive)
    return some


def _add(path: Path, root: Path, found: Contents, but: Path | None, *, recursive: bool) -> bool:
    """A file, or the pictures of a folder; whether there is one."""
    if not path.is_dir():
        return found.add(path, root)
    if without_links(path) == but:
        return False
    if path.is_symlink():  # It may lead into a circle.
        found.left_out.append(f"{path}/ (a link to a folder)")
    elif recursive:
        return _add_folder(path, root, found, but, recursive=True)
    else:
        found.left_out.append(f"{path}/ (a folder in a folder; --recursive looks into it)")
    return False


def _add_matching(path: Path, found: Contents, but: Path | None, *, recursive: bool) -> bool:
    """The pictures that a pattern means; whether there is one."""
    base, parts = Path(path.anchor), list(path.parts[bool(path.anchor) :])
    while len(parts) > 1 and os.path.lexists(base / parts[0]):
        base, parts = base / parts[0], parts[1:]
    some = False
    for match in dict.fromkeys(_matching(base, parts)):
        some |= _add(match, base, found, but, recursive=recursive)
    return some


def _matching(base: Path, parts: Sequence[str]) -> Iterator[Path]:
    """What there is below `base` that fits the parts of a pattern, one a level."""
    if not parts:
        yield base
        return
    part, rest = parts[0], parts[1:]
    if part != "**" and os.path.lexists(base / part):
        yield from _matching(base / part, rest)
        return
    try:
        names = sorted(name for name in os.listdir(base) if not is_ignored(name))  # noqa: PTH208
    except OSError:  # It is no folder.
        return
    if part == "**":
        if rest:
            yield from _matching(base, rest)
        for name in names:
            if (base / name).is_dir():
                if not (base / name).is_symlink():  # It may lead into a circle.
                    yield from _matching(base / name, parts)
            elif not rest:
                yield base / name
        return
    fits = compiled_part(part)
    for name in names:
        same = unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", part)
        if same or (is_pattern(part) and fits is not None and fits.match(fold_name(name))):
            yield from _matching(base / name, rest)


def _why(name: str) -> str:
    if is_ignored(name):
        return "hidden, unfinished, or a system's"
    if name.lower().endswith(SIDECAR_SUFFIXES):
        return "`batch` has its settings from the command line"
    return why_unrecognised(name, in_folder=True)


def _nothing(word: str, path: Path, left_out: Sequence[str]) -> str:
    suffixes = ", ".join(PICTURE_SUFFIXES)
    if left_out:
        more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        return f"{word}: no picture ({suffixes}), but {', '.join(left_out[:3])}{more}."
    if is_pattern(word):
        return f"{word}: no picture fits it ({suffixes})."
    hint = None
    if path.parent.is_dir():
        hint = NearNames(each.name for each in sorted(path.parent.iterdir())).nearest(path.name)
    did_you_mean = f" Did you mean {str(path.with_name(hint))!r}?" if hint else ""
    return f"{word}: no such picture or folder ({suffixes}).{did_you_mean}"
