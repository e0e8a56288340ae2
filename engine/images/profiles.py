"""Conversion between ICC profiles at the picture's own depth, by littlecms (in imagecodecs).

Its optimisations are off: they resample a transform of 16 bits to a table of 33 steps, up to 14
levels of 255 wrong where colours leave the gamut. (libvips cannot switch them off.)
"""

import struct
from collections.abc import Callable

import numpy as np

from engine.images.matrix_profile import BT709, SRGB_CURVE, matrix_profile
from engine.images.strips import Samples

__all__ = ["LAB", "ProfileError", "conversion", "is_srgb", "space_of", "srgb_profile"]

# What editors do by default: the colours that both spaces have stay as they are, black stays black.
RELATIVE_COLORIMETRIC = 1
FLAGS = 0x2000 | 0x0100 | 0x0040  # black point compensation, no optimisation, no cache

LAB = "LAB"

# The colour spaces of profiles (ICC.1:2022, table 19) -> ours, and littlecms' names of ours.
SPACES = {b"RGB ": "RGB", b"GRAY": "GREY", b"CMYK": "CMYK", b"Lab ": LAB}
CMS_NAMES = {"RGB": "rgb", "GREY": "gray", "CMYK": "cmyk", LAB: "lab"}
CHANNELS = {"RGB": 3, "GREY": 1, "CMYK": 4, LAB: 3}

# How far off sRGB a profile may be that is taken for it: tables of sRGB's curve are rounded.
SAME_8_BITS = 1.01 / 255
SAME_16_BITS = 1 / 4096


class ProfileError(Exception):
    """A profile that cannot be used for what is asked; the message, a verb first, says why."""


def srgb_profile() -> bytes:
    """An ICC profile of sRGB; always the same bytes."""
    return matrix_profile(BT709, SRGB_CURVE, name="sRGB")


def space_of(profile: bytes) -> str:
    """`RGB`, `GREY`, `CMYK` or `LAB`; of another space its name.

    Raises:
        ProfileError: not a profile.
    """
    if len(profile) < 132 or profile[36:40] != b"acsp":
        raise ProfileError("is damaged")
    if struct.unpack(">I", profile[:4])[0] > len(profile):
        raise ProfileError("is damaged: its end is missing")
    space = profile[16:20]
    return SPACES.get(space, space.decode("latin-1").strip())


def conversion(
    source: bytes | None, target: bytes | None, space: str, target_space: str = "RGB"
) -> Callable[[Samples], Samples]:
    """From samples of `space` (h x w x C; uint8, uint16 or float32) to those of `target_space`
    (h x w x 3), uint16; of float32 float32.

    Args:
        source, target: profiles; None: of sRGB (of `LAB`: CIE L*a*b*, relative to D50).

    Raises:
        ProfileError: damaged, or without the direction that is needed.
    """
    from imagecodecs import CmsError, cms_profile, cms_transform

    profiles = [
        each or (cms_profile("lab4") if of == LAB else srgb_profile())
        for each, of in ((source, space), (target, target_space))
    ]

    def convert(samples: Samples) -> Samples:
        kind = "float32" if samples.dtype == np.float32 else "uint16"
        converted: Samples = cms_transform(
            np.ascontiguousarray(samples[..., 0] if space == "GREY" else samples),
            *profiles,
            colorspace=CMS_NAMES[space],
            outcolorspace=CMS_NAMES[target_space],
            outdtype=kind,
            intent=RELATIVE_COLORIMETRIC,
            flags=FLAGS,
        )
        return converted.clip(0, 1) if kind == "float32" else converted

    try:
        convert(np.zeros((1, 1, CHANNELS[space]), np.float32 if space == LAB else np.uint16))
    except (CmsError, ValueError, RuntimeError) as error:
        raise ProfileError(f"cannot be used: {error}") from None
    return convert


def is_srgb(convert: Callable[[Samples], Samples], dtype: np.dtype) -> bool:
    """Whether a conversion of RGB changes nothing but by rounding: left out, values stay exact."""
    levels = np.linspace(0, 65535, 9).astype(np.uint16)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    off = np.abs(convert(grid).astype(float) - grid).max() / 65535
    return bool(off <= (SAME_8_BITS if dtype == np.uint8 else SAME_16_BITS))
