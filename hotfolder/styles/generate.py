"""Paints the style pictures of Impasto: `python -m hotfolder.styles.generate FOLDER`."""

import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from hotfolder.styles import (
    engraving,
    gouache,
    ink,
    mosaic,
    oil,
    pastel,
    pencil,
    pointillism,
    stained_glass,
    tapestry,
    watercolour,
    woodcut,
)

__all__ = ["HEIGHT", "PAINTINGS", "paint"]

HEIGHT = 1536
"""Pixels. A print of 50 cm still has 100 of them to the inch."""

PAINTINGS: dict[str, Callable[[int], Image.Image]] = {
    "engraving": engraving.paint,
    "evening": lambda height: oil.paint("evening", height),
    "gouache": gouache.paint,
    "ink": ink.paint,
    "mosaic": mosaic.paint,
    "night": lambda height: oil.paint("night", height),
    "pastel": pastel.paint,
    "pencil": pencil.paint,
    "pointillism": pointillism.paint,
    "stained-glass": stained_glass.paint,
    "tapestry": tapestry.paint,
    "watercolour": watercolour.paint,
    "woodcut": woodcut.paint,
}
"""Name -> program: a picture of that height, 4:3, whose pixels depend on nothing else."""


def paint(name: str, height: int = HEIGHT) -> Image.Image:
    """One of `PAINTINGS`. Same name and height, same pixels."""
    return PAINTINGS[name](height)


def main(folder: str, *names: str) -> None:
    """Paint those named, else all; a quarter of a minute to a minute each."""
    for name in names or PAINTINGS:
        path = Path(folder) / f"{name}.jpg"
        paint(name).save(path, "JPEG", quality=84, optimize=True)
        sys.stdout.write(f"{path}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
