"""A batch is contents x styles x settings; each combination is an item, which one job paints."""

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.settings import Settings, resolve
from hotfolder.errors import InputError
from hotfolder.file_names import FreeNames, is_ignored
from hotfolder.paths import expand_home
from plugin.client.protocol import PICTURE_SUFFIXES, usable_name

__all__ = ["MAX_ACTIVE", "Item", "expand", "find_contents", "variants_of"]

MAX_ACTIVE = 16
"""Jobs of one batch that are with the server at once: enough to keep many devices busy. Each has
copies of its pictures, and others' jobs wait behind them."""


@dataclass(frozen=True)
class Item:
    """One painting of a batch."""

    name: str
    """Unique within the batch: `cat-night`; with several settings, `cat-night-preview`."""
    content: Path
    styles: tuple[Path, ...]
    """More than one are blended."""
    variant: str
    """Which of the batch's settings it is painted under."""
    settings: Settings


def expand(
    contents: Sequence[Path],
    styles: Sequence[tuple[Path, ...]],
    variants: Mapping[str, Settings],
    *,
    batch: str = "",
) -> Iterator[Item]:
    """Every content with every style (or blend of styles) under every variant's settings.

    Contents come first: a style after the other for one, then the next. `variants` by name; a name
    shows only if there are several. A name that is too long for a job's is cut, and numbered where
    it is another's.

    Args:
        batch: what every name begins with.
    """
    names = FreeNames()
    for content in contents:
        for blend in styles:
            for variant, settings in variants.items():
                parts = [content.stem, "+".join(style.stem for style in blend)]
                parts += [variant] if len(variants) > 1 else []
                name = names.take(usable_name("-".join([batch, *parts] if batch else parts)))
                yield Item(name, content, blend, variant, settings)


def variants_of(
    layers: Sequence[Mapping[str, Any]], base: Mapping[str, Any]
) -> dict[str, Settings]:
    """Settings by the name that tells them apart: their preset, or else their number.

    Raises:
        SettingsError: a layer is not valid over `base`.
    """
    presets = [str(layer.get("preset", "")) for layer in layers]
    distinct = len(set(presets)) == len(presets) and all(presets)
    names = presets if distinct else [str(number) for number in range(1, len(layers) + 1)]
    return {name: resolve(base, layer) for name, layer in zip(names, layers, strict=True)}


def find_contents(given: Iterable[str]) -> list[Path]:
    """The pictures that files, folders and patterns (`photos/*.jpg`, `**/*.png`) mean, each once.

    Raises:
        InputError: one of them means no picture.
        FolderError: one begins with the `~` of nobody.
    """
    found: dict[Path, Path] = {}
    for word in given:
        pictures = list(_pictures_at(word))
        if not pictures:
            what = "no picture fits it" if glob.has_magic(word) else "no such picture or folder"
            raise InputError(f"{word}: {what} ({', '.join(PICTURE_SUFFIXES)}).")
        for picture in pictures:
            found.setdefault(picture.absolute(), picture)
    return list(found.values())


def _pictures_at(word: str) -> Iterator[Path]:
    path = expand_home(word)
    if path.is_file():
        places = [path]
    elif path.is_dir():
        places = sorted(path.iterdir())
    else:
        places = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207
    for place in places:
        is_picture = place.suffix.lower() in PICTURE_SUFFIXES and not is_ignored(place.name)
        if is_picture and place.is_file():
            yield place
