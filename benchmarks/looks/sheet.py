"""Contact sheets: one to judge by eye, unlabelled and shuffled, and one to show, with names.

Look at the first, write down what you prefer, then open the key beside it.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path

import engine.images.sheet
from engine.images.picture import Picture, read_picture, write_picture
from engine.images.sheet import Panel

SHOWN = 320
"""Longest side of a picture on a sheet with names, in pixels."""


def contact_sheet(pictures: Mapping[str, Path], references: Mapping[str, Path], path: Path) -> None:
    """Write PATH, the pictures under letters, and PATH's `.key.json`: letter -> name.

    Args:
        pictures: name -> delivered file, all of about one size.
        references: content and style, shown first, by name and smaller.
    """
    names = list(pictures)
    random.SystemRandom().shuffle(names)
    key = {chr(ord("A") + index): name for index, name in enumerate(names)}
    lettered = [Panel(read_picture(pictures[name]), letter) for letter, name in key.items()]
    side = min(min(panel.picture.size) for panel in lettered)  # no larger than any cell
    shown = [Panel(read_picture(file).thumbnail(side), name) for name, file in references.items()]
    _write(engine.images.sheet.contact_sheet([*shown, *lettered], columns=2), path, "png")
    path.with_suffix(".key.json").write_text(json.dumps(key, indent=1) + "\n")


def labelled_sheet(
    pictures: Mapping[str, Path], references: Mapping[str, Path], path: Path
) -> None:
    """Write PATH, a small JPEG with all pictures under their names, the references first."""
    files = [*references.items(), *pictures.items()]
    panels = [Panel(read_picture(file), name) for name, file in files]
    _write(engine.images.sheet.contact_sheet(panels, columns=3, side=SHOWN), path, "jpeg")


def _write(sheet: Picture, path: Path, format: str) -> None:
    write_picture(sheet, path, format=format, quality=85, text="")
