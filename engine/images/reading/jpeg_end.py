"""Whether all of a JPEG file's data is there: its end marker, and no holes of zeros.

A copy that reserved the file's size and then stalled leaves zeros where data is missing. libjpeg
decodes them as flat colour and says nothing of it. Markers and tables: ITU-T T.81, annex B.
"""

import re
from typing import IO

__all__ = ["check_jpeg_end", "frame_kind"]

# Not FF 00, which is a data byte of FF, and not the restart markers within the data (B.1.1.5).
MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)

BLOCK = 1 << 18
HOLE = bytes(512)

TABLES, END, SCAN = 0xC4, 0xD9, 0xDA
WITHOUT_LENGTH = (0x01, 0xD8)
PROGRESSIVE = 0xC2
HUFFMAN_FRAMES = (0xC0, 0xC1, PROGRESSIVE)
# Table B.1: 0xC4, 0xC8 and 0xCC are no frames.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
DIFFERENTIAL = (0xC5, 0xC6, 0xCD, 0xCE)


def check_jpeg_end(file: IO[bytes]) -> None:
    """Read a JPEG file's markers from its start to its end marker.

    Raises:
        EOFError: the end marker is missing, or coded data has a hole of zeros.
    """
    file.seek(2)
    first_symbols: dict[int, int] = {}
    frame, no_zeros = 0, False
    while (marker := _next_marker(file, no_zeros)) != END:
        no_zeros = False
        if marker in WITHOUT_LENGTH:
            continue
        body = file.read(max(0, int.from_bytes(file.read(2)) - 2))
        if marker == TABLES:
            first_symbols |= _first_symbols(body)
        elif marker in HUFFMAN_FRAMES:
            frame = marker
        elif marker == SCAN and frame:
            no_zeros = not _zeros_are_flat(body, first_symbols, frame == PROGRESSIVE)


def frame_kind(file: IO[bytes]) -> str | None:
    """What no ordinary decoder reads, in words; None for what one does."""
    file.seek(2)
    while (marker := _next_marker(file, False)) not in (END, SCAN):
        if marker in WITHOUT_LENGTH:
            continue
        body = file.read(max(0, int.from_bytes(file.read(2)) - 2))
        if marker in FRAMES:
            if marker in LOSSLESS:
                return "lossless"
            if marker in DIFFERENTIAL:
                return "hierarchical"
            return None if body[:1] == b"\x08" else f"{body[0] if body else 0} bits a channel"
    return None


def _next_marker(file: IO[bytes], no_zeros: bool) -> int:
    """The next marker, after which the file then stands."""
    position, kept = file.tell(), b""
    while block := file.read(BLOCK):
        data = kept + block
        found = MARKER.search(data)
        if no_zeros and 0 <= data.find(HOLE) < (found.start() if found else len(data)):
            raise EOFError("a part of its data is zeros: the copy was not finished")
        if found:
            file.seek(position + found.end())
            return found[1][0]
        kept = data[1 - len(HOLE) :]
        position += len(data) - len(kept)
    raise EOFError("its end, FF D9, is missing: the copy was not finished")


def _first_symbols(body: bytes) -> dict[int, int]:
    """Of each Huffman table (class and number) the symbol whose code is all zeros: its first."""
    symbols = {}
    while len(body) > 17:
        symbols[body[0]] = body[17]
        body = body[17 + sum(body[1:17]) :]
    return symbols


def _zeros_are_flat(scan: bytes, first_symbols: dict[int, int], progressive: bool) -> bool:
    """Whether a long run of zeros may be data: blocks like the one before, without detail.

    Otherwise zeros would be the same step of brightness, or the same 63 frequencies, in hundreds of
    blocks one after the other.
    """
    count = scan[0] if scan else 0
    if len(scan) < 4 + 2 * count:
        return True
    start, end, bits = scan[1 + 2 * count : 4 + 2 * count]
    if bits >> 4:  # A refinement: its bits are the picture's, without a code.
        return True
    if not progressive:
        start, end = 0, 63
    for tables in scan[2 : 2 + 2 * count : 2]:
        if start == 0 and first_symbols.get(tables >> 4, 0) != 0:
            return False
        # 0 ends a block; a progressive scan ends up to 2^14 of them with 10 to E0 (G.1.2.2).
        symbol = first_symbols.get(0x10 | tables & 15, 0)
        if end > 0 and symbol != 0 and not (progressive and symbol & 15 == 0 and symbol < 0xF0):
            return False
    return True
