"""Masks, label pictures and palettes that lie beside the pictures of a batch."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hotfolder.batches.other_pictures import OtherPictures
from plugin.client.protocol import (
    LABELS,
    MASK,
    PALETTE,
    PICTURE_SUFFIXES,
    labelled_stem,
    parse_picture_stem,
)

__all__ = ["PicturesBeside", "beside", "label_picture_of"]


class PicturesBeside:
    """What lies beside contents: `cat.mask.png` beside `cat.jpg` says where it is painted,
    `cat.mask1.png`, `cat.mask2.png` where in each style of a blend, `cat.labels.png` which of its
    regions are painted as which of the styles', and `cat.palette.png` in whose colours."""

    def __init__(self) -> None:
        self._files: dict[tuple[Path, str], dict[tuple[str, int], list[Path]]] = {}

    def add(self, path: Path) -> bool:
        """Take the file, if its name is that of such a picture."""
        if (named := _named(path)) is None:
            return False
        job, role, slot = named
        self._files.setdefault((path.parent, job), {}).setdefault((role, slot), []).append(path)
        return True

    def of(self, content: Path) -> OtherPictures:
        """The content's masks and its palette; `problem` says what is wrong with them."""
        return OtherPictures(
            mask=self._first(content, MASK),
            palette=self._first(content, PALETTE),
            regions=tuple(self._regions(content).values()),
        )

    def labels(self, picture: Path) -> Path | None:
        """The label picture of a content or a style."""
        return self._first(picture, LABELS)

    def problem(
        self, content: Path, blends: Iterable[Sequence[object]], unlabelled: Sequence[str] = ()
    ) -> str | None:
        """What is wrong with what lies beside the content, in words.

        Args:
            blends: the styles that it is painted in.
            unlabelled: the names of those that have no label picture.
        """
        for (role, slot), paths in sorted(self._of(content).items()):
            if len(paths) > 1:
                names = ", ".join(path.name for path in paths)
                return (
                    f"{content}: several files for {role}{slot or ''}: {names}; take all but one "
                    "away"
                )
        regions = {slot: path.name for slot, path in self._regions(content).items()}
        if (labels := self.labels(content)) is not None:
            if regions:
                names = ", ".join([labels.name, *regions.values()])
                return f"{content} has {names}; expected a label picture or masks of regions"
            if unlabelled:
                stem = Path(unlabelled[0]).stem
                return (
                    f"{content} has {labels.name}, but {unlabelled[0]} has no label picture; "
                    f"expected {stem}.{LABELS}.png beside it"
                )
        for number in sorted({len(blend) for blend in blends}) if regions else ():
            if [*regions] != [*range(1, number + 1)]:
                names = ", ".join(regions.values())
                styles = "1 style" if number == 1 else f"{number} styles"
                return (
                    f"{content} has {names} for {styles}; expected mask1, mask2, ..., one for "
                    "each style of a blend, such as `night+wave`, in a batch file [night.jpg, "
                    "wave.jpg]"
                )
        return None

    def _of(self, content: Path) -> Mapping[tuple[str, int], list[Path]]:
        return self._files.get((content.parent, _stem(content)), {})

    def _first(self, content: Path, role: str) -> Path | None:
        return next(iter(self._of(content).get((role, 0), ())), None)

    def _regions(self, content: Path) -> Mapping[int, Path]:
        found = sorted(self._of(content).items())
        return {slot: paths[0] for (role, slot), paths in found if role == MASK and slot}


def beside(path: Path) -> tuple[str, str] | None:
    """The stem of the picture beside which it lies, by its name, and what it is in words; None: it
    is a picture by itself."""
    named = _named(path)
    return named and (named[0], _WORDS[named[1]])


def label_picture_of(style: Path) -> Path | None:
    """`night.labels.png` beside `night.jpg`, if it is there."""
    names = (f"{style.stem}.{LABELS}{suffix}" for suffix in PICTURE_SUFFIXES)
    return next((path for name in names if (path := style.with_name(name)).is_file()), None)


_WORDS = {MASK: "a mask", PALETTE: "a palette", LABELS: "a label picture"}


def _named(path: Path) -> tuple[str, str, int] | None:
    """The stem of its picture, its role, and its number: of masks of regions from 1, else 0."""
    if (labelled := labelled_stem(_stem(path))) is not None:
        return labelled, LABELS, 0
    named = parse_picture_stem(_stem(path))
    return named if named is not None and named[1] in (MASK, PALETTE) else None


def _stem(path: Path) -> str:
    return unicodedata.normalize("NFC", path.stem)
