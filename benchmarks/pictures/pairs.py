"""Pairs of a content and a style: those that every machine has, those of a folder, and twenty that
differ, ten to tune settings on and ten to judge them by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import skimage

from benchmarks.pictures.packages import PACKAGED, fetched
from benchmarks.pictures.styles import PAINTED, painted

PHOTOGRAPHS = Path(skimage.__file__).parent / "data"
STYLES = Path(__file__).parent
"""`night` and `evening` as they were measured, at 1024 x 768 px: those that Impasto comes with now
have other strokes."""

CONTENT, STYLE = PHOTOGRAPHS / "chelsea.png", PHOTOGRAPHS / "coffee.png"
"""Where it does not matter what is painted."""

INSTALLED = {
    "cat": PHOTOGRAPHS / "chelsea.png",
    "astronaut": PHOTOGRAPHS / "astronaut.png",
    "coffee": PHOTOGRAPHS / "coffee.png",
    "rocket": PHOTOGRAPHS / "rocket.jpg",
    "galaxies": PHOTOGRAPHS / "hubble_deep_field.jpg",
    "night": STYLES / "night.jpg",
    "evening": STYLES / "evening.jpg",
}
"""By name, beside `PACKAGED` and `PAINTED`."""

TUNING = (
    "cat-night",
    "castle-pond",
    "coffee-linocut",
    "boats-landing",
    "astronaut-evening",
    "rocket-confetti",
    "citrus-pen",
    "forest-screenprint",
    "dahlia-facets",
    "dogs-ribbons",
)
"""Settings may be chosen by these."""

FINAL = (
    "admiral-autumn",
    "bridge-lamplight",
    "peaks-rain",
    "temple-elephants",
    "hills-indigo",
    "bee-matchbox",
    "chameleon-meadow",
    "wine-chalk",
    "sunset-altai",
    "galaxies-tiles",
)
"""No setting may be chosen by these: they are the table that tells whether a gain holds. They
share no picture with `TUNING`. Raced in this order, however many there is time for."""

OF_A_FOLDER = {
    "tubingen-starry": ("tubingen.jpg", "starry_night.jpg"),
    "hoover-scream": ("hoovertowernight.jpg", "the_scream.jpg"),
}
"""The pictures that most peers show."""


@dataclass(frozen=True)
class Pair:
    name: str
    content: Path
    style: Path


def pairs(folder: Path | None) -> list[Pair]:
    """Pairs that every machine has, and those of `folder` if its pictures are there.

    Args:
        folder: may hold tubingen.jpg, starry_night.jpg, hoovertowernight.jpg and the_scream.jpg.
    """
    return [*_of_folder(folder), *(pair_of(name) for name in ("cat-night", "astronaut-evening"))]


def chosen_pairs(names: Sequence[str], folder: Path | None) -> list[Pair]:
    """Pairs by name; `tuning` and `final` are all of theirs. Pictures are fetched if need be.

    Raises:
        SystemExit: there is no such pair, or a picture cannot be had.
    """
    listed: list[str] = []
    for name in names:
        listed += {"tuning": TUNING, "final": FINAL}.get(name, [name])
    at_hand = {pair.name: pair for pair in _of_folder(folder)}
    known = [*at_hand, *TUNING, *FINAL]
    for name in listed:
        if name not in known:
            raise SystemExit(f"{name}: there are tuning, final, {', '.join(known)}")
    return [at_hand.get(name) or pair_of(name) for name in dict.fromkeys(listed)]


def pair_of(name: str) -> Pair:
    """One of `TUNING` and `FINAL`."""
    content, style = name.split("-")
    return Pair(name, _picture(content), _picture(style))


def _picture(name: str) -> Path:
    if name in PACKAGED:
        return fetched(name)
    return painted(name) if name in PAINTED else INSTALLED[name]


def _of_folder(folder: Path | None) -> list[Pair]:
    if folder is None:
        return []
    folder = folder.absolute()
    found = [
        Pair(name, folder / content, folder / style)
        for name, (content, style) in OF_A_FOLDER.items()
    ]
    missing = [path for pair in found for path in (pair.content, pair.style) if not path.is_file()]
    if missing:
        raise SystemExit(f"missing: {', '.join(map(str, missing))}")
    return found
