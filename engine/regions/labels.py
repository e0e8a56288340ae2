"""Label pictures: each region of a picture in one flat colour, the same one in its style's."""

from collections.abc import Sequence

import numpy as np

from engine.errors import PictureError
from engine.images.picture import Picture
from engine.images.strips import Floats, Samples, strips, white_of
from engine.regions.cover import Cover

__all__ = ["colour_name", "labels_of"]

NEAR = 48.0
"""Distance of two colours of 8 bits a channel up to which they are one label: JPEG shifts them, and
so do programs with colour profiles."""

FLAT = 24
"""Levels between the pixels of 3 x 3 that are one flat colour."""

FEWEST = 16
"""Pixels, each the middle of 3 x 3 of its colour, that make a colour a label: the mixed colours on
edges between labels have none."""

MOST = 32
"""Labels; a picture with more is none of labels."""

Colour = tuple[int, int, int]


def labels_of(
    content: tuple[str, Picture], styles: Sequence[tuple[str, Picture]]
) -> dict[Colour, list[Cover | None]]:
    """The regions of each label: in the content, then in each style; None where it is not.

    Args:
        content, styles: names in messages, and pictures.

    Raises:
        PictureError: no picture of labels.
    """
    pictures = [content, *styles]
    levels = [(name, _levels(picture)) for name, picture in pictures]
    colours = _colours(levels)
    found: dict[Colour, list[Cover | None]] = {colour: [] for colour in colours}
    palette = np.array(colours, np.float32)
    for (_, picture), (_, each) in zip(pictures, levels, strict=True):
        nearest = np.empty(each.shape[:2], np.uint8)
        for rows in strips(each.shape[1], each.shape[0]):
            away = each[rows, :, None].astype(np.float32) - palette
            nearest[rows] = np.square(away).sum(axis=-1).argmin(axis=-1)
        for number, covers in enumerate(found.values()):
            values = (nearest == number).astype(np.float32)
            if picture.alpha is not None:
                values *= picture.alpha
            covers.append(Cover(values) if values.any() else None)
    return found


def colour_name(colour: Colour) -> str:
    """As it is written in HTML: #ff0000."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _levels(picture: Picture) -> Samples:
    """H x W x 3, 8 bits a channel."""
    samples = picture.samples
    if samples.dtype == np.uint8:
        return samples
    levels: Samples = np.rint(samples * (255 / white_of(samples))).astype(np.uint8)
    return levels


def _colours(pictures: Sequence[tuple[str, Samples]]) -> list[Colour]:
    """The flat colours of all pictures, the most frequent first."""
    flat = []
    for name, levels in pictures:
        found = levels[1:-1, 1:-1][_is_flat(levels)].astype(np.uint32)
        if len(found) < FEWEST:
            raise PictureError(_no_labels(name, "no colour fills an area"))
        flat.append(found[:, 0] << 16 | found[:, 1] << 8 | found[:, 2])
    packed, counts = np.unique(np.concatenate(flat), return_counts=True)
    colours = np.stack([packed >> 16, packed >> 8 & 255, packed & 255], axis=-1).astype(np.int16)
    labels: list[Colour] = []
    while counts.sum() >= FEWEST and counts.any():
        colour = colours[counts.argmax()]
        near = _distance(colours, colour) <= NEAR
        if counts[near].sum() >= FEWEST:
            labels.append((int(colour[0]), int(colour[1]), int(colour[2])))
        colours, counts = colours[~near], counts[~near]
        if len(labels) > MOST:
            names = " and ".join(name for name, _ in pictures)
            raise PictureError(_no_labels(names, f"more than {MOST} colours"))
    return labels


def _is_flat(levels: Samples) -> Samples:
    """Of each pixel but the outermost, whether the 3 x 3 around it are of its colour."""
    height, width = levels.shape[:2]
    middle = levels[1:-1, 1:-1].astype(np.int16)
    flat = np.ones(middle.shape[:2], bool)
    for down in range(3):
        for right in range(3):
            other = levels[down : down + height - 2, right : right + width - 2]
            flat &= (np.abs(other - middle) <= FLAT).all(axis=-1)
    return flat


def _distance(colours: Samples, colour: Samples) -> Floats:
    distance: Floats = np.linalg.norm(colours.astype(np.float32) - colour, axis=-1)
    return distance


def _no_labels(name: str, why: str) -> str:
    return (
        f"{name}: this is no picture of labels ({why}). Fill each region with one flat colour, the "
        "same one in the content's and the styles' label pictures; or give a mask for each region."
    )
