"""The colour space that a PNG file names without a profile: cICP, or gAMA and cHRM.

PNG (third edition), 4.3: cICP goes before iCCP, that before sRGB, that before gAMA and cHRM.
"""

import logging
import struct
from pathlib import Path
from typing import IO

from engine.errors import PictureError
from engine.images.matrix_profile import (
    BT709,
    BT709_CURVE,
    BT2020,
    D65,
    DISPLAY_P3,
    SRGB_CURVE,
    Primaries,
    matrix_profile,
)

__all__ = ["png_profile"]

logger = logging.getLogger(__name__)

# Codes of ITU-T H.273, tables 2 and 3.
PRIMARIES: dict[int, tuple[Primaries, tuple[float, float]]] = {
    1: (BT709, D65),
    4: (((0.67, 0.33), (0.21, 0.71), (0.14, 0.08)), (0.310, 0.316)),
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), D65),
    6: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), D65),
    7: (((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), D65),
    9: (BT2020, D65),
    11: (DISPLAY_P3, (0.314, 0.351)),
    12: (DISPLAY_P3, D65),
}
LINEAR = (1.0,)
CURVES: dict[int, tuple[float, ...]] = {
    **dict.fromkeys((1, 6, 14, 15), BT709_CURVE),
    4: (2.2,),
    5: (2.8,),
    8: LINEAR,
    13: SRGB_CURVE,
}
UNSPECIFIED = 2
HDR = {16: "PQ", 18: "HLG"}

SRGB_GAMMA = 0.45455
"""What sRGB files have in gAMA for readers that know no better; up to 5 % from it is meant so."""

COLOUR_TYPES_BUT_GREY = (2, 4, 6)
SIGNATURE = 8


def png_profile(file: IO[bytes], path: Path) -> bytes | None:
    """The profile of the colours that chunks other than iCCP name; None where they are sRGB's.

    Raises:
        PictureError: colours that are not converted (PQ, HLG, YCbCr, reserved codes), or linear
            ones of 16 bits, whose dark tones 8 bits cannot hold.
    """
    chunks = _chunks(file)
    space = _named(chunks, path)
    if space is None:
        return None
    primaries, curve, white = space
    depth, colour_type = chunks.get(b"IHDR", b"").ljust(10, b"\0")[8:10]
    if curve == LINEAR and depth == 16 and colour_type in COLOUR_TYPES_BUT_GREY:
        raise PictureError(
            f"{path}: its colours are linear, with 16 bits a channel; read with 8, the dark tones "
            "would be lost. Export it as sRGB."
        )
    try:
        return matrix_profile(primaries, curve, white)
    except ValueError as error:
        logger.warning("%s: gAMA or cHRM is damaged (%s); colours are taken for sRGB", path, error)
        return None


Space = tuple[Primaries, tuple[float, ...], tuple[float, float]]


def _named(chunks: dict[bytes, bytes], path: Path) -> Space | None:
    if len(code := chunks.get(b"cICP", b"")) == 4 and UNSPECIFIED not in code[:2]:
        return _coded(code, path)
    if b"iCCP" in chunks or b"sRGB" in chunks:
        return None
    return _measured(chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b""))


def _coded(code: bytes, path: Path) -> Space:
    """The space of a cICP chunk."""
    primaries, transfer, matrix, full_range = code
    what = None
    if transfer in HDR:
        what = f"high dynamic range ({HDR[transfer]})"
    elif matrix or full_range != 1:
        what = "YCbCr or of narrow range, as in films"
    elif primaries not in PRIMARIES or transfer not in CURVES:
        what = f"of a space that is not known (cICP {primaries}, {transfer})"
    if what:
        raise PictureError(f"{path}: its colours are {what}. Export it as sRGB.")
    space, white = PRIMARIES[primaries]
    return space, CURVES[transfer], white


def _measured(gamma: bytes, chromaticities: bytes) -> Space | None:
    """The space of gAMA and cHRM; None where neither says anything else than sRGB."""
    exponent = struct.unpack(">I", gamma)[0] / 1e5 if len(gamma) == 4 else 0.0
    measured = [v / 1e5 for v in struct.unpack(">8I", chromaticities.rjust(32, b"\0")[:32])]
    x, y = measured[::2], measured[1::2]
    white, red, green, blue = zip(x, y, strict=True)
    known = (D65, *BT709)
    as_srgb = len(chromaticities) != 32 or all(
        abs(a - b) < 0.002
        for there, here in zip((white, red, green, blue), known, strict=True)
        for a, b in zip(there, here, strict=True)
    )
    srgb_curve = not exponent or abs(exponent / SRGB_GAMMA - 1) < 0.05
    if as_srgb and srgb_curve:
        return None
    curve = (1 / exponent,) if exponent else SRGB_CURVE
    return (BT709, curve, D65) if as_srgb else ((red, green, blue), curve, white)


def _chunks(file: IO[bytes]) -> dict[bytes, bytes]:
    """The chunks before the picture's data, the first of each kind; 64 bytes of each."""
    chunks: dict[bytes, bytes] = {}
    file.seek(SIGNATURE)
    while len(head := file.read(8)) == 8 and head[4:] != b"IDAT":
        length = int.from_bytes(head[:4])
        data = file.read(min(length, 64))
        file.seek(length - len(data) + 4, 1)
        chunks.setdefault(head[4:], data)
    return chunks
