"""Converts a decoded picture of any colour space, depth and profile to sRGB, upright, alpha apart.

Converted strip by strip, at the depth of the file.
"""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import PictureError
from engine.images.profiles import LAB, ProfileError, conversion, is_srgb, space_of
from engine.images.reading.stored import StoredPicture
from engine.images.strips import Floats, Samples, in_unit, strips, white_of

__all__ = ["to_srgb"]

MOST_THREADS = 8
"""Of a conversion; each has copies of a strip."""

logger = logging.getLogger(__name__)

Convert = Callable[[Samples], Samples]


def to_srgb(
    stored: StoredPicture, path: Path
) -> tuple[Samples, Floats | None, bytes | None, str | None]:
    """Pixels H x W x 3, alpha H x W or None if it is opaque, the profile that was used, and what is
    to be said of the colours if they are not certain.

    The pixels are of the file's own type, uint8, uint16 or float32; uint16 instead of uint8 if
    their colours were converted.

    A profile that cannot be used is ignored: the values are taken for sRGB. So are those of CMYK
    without a profile, after the plain (1 - c)(1 - k). Both are logged.

    Raises:
        PictureError: floating-point values outside 0 to 1.
    """
    first = stored.rows(slice(0, 1))
    convert, used, doubt = _conversion(stored, first.dtype)
    if doubt:
        logger.warning("%s: %s", path, doubt)
    width, height = stored.size if stored.orientation < 5 else stored.size[::-1]
    kind = convert(_colours(first, stored)).dtype
    samples = np.empty((height, width, 3), kind)
    alpha = np.empty((height, width), np.float32) if stored.alpha != "none" else None
    # Written through views in which the picture lies as it is stored.
    into = _as_stored(samples, stored.orientation)
    alpha_into = None if alpha is None else _as_stored(alpha, stored.orientation)

    def put(rows: slice) -> None:
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is refused
            strip = stored.rows(rows)
        if strip.dtype == np.float32 and stored.space != LAB:
            _check_range(strip, path)
        if alpha_into is not None:
            alpha_into[rows] = in_unit(strip[..., -1])
        into[rows] = convert(_colours(strip, stored))

    # littlecms converts some 4 megapixels a second and lets others run meanwhile.
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1) if used else 1) as pool:
        for done in [pool.submit(put, rows) for rows in strips(*stored.size)]:
            done.result()
    if alpha is not None and alpha.min() == 1:
        alpha = None
    return samples, alpha, used, doubt


def _colours(strip: Samples, stored: StoredPicture) -> Samples:
    """The strip without its alpha, which is divided out where it was multiplied in."""
    if stored.alpha == "none":
        return strip
    colours, alpha = strip[..., :-1], strip[..., -1:]
    if stored.alpha == "straight":
        return colours
    white = white_of(strip)
    divided = np.divide(
        colours * np.float64(white), alpha, out=np.zeros(colours.shape), where=alpha > 0
    ).clip(0, white)
    return (np.rint(divided) if strip.dtype.kind == "u" else divided).astype(strip.dtype)


def _conversion(stored: StoredPicture, dtype: Any) -> tuple[Convert, bytes | None, str | None]:
    """From colours as stored to sRGB, the profile that it uses, and what is not certain."""
    plain = {"RGB": lambda s: s, "GREY": lambda s: s.repeat(3, axis=2), "CMYK": _without_inks}
    if stored.space == LAB:
        lab = conversion(None, None, LAB)
        return lambda strip: np.rint(lab(strip) * 65535).astype(np.uint16), None, None
    if not stored.profile:
        guessed = "CMYK without a colour profile: its colours are approximate"
        return plain[stored.space], None, guessed if stored.space == "CMYK" else None
    try:
        space = space_of(stored.profile)
        if space == stored.space:
            convert = conversion(stored.profile, None, space)
            if space == "RGB" and is_srgb(convert, dtype):
                return plain["RGB"], None, None
            return convert, stored.profile, None
        # Grey pictures often carry an RGB profile; its neutral axis is meant.
        if (stored.space, space) == ("GREY", "RGB"):
            through = conversion(stored.profile, None, "RGB")
            return lambda strip: through(strip.repeat(3, axis=2)), stored.profile, None
        why = f"is for {space} and the picture {stored.space}"
    except ProfileError as error:
        why = str(error)
    doubt = f"its colour profile {why}; its colours are taken for sRGB"
    return plain[stored.space], None, doubt


def _without_inks(strip: Samples) -> Samples:
    white = white_of(strip)
    unit = in_unit(strip)
    light = (1 - unit[..., :3]) * (1 - unit[..., 3:])
    return (np.rint(light * white) if strip.dtype.kind == "u" else light).astype(strip.dtype)


def _check_range(strip: Samples, path: Path) -> None:
    if not (np.isfinite(strip).all() and strip.min() >= 0 and strip.max() <= 1):
        raise PictureError(
            f"{path}: its floating-point values are outside 0 to 1, so that black and white "
            "are unknown. Export it with 8 or 16 bits a channel."
        )


def _as_stored(array: Any, orientation: int) -> Any:
    """H x W (x C) as seen -> as stored (EXIF 2.32, table 6, Orientation); a view."""
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array.swapaxes(0, 1) if orientation >= 5 else array
