"""From the modes and profiles of picture files to sRGB in 0 to 1, with alpha aside."""

import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from engine.errors import PictureError

__all__ = ["fill_transparent", "srgb_profile", "to_srgb"]

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]

# What editors do by default: the colours that both spaces have stay as they are, black stays black.
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
# Where tables are involved (CMYK, LAB), lcms' optimisation resamples them: up to 12 levels wrong.
EXACT = FLAGS | ImageCms.Flags.NOOPTIMIZE

EXIF_ORIENTATION = 0x0112
TIFF_BITS_PER_SAMPLE = 258
TIFF_SAMPLE_FORMAT = 339
TIFF_UNSIGNED = 1


def to_srgb(image: Image.Image, path: Path) -> tuple[Floats, Floats | None]:
    """Pixels H x W x 3 and alpha H x W or None, upright, from a decoded picture of any mode.

    A profile that cannot be used is logged and ignored: the values are taken for sRGB. So are those
    of CMYK without a profile, after the plain (1 - c)(1 - k).

    Raises:
        PictureError: floating-point values outside 0 to 1, or a mode that nothing is known about.
    """
    orientation = _orientation(image)
    pixels, alpha = _separated(image, path)
    if alpha is not None:
        alpha = None if alpha.min() == 1 else alpha
    if alpha is not None:
        pixels = fill_transparent(pixels, alpha)
        alpha = _upright(alpha, orientation)
    return _upright(pixels, orientation), alpha


def fill_transparent(pixels: Floats, alpha: Floats) -> Floats:
    """`pixels` with the mean visible colour wherever `alpha` is 0.

    What a file holds there is arbitrary (often black), and the network would see its edges. One
    quiet colour has no texture to paint; the mean is the one that shifts the Gram matrices least.
    """
    hidden = alpha == 0
    total = alpha.sum(dtype=np.float64)
    if total == 0 or not hidden.any():
        return pixels
    mean = np.einsum("hwc,hw->c", pixels, alpha, dtype=np.float64) / total
    filled = pixels.copy()
    filled[hidden] = mean
    return filled


def srgb_profile() -> bytes:
    """An ICC profile of sRGB; always the same bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    # The header's date and time (ICC.1:2022, 7.2.8), which would differ from file to file.
    profile[24:36] = bytes.fromhex("07d000010001000000000000")  # 2000-01-01 00:00:00
    return bytes(profile)


def _separated(image: Image.Image, path: Path) -> tuple[Floats, Floats | None]:
    profile = image.info.get("icc_profile")
    if image.mode[0] in "IF":
        values, alpha = _deep_grey(image, path)
        return _grey_to_srgb(values, profile, path), alpha
    alpha = None
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode in ("1", "L", "LA", "La") else "RGBA")
        alpha = _unit(image.getchannel("A"))
    if image.mode in ("1", "L", "LA"):
        return _grey_to_srgb(_unit(image.convert("L")), profile, path), alpha
    if image.mode not in ("CMYK", "LAB"):
        image = image.convert("RGB")
    return _unit(_colours_to_srgb(image, profile, path)), alpha


def _unit(image: Image.Image) -> Floats:
    """8 bits a channel -> 0 to 1."""
    unit: Floats = np.divide(np.asarray(image), np.float32(255), dtype=np.float32)
    return unit


def _deep_grey(image: Image.Image, path: Path) -> tuple[Floats, Floats | None]:
    """Grey values of 16 or 32 bits, or floating point, in 0 to 1, and alpha by a key value."""
    raw = np.asarray(image)
    alpha = None
    if isinstance(key := image.info.get("transparency"), int):
        alpha = (raw != key).astype(np.float32)
    if image.mode == "F":
        if not (np.isfinite(raw).all() and raw.min() >= 0 and raw.max() <= 1):
            raise PictureError(
                f"{path}: its floating-point values are outside 0 to 1, so that black and white "
                "are unknown. Export it with 8 or 16 bits a channel."
            )
        return raw.astype(np.float32), alpha
    tags: Any = getattr(image, "tag_v2", {})
    white = 2**16 - 1
    if image.mode == "I" and tags.get(TIFF_BITS_PER_SAMPLE, (16,))[0] == 32:
        signed = tags.get(TIFF_SAMPLE_FORMAT, (TIFF_UNSIGNED,))[0] != TIFF_UNSIGNED
        raw = raw if signed else raw.view(np.uint32)  # Pillow knows signed numbers only.
        # 16 bits are often stored as 32; and a picture of 32 with no more light in it is black.
        if raw.max() > white:
            white = 2**31 - 1 if signed else 2**32 - 1
    return (raw.clip(0, white) / np.float64(white)).astype(np.float32), alpha


def _grey_to_srgb(values: Floats, data: bytes | None, path: Path) -> Floats:
    """H x W in 0 to 1 -> H x W x 3, through the profile if there is one."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    converted = _through_profile(ramp, data, path)
    if converted is None:
        return np.repeat(values[..., None], 3, axis=2)
    # lcms works on 8 bits here; between two of its values deeper greys are interpolated.
    steps = np.arange(256) / 255
    curves = np.asarray(converted)[0] / 255
    planes = [np.interp(values, steps, curves[:, c]).astype(np.float32) for c in range(3)]
    return np.stack(planes, axis=2)


def _colours_to_srgb(image: Image.Image, data: bytes | None, path: Path) -> Image.Image:
    """RGB, CMYK or LAB of 8 bits -> RGB of 8 bits in sRGB."""
    if image.mode == "LAB" and not data:
        data = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return _through_profile(image, data, path) or image.convert("RGB")


# The colour spaces of profiles (ICC.1:2022, table 19) that fit Pillow's modes. Grey pictures often
# carry an RGB profile; its neutral axis is meant.
SPACES = {"L": ("GRAY", "RGB"), "RGB": ("RGB",), "CMYK": ("CMYK",), "LAB": ("Lab",)}


def _through_profile(image: Image.Image, data: bytes | None, path: Path) -> Image.Image | None:
    """The picture in sRGB, 8 bits RGB; None without a profile, or with one that is of no use."""
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space = profile.profile.xcolor_space.strip()
        if space not in SPACES[image.mode]:
            logger.warning(
                "%s: the colour profile is for %s and the picture %s; its colours are taken for "
                "sRGB",
                path,
                space,
                image.mode,
            )
            return None
        image = image.convert("RGB") if space == "RGB" else image
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        flags = FLAGS if space == "RGB" else EXACT
        transform = ImageCms.ImageCmsTransform(
            profile, srgb, image.mode, "RGB", INTENT, flags=flags
        )
        if space == "RGB" and _changes_nothing(transform):
            return image
        return transform.apply(image)
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError) as error:
        logger.warning(
            "%s: the colour profile is damaged (%s); the colours are taken for sRGB", path, error
        )
        return None


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether it is sRGB to sRGB up to rounding, as with most files: then values stay exact."""
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
    """H x W (x C) as stored -> as seen (EXIF 2.32, table 6, Orientation)."""
    if orientation >= 5:
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)
