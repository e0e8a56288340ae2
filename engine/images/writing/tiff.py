"""Writes TIFF files of 8 or 16 bits by tifffile: in tiles, compressed, a BigTIFF past 4 GB."""

import logging
import os
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from engine.images.writing.levels import Levels

__all__ = ["BIGTIFF_BYTES", "write_tiff"]

logger = logging.getLogger(__name__)

TILE = 256
"""Side of the tiles, in pixels: a reader of a part decodes little else."""

BIGTIFF_BYTES = 2**32 - 2**25
"""Bytes of pixels from which a TIFF has 64-bit offsets; the rest of 4 GB is for its tables."""

COMPRESS_LEVEL = 2

EXIF_IFD, GPS_IFD, XMP, IPTC = 0x8769, 0x8825, 700, 33723
DESCRIPTION, SOFTWARE = 270, 305
BYTES, UNDEFINED, LONG = 1, 7, 4
INCH = 2


def write_tiff(
    levels: Levels,
    file: IO[bytes],
    *,
    profile: bytes,
    dpi: tuple[float, float] | None,
    exif: bytes,
    xmp: bytes,
    iptc: bytes,
    software: str,
    text: str | None,
) -> None:
    """
    Args:
        file: open for reading too, which EXIF takes.
        exif: an EXIF block that begins with `Exif`; empty for none.
        text: the description; None: the one in `exif`.
    """
    from tifffile import TiffFile, TiffWriter

    width, height = levels.size
    alpha = levels.channels == 4
    size = width * height * levels.channels * np.dtype(levels.kind).itemsize
    block = Image.Exif()
    block.load(exif)
    extra: list[Any] = [
        (tag, "s", 0, value, True)
        for tag, value in block.items()
        if isinstance(value, str) and tag not in (DESCRIPTION, SOFTWARE)
    ]
    if xmp:
        extra.append((XMP, BYTES, len(xmp), xmp, True))
    if iptc:
        extra.append((IPTC, UNDEFINED, len(iptc), iptc, True))
    big = size >= BIGTIFF_BYTES
    directories = {} if big else {tag: block.get_ifd(tag) for tag in (EXIF_IFD, GPS_IFD)}
    # tifffile refuses these tags. Numbers beside them keep their place in the directory.
    held = {tag: tag - 1 for tag, found in directories.items() if found}
    extra += [(number, LONG, 1, 0, True) for number in held.values()]
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
            description=text.encode() if text is not None else block.get(DESCRIPTION),
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
        directory = ImageFileDirectory_v2(b"II*\0\0\0\0\0", group=tag)
        for number, value in directories[tag].items():
            directory[number] = value
        file.write(directory.tobytes(at))
        file.seek(place)
        file.write(tag.to_bytes(2, "little"))
        file.seek(place + 8)
        file.write(at.to_bytes(4, "little"))
    file.seek(0, os.SEEK_END)


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
