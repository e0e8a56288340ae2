"""`contact-sheet.jpg`: every result of a batch under its name.

`python -m hotfolder.batches.results.contact_sheet SHEET COLUMNS` makes one from a JSON list of
`[PICTURE, LABEL]` on its standard input: the server decodes no picture, so a child process does.
"""

import io
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageDraw

from engine.images.sheet import INK, PAPER, font
from hotfolder.atomic_files import write_whole
from hotfolder.folder_access import open_regular

__all__ = ["contact_sheet"]

SIDES = (320, 256, 192, 128, 96, 64)
"""Pixels of a cell, the largest that keeps the sheet below `LARGEST`."""
LARGEST = 40_000_000
LONGEST = 60_000
"""Pixels of a side; a JPEG can have 65,535."""
GAP = 8
BLANK = (238, 238, 238)


def contact_sheet(cells: Sequence[tuple[Path | None, str]], columns: int) -> bytes:
    """A JPEG of the pictures in rows, each under its label. One picture is decoded at a time.

    Args:
        cells: picture and label, row by row; without a picture (or with one that cannot be read)
            the cell is left blank but for its label.
        columns: cells a row, as the contents' styles are; many are folded into a square.
    """
    if not 0 < columns <= 12:
        columns = max(1, math.ceil(math.sqrt(len(cells))))
    columns = min(columns, len(cells))
    rows = math.ceil(len(cells) / columns)
    side = next((side for side in SIDES if _fits(side, columns, rows)), SIDES[-1])
    sizes = [size for path, _ in cells if path and (size := _size_within(path, side))]
    # As large as the largest, and wide enough for a name.
    width = max([side // 2, *(width for width, _ in sizes)])
    height = max([side // 8, *(height for _, height in sizes)])
    letters = font(max(9, min(15, side // 18)))
    text_height = math.ceil(letters.size * 1.5)
    across, down = width + GAP, height + text_height + GAP
    sheet = Image.new("RGB", (GAP + columns * across, GAP + rows * down), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (path, label) in enumerate(cells):
        row, column = divmod(number, columns)
        x, y = GAP + column * across, GAP + row * down
        draw.text((x, y), _cut(label, letters, width), INK, letters)
        y += text_height
        picture = None if path is None else _small(path, side)
        if picture is None:
            draw.rectangle(((x, y), (x + width - 1, y + height - 1)), BLANK)
        else:
            sheet.paste(picture, (x, y))
    data = io.BytesIO()
    sheet.save(data, "JPEG", quality=88)
    return data.getvalue()


def _fits(side: int, columns: int, rows: int) -> bool:
    width, height = columns * (side + GAP), rows * (side + GAP + 24)
    return width * height <= LARGEST and max(width, height) <= LONGEST


def _size_within(path: Path, side: int) -> tuple[int, int] | None:
    """Of the picture with sides of at most `side`; by its header alone."""
    try:
        with open_regular(path) as file, Image.open(file) as image:
            factor = min(1.0, side / max(image.size))
            return math.ceil(image.width * factor), math.ceil(image.height * factor)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _small(path: Path, side: int) -> Image.Image | None:
    try:
        with open_regular(path) as file, Image.open(file) as image:
            image.draft("RGB", (2 * side, 2 * side))
            small, profile = image.convert("RGBA"), image.info.get("icc_profile")
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        if profile:  # with `profile: content`
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ImageCms.profileToProfile(small, source, ImageCms.createProfile("sRGB"), inPlace=True)
        white = Image.new("RGBA", small.size, "white")
        return Image.alpha_composite(white, small).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError, ImageCms.PyCMSError):
        return None


def _cut(label: str, letters: Any, width: int) -> str:
    if letters.getlength(label) <= width:
        return label
    while label and letters.getlength(f"{label}...") > width:
        label = label[:-1]
    return f"{label}..."


def main() -> int:
    sheet, columns = sys.argv[1:]
    cells = [(Path(picture) if picture else None, label) for picture, label in json.load(sys.stdin)]
    write_whole(Path(sheet), contact_sheet(cells, int(columns)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
