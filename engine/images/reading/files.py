"""Opens picture files, and tells formats apart by their first bytes."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import IO

from engine.errors import PictureError

__all__ = ["READABLE", "Opener", "damaged", "format_of", "opened", "raw_file"]

READABLE = "JPEG, PNG, TIFF, WebP, AVIF or HEIC"

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),  # BigTIFF
    (b"MM\0+", "tiff"),
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
    (b"\0\0\1\0", "an icon (ICO)"),
    (b"FUJIFILM", "a camera's raw file"),
    (b"IIRO", "a camera's raw file"),
    (b"IIRS", "a camera's raw file"),
    (b"IIU\0", "a camera's raw file"),
)

# The brands that follow `ftyp` in an ISO media file (ISO/IEC 14496-12).
HEIC, AVIF = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis"), (b"avif", b"avis")
GENERIC = (b"mif1", b"msf1", b"mif2")  # of HEIF with any codec; the compatible brands say which
RAW_BRAND = b"crx "

NAMES = {"webp": "WebP"}


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


def format_of(file: IO[bytes], path: Path) -> str:
    """`jpeg`, `png`, `tiff`, `webp`, `avif` or `heic`.

    Raises:
        PictureError: another format, by its name.
    """
    file.seek(0)
    head = file.read(256)
    for signature, name in SIGNATURES:
        if head.startswith(signature):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    what = None
    if head[4:8] == b"ftyp":
        brands = {head[8:12]} | {head[at : at + 4] for at in range(16, _box_end(head), 4)}
        if head[8:12] in (*AVIF, *GENERIC) and brands & set(AVIF):
            return "avif"
        if head[8:12] in (*HEIC, *GENERIC) and brands & set(HEIC):
            return "heic"
        if head[8:12] == RAW_BRAND:
            raise raw_file(path)
        what = "a HEIF with another coding than HEVC or AV1" if brands & set(GENERIC) else "a film"
    what = what or _foreign(head, file)
    raise PictureError(
        f"{path}: this is {what}, not a picture that can be read. Convert it to {READABLE}."
    )


def _box_end(head: bytes) -> int:
    return min(int.from_bytes(head[:4]), len(head)) - 3


def _foreign(head: bytes, file: IO[bytes]) -> str:
    """The format of a file that is not read, judged by its first bytes."""
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


def raw_file(path: Path) -> PictureError:
    return PictureError(
        f"{path}: this is a camera's raw file. Develop it and save it as {READABLE}."
    )


def damaged(path: Path, format: str, error: Exception | str) -> PictureError:
    name = NAMES.get(format, format.upper())
    return PictureError(
        f"{path}: the {name} file is truncated or damaged ({error}). Copy or export it again."
    )
