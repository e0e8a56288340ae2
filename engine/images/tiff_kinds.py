"""Which of a TIFF file's pictures is meant, and the kinds that Pillow misreads or cannot read.

Tags: TIFF 6.0, sections 8 and 18.
"""

import itertools
import warnings
from typing import IO, Any

from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

__all__ = [
    "UnreadableKindError",
    "described_kind",
    "first_directory",
    "is_white_is_zero",
    "missing_parts",
    "refuse_misread",
    "seek_picture",
]

WIDTH, HEIGHT = 256, 257
STRIP_OFFSETS, ROWS_PER_STRIP = 273, 278
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS = 322, 323, 324
BITS, COMPRESSION, PHOTOMETRIC, PLANAR = 258, 259, 262, 284
SAMPLES, EXTRA_SAMPLES, SAMPLE_FORMAT = 277, 338, 339
SUBFILE_TYPE, OLD_SUBFILE_TYPE, SUB_DIRECTORIES = 254, 255, 330

REDUCED, MASK = 1, 4  # bits of NewSubfileType
OLD_REDUCED = 2
SIGNED, FLOAT = 2, 3
UNCOMPRESSED, SEPARATE = 1, 2

PHOTOMETRICS = {
    0: "grey (WhiteIsZero)",
    1: "grey (BlackIsZero)",
    2: "RGB",
    3: "palette",
    4: "a mask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "a camera's raw mosaic",
    32844: "LogL",
    32845: "LogLuv",
    34892: "a camera's linear raw",
}
FORMATS = {1: "integers", SIGNED: "signed integers", FLOAT: "floating point", 5: "complex numbers"}

DIRECTORIES = 64
"""How many are looked through for the full picture."""


class UnreadableKindError(Exception):
    """A sound TIFF file of a kind that is not read; the message says which."""


def seek_picture(image: TiffImageFile) -> None:
    """Go to the first picture that is neither a thumbnail nor a mask.

    Raises:
        UnreadableKindError: only thumbnails are in sight, and the picture is in a sub-directory.
    """
    if not _is_aside(image.tag_v2):
        return
    below = SUB_DIRECTORIES in image.tag_v2
    for number in itertools.islice(itertools.count(1), DIRECTORIES):
        try:
            image.seek(number)
        except EOFError:
            break
        if not _is_aside(image.tag_v2):
            return
    image.seek(0)
    if below:
        raise UnreadableKindError(
            "its first picture is a thumbnail and the full one in a sub-directory"
        )


def refuse_misread(image: TiffImageFile) -> None:
    """Refuse what Pillow decodes to other values than the file's, without an error.

    Raises:
        UnreadableKindError: one of these.
    """
    tags: Any = image.tag_v2
    bits, compressed = max(tags.get(BITS) or (1,)), tags.get(COMPRESSION, 1) != UNCOMPRESSED
    planes_apart = tags.get(PLANAR, 1) == SEPARATE and tags.get(SAMPLES, 1) > 1
    if (
        (planes_apart and bits == 16 and not compressed)
        or (tags.prefix == b"MM" and compressed and bits == 32)
        or (max(tags.get(SAMPLE_FORMAT) or (1,)) == SIGNED and bits < 32)
    ):
        raise UnreadableKindError(described_kind(tags))


def missing_parts(tags: Any) -> int:
    """How many strips or tiles a picture has too few."""
    width, height = tags[WIDTH], tags[HEIGHT]
    if TILE_OFFSETS in tags:
        needed = -(-width // tags[TILE_WIDTH]) * -(-height // tags[TILE_HEIGHT])
    else:
        needed = -(-height // tags.get(ROWS_PER_STRIP, height))
    if tags.get(PLANAR, 1) == SEPARATE:
        needed *= tags.get(SAMPLES, 1)
    found = len(tags.get(TILE_OFFSETS) or tags.get(STRIP_OFFSETS, ()))
    return int(needed - found) if found else 0  # JPEG of TIFF 5 has its data elsewhere.


def is_white_is_zero(image: Any) -> bool:
    """Whether 0 is white in a TIFF of more than 8 bits; with fewer Pillow has turned it already."""
    tags: Any = getattr(image, "tag_v2", {})
    return bool(tags) and tags.get(PHOTOMETRIC, 0) == 0


def first_directory(file: IO[bytes]) -> Any:
    """The tags of a TIFF file's first directory; None if it is damaged."""
    file.seek(0)
    try:
        head = file.read(8)
        head += file.read(8) if b"+" in head[2:4] else b""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tags = ImageFileDirectory_v2(head)
            file.seek(tags.next)
            tags.load(file)
    except Exception:  # A damaged directory makes Pillow raise almost anything.
        return None
    return tags if PHOTOMETRIC in tags else None


def described_kind(tags: Any) -> str:
    """What the tags of a directory say of its picture's kind, in words."""
    photometric, form = tags.get(PHOTOMETRIC, 0), max(tags.get(SAMPLE_FORMAT) or (1,))
    return ", ".join(
        part
        for part in (
            PHOTOMETRICS.get(photometric, f"of colours with the code {photometric}"),
            f"{max(tags.get(BITS) or (1,))} bits a channel, {FORMATS.get(form, 'unknown numbers')}",
            "with further channels" if EXTRA_SAMPLES in tags else "",
            "planes apart" if tags.get(PLANAR, 1) == SEPARATE else "",
            "big-endian" if tags.prefix == b"MM" else "",
            "compressed" if tags.get(COMPRESSION, 1) != UNCOMPRESSED else "",
        )
        if part
    )


def _is_aside(tags: Any) -> bool:
    aside = tags.get(SUBFILE_TYPE, 0) & (REDUCED | MASK)
    return bool(aside) or tags.get(OLD_SUBFILE_TYPE) == OLD_REDUCED
