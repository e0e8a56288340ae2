"""The colour space that a PNG file names without a profile: cICP, or gAMA and cHRM.

PNG (third edition), 4.3: cICP goes before iCCP, that before sRGB, that before gAMA and cHRM.
"""

import logging
import struct
from pathlib import Path
from typing import IO

from engine.errors import PictureError
from engine.images.matrix_profile import BT709, D65, SRGB_CURVE, matrix_profile
from engine.images.reading.coded_colour import Space, UnknownSpaceError, coded_space

__all__ = ["check_png_end", "png_profile"]

logger = logging.getLogger(__name__)

SRGB_GAMMA = 0.45455
"""What sRGB files have in gAMA for readers that know no better; up to 5 % from it is meant so."""

SIGNATURE = 8


def png_profile(file: IO[bytes], path: Path) -> bytes | None:
    """The profile of the colours that chunks other than iCCP name; None where they are sRGB's.

    Raises:
        PictureError: colours that are not converted (PQ, HLG, YCbCr, reserved codes).
    """
    space = _named(_chunks(file), path)
    if space is None:
        return None
    try:
        return matrix_profile(*space)
    except ValueError as error:
        logger.warning("%s: gAMA or cHRM is damaged (%s); colours are taken for sRGB", path, error)
        return None


def check_png_end(file: IO[bytes]) -> None:
    """Read a PNG file's chunks to the last.

    Raises:
        EOFError: it is missing.
    """
    file.seek(0, 2)
    size, at = file.tell(), SIGNATURE
    while at + 12 <= size:
        file.seek(at)
        head = file.read(8)
        if head[4:] == b"IEND":
            return
        at += 12 + int.from_bytes(head[:4])
    raise EOFError("its end, IEND, is missing: the copy was not finished")


def _named(chunks: dict[bytes, bytes], path: Path) -> Space | None:
    if len(code := chunks.get(b"cICP", b"")) == 4 and (space := _coded(code, path)):
        return space
    if b"iCCP" in chunks or b"sRGB" in chunks:
        return None
    return _measured(chunks.get(b"gAMA", b""), chunks.get(b"cHRM", b""))


def _coded(code: bytes, path: Path) -> Space | None:
    """The space of a cICP chunk."""
    primaries, transfer, matrix, full_range = code
    try:
        space = coded_space(primaries, transfer)
        if space and (matrix or full_range != 1):
            raise UnknownSpaceError("YCbCr or of narrow range, as in films")
        return space
    except UnknownSpaceError as error:
        raise PictureError(f"{path}: its colours are {error}. Export it as sRGB.") from None


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
