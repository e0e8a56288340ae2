"""Writes directories of EXIF: each tag with its own type, and text as the bytes that it was read
from, in whatever encoding (Pillow reads them as Latin-1, and would write ASCII).

EXIF 2.32, tables 4 to 16.
"""

from collections.abc import Mapping
from typing import Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2

__all__ = [
    "EXIF_IFD",
    "GPS_IFD",
    "IMAGE",
    "Directories",
    "Tags",
    "directory_bytes",
    "exif_block",
    "readable",
    "text_bytes",
]

IMAGE, EXIF_IFD, GPS_IFD = 0, 0x8769, 0x8825
"""The first directory, and the tags that lead to the others."""

Tags = Mapping[int, Any]
Directories = Mapping[int, Tags]
"""Tags by `IMAGE`, `EXIF_IFD`, `GPS_IFD`."""

ASCII, LONG, UNDEFINED, SRATIONAL = 2, 4, 7, 10

# Which no value shows: shutter speed, brightness, exposure bias, width, height.
TYPES = {0x9201: SRATIONAL, 0x9203: SRATIONAL, 0x9204: SRATIONAL, 0xA002: LONG, 0xA003: LONG}

HEADER = b"II*\0\x08\0\0\0"
BIG_HEADER = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"


def directory_bytes(tags: Tags, number: int, at: int, *, big: bool = False) -> bytes:
    """A little-endian directory that will stand at an offset.

    Args:
        number: which of `Directories` it is.
        big: in the form of a BigTIFF.
    """
    directory = ImageFileDirectory_v2(BIG_HEADER if big else HEADER, group=number or None)
    for tag, value in tags.items():
        if isinstance(value, str):
            directory.tagtype[tag] = ASCII
            directory[tag] = text_bytes(value)
            continue
        if number == EXIF_IFD and tag in TYPES:
            directory.tagtype[tag] = TYPES[tag]
        elif number == EXIF_IFD and isinstance(value, bytes):
            directory.tagtype[tag] = UNDEFINED
        directory[tag] = value
    return directory.tobytes(at)


def text_bytes(text: str) -> bytes:
    """What `text` was read from."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def readable(text: str) -> str:
    """Text of EXIF, which does not say its encoding."""
    data = text_bytes(text)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def exif_block(directories: Directories) -> bytes:
    """They in a block that begins with `Exif`."""
    data = b""
    places = {number: 0 for number, tags in directories.items() if number != IMAGE and tags}
    for _ in range(2):  # first to learn the length
        image = {**directories[IMAGE], **places}
        data = HEADER + directory_bytes(image, IMAGE, len(HEADER))
        for number in places:
            places[number] = len(data)
            data += directory_bytes(directories[number], number, len(data))
    return b"Exif\0\0" + data
