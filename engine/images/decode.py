"""Opens and decodes picture files with Pillow: formats, limits, and errors in words."""

import os
import re
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO

from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from engine.errors import PictureError
from engine.images.exif_colour import exif_profile
from engine.images.jpeg_end import check_jpeg_end
from engine.images.png_colour import png_profile
from engine.images.tiff_kinds import (
    UnreadableKindError,
    described_kind,
    first_directory,
    missing_parts,
    refuse_misread,
    seek_picture,
)

__all__ = ["Opener", "decoded", "identified", "opened"]

READABLE = "JPEG, PNG, WebP or TIFF"

# Pillow's classes instead of Image.open, whose limit of pixels is global and below some of ours.
SIGNATURES: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"II*\0", TiffImageFile),
    (b"MM\0*", TiffImageFile),
    (b"II+\0", TiffImageFile),  # BigTIFF
    (b"MM\0+", TiffImageFile),
)

# Formats that are not read but are told apart, by the first bytes.
FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF"),
    (b"8BPS", "a Photoshop file (PSD)"),
    (b"BM", "a BMP"),
    (b"gimp xcf", "a GIMP file (XCF)"),
    (b"\x76\x2f\x31\x01", "an OpenEXR file"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "a PostScript file"),
    (b"PK\x03\x04", "a ZIP archive, or a document stored as one (KRA, ORA, DOCX)"),
    (b"\0\0\x01\0", "an icon (ICO)"),
    (b"FUJIFILM", "a camera's raw file"),
    (b"IIRO", "a camera's raw file"),
    (b"IIRS", "a camera's raw file"),
    (b"IIU\0", "a camera's raw file"),
)

# The brand that follows `ftyp` in an ISO media file (ISO/IEC 14496-12).
BRANDS = {
    b"heic": "a HEIC (an iPhone's photograph)",
    b"heix": "a HEIC (an iPhone's photograph)",
    b"hevc": "a HEIC (an iPhone's photograph)",
    b"mif1": "a HEIF",
    b"msf1": "a HEIF",
    b"avif": "an AVIF",
    b"avis": "an AVIF",
    b"crx ": "a camera's raw file",
}

# These are TIFF inside, and their first picture is often only a thumbnail.
RAW_SUFFIXES = frozenset(
    [".3fr", ".arw", ".cr2", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".nef", ".nrw", ".pef", ".srw"]
)
DNG_VERSION_TAG = 50706

# StripOffsets and StripByteCounts, TileOffsets and TileByteCounts (TIFF 6.0).
TIFF_EXTENTS = ((273, 279), (324, 325))

# What Pillow says of TIFF files that it knows no mode for.
UNKNOWN_KIND = (
    "unknown pixel mode",
    "unknown data organization",
    "unknown raw mode for given image mode",
    "string index out of range",
)

Opener = Callable[[str, int], int]
"""Opens a file, given its path and the flags of `os.open`; returns the descriptor."""


def opened(path: Path, opener: Opener | None = None) -> IO[bytes]:
    """A regular file open for reading; never waits, as for a pipe.

    Raises:
        PictureError: missing, not a regular file, not readable, empty.
    """
    try:
        # Without O_NONBLOCK, opening a pipe without a writer would block.
        file = open(path, "rb", opener=opener or _open_without_waiting)  # noqa: SIM115
    except FileNotFoundError:
        raise PictureError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise PictureError(f"{path}: this is a folder, not a picture.") from None
    except PermissionError:
        what = "is a folder, not a picture" if path.is_dir() else "may not be read"
        raise PictureError(f"{path}: this {what}. Check its permissions.") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"{path}: cannot be opened ({error}).") from None
    state = os.fstat(file.fileno())
    if stat.S_ISREG(state.st_mode) and state.st_size > 0:
        return file
    file.close()
    if not stat.S_ISREG(state.st_mode):
        raise PictureError(f"{path}: this is not a regular file (a pipe, a socket or a device).")
    raise PictureError(f"{path}: the file is empty (0 bytes). Copy it again.")


def _open_without_waiting(name: str, flags: int) -> int:
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def identified(file: IO[bytes], path: Path) -> ImageFile:
    """The picture with its header read and nothing decoded.

    Raises:
        PictureError: another format, or a damaged header.
    """
    head = file.read(32)
    kind = _kind(head)
    if kind is None:
        raise PictureError(
            f"{path}: this is {_foreign(head, file)}, not a picture that can be read. "
            f"Convert it to {READABLE}."
        )
    if kind is TiffImageFile and (
        path.suffix.lower() in RAW_SUFFIXES or head[8:10] == b"CR"  # Canon's CR2
    ):
        raise _raw(path)
    file.seek(0)
    try:
        # Doubtful metadata is no reason not to paint. But a TIFF file may end in its directory;
        # Pillow then warns and goes on, without the profile or the tables that are missing.
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            image = kind(file)
        if kind is TiffImageFile:
            for doubt in doubts:
                if re.search("corrupt|truncated", str(doubt.message), re.IGNORECASE):
                    raise EOFError("its directory is incomplete")
    except MemoryError:
        raise
    except Exception as error:  # A damaged file makes Pillow's plugins raise almost anything.
        if str(error) in UNKNOWN_KIND and (tags := first_directory(file)):
            raise _unreadable(path, described_kind(tags)) from None
        raise _damaged(path, kind, error) from None
    if isinstance(image, TiffImageFile):
        if DNG_VERSION_TAG in image.tag_v2:
            raise _raw(path)
        _seek_readable(image, path)
    return image


def _seek_readable(image: TiffImageFile, path: Path) -> None:
    """Go to the picture that is meant; refuse what would be misread."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            seek_picture(image)
            refuse_misread(image)
    except UnreadableKindError as error:
        raise _unreadable(path, str(error)) from None
    except MemoryError:
        raise
    except Exception as error:
        raise _damaged(path, type(image), error) from None


def decoded(file: IO[bytes], path: Path, *, max_megapixels: float, min_side: int) -> ImageFile:
    """The first frame, completely decoded, in the file's own mode.

    Raises:
        PictureError: as `identified`; too large, by the header; too small; truncated.
    """
    image = identified(file, path)
    width, height = image.size
    if width * height > max_megapixels * 1e6:
        raise PictureError(
            f"{path}: the picture has {width} x {height} px, which is "
            f"{width * height / 1e6:.4g} megapixels; at most {max_megapixels:g} are read. "
            "Make it smaller."
        )
    if min(width, height) < min_side:
        raise PictureError(
            f"{path}: the picture has {width} x {height} px; each side must have at least "
            f"{min_side}."
        )
    profile = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if isinstance(image, TiffImageFile):
                _check_extent(image, os.fstat(file.fileno()).st_size)
            elif isinstance(image, JpegImageFile):
                check_jpeg_end(file)
            elif isinstance(image, PngImageFile):
                profile = png_profile(file, path)
            image.load()
    except (MemoryError, PictureError):
        raise
    except Exception as error:
        if isinstance(image, TiffImageFile) and str(error) in UNKNOWN_KIND:
            raise _unreadable(path, described_kind(image.tag_v2)) from None
        raise _damaged(path, type(image), error) from None
    if isinstance(image, PngImageFile):
        if profile:
            image.info["icc_profile"] = profile
    elif not image.info.get("icc_profile"):
        image.info["icc_profile"] = exif_profile(image)
    return image


def _check_extent(image: TiffImageFile, size: int) -> None:
    """Refuse strips or tiles that end after the file, or are too few for the picture.

    libtiff makes up what JPEG ones lack; Pillow leaves black what has no strip.
    """
    for offsets, lengths in TIFF_EXTENTS:
        for offset, length in zip(
            image.tag_v2.get(offsets, ()), image.tag_v2.get(lengths, ()), strict=False
        ):
            if offset + length > size:
                raise EOFError(f"{offset + length - size} bytes are missing")
    if (missing := missing_parts(image.tag_v2)) > 0:
        raise EOFError(f"{missing} of its strips or tiles are missing")


def _kind(head: bytes) -> type[ImageFile] | None:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WebPImageFile
    return next((kind for signature, kind in SIGNATURES if head.startswith(signature)), None)


def _foreign(head: bytes, file: IO[bytes]) -> str:
    """The format of a file that is not read, judged by its first bytes."""
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "a film")
    for signature, name in FOREIGN:
        if head.startswith(signature):
            return name
    file.seek(0)
    start = file.read(1024)
    text = start.decode("utf-8", errors="ignore")
    # A character may be cut in two at the end.
    if len(text.encode()) >= len(start) - 3 and "\0" not in text:
        if "<svg" in text:
            return "an SVG drawing"
        return "an HTML page" if "<html" in text.lower() else "a text file"
    return "of an unknown format"


def _raw(path: Path) -> PictureError:
    return PictureError(
        f"{path}: this is a camera's raw file. Develop it and save it as {READABLE}."
    )


def _unreadable(path: Path, what: str) -> PictureError:
    return PictureError(
        f"{path}: this kind of TIFF file is not read: {what}. Export it as an ordinary TIFF or "
        "PNG, RGB or grey, with 8 or 16 bits a channel."
    )


def _damaged(path: Path, kind: type[Image.Image], error: Exception) -> PictureError:
    name = kind.__name__.removesuffix("ImageFile").upper().replace("WEBP", "WebP")
    return PictureError(
        f"{path}: the {name} file is truncated or damaged ({error}). Copy or export it again."
    )
