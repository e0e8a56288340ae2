"""The pictures of a painting besides its content and its styles."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

__all__ = ["OtherPictures"]

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


def _singly(given: Mapping[str, list[Path]]) -> dict[str, Any]:
    """Each as the fields of `OtherPictures` are."""
    return {key: tuple(each) if key in SEVERAL else each[0] for key, each in given.items()}
