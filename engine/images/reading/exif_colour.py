"""The colour space that a camera names in EXIF alone.

Cameras mark Adobe RGB without a profile: ColorSpace "uncalibrated" and the interoperability index
R03 (DCF 2.0, the option file).
"""

import warnings

from PIL import Image

from engine.images.matrix_profile import ADOBE_RGB, matrix_profile

__all__ = ["exif_profile"]

EXIF_IFD = 0x8769
INTEROPERABILITY_IFD = 0xA005
COLOUR_SPACE = 0xA001
INTEROPERABILITY_INDEX = 1
SRGB = 1
NAMED_ADOBE_RGB = 2  # In no standard, but some cameras write it.

ADOBE_GAMMA = 563 / 256


def exif_profile(image: Image.Image) -> bytes | None:
    """A profile of Adobe RGB if EXIF says that it is; otherwise None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = image.getexif()
            space = exif.get_ifd(EXIF_IFD).get(COLOUR_SPACE)
            index = exif.get_ifd(INTEROPERABILITY_IFD).get(INTEROPERABILITY_INDEX, "")
    except Exception:  # Damaged metadata raises almost anything, and is no reason not to paint.
        return None
    if isinstance(index, bytes):
        index = index.decode("latin-1")
    if space == NAMED_ADOBE_RGB or (space != SRGB and str(index).startswith("R03")):
        return matrix_profile(ADOBE_RGB, (ADOBE_GAMMA,))
    return None
