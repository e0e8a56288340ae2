"""Whether all of a WebP file's data is there: the length that its header names, and no empty tail.

Container: RFC 9649, section 2.
"""

import struct
from typing import IO

__all__ = ["check_webp_end"]

HOLE = 512
"""Zeros at the end of coded data that none of the two codings has: both are arithmetic or prefix
codes of symbols that are there."""

CODED = (b"VP8 ", b"VP8L", b"ALPH", b"ANMF")


def check_webp_end(file: IO[bytes]) -> None:
    """
    Raises:
        EOFError: shorter than its header says, or the end of a chunk of data is zeros.
    """
    file.seek(0, 2)
    size = file.tell()
    file.seek(4)
    end = 8 + struct.unpack("<I", file.read(4))[0]
    if end > size:
        raise EOFError(f"{end - size} bytes are missing")
    at = 12
    while at + 8 <= end:
        file.seek(at)
        kind, length = struct.unpack("<4sI", file.read(8))
        if kind in CODED and length > HOLE:
            file.seek(at + 8 + length - HOLE)
            if not any(file.read(HOLE)):
                raise EOFError("a part of its data is zeros: the copy was not finished")
        at += 8 + length + length % 2
