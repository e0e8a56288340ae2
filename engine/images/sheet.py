"""Contact sheets: labelled pictures side by side on one page. Does not import torch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.images.picture import Picture

__all__ = ["INK", "PAPER", "Panel", "contact_sheet", "font", "image_of"]

PAPER = (255, 255, 255)
INK = (40, 40, 40)
GAP = 8
"""Pixels around and between the panels."""

LINE = 1.3
"""Height of a line of text over that of its letters."""


@dataclass(frozen=True)
class Panel:
    """A picture and its label."""

    picture: Picture
    label: str


def contact_sheet(
    panels: Sequence[Panel], *, columns: int | None = None, side: int | None = None
) -> Picture:
    """The panels row by row, each picture in a cell as large as the largest.

    Args:
        panels: at least one.
        columns: cells a row; None for all in one row.
        side: longest side of a picture on the sheet, in pixels; None leaves them as they are.

    Returns:
        An opaque picture; transparent ones are laid on white.
    """
    columns = min(columns or len(panels), len(panels))
    images = [image_of(p.picture if side is None else p.picture.thumbnail(side)) for p in panels]
    width = max(image.width for image in images)
    height = max(image.height for image in images)
    letters = font(max(11, min(18, width // 14)))
    labels = [_fitting(panel.label, letters, width) for panel in panels]
    lines = max(label.count("\n") + 1 for label in labels)
    text_height = math.ceil(letters.size * LINE) * lines + GAP // 2
    rows = math.ceil(len(panels) / columns)
    sheet = Image.new(
        "RGB",
        (GAP + columns * (width + GAP), GAP + rows * (text_height + height + GAP)),
        PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        row, column = divmod(number, columns)
        x, y = GAP + column * (width + GAP), GAP + row * (text_height + height + GAP)
        draw.multiline_text((x, y), label, INK, letters, spacing=letters.size * (LINE - 1))
        sheet.paste(image, (x, y + text_height))
    return Picture.from_image(sheet)


def font(size: float) -> ImageFont.FreeTypeFont:
    """Pillow's own font at a height in pixels; no font of the system is needed."""
    letters = ImageFont.load_default(size)
    assert isinstance(letters, ImageFont.FreeTypeFont)  # as with every given size
    return letters


def image_of(picture: Picture) -> Image.Image:
    """Pillow's, 8 bits a channel; what is transparent is laid on white."""
    pixels = picture.pixels
    if picture.alpha is not None:
        alpha = picture.alpha[..., None]
        pixels = pixels * alpha + (1 - alpha)
    return Image.fromarray((pixels.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def _fitting(label: str, letters: ImageFont.FreeTypeFont, width: int) -> str:
    """The label with its words on as many lines as `width` pixels need."""
    lines = [""]
    for word in label.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and letters.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)
