"""The style library: the paintings that a request names without a path."""

import os
from dataclasses import dataclass
from pathlib import Path

from .protocol import PICTURE_SUFFIXES, fold_name, labelled_stem

MAX_STYLES = 1000


@dataclass(frozen=True)
class Style:
    """One painting of the library."""

    name: str
    """As `Request.styles` wants it: the path below styles/, with `/`."""
    title: str
    """For people: `Starry night` for `starry_night.jpg`."""
    picture: Path


def list_styles(library: Path) -> list[Style]:
    """The library's pictures by title, those of its folders included; hidden ones are not, nor
    label pictures beside theirs."""
    found: list[Style] = []
    for place, folders, names in os.walk(library):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        stems = {Path(name).stem for name in names}
        for name in sorted(names):
            path = Path(place, name)
            if labelled_stem(path.stem) in stems:
                continue
            is_picture = path.suffix.lower() in PICTURE_SUFFIXES and not name.startswith(".")
            if is_picture and path.is_file():
                found.append(Style(path.relative_to(library).as_posix(), _title(path), path))
        if len(found) >= MAX_STYLES:
            break
    return sorted(found[:MAX_STYLES], key=lambda style: (fold_name(style.title), style.name))


def _title(path: Path) -> str:
    words = path.stem.replace("_", " ").replace("-", " ").split()
    title = " ".join(words) or path.stem
    return title[:1].upper() + title[1:]
