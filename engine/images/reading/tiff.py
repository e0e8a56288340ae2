"""TIFF files of every layout, by tifffile: which of several pictures is meant, and its samples.

Tags: TIFF 6.0, and Adobe Photoshop TIFF Technical Notes (2002).
"""

import logging
import warnings
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from PIL import Image
from tifffile import TiffFile, TiffPage

from engine.errors import PictureError
from engine.images.metadata import (
    DESCRIPTION,
    Metadata,
    described_settings,
    exif_metadata,
    iptc_of_photoshop,
    kept_iptc,
    kept_xmp,
)
from engine.images.profiles import LAB
from engine.images.reading.file_ends import check_parts_end
from engine.images.reading.files import damaged, raw_file
from engine.images.reading.limits import Limits, check_page
from engine.images.reading.stored import StoredPicture
from engine.images.strips import Samples, white_of

__all__ = ["directory_of", "read_tiff"]

# These are TIFF inside, and their first picture is often only a thumbnail.
RAW_SUFFIXES = frozenset(
    [".3fr", ".arw", ".cr2", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".nef", ".nrw", ".pef", ".srw"]
)
CANON_RAW = b"CR"

OLD_SUBFILE_TYPE, INK_SET = 255, 332
ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 274, 282, 283, 296
YCBCR_COEFFICIENTS, REFERENCE_BLACK_WHITE = 529, 532
XMP, IPTC, PHOTOSHOP, DNG_VERSION = 700, 33723, 34377, 50706
REDUCED, MASK = 1, 4  # bits of NewSubfileType
OLD_REDUCED = 2
CENTIMETRE, NO_UNIT = 3, 1
PREMULTIPLIED, STRAIGHT = 1, 2  # ExtraSamples
CMYK_INKS = 1

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR, CIELAB = 0, 1, 2, 3, 5, 6, 8
PHOTOMETRICS = {
    WHITE_IS_ZERO: ("GREY", "grey (WhiteIsZero)"),
    BLACK_IS_ZERO: ("GREY", "grey (BlackIsZero)"),
    RGB: ("RGB", "RGB"),
    PALETTE: ("RGB", "palette"),
    4: (None, "a mask"),
    SEPARATED: ("CMYK", "CMYK"),
    YCBCR: ("RGB", "YCbCr"),
    CIELAB: (LAB, "CIE L*a*b*"),
    9: (None, "ICC L*a*b*"),
    10: (None, "ITU L*a*b*"),
    32803: (None, "a camera's raw mosaic"),
    32844: (None, "LogL"),
    32845: (None, "LogLuv"),
    34892: (None, "a camera's linear raw"),
}
SAMPLES = {"GREY": 1, "RGB": 3, "CMYK": 4, LAB: 3}
FORMATS = {1: "integers", 2: "signed integers", 3: "floating point"}
UNCOMPRESSED, JPEG = 1, 7

MOST_CHANNELS = 32
"""All are decoded, whatever is made of them."""


class UnreadableKindError(Exception):
    """A sound TIFF file of a kind that is not read; the message says which."""


def read_tiff(file: IO[bytes], path: Path, limits: Limits, page: int | None) -> StoredPicture:
    """The picture that is meant, or the page that is asked for (from 1).

    Raises:
        PictureError: damaged, truncated, raw, too large or small, of a kind that is not read.
    """
    file.seek(8)
    if path.suffix.lower() in RAW_SUFFIXES or file.read(2) == CANON_RAW:
        raise raw_file(path)
    file.seek(0)
    log = logging.getLogger("tifffile")
    log.disabled = True  # It logs what it passes over, which is refused here.
    try:
        with TiffFile(file, _multifile=False) as tiff:
            if DNG_VERSION in tiff.pages.first.tags:
                raise raw_file(path)
            number, pages = _chosen(tiff, path, page)
            chosen = tiff.pages[number]
            assert isinstance(chosen, TiffPage)
            limits.check((chosen.imagewidth, chosen.imagelength), path)
            _check_directory(chosen, file)
            _refuse_unreadable(chosen)
            _check_extent(chosen, tiff.filehandle.size)
            if chosen.compression != UNCOMPRESSED:
                parts = zip(chosen.dataoffsets, chosen.databytecounts, strict=False)
                check_parts_end(file, parts)
            return _read(chosen, file, path, number + 1, pages)
    except UnreadableKindError as error:
        raise _unreadable(path, str(error)) from None
    except (MemoryError, PictureError):
        raise
    except Exception as error:  # A damaged file makes tifffile raise almost anything.
        raise damaged(path, "tiff", error) from None
    finally:
        log.disabled = False


def _chosen(tiff: TiffFile, path: Path, page: int | None) -> tuple[int, int]:
    """Number (from 0) of the first picture that is neither a thumbnail nor a mask, and how many
    pictures there are."""
    count = len(tiff.pages)
    check_page(page, count, path)
    if page is not None:
        return page - 1, count
    for number in range(count):
        if not _is_aside(tiff.pages[number]):
            return number, count
    if tiff.pages.first.subifds:
        raise UnreadableKindError(
            "its first picture is a thumbnail and the full one in a sub-directory"
        )
    return 0, count


def _is_aside(page: Any) -> bool:
    aside = int(page.subfiletype) & (REDUCED | MASK)
    return bool(aside) or page.tags.valueof(OLD_SUBFILE_TYPE) == OLD_REDUCED


def _refuse_unreadable(page: TiffPage) -> None:
    from tifffile import TIFF

    space, _ = PHOTOMETRICS.get(int(page.photometric), (None, ""))
    bits, form = page.bitspersample, int(page.sampleformat)
    channels = SAMPLES[space] if space else 0
    inks = page.tags.valueof(INK_SET, CMYK_INKS)
    uncoded_ycbcr = page.photometric == YCBCR and page.compression != JPEG
    if (
        space is None
        or page.imagedepth != 1
        or page.samplesperpixel > MOST_CHANNELS
        or page.compression not in TIFF.DECOMPRESSORS
        or page.dtype is None
        or form not in FORMATS
        or (page.photometric == SEPARATED and inks != CMYK_INKS)
        or (page.photometric == PALETTE and (page.colormap is None or bits > 8))
        or (space == LAB and (form == 3 or bits not in (8, 16)))
        or (page.photometric == YCBCR and bits != 8)
        or (uncoded_ycbcr and (page.subsampling or (2, 2)) != (1, 1))
        or (uncoded_ycbcr and not _is_as_in_jpeg(page))
        or page.samplesperpixel < (1 if page.photometric == PALETTE else channels)
    ):
        raise UnreadableKindError(_described(page))


def _check_directory(page: TiffPage, file: IO[bytes]) -> None:
    """Refuse a directory of which tifffile could not read all: the tables of a JPEG, a profile."""
    big = page.parent.is_bigtiff
    order: Literal["little", "big"] = "little" if page.parent.byteorder == "<" else "big"
    file.seek(page.offset)
    count = int.from_bytes(file.read(8 if big else 2), order)
    length = 20 if big else 12
    entries = file.read(count * length)
    codes = {int.from_bytes(entries[at : at + 2], order) for at in range(0, len(entries), length)}
    if len(entries) < count * length or codes - {tag.code for tag in page.tags}:
        raise EOFError("its directory is incomplete")


def _is_as_in_jpeg(page: TiffPage) -> bool:
    """Whether YCbCr is of full range and ITU-R BT.601's, not as in films."""

    def values(tag: int) -> list[float]:
        ratios = page.tags.valueof(tag, ())
        return [a / b if b else 0 for a, b in zip(ratios[::2], ratios[1::2], strict=False)]

    coefficients, extent = values(YCBCR_COEFFICIENTS), values(REFERENCE_BLACK_WHITE)
    return extent in ([], [0, 255, 128, 255, 128, 255]) and (
        not coefficients or np.allclose(coefficients, (0.299, 0.587, 0.114), atol=0.001)
    )


def _check_extent(page: TiffPage, size: int) -> None:
    """Refuse strips or tiles that end after the file, or are too few: they would be black."""
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=False):
        if offset + length > size:
            raise EOFError(f"{offset + length - size} bytes are missing")
    if page.is_tiled:
        assert page.tilelength
        assert page.tilewidth
        needed = -(-page.imagelength // page.tilelength) * -(-page.imagewidth // page.tilewidth)
    else:
        needed = -(-page.imagelength // min(page.rowsperstrip, page.imagelength))
    if page.planarconfig == 2:
        needed *= page.samplesperpixel
    found = sum(
        1
        for offset, length in zip(page.dataoffsets, page.databytecounts, strict=False)
        if offset and length
    )
    if found < needed:
        raise EOFError(f"{needed - found} of its strips or tiles are missing")


def _read(page: TiffPage, file: IO[bytes], path: Path, number: int, pages: int) -> StoredPicture:
    space = PHOTOMETRICS[int(page.photometric)][0]
    assert space is not None
    array = page.asarray(maxworkers=1)
    if page.planarconfig == 2 and page.samplesperpixel > 1:
        array = np.moveaxis(array, 0, -1)
    array = array.reshape(page.imagelength, page.imagewidth, -1)
    alpha: Any = "none"
    own = 1 if page.photometric == PALETTE else SAMPLES[space]
    kinds = [int(each) for each in page.extrasamples]
    for kind, name in ((STRAIGHT, "straight"), (PREMULTIPLIED, "premultiplied")):
        if kind in kinds and array.shape[2] > own:
            position = own + kinds.index(kind)
            channels = [*range(own), position]
            alpha = name
            break
    else:
        channels = list(range(own))
    scale = _Scale(page, array)
    metadata, profile = _metadata(page, file)
    orientation = page.tags.valueof(ORIENTATION, 1)
    return StoredPicture(
        format="tiff",
        size=(page.imagewidth, page.imagelength),
        bits=scale.bits,
        space=space,
        rows=lambda rows: scale(_native(array[rows][..., channels]), own),
        alpha=alpha,
        profile=profile,
        orientation=orientation if orientation in range(1, 9) else 1,
        metadata=metadata,
        page=number,
        pages=pages,
    )


def _native(strip: Samples) -> Samples:
    return strip.astype(strip.dtype.newbyteorder("="), copy=False)


class _Scale:
    """From samples of any type to uint8, uint16 or float32 of the full range."""

    def __init__(self, page: TiffPage, array: Samples) -> None:
        self._page = page
        self.bits = page.bitspersample
        self._lab = page.photometric == CIELAB
        self._inverted = page.photometric == WHITE_IS_ZERO
        self._float = array.dtype.kind == "f"
        self._white = 1.0
        self._kind: Any = np.uint8 if self.bits <= 8 else np.uint16
        self._table: Samples | None = None
        if page.photometric == PALETTE:
            table = np.asarray(page.colormap)
            # Many writers store 8 bits in the 16 of the table, at its lower or its upper end.
            shallow = table.max() < 256
            self._table = (table if shallow else table >> 8).T.astype(np.uint8)
        elif not self._float and not self._lab:
            signed = array.dtype.kind == "i"
            self._white = float(2 ** (self.bits - signed) - 1)
            self._kind = np.uint16 if signed else self._kind
            # 16-bit values are often stored as 32 bits; read as 32 bits they would be black.
            if self.bits == 32 and array.max() <= 65535:
                self._white, self.bits = 65535.0, 16

    def __call__(self, strip: Samples, own: int) -> Samples:
        """A strip, h x w x C, of which the first `own` channels are colours."""
        if self._table is not None:
            coloured = self._table[strip[..., 0]]
            return (
                np.concatenate([coloured, strip[..., 1:]], axis=2)
                if own < strip.shape[2]
                else (coloured)
            )
        if self._page.photometric == YCBCR and self._page.compression != JPEG:
            size = strip.shape[1], strip.shape[0]
            image = Image.frombytes("YCbCr", size, strip[..., :3].tobytes())
            return np.concatenate([np.asarray(image.convert("RGB")), strip[..., 3:]], axis=2)
        if self._lab:
            return _lab(strip)
        if self._float:
            scaled = strip.astype(np.float32)
        elif self._white in (255.0, 65535.0) and strip.dtype.itemsize <= 2:
            scaled = strip
        else:
            white = 255 if self._kind is np.uint8 else 65535
            unit = (strip / self._white).clip(0, 1)
            scaled = np.rint(unit * white).astype(self._kind)
        if self._inverted:
            colours = scaled.dtype.type(white_of(scaled)) - scaled[..., :own]
            scaled = np.concatenate([colours, scaled[..., own:]], axis=2)
        return scaled


def _lab(strip: Samples) -> Samples:
    """CIE L*a*b* in its own units: L* in 255ths (65535ths) of 100, a* and b* signed."""
    deep = strip.dtype.itemsize == 2
    lab = np.empty(strip.shape, np.float32)
    lab[..., 0] = strip[..., 0] * (100 / (65535 if deep else 255))
    signed: Samples = np.ascontiguousarray(strip[..., 1:3]).view(np.int16 if deep else np.int8)
    lab[..., 1:3] = signed / (256 if deep else 1)
    lab[..., 3:] = strip[..., 3:] / (65535 if deep else 255)
    return lab


def _metadata(page: TiffPage, file: IO[bytes]) -> tuple[Metadata, bytes | None]:
    """What is kept beside the pixels, and the profile."""
    tags = page.tags
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = directory_of(page, file)
            if (described_settings(exif) or "").startswith("{"):
                del exif[DESCRIPTION]
            metadata = exif_metadata(exif)
    except Exception:  # Damaged metadata raises almost anything, and is no reason not to paint.
        metadata = Metadata()
    xmp, iptc, photoshop = (_bytes(tags.valueof(tag)) for tag in (XMP, IPTC, PHOTOSHOP))
    unit = tags.valueof(RESOLUTION_UNIT, 2)
    dpi: tuple[float, float] | None = None
    if unit != NO_UNIT:
        per_inch = 2.54 if unit == CENTIMETRE else 1.0
        x, y = (_ratio(tags.valueof(tag)) * per_inch for tag in (X_RESOLUTION, Y_RESOLUTION))
        dpi = (x, y) if min(x, y) > 1 else None
    return (
        Metadata(
            metadata.image,
            metadata.photo,
            metadata.gps,
            kept_xmp(xmp),
            # ImageMagick cuts the first of the two places off.
            max(kept_iptc(_iptc(iptc)), kept_iptc(iptc_of_photoshop(photoshop)), key=len),
            dpi,
        ),
        page.iccprofile or None,
    )


def directory_of(page: TiffPage, file: IO[bytes]) -> Image.Exif:
    """The tags in Pillow's form, which finds EXIF's directories below them."""
    exif = Image.Exif()
    exif.endian, exif.bigtiff = page.parent.byteorder, page.parent.is_bigtiff
    exif.load_from_fp(file, page.offset)
    return exif


def _ratio(value: Any) -> float:
    return value[0] / value[1] if isinstance(value, tuple) and value[1] else 0.0


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _iptc(data: bytes) -> bytes:
    """Often stored as numbers of 32 bits, which some writers swap in a big-endian file."""
    swapped = data[3:4] == b"\x1c" != data[:1] and len(data) % 4 == 0
    return np.frombuffer(data, ">u4").astype("<u4").tobytes() if swapped else data


def _described(page: TiffPage) -> str:
    """What the tags say of a picture's kind, in words."""
    photometric, compression = int(page.photometric), int(page.compression)
    name = PHOTOMETRICS.get(photometric, (None, f"of colours with the code {photometric}"))[1]
    if photometric == SEPARATED and page.tags.valueof(INK_SET, CMYK_INKS) != CMYK_INKS:
        name = "inks other than CMYK"
    form = FORMATS.get(int(page.sampleformat), "unknown numbers")
    return ", ".join(
        part
        for part in (
            name,
            f"{page.bitspersample} bits a channel, {form}",
            "with further channels" if page.extrasamples else "",
            "planes apart" if page.planarconfig == 2 else "",
            "" if compression == 1 else f"compression {getattr(page.compression, 'name', '?')}",
        )
        if part
    )


def _unreadable(path: Path, what: str) -> PictureError:
    return PictureError(
        f"{path}: this kind of TIFF file is not read: {what}. Export it as an ordinary TIFF or "
        "PNG, RGB or grey, with 8 or 16 bits a channel."
    )
