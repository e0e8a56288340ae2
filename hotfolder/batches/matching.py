"""Which pictures a batch of the inbox means, and what it expands to. Moves nothing.

Both are work in steps: there may be thousands of pictures, and as many paintings.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from engine.errors import SettingsError
from engine.settings import Settings
from hotfolder.atomic_files import MAX_DOCUMENT_BYTES
from hotfolder.batches.batch_file import FOR_ALL, BatchFile, of_folders
from hotfolder.batches.deadline import Deadline
from hotfolder.batches.expansion import Item, expand
from hotfolder.batches.other_pictures import OtherPictures
from hotfolder.batches.patterns import PathPattern, is_pattern
from hotfolder.batches.pictures.loose import LoosePictures
from hotfolder.batches.store import Plan
from hotfolder.errors import SidecarError
from hotfolder.file_names import FILE_NAME_BYTES, FreeNames
from hotfolder.folder_access import Fingerprint
from hotfolder.inbox.model import InboxFile
from hotfolder.inbox.style_library import StyleLibrary
from hotfolder.limits import MAX_PROBLEMS
from hotfolder.near_misses import list_hint
from hotfolder.outbox.strays import listed
from hotfolder.paths import FolderPaths
from hotfolder.spool.claims import PlannedMove
from hotfolder.throttle import Steps
from plugin.client.protocol import LABELS, PICTURE_SUFFIXES, JobStatus, fold_name

__all__ = ["InputMatcher", "MatchResult"]

MAX_ITEMS = 20_000
"""Paintings of one batch: its plan is read at each start, its summary written in one go."""

MAX_PLAN_BYTES = MAX_DOCUMENT_BYTES // 2
"""Of all names in a plan; the other half is for what it has besides."""

ITEMS_A_STEP = 200

MAX_LEFT_OUT = 1_000
"""Files and folders that a summary names which were not taken."""


@dataclass
class MatchResult:
    """The pictures and styles that a batch asks for, as far as they are there."""

    contents: list[str] = field(default_factory=list)
    """Below the inbox."""
    styles: list[tuple[tuple[str, Path], ...]] = field(default_factory=list)
    """Each blend's styles: by what name they are asked for, and where they lie."""
    others: dict[str, OtherPictures] = field(default_factory=dict)
    """The palette and the mask of each variant, where they lie."""
    beside: dict[str, OtherPictures] = field(default_factory=dict)
    """The pictures beside each content that has some, by paths below the inbox."""
    labels: dict[Path, Path] = field(default_factory=dict)
    """The label pictures of contents and, if there are such, of the styles, where they lie."""
    seen: dict[Path, Fingerprint] = field(default_factory=dict)
    """Of the files that are loose pictures, as they were found."""
    loose: list[str] = field(default_factory=list)
    """Those of the inbox."""
    missing: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    """What is wrong with what lies beside contents, in words."""
    left_out: list[str] = field(default_factory=list)
    """What lies in its folders besides, in words."""
    arriving: list[str] = field(default_factory=list)
    """Those of `loose` that still change."""

    @property
    def lacks(self) -> str:
        """What is missing or wrong, in words."""
        if self.conflicts:
            return self.conflicts[0]
        more = len(self.missing) - MAX_PROBLEMS
        return "lacks " + "; ".join(
            [*self.missing[:MAX_PROBLEMS], *([f"{more} more"] if more > 0 else [])]
        )


class InputMatcher:
    """Finds pictures in the inbox, the folders in it, and the style library."""

    def __init__(self, folder: FolderPaths) -> None:
        self._folder = folder

    def find(self, read: BatchFile, loose: LoosePictures) -> Steps[MatchResult]:
        """
        Raises:
            SidecarError: the batch is too large.
            OSError: the style library cannot be looked at now.
        """
        found = MatchResult()
        library = StyleLibrary(self._folder.styles)
        contents: dict[str, None] = {}
        styles: dict[str, None] = {}
        for names in read.styles:
            blends = None
            if read.contents is None and len(names) == 1:
                blends = _pictures_of_texture(names[0], loose, found, recursive=read.recursive)
            for blend in blends or _single_blends(names, loose, library, found):
                self._add_blend(blend, loose, library, found, styles)
            yield
        taken = dict(styles)
        for name, settings in read.variants.items():
            found.others[name] = self._others_of(settings, loose, library, found, taken)
        for pattern in read.contents or ():
            fitting = [path for path in loose.fitting(pattern) if path not in taken]
            if not fitting:
                near = None if is_pattern(pattern) else loose.near.nearest(pattern.split("/")[-1])
                found.missing.append(f"a picture for {pattern}{_did_you_mean(near)}")
            found.left_out += loose.left_out(pattern)
            contents.update(dict.fromkeys(fitting))
            yield
        found.contents = list(contents)
        self._add_beside(read, loose, library, found, taken)
        found.loose = [*contents, *(path for path in taken if path not in contents)]
        found.seen = {self._folder.inbox / path: loose.fingerprint(path) for path in found.loose}
        found.arriving = [path for path in found.loose if not loose.is_settled(path)]
        per_style = 1 if read.contents is None else len(found.contents)
        count = per_style * len(found.styles) * len(read.variants)
        if count > MAX_ITEMS:
            raise SidecarError(
                f"{read.document.name}: {count} paintings; at most {MAX_ITEMS} fit in one batch. "
                "Split it."
            )
        return found

    def plan(
        self, status: JobStatus, file: InboxFile, read: BatchFile, found: MatchResult
    ) -> Steps[Plan]:
        """What the batch expands to, and how its files come.

        Raises:
            SidecarError: the batch is too large, or cannot be painted with its masks.
        """
        inbox = self._folder.inbox
        names = FreeNames(longest=FILE_NAME_BYTES)
        seen = {**found.seen, file.path: file.fingerprint}
        moves: dict[Path, PlannedMove] = {}

        def add_move(path: Path, name: str) -> Path:
            if path not in moves:
                target = names.take_file(PurePosixPath(name).name)
                shared = not path.is_relative_to(inbox)
                moves[path] = PlannedMove(str(path), target, shared, seen.get(path))
            return Path(moves[path].target)

        add_move(file.path, file.name)
        contents = [add_move(inbox / path, path) for path in found.contents]
        asked = contents if read.contents is not None else None
        yield
        blends = [tuple(add_move(path, name) for name, path in blend) for blend in found.styles]
        others = {
            name: pictures.placed(lambda path: add_move(path, path.name))
            for name, pictures in found.others.items()
        }
        beside = {
            add_move(inbox / path, path): pictures.placed(
                lambda other: add_move(inbox / other, other.name)
            )
            for path, pictures in found.beside.items()
        }
        labels = {
            add_move(path, path.name): add_move(label, label.name)
            for path, label in found.labels.items()
        }
        items: list[Item] = []
        size = 0
        expanded = expand(
            asked,
            blends,
            read.variants,
            batch=status.name,
            others=others,
            beside=beside,
            labels=labels,
        )
        try:
            for item in expanded:
                items.append(item)
                files = (item.content or "", *item.styles, *item.others)
                size += len(json.dumps([item.name, *map(str, files)]))
                if size > MAX_PLAN_BYTES:
                    raise SidecarError(
                        f"{read.document.name}: the names of its paintings and their pictures take "
                        f"more than {MAX_PLAN_BYTES // 1_000_000} MB. Split it."
                    )
                if len(items) % ITEMS_A_STEP == 0:
                    yield
        except SettingsError as error:
            raise SidecarError(f"{read.document.name}: settings: {error}") from None
        return Plan(
            name=status.name,
            source=status.source,
            dropped=status.dropped,
            moves=tuple(moves.values()),
            items=items,
            options=read.options,
            client=read.client,
            deadline=Deadline(read.deadline) if read.deadline else None,
            left_out=listed([*dict.fromkeys(found.left_out)], MAX_LEFT_OUT),
        )

    def _others_of(
        self,
        settings: Settings,
        loose: LoosePictures,
        library: StyleLibrary,
        found: MatchResult,
        taken: dict[str, None],
    ) -> OtherPictures:
        """Find the pictures that a variant names for all contents; loose ones go into `taken`."""
        places: dict[str, Path] = {}
        for key in FOR_ALL:
            if (name := getattr(settings, key)) is None:
                continue
            inside = name.removeprefix("styles/")
            if (beside := loose.find(name)) is not None:
                places[key] = self._folder.inbox / beside
                taken[beside] = None
            elif key == "palette" and (path := _in_library(inside, library)) is not None:
                places[key] = path
            else:
                near = loose.near.nearest(inside.split("/")[-1])
                found.missing.append(f"the {key} {name}{_did_you_mean(near)}")
        return OtherPictures(**places)  # type: ignore[arg-type]

    def _add_beside(
        self,
        read: BatchFile,
        loose: LoosePictures,
        library: StyleLibrary,
        found: MatchResult,
        taken: dict[str, None],
    ) -> None:
        """Find what lies beside the contents, and the label pictures of the styles; loose ones go
        into `taken`."""
        inbox = self._folder.inbox
        of_styles: dict[Path, Path] = {}
        unlabelled: dict[str, None] = {}
        for name, path in (each for blend in found.styles for each in blend):
            label = self._labels_of(name, path, loose, library)
            of_styles |= {path: label} if label is not None else {}
            unlabelled |= {name: None} if label is None else {}
        for content in found.contents:
            label = loose.beside.labels(Path(content))
            others = loose.beside.of(Path(content))
            files = [*map(str, others), *([str(label)] if label is not None else [])]
            if not files:
                continue
            if others:
                found.beside[content] = others
            if label is not None:
                found.labels |= {inbox / content: inbox / label, **of_styles}
            problem = loose.beside.problem(Path(content), read.styles, [*unlabelled])
            found.conflicts += filter(None, [*map(loose.problem, files), problem])
            taken.update(dict.fromkeys(files))
        for label in found.labels.values():
            if label.is_relative_to(inbox):
                taken[label.relative_to(inbox).as_posix()] = None

    def _labels_of(
        self, name: str, path: Path, loose: LoosePictures, library: StyleLibrary
    ) -> Path | None:
        """Where the label picture of a style lies: beside it."""
        inbox = self._folder.inbox
        if path.is_relative_to(inbox):
            label = loose.beside.labels(path.relative_to(inbox))
            return None if label is None else inbox / label
        stem = str(PurePosixPath(name).with_suffix(f".{LABELS}"))
        found = (_in_library(f"{stem}{suffix}", library) for suffix in PICTURE_SUFFIXES)
        return next((each for each in found if each is not None), None)

    def _add_blend(
        self,
        blend: Sequence[str],
        loose: LoosePictures,
        library: StyleLibrary,
        found: MatchResult,
        styles: dict[str, None],
    ) -> None:
        """Find a blend's pictures; those that are loose go into `styles`."""
        paths = []
        for name in blend:
            inside = name.removeprefix("styles/")
            if (beside := loose.find(name)) is not None:
                paths.append((beside, self._folder.inbox / beside))
                styles[beside] = None
            elif (path := _in_library(inside, library)) is not None:
                paths.append((inside, path))
            else:
                near = library.near.nearest(inside.split("/")[-1]) or loose.near.nearest(
                    inside.split("/")[-1]
                )
                hint = list_hint(name) or _did_you_mean(near)
                found.missing.append(f"the style {name}{hint}")
        if len(paths) == len(blend):
            found.styles.append(tuple(paths))


def _in_library(name: str, library: StyleLibrary) -> Path | None:
    path = library.find(name)
    return None if path is None or library.leaves(path) else library.resolved(path)


def _did_you_mean(name: str | None) -> str:
    return f" (did you mean {name}?)" if name is not None else ""


def _pictures_of_texture(
    word: str, loose: LoosePictures, found: MatchResult, *, recursive: bool
) -> list[Sequence[str]]:
    """The styles of textures that a pattern of the inbox, or a folder in it, means; empty if it
    means one style, or those of the library."""
    if word.startswith("styles/"):
        return []
    pattern = of_folders(word, recursive=recursive)
    if not is_pattern(pattern):
        return []
    fitting = loose.fitting(pattern)
    found.left_out += loose.left_out(pattern) if fitting else []
    if not fitting and is_pattern(word):
        found.missing.append(f"a style for {word}")
    return [(each,) for each in fitting]


def _single_blends(
    blend: Sequence[str], loose: LoosePictures, library: StyleLibrary, found: MatchResult
) -> list[Sequence[str]]:
    """The blend; or, of a pattern, each picture of the library that fits."""
    name = blend[0].removeprefix("styles/")
    if len(blend) > 1 or not is_pattern(name) or loose.find(blend[0]) or library.find(name):
        return [blend]
    compiled = PathPattern(name)
    fitting = [
        each for each in sorted(library.names()) if compiled.fits(fold_name(each).split("/"))
    ]
    if not fitting and "*" in name:
        found.missing.append(f"a style for {blend[0]}")
    return [(each,) for each in fitting] or ([] if "*" in name else [blend])
