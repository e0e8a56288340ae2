"""Whether the end of the coded data is there. A copy that reserves the size first and then stalls
leaves zeros, of which some decoders make a flat picture without a word.

No coding of pictures ends in hundreds of zeros: all are arithmetic or prefix codes of symbols that
are there. JPEG has `jpeg_end.py`, PNG its checksums.
"""

import struct
from collections.abc import Iterable
from typing import IO

__all__ = ["check_heif_end", "check_parts_end", "check_webp_end"]

HOLE = 512
NOT_FINISHED = "a part of its data is zeros: the copy was not finished"

CODED = (b"VP8 ", b"VP8L", b"ALPH", b"ANMF")
PADDING = (b"free", b"skip")


def check_webp_end(file: IO[bytes]) -> None:
    """By the container's chunks (RFC 9649, section 2).

    Raises:
        EOFError: shorter than its header says, or the end of a chunk of data is zeros.
    """
    size = file.seek(0, 2)
    file.seek(4)
    end = 8 + struct.unpack("<I", file.read(4))[0]
    if end > size:
        raise EOFError(f"{end - size} bytes are missing")
    at = 12
    while at + 8 <= end:
        file.seek(at)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind in CODED:
            check_parts_end(file, [(at + 8, length)])
        at += 8 + length + length % 2


def check_heif_end(file: IO[bytes]) -> None:
    """By the boxes of the file (ISO/IEC 14496-12, 4.2).

    Raises:
        EOFError: the end of a box is zeros.
    """
    size, at = file.seek(0, 2), 0
    while at + 8 <= size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8).rjust(8, b"\0"))
        if length < 8:  # 0: to the end of the file; the others are none
            length = size - at
        if kind not in PADDING:
            check_parts_end(file, [(at, length)])
        at += length


def check_parts_end(file: IO[bytes], parts: Iterable[tuple[int, int]]) -> None:
    """
    Args:
        parts: offset and length of each.

    Raises:
        EOFError: a part ends in zeros.
    """
    for offset, length in parts:
        if length > HOLE:
            file.seek(offset + length - HOLE)
            if not any(file.read(HOLE)):
                raise EOFError(NOT_FINISHED)
