"""Writes PNG files of 8 or 16 bits strip by strip; Pillow has no colour of 16 bits.

PNG (third edition). Same samples, same bytes.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.images.writing.levels import Levels

__all__ = ["write_png"]

# zlib's, 0 to 9. On a painting of 3.3 megapixels 2 takes 0.33 s, 6 takes 0.69 s, and the files
# differ by 0.4 %; on a smooth photograph 2 is three times as fast and its file 17 % larger.
COMPRESS_LEVEL = 2

RGB, RGBA = 2, 6
PAETH = 4
INCH = 0.0254


def write_png(
    levels: Levels,
    file: IO[bytes],
    *,
    profile: bytes | None,
    dpi: tuple[float, float] | None,
    exif: bytes,
    texts: dict[str, str],
    iptc: bytes,
) -> None:
    """
    Args:
        profile: None: marked as sRGB.
        exif: an EXIF block that begins with `Exif`; empty for none.
        texts: keyword -> text, as iTXt.
        iptc: image resources, as ImageMagick and exiftool keep them in PNG.
    """
    width, height = levels.size
    bits = np.iinfo(levels.kind).bits
    colour = RGB if levels.channels == 3 else RGBA
    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    if profile is None:
        _chunk(file, b"sRGB", b"\x01")  # the rendering intent: relative colorimetric
    else:
        _chunk(file, b"iCCP", b"icc\0\0" + zlib.compress(profile))
    if dpi is not None:
        per_metre = (round(each / INCH) for each in dpi)
        _chunk(file, b"pHYs", struct.pack(">IIB", *per_metre, 1))
    if exif:
        _chunk(file, b"eXIf", exif.removeprefix(b"Exif\0\0"))
    for keyword, text in texts.items():
        _chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode())
    if iptc:
        digits = iptc.hex()
        lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
        raw = f"\niptc\n{len(iptc):8}\n{lines}\n".encode()
        _chunk(file, b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(raw))
    packer = zlib.compressobj(COMPRESS_LEVEL)
    for filtered in _filtered(levels):
        if data := packer.compress(filtered):
            _chunk(file, b"IDAT", data)
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: IO[bytes], kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def _filtered(levels: Levels) -> Iterator[bytes]:
    """Rows with Paeth's filter (section 9.4), which predicts each byte from its neighbours."""
    pixel = levels.channels * np.dtype(levels.kind).itemsize
    above: NDArray[Any] = np.zeros((1, levels.width * pixel), np.uint8)
    for band in levels.bands():
        stored = band.astype(band.dtype.newbyteorder(">"), copy=False)
        rows = np.ascontiguousarray(stored).view(np.uint8).reshape(len(band), -1)
        up = np.concatenate([above, rows[:-1]])
        above = rows[-1:].copy()
        left, corner = (np.pad(each[:, :-pixel], ((0, 0), (pixel, 0))) for each in (rows, up))
        a, b, c = (each.astype(np.int16) for each in (left, up, corner))
        by_left, by_up, by_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
        predicted = np.where(
            (by_left <= by_up) & (by_left <= by_corner),
            left,
            np.where(by_up <= by_corner, up, corner),
        )
        kind = np.full((len(rows), 1), PAETH, np.uint8)
        yield np.concatenate([kind, rows - predicted], axis=1).tobytes()
