"""A contact sheet to judge by eye: unlabelled, shuffled, with its key in a file beside it.

Look first, write down what you prefer, then open the key.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

GAP, CAPTION = 12, 28
PAPER, INK = "white", "black"


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
