"""The settings that the server writes into its pictures, read without a library for pictures."""

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MAX_TEXT_BYTES = 1 << 18
MAX_CHUNKS = 1000
"""Parts of a file that are looked at: a damaged one may have no end."""

TIFF_DESCRIPTION = 270, 2
"""The tag ImageDescription, and its type."""


def read_settings(picture: Path) -> dict[str, Any]:
    """The settings; empty if there are none that can be read."""
    try:
        with picture.open("rb") as file:
            for text in _texts(file):
                document = json.loads(text)
                if isinstance(document, dict) and "preset" in document:
                    return document
    except (OSError, ValueError, OverflowError, RecursionError, struct.error):
        pass
    return {}


def _texts(file: IO[bytes]) -> Iterator[bytes]:
    """A PNG's `impasto` text, a JPEG's comments, a TIFF's description."""
    start = file.read(8)
    if start == b"\x89PNG\r\n\x1a\n":
        yield from _png_texts(file)
    elif start.startswith(b"\xff\xd8"):
        file.seek(2)
        yield from _jpeg_comments(file)
    elif start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        yield from _tiff_descriptions(file, start)


def _png_texts(file: IO[bytes]) -> Iterator[bytes]:
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IEND":
            return
        if kind != b"iTXt" or length > MAX_TEXT_BYTES:
            file.seek(length + 4, os.SEEK_CUR)
            continue
        keyword, _, rest = file.read(length).partition(b"\0")
        file.seek(4, os.SEEK_CUR)
        if keyword == b"impasto" and rest[:2] == b"\0\0":  # Not compressed.
            yield rest[2:].split(b"\0", 2)[-1]


def _jpeg_comments(file: IO[bytes]) -> Iterator[bytes]:
    for _ in range(MAX_CHUNKS):
        marker, kind, length = struct.unpack(">BBH", file.read(4))
        if marker != 0xFF or kind == 0xDA or length < 2:  # The picture begins.
            return
        data = file.read(length - 2)
        if kind == 0xFE:
            yield data


def _tiff_descriptions(file: IO[bytes], start: bytes) -> Iterator[bytes]:
    order = "<" if start.startswith(b"II") else ">"
    big = b"+" in start[:4]
    count_of, entry_of, word = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    file.seek(8 if big else 4)
    file.seek(_unpacked(file, order + word)[0])
    (count,) = _unpacked(file, order + count_of)
    for _ in range(min(count, MAX_CHUNKS)):
        tag, kind, length, value = _unpacked(file, order + entry_of)
        if (tag, kind) == TIFF_DESCRIPTION and length <= MAX_TEXT_BYTES:
            if length > len(value):
                file.seek(struct.unpack(order + word, value)[0])
                value = file.read(length)
            yield value.rstrip(b"\0")
            return


def _unpacked(file: IO[bytes], form: str) -> tuple[Any, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))
