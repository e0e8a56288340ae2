"""Contact sheets: one to judge by eye, unlabelled and shuffled, and one to show, with names.

Look at the first, write down what you prefer, then open the key beside it.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import engine.sheet
from engine.picture import read_picture, write_picture
from engine.sheet import Panel

GAP, CAPTION = 12, 28
PAPER, INK = "white", "black"
SHOWN = 320
"""Longest side of a picture on a sheet with names, in pixels."""


def contact_sheet(pictures: Mapping[str, Path], references: list[Path], path: Path) -> None:
    """Write PATH, two pictures a row under letters, and PATH's `.key.json`: letter -> name.

    Args:
        pictures: name -> delivered file, all of about one size.
        references: content and style, shown small on top.
    """
    names = list(pictures)
    random.SystemRandom().shuffle(names)
    images = [Image.open(pictures[name]).convert("RGB") for name in names]
    width = max(image.width for image in images)
    height = max(image.height for image in images)
    columns = min(2, len(images))
    rows = -(-len(images) // columns)
    top = height // 3
    sheet = Image.new(
        "RGB",
        (columns * (width + GAP) + GAP, top + 2 * GAP + rows * (height + GAP + CAPTION)),
        PAPER,
    )
    left = GAP
    for reference in references:
        with Image.open(reference) as file:
            thumbnail = file.convert("RGB")
        thumbnail.thumbnail((width // 2, top))
        sheet.paste(thumbnail, (left, GAP))
        left += thumbnail.width + GAP
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    key = {}
    for index, (name, image) in enumerate(zip(names, images, strict=True)):
        row, column = divmod(index, columns)
        x, y = GAP + column * (width + GAP), top + 2 * GAP + row * (height + GAP + CAPTION)
        sheet.paste(image, (x, y))
        letter = chr(ord("A") + index)
        draw.text((x, y + image.height + 2), letter, fill=INK, font=font)
        key[letter] = name
    sheet.save(path)
    path.with_suffix(".key.json").write_text(json.dumps(key, indent=1) + "\n")


def labelled_sheet(
    pictures: Mapping[str, Path], references: Mapping[str, Path], path: Path
) -> None:
    """Write PATH, a small JPEG with all pictures under their names, the references first."""
    panels = [
        Panel(read_picture(file), name) for name, file in [*references.items(), *pictures.items()]
    ]
    sheet = engine.sheet.contact_sheet(panels, columns=3, side=SHOWN)
    write_picture(sheet, path, format="jpeg", quality=85, text="")
