"""Decodes picture files: which library reads what, at which depth, and what counts as damage."""

import io
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from engine.errors import PictureError
from engine.images.matrix_profile import matrix_profile
from engine.images.metadata import (
    Metadata,
    exif_metadata,
    iptc_of_photoshop,
    kept_iptc,
    kept_xmp,
    resolution_of,
)
from engine.images.reading.coded_colour import UnknownSpaceError, coded_space
from engine.images.reading.exif_colour import exif_profile
from engine.images.reading.file_ends import check_heif_end, check_webp_end
from engine.images.reading.files import damaged, format_of
from engine.images.reading.jpeg_end import check_jpeg_end, frame_kind
from engine.images.reading.limits import Limits, check_page
from engine.images.reading.png_colour import check_png_end, png_profile
from engine.images.reading.stored import StoredPicture
from engine.images.reading.tiff import read_tiff
from engine.images.strips import Samples

__all__ = ["decoded", "identified"]

# Pillow's classes instead of Image.open, whose limit of pixels is global and below some of ours.
PILLOW: dict[str, type[ImageFile]] = {
    "jpeg": JpegImageFile,
    "png": PngImageFile,
    "webp": WebPImageFile,
    "avif": AvifImageFile,
}

EXIF_ORIENTATION = 0x0112
PHOTOSHOP_IPTC = 0x0404
SPACES = {"L": "GREY", "LA": "GREY", "CMYK": "CMYK"}


def decoded(file: IO[bytes], path: Path, limits: Limits, page: int | None = None) -> StoredPicture:
    """The picture that the file shows first, or one of its pages (from 1), completely decoded.

    Raises:
        PictureError: another format; too large, by the header; too small; damaged, truncated, or of
            a kind that is not read.
    """
    format = format_of(file, path)
    file.seek(0)
    if format == "tiff":
        return read_tiff(file, path, limits, page)
    if format == "heic":
        return _heic(file, path, limits, page)
    image = identified(file, path, format)
    limits.check(image.size, path)
    with _damage(path, format):
        pages = getattr(image, "n_frames", 1)
        check_page(page, pages, path)
        if page is not None and page > 1:
            image.seek(page - 1)
        bits, space, alpha, rows = READERS[format](image, file, path)
        metadata = _metadata(image)
        profile = _profile(image, file, path)
    return StoredPicture(
        format=format,
        size=image.size,
        bits=bits,
        space=space,
        rows=rows,
        alpha="straight" if alpha else "none",
        profile=profile,
        orientation=_orientation(image),
        metadata=metadata,
        page=page or 1,
        pages=pages,
    )


def identified(file: IO[bytes], path: Path, format: str) -> ImageFile:
    """The picture with its header read and nothing decoded, in Pillow's form.

    Raises:
        PictureError: a damaged header, or a kind of JPEG that is not read.
    """
    with _damage(path, format):
        if format == "jpeg" and (kind := frame_kind(file)):
            raise PictureError(
                f"{path}: this kind of JPEG file is not read: {kind}. Export it as an ordinary "
                "JPEG."
            )
        file.seek(0)
        return PILLOW[format](file)


Read = tuple[int, str, bool, Callable[[slice], Samples]]
"""Bits of a channel, colour space, whether there is alpha, and rows."""


def _jpeg(image: ImageFile, file: IO[bytes], path: Path) -> Read:
    check_jpeg_end(file)
    return _in_8_bits(image, file, path)


def _png(image: ImageFile, file: IO[bytes], path: Path) -> Read:
    check_png_end(file)
    file.seek(24)
    if file.read(1) != b"\x10":
        return _in_8_bits(image, file, path)
    return _deep(_decoder("png")(_all_of(file)), 16)


def _webp(image: ImageFile, file: IO[bytes], path: Path) -> Read:
    check_webp_end(file)
    return _in_8_bits(image, file, path)


def _avif(image: ImageFile, file: IO[bytes], path: Path) -> Read:
    check_heif_end(file)
    bits = _heif_header(file).info["bit_depth"]
    if bits <= 8:
        return _in_8_bits(image, file, path)
    return _deep(_decoder("avif")(_all_of(file), index=image.tell()), bits)


READERS: dict[str, Callable[[ImageFile, IO[bytes], Path], Read]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "avif": _avif,
}


def _in_8_bits(image: ImageFile, file: IO[bytes], path: Path) -> Read:
    """Decoded by Pillow, which has 8 bits a channel."""
    image.load()
    alpha = image.has_transparency_data
    grey = image.mode in ("1", "L", "LA", "La")
    if image.mode == "CMYK":
        mode = "CMYK"
    else:
        mode = ("LA" if alpha else "L") if grey else ("RGBA" if alpha else "RGB")

    def rows(part: slice) -> Samples:
        strip = image.crop((0, part.start, image.width, part.stop))
        samples = np.asarray(strip if strip.mode == mode else strip.convert(mode))
        return samples if samples.ndim == 3 else samples[..., None]

    return 8, SPACES.get(mode, "RGB"), alpha, rows


def _deep(array: Samples, bits: int) -> Read:
    """Decoded to uint16, of which `bits` are used."""
    if array.ndim == 2:
        array = array[..., None]
    channels = array.shape[2]
    white = 2**bits - 1

    def rows(part: slice) -> Samples:
        strip = array[part]
        if white == 65535:
            return strip
        scaled: Samples = np.rint(strip * (65535 / white)).astype(np.uint16)
        return scaled

    return bits, "GREY" if channels < 3 else "RGB", channels in (2, 4), rows


def _decoder(name: str) -> Callable[..., Samples]:
    import imagecodecs

    decoder: Callable[..., Samples] = getattr(imagecodecs, f"{name}_decode")
    return decoder


def _all_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _heif_header(file: IO[bytes]) -> Any:
    from pillow_heif import open_heif

    file.seek(0)
    return open_heif(io.BytesIO(file.read()), convert_hdr_to_8bit=False)


def _heic(file: IO[bytes], path: Path, limits: Limits, page: int | None) -> StoredPicture:
    with _damage(path, "heic"):
        check_heif_end(file)
        container = _heif_header(file)
        pages = len(container)
        check_page(page, pages, path)
        image = container[container.primary_index if page is None else page - 1]
        limits.check(image.size, path)
        profile = image.info.get("icc_profile") or _nclx_profile(image.info, path)
        bits = int(image.info["bit_depth"])
        channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "RGBa": 4}[image.mode.split(";")[0]]
        array = np.asarray(image).reshape(image.size[1], image.size[0], channels)
        if array.dtype == np.uint16:
            array = array >> (16 - bits)  # as many as there are, in the upper bits
        bits, space, alpha, rows = _deep(array, bits) if bits > 8 else (8, *_deep(array, 16)[1:])
        exif = Image.Exif()
        exif.load(image.info.get("exif") or b"")
    return StoredPicture(
        format="heic",
        size=image.size,
        bits=bits,
        space=space,
        rows=rows,
        alpha="none" if not alpha else "premultiplied" if "a" in image.mode else "straight",
        profile=profile,
        # libheif has turned it; what EXIF says is not meant (ISO/IEC 23008-12, A.3).
        metadata=_with_blocks(exif, image.info),
        page=page or container.primary_index + 1,
        pages=pages,
    )


def _profile(image: ImageFile, file: IO[bytes], path: Path) -> bytes | None:
    """Embedded, or made from what else the file says of its colours."""
    embedded: bytes | None = image.info.get("icc_profile") or None
    if isinstance(image, PngImageFile):
        return png_profile(file, path) or embedded
    if isinstance(image, AvifImageFile):
        return embedded or _nclx_profile(_heif_header(file).info, path)
    return embedded or exif_profile(image)


def _nclx_profile(info: dict[str, Any], path: Path) -> bytes | None:
    codes = info.get("nclx_profile")
    if not codes:
        return None
    try:
        space = coded_space(codes["color_primaries"], codes["transfer_characteristics"])
    except UnknownSpaceError as error:
        raise PictureError(f"{path}: its colours are {error}. Export it as sRGB.") from None
    return matrix_profile(*space) if space else None


def _metadata(image: ImageFile) -> Metadata:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = image.getexif()
    except Exception:  # Damaged metadata raises almost anything, and is no reason not to paint.
        exif = Image.Exif()
    return _with_blocks(exif, image.info)


def _with_blocks(exif: Image.Exif, info: Mapping[Any, Any]) -> Metadata:
    """Parsed EXIF with the blocks that Pillow names in `info`."""
    metadata = exif_metadata(exif)
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    photoshop = info.get("photoshop")
    iptc = photoshop.get(PHOTOSHOP_IPTC, b"") if isinstance(photoshop, dict) else b""
    raw = info.get("Raw profile type iptc")
    dpi = info.get("dpi") or resolution_of(exif)
    return Metadata(
        metadata.image,
        metadata.photo,
        metadata.gps,
        kept_xmp(xmp if isinstance(xmp, bytes) else str(xmp).encode()),
        kept_iptc(iptc or (_raw_iptc(str(raw)) if raw else b"")),
        (float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 1 else None,
    )


def _raw_iptc(text: str) -> bytes:
    """IPTC as ImageMagick writes it into a PNG's text: a name, a length, hexadecimal digits."""
    digits = re.sub(r"\s", "", text.strip().partition("\n")[2].lstrip().partition("\n")[2])
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return b""
    return data if data[:1] == b"\x1c" else iptc_of_photoshop(data)


def _orientation(image: ImageFile) -> int:
    """EXIF's 1 to 8."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = image.getexif().get(EXIF_ORIENTATION, 1)
    except Exception:  # Damaged metadata raises almost anything, and is no reason not to paint.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


class _damage:  # noqa: N801
    """What libraries raise within the block becomes a PictureError; doubts do not."""

    def __init__(self, path: Path, format: str) -> None:
        self._path, self._format = path, format
        self._warnings = warnings.catch_warnings()

    def __enter__(self) -> None:
        self._warnings.__enter__()
        warnings.simplefilter("ignore")

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._warnings.__exit__(kind, error, trace)
        if isinstance(error, Exception) and not isinstance(error, PictureError | MemoryError):
            raise damaged(self._path, self._format, error) from None
