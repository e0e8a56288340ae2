"""Converts a decoded picture of any mode and colour profile (ICC) to sRGB, and its alpha apart.

Converted strip by strip: beside Pillow's own there is one copy of the picture, 8 bits a channel
where the file has no more.
"""

import io
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from engine.errors import PictureError
from engine.images.strips import Floats, Samples, strips
from engine.images.tiff_kinds import is_white_is_zero

__all__ = ["fill_transparent", "srgb_profile", "to_srgb"]

logger = logging.getLogger(__name__)

Bytes = NDArray[np.uint8]

# What editors do by default: the colours that both spaces have stay as they are, black stays black.
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
# Where tables are involved (CMYK, LAB), lcms' optimisation resamples them: up to 12 levels wrong.
EXACT = FLAGS | ImageCms.Flags.NOOPTIMIZE

EXIF_ORIENTATION = 0x0112
TIFF_BITS_PER_SAMPLE = 258
TIFF_SAMPLE_FORMAT = 339
TIFF_UNSIGNED = 1


def to_srgb(image: Image.Image, path: Path) -> tuple[Samples, Floats | None]:
    """Pixels H x W x 3 and alpha H x W or None, upright, from a decoded picture of any mode.

    The pixels are uint8, 0 to 255; of grey of more than 8 bits float32, 0 to 1.

    A profile that cannot be used is logged and ignored: the values are taken for sRGB. So are those
    of CMYK without a profile, after the plain (1 - c)(1 - k).

    Raises:
        PictureError: floating-point values outside 0 to 1, or a mode that nothing is known about.
    """
    profile = image.info.get("icc_profile")
    samples: Samples
    if image.mode[0] in "IF":
        values, alpha = _deep_grey(image, path)
        samples, orientation = _grey_to_srgb(values, profile, path), _orientation(image)
        samples = np.ascontiguousarray(_upright(samples, orientation))
        alpha = None if alpha is None else np.ascontiguousarray(_upright(alpha, orientation))
    else:
        samples, alpha = _in_8_bits(image, profile, path)
    if alpha is not None and alpha.min() == 1:
        alpha = None
    if alpha is not None:
        fill_transparent(samples, alpha)
    return samples, alpha


def fill_transparent(samples: Samples, alpha: Floats) -> None:
    """Give `samples` the mean visible colour wherever `alpha` is 0.

    What a file holds there is arbitrary (often black), and the network would see its edges. A
    uniform colour has no texture to paint; the mean shifts the Gram matrices least.
    """
    total = alpha.sum(dtype=np.float64)
    if total == 0 or alpha.min() > 0:
        return
    parts = list(strips(alpha.shape[1], alpha.shape[0]))
    mean = sum(
        np.einsum("hwc,hw->c", samples[rows], alpha[rows], dtype=np.float64) for rows in parts
    ) / np.float64(total)
    colour = np.rint(mean) if samples.dtype == np.uint8 else mean
    for rows in parts:
        samples[rows][alpha[rows] == 0] = colour


def srgb_profile() -> bytes:
    """An ICC profile of sRGB; always the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The header's date and time (ICC.1:2022, 7.2.8), which would differ from file to file.
    profile[24:36] = bytes.fromhex("07d000010001000000000000")  # 2000-01-01 00:00:00
    return bytes(profile)


def _in_8_bits(
    image: Image.Image, profile: bytes | None, path: Path
) -> tuple[Bytes, Floats | None]:
    """Upright pixels and alpha of a picture of 8 bits a channel or less."""
    orientation = _orientation(image)
    transparent = image.has_transparency_data
    grey = image.mode in ("1", "L", "LA", "La")
    convert = _to_rgb("L" if grey else image.mode, profile, path)
    width, height = image.size if orientation < 5 else image.size[::-1]
    samples = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.float32) if transparent else None
    # Written through views in which the picture lies as it is stored.
    stored = _as_stored(samples, orientation)
    stored_alpha = None if alpha is None else _as_stored(alpha, orientation)
    for rows in strips(*image.size):
        strip = image.crop((0, rows.start, image.width, rows.stop))
        if stored_alpha is not None:
            strip = strip.convert("LA" if grey else "RGBA")
            stored_alpha[rows] = np.asarray(strip.getchannel("A")) / np.float32(255)
        stored[rows] = np.asarray(convert(strip.convert("L") if grey else strip))
    return samples, alpha


def _deep_grey(image: Image.Image, path: Path) -> tuple[Floats, Floats | None]:
    """Grey values of 16 or 32 bits, or floating point, in 0 to 1, and alpha by a key value."""
    raw = np.asarray(image)
    inverted = is_white_is_zero(image)
    alpha = None
    if isinstance(key := image.info.get("transparency"), int):
        alpha = (raw != key).astype(np.float32)
    if image.mode == "F":
        if not (np.isfinite(raw).all() and raw.min() >= 0 and raw.max() <= 1):
            raise PictureError(
                f"{path}: its floating-point values are outside 0 to 1, so that black and white "
                "are unknown. Export it with 8 or 16 bits a channel."
            )
        return (1 - raw if inverted else raw).astype(np.float32), alpha
    tags: Any = getattr(image, "tag_v2", {})
    bits = tags.get(TIFF_BITS_PER_SAMPLE, (16,))[0]
    white = 2 ** min(bits, 16) - 1
    if image.mode == "I" and bits == 32:
        signed = tags.get(TIFF_SAMPLE_FORMAT, (TIFF_UNSIGNED,))[0] != TIFF_UNSIGNED
        raw = raw if signed else raw.view(np.uint32)  # Pillow knows signed numbers only.
        # 16-bit values are often stored as 32 bits; read as 32 bits they would be black.
        if raw.max() > white:
            white = 2**31 - 1 if signed else 2**32 - 1
    values = raw.clip(0, white) / np.float64(white)
    return (1 - values if inverted else values).astype(np.float32), alpha


def _grey_to_srgb(values: Floats, data: bytes | None, path: Path) -> Floats:
    """H x W in 0 to 1 -> H x W x 3, through the profile if there is one."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    # lcms works on 8 bits here; between two of its values deeper greys are interpolated.
    steps = np.arange(256) / 255
    curves = np.asarray(_to_rgb("L", data, path)(ramp))[0] / 255
    planes = [np.interp(values, steps, curves[:, c]).astype(np.float32) for c in range(3)]
    return np.stack(planes, axis=2)


def _to_rgb(mode: str, data: bytes | None, path: Path) -> Callable[[Image.Image], Image.Image]:
    """The conversion to 8-bit sRGB of pictures of a mode, with a profile or without one."""
    if mode == "LAB" and not data:
        data = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    mode = mode if mode in SPACES else "RGB"
    through = _through_profile(mode, data, path)
    return through or (lambda strip: strip.convert("RGB"))


# The colour spaces of profiles (ICC.1:2022, table 19) that fit Pillow's modes. Grey pictures often
# carry an RGB profile; its neutral axis is meant.
SPACES = {"L": ("GRAY", "RGB"), "RGB": ("RGB",), "CMYK": ("CMYK",), "LAB": ("Lab",)}


def _through_profile(
    mode: str, data: bytes | None, path: Path
) -> Callable[[Image.Image], Image.Image] | None:
    """A profile's conversion to sRGB; None without a profile, or with one that cannot be used."""
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = profile.profile.xcolor_space.strip()
        if space not in SPACES[mode]:
            logger.warning(
                "%s: the colour profile is for %s and the picture %s; its colours are taken for "
                "sRGB",
                path,
                space,
                mode,
            )
            return None
        taken = "RGB" if space == "RGB" else mode
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        flags = FLAGS if space == "RGB" else EXACT
        transform = ImageCms.ImageCmsTransform(profile, srgb, taken, "RGB", INTENT, flags=flags)
        if space == "RGB" and _changes_nothing(transform):
            return None
        transform.apply(Image.new(taken, (1, 1)))
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError) as error:
        logger.warning(
            "%s: the colour profile is damaged (%s); the colours are taken for sRGB", path, error
        )
        return None
    return lambda strip: transform.apply(strip.convert(taken) if strip.mode != taken else strip)


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform is sRGB to sRGB up to rounding: left out, it keeps values exact."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    there = np.asarray(transform.apply(Image.fromarray(grid)))
    return int(np.abs(there.astype(int) - grid).max()) <= 1


def _orientation(image: Image.Image) -> int:
    """EXIF's 1 to 8. Pillow turns TIFF files by itself while decoding, and then says 1."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # Damaged metadata raises almost anything, and is no reason not to paint.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(array: Floats, orientation: int) -> Floats:
    """H x W (x C) as stored -> as seen (EXIF 2.32, table 6, Orientation); a view."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def _as_stored(array: Any, orientation: int) -> Any:
    """The inverse of `_upright`; a view."""
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    return array.swapaxes(0, 1) if orientation >= 5 else array
