"""The pictures that are painted: those that every machine has, and those of a folder, in pairs."""

from dataclasses import dataclass
from pathlib import Path

import skimage

import hotfolder

PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
STYLES = Path(hotfolder.__file__).parent / "styles"

CONTENT, STYLE = PHOTOGRAPHS / "chelsea.png", PHOTOGRAPHS / "coffee.png"
"""Where it does not matter what is painted."""


@dataclass(frozen=True)
class Pair:
    name: str
    content: Path
    style: Path


def pairs(folder: Path | None) -> list[Pair]:
    """Pairs that every machine has, and those of `folder` if its pictures are there.

    Args:
        folder: may hold tubingen.jpg, starry_night.jpg, hoovertowernight.jpg and the_scream.jpg,
            the pictures that most peers show.
    """
    found = [
        Pair("cat-night", PHOTOGRAPHS / "chelsea.png", STYLES / "night.jpg"),
        Pair("astronaut-evening", PHOTOGRAPHS / "astronaut.png", STYLES / "evening.jpg"),
    ]
    if folder is not None:
        folder = folder.absolute()
        found = [
            Pair("tubingen-starry", folder / "tubingen.jpg", folder / "starry_night.jpg"),
            Pair("hoover-scream", folder / "hoovertowernight.jpg", folder / "the_scream.jpg"),
            *found,
        ]
    missing = [path for pair in found for path in (pair.content, pair.style) if not path.is_file()]
    if missing:
        raise SystemExit(f"missing: {', '.join(map(str, missing))}")
    return found
