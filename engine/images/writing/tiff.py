"""Writes TIFF files of 8 or 16 bits by tifffile: in tiles, compressed, a BigTIFF past 4 GB."""

import logging
import os
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from engine.images.exif_directories import (
    EXIF_IFD,
    GPS_IFD,
    IMAGE,
    Directories,
    directory_bytes,
    text_bytes,
)
from engine.images.writing.levels import Levels

__all__ = ["BIGTIFF_BYTES", "write_tiff"]

logger = logging.getLogger(__name__)

TILE = 256
"""Side of the tiles, in pixels: a reader of a part decodes little else."""

BIGTIFF_BYTES = 2**32 - 2**25
"""Bytes of pixels from which a TIFF has 64-bit offsets; the rest of 4 GB is for its tables."""

COMPRESS_LEVEL = 2

XMP, IPTC = 700, 33723
DESCRIPTION, SOFTWARE = 270, 305
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
BYTES, SHORT, LONG, UNDEFINED, LONG_8 = 1, 3, 4, 7, 16
INCH = 2


def write_tiff(
    levels: Levels,
    file: IO[bytes],
    *,
    profile: bytes,
    dpi: tuple[float, float] | None,
    directories: Directories,
    xmp: bytes,
    iptc: bytes,
    software: str,
    text: str | None,
) -> None:
    """
    Args:
        file: open for reading too, which EXIF takes.
        directories: EXIF's.
        text: the description; None: the one in `directories`.
    """
    from tifffile import TiffFile, TiffWriter

    width, height = levels.size
    alpha = levels.channels == 4
    size = width * height * levels.channels * np.dtype(levels.kind).itemsize
    image = dict(directories[IMAGE])
    described = image.pop(DESCRIPTION, None)
    extra: list[Any] = [
        _extra(tag, value)
        for tag, value in image.items()
        if tag not in (SOFTWARE, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT)
    ]
    if xmp:
        extra.append((XMP, BYTES, len(xmp), xmp, True))
    if iptc:
        extra.append((IPTC, UNDEFINED, len(iptc), iptc, True))
    big = size >= BIGTIFF_BYTES
    # tifffile refuses these tags. Numbers beside them keep their place in the directory.
    held = {tag: tag - 1 for tag in (EXIF_IFD, GPS_IFD) if directories[tag]}
    extra += [(number, LONG_8 if big else LONG, 1, 0, True) for number in held.values()]
    unnamed = _Unnamed(file)
    with TiffWriter(unnamed, bigtiff=big, byteorder="<") as writer:
        writer.write(
            _tiles(levels),
            shape=(height, width, levels.channels),
            dtype=levels.kind,
            tile=(TILE, TILE),
            photometric="rgb",
            planarconfig="contig",
            extrasamples=["unassalpha"] if alpha else None,
            compression="adobe_deflate",
            compressionargs={"level": COMPRESS_LEVEL},
            predictor=True,
            maxworkers=1,
            iccprofile=profile,
            software=software,
            description=text.encode() if text is not None else described and text_bytes(described),
            resolution=dpi or (1, 1),
            resolutionunit=INCH if dpi else 1,
            extratags=extra,
            metadata=None,
        )
    if not held:
        return
    file.seek(0)
    with TiffFile(unnamed) as written:
        places = {tag: written.pages.first.tags[number].offset for tag, number in held.items()}
    for tag, place in places.items():
        at = file.seek(0, os.SEEK_END)
        at += file.write(bytes(at % 2))
        file.write(directory_bytes(directories[tag], tag, at, big=big))
        file.seek(place)
        file.write(tag.to_bytes(2, "little"))
        file.seek(place + (12 if big else 8))
        file.write(at.to_bytes(8 if big else 4, "little"))
    file.seek(0, os.SEEK_END)


def _extra(tag: int, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        return tag, "s", 0, text_bytes(value), True
    if isinstance(value, bytes):
        return tag, BYTES, len(value), value, True
    return tag, SHORT, 1, value, True


class _Unnamed:
    """A file without its name, which for a file opened by its descriptor is a number that tifffile
    takes for a path."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        if name == "name":
            raise AttributeError(name)
        return getattr(self._file, name)


def _tiles(levels: Levels) -> Iterator[NDArray[Any]]:
    """Row by row; those at the right and the bottom are filled up with the edge."""
    for band in levels.bands(TILE):
        below, beyond = TILE - band.shape[0], -band.shape[1] % TILE
        band = np.pad(band, ((0, below), (0, beyond), (0, 0)), mode="edge")
        for left in range(0, band.shape[1], TILE):
            yield np.ascontiguousarray(band[:, left : left + TILE])
