"""The pictures of a painting besides its content and its styles."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from plugin.client.protocol import MASK, parse_picture_stem

__all__ = ["MasksBeside", "OtherPictures", "mask_of"]

SEVERAL = ("regions", "style_regions")
"""Of which there may be several."""


@dataclass(frozen=True)
class OtherPictures:
    """By the settings that name them (`engine.settings.PICTURES`)."""

    init_file: Path | None = None
    palette: Path | None = None
    mask: Path | None = None
    regions: tuple[Path, ...] = ()
    style_regions: tuple[Path, ...] = ()

    def by_key(self) -> Mapping[str, tuple[Path, ...]]:
        """Those that there are."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            key: value if isinstance(value, tuple) else (value,)
            for key, value in given.items()
            if value
        }

    def __iter__(self) -> Iterator[Path]:
        for paths in self.by_key().values():
            yield from paths

    def __bool__(self) -> bool:
        return bool(self.by_key())

    def document(self) -> dict[str, list[str]]:
        """As plain values."""
        return {key: [str(path) for path in paths] for key, paths in self.by_key().items()}

    @classmethod
    def from_document(cls, document: Mapping[str, Sequence[str]]) -> Self:
        """
        Raises:
            TypeError, ValueError: it is none of `document`.
        """
        return cls(**_singly({key: [*map(Path, names)] for key, names in document.items()}))

    def of_request(self) -> dict[str, Any]:
        """As a `plugin.client.Request` has them."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {key.removesuffix("_file"): value for key, value in given.items()}

    def in_words(self) -> str:
        """Such as `, mask cat.mask.png`."""
        keys = self.by_key().items()
        return "".join(f", {key} {' '.join(path.name for path in paths)}" for key, paths in keys)

    def under(self, above: "OtherPictures") -> "OtherPictures":
        """These; what is in `above`, in its place."""
        given = {key: getattr(above, key) for key in above.by_key()}
        return replace(self, **given)

    def placed(self, place: Callable[[Path], Path]) -> Self:
        """These, each where `place` puts it."""
        return type(self)(**_singly({k: [*map(place, each)] for k, each in self.by_key().items()}))

    def layer(self) -> Mapping[str, Any]:
        """The settings that name them."""
        names = {key: [path.name for path in paths] for key, paths in self.by_key().items()}
        layer: dict[str, Any] = {
            key: found if key in SEVERAL else found[0] for key, found in names.items()
        }
        return layer | ({"init": "file"} if self.init_file else {})


class MasksBeside:
    """The masks beside contents: `cat.mask.png` beside `cat.jpg` says where it is painted,
    `cat.mask1.png`, `cat.mask2.png` where in each style of a blend."""

    def __init__(self) -> None:
        self._files: dict[tuple[Path, str], dict[int, list[Path]]] = {}

    def add(self, path: Path) -> bool:
        """Take the file, if its name is a mask's."""
        if (named := _mask(path)) is None:
            return False
        job, slot = named
        self._files.setdefault((path.parent, job), {}).setdefault(slot, []).append(path)
        return True

    def of(self, content: Path) -> OtherPictures:
        """The content's masks; `problem` says what is wrong with them."""
        slots = self._files.get(_key_of(content), {})
        regions = tuple(slots[slot][0] for slot in sorted(slots) if slot)
        return OtherPictures(mask=slots[0][0] if 0 in slots else None, regions=regions)

    def problem(self, content: Path, blends: Iterable[Sequence[object]]) -> str | None:
        """What is wrong with the content's masks, in words.

        Args:
            blends: the styles that it is painted in.
        """
        slots = self._files.get(_key_of(content), {})
        for slot, paths in sorted(slots.items()):
            if len(paths) > 1:
                names = ", ".join(path.name for path in paths)
                return (
                    f"{content}: several files for mask{slot or ''}: {names}; take all but one away"
                )
        regions = {slot: slots[slot][0].name for slot in sorted(slots) if slot}
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


def mask_of(path: Path) -> str | None:
    """The stem of the picture whose mask it is by its name; None: of none."""
    named = _mask(path)
    return named and named[0]


def _mask(path: Path) -> tuple[str, int] | None:
    """The stem of its picture, and its number: 0 of the whole, from 1 of a region."""
    named = parse_picture_stem(unicodedata.normalize("NFC", path.stem))
    return (named[0], named[2]) if named is not None and named[1] == MASK else None


def _singly(given: Mapping[str, list[Path]]) -> dict[str, Any]:
    """Each as the fields of `OtherPictures` are."""
    return {key: tuple(each) if key in SEVERAL else each[0] for key, each in given.items()}


def _key_of(content: Path) -> tuple[Path, str]:
    return content.parent, unicodedata.normalize("NFC", content.stem)
