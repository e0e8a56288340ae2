"""Writes result files: PNG, TIFF, JPEG, WebP and AVIF; same samples, same bytes.

Converted strip by strip: beside the samples there is one copy in Pillow's own form (JPEG, WebP,
AVIF), or a strip (PNG), or a row of tiles (TIFF).
"""

import logging
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from PIL import Image

from engine import __version__
from engine.errors import PictureError
from engine.images.exif_directories import directory_bytes, exif_block
from engine.images.metadata import PHOTOSHOP, Metadata, photoshop_of_iptc
from engine.images.profiles import srgb_profile
from engine.images.strips import Floats, Samples
from engine.images.writing.levels import Levels
from engine.images.writing.png import write_png
from engine.images.writing.tiff import write_tiff

__all__ = [
    "DEEP_FORMATS",
    "JPEG_MAX_SIDE",
    "METADATA_OF",
    "SOFTWARE",
    "TEXT_KEY",
    "Encoding",
    "Format",
    "check_side",
    "save",
]

logger = logging.getLogger(__name__)

Format = Literal["png", "jpeg", "tiff", "webp", "avif"]

TEXT_KEY = "impasto"
"""Keyword of the PNG text chunk that holds the settings."""

SOFTWARE = f"Impasto {__version__}"
XMP_KEY = "XML:com.adobe.xmp"

DEEP_FORMATS = ("png", "tiff")
"""Which can have 16 bits a channel."""

METADATA_OF: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("png", "jpeg", "tiff"), ("EXIF", "location", "XMP", "IPTC", "DPI")),
    **dict.fromkeys(("webp", "avif"), ("EXIF", "location", "XMP", "DPI")),
}
"""What each format has a place for."""

FULL_CHROMA_QUALITY = 90
"""JPEG quality from which the colour is not subsampled: paint has sharp edges between colours."""

LOSSLESS_QUALITY = 100
"""Of a WebP: without loss."""

JPEG_MAX_SIDE = 65_500
"""libjpeg's JPEG_MAX_DIMENSION."""

MAX_SIDES = {"jpeg": JPEG_MAX_SIDE, "webp": 16_383, "avif": 65_536}

JPEG_MAX_SEGMENT = 65_533
"""Bytes: a JPEG segment's 16-bit length counts itself."""

APP1_NAMES = 64
"""Bytes at most of what names a segment: `Exif`, XMP's URI."""


@dataclass(frozen=True)
class Encoding:
    """How a picture is written. `bits` beyond the format's own, and alpha in a JPEG, are not."""

    format: Format = "png"
    bits: int = 8
    """Of a channel, 8 or 16."""
    quality: int = 95
    """Of JPEG, WebP and AVIF, 1 to 100."""
    chroma: Literal["auto", "full", "half"] = "auto"
    """Of JPEG and AVIF."""
    profile: bytes | None = None
    """Of RGB; the samples are converted to it. None: sRGB."""
    metadata: Metadata = field(default_factory=Metadata)
    text: str | None = None
    """Settings to embed, which `read_settings_text` finds again."""


def check_side(format: str, size: tuple[int, int]) -> None:
    """Refuse a size (width, height) that the format cannot have.

    Raises:
        PictureError: too large for the format.
    """
    longest = MAX_SIDES.get(format)
    if longest is not None and max(size) > longest:
        name = {"webp": "WebP"}.get(format, format.upper())
        raise PictureError(
            f"A {name}'s sides are at most {longest} px; this picture has "
            f"{size[0]} x {size[1]}. Write it as PNG or TIFF."
        )


def save(samples: Samples, alpha: Floats | None, file: IO[bytes], encoding: Encoding) -> None:
    """Write a picture's samples (H x W x 3) and alpha (H x W) to an open file.

    JPEG has no alpha: the picture is laid on white.

    Raises:
        PictureError: too large for the format.
        ProfileError: `profile` cannot be converted to.
    """
    size = samples.shape[1], samples.shape[0]
    check_side(encoding.format, size)
    levels = Levels(
        samples,
        alpha,
        bits=encoding.bits if encoding.format in DEEP_FORMATS else 8,
        with_alpha=alpha is not None and encoding.format != "jpeg",
        profile=encoding.profile,
    )
    metadata = encoding.metadata
    directories = metadata.directories(SOFTWARE, size, srgb=encoding.profile is None)
    exif = exif_block(directories) if encoding.format != "jpeg" else _fitting(directories)
    profile = encoding.profile or srgb_profile()
    if encoding.format == "png":
        texts = {"Software": SOFTWARE}
        if encoding.text is not None:
            texts[TEXT_KEY] = encoding.text
        if metadata.xmp:
            texts[XMP_KEY] = metadata.xmp_packet(SOFTWARE, None).decode()
        write_png(
            levels,
            file,
            profile=encoding.profile,
            dpi=metadata.dpi,
            exif=exif if metadata.image or metadata.photo or metadata.gps else b"",
            texts=texts,
            iptc=photoshop_of_iptc(metadata.iptc) if metadata.iptc else b"",
        )
    elif encoding.format == "tiff":
        write_tiff(
            levels,
            file,
            profile=profile,
            dpi=metadata.dpi,
            directories=directories,
            # Where the settings take the description's place, the content's goes into XMP.
            xmp=metadata.xmp_packet(SOFTWARE, None, caption=encoding.text is not None),
            iptc=metadata.iptc,
            software=SOFTWARE,
            text=encoding.text,
        )
    else:
        options: dict[str, Any] = {"quality": encoding.quality, "icc_profile": profile}
        options |= {"exif": exif}
        options |= {"jpeg": _jpeg, "webp": _webp, "avif": _avif}[encoding.format](encoding)
        _in_pillow(levels).save(file, encoding.format.upper(), **options)


def _fitting(directories: dict[int, dict[int, Any]]) -> bytes:
    """An EXIF block that fits into a JPEG's segment, without the longest tags if need be."""
    while len(block := exif_block(directories)) > JPEG_MAX_SEGMENT:
        _, number, tag = max(
            (len(directory_bytes({tag: value}, number, 0)), number, tag)
            for number, tags in directories.items()
            for tag, value in tags.items()
        )
        del directories[number][tag]
        logger.warning("EXIF's tag %#06x is too long for a JPEG; it is left out.", tag)
    return block


def _jpeg(encoding: Encoding) -> dict[str, Any]:
    metadata = encoding.metadata
    full = encoding.chroma == "full" or (
        encoding.chroma == "auto" and encoding.quality >= FULL_CHROMA_QUALITY
    )
    options: dict[str, Any] = {"subsampling": "4:4:4" if full else "4:2:0"}
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    comment = (encoding.text or "").encode()
    xmp = metadata.xmp_packet(SOFTWARE, None)
    for name, data, longest in (
        ("comment", comment, JPEG_MAX_SEGMENT),
        ("xmp", xmp, JPEG_MAX_SEGMENT - APP1_NAMES),
    ):
        if 0 < len(data) <= longest:
            options[name] = data
        elif data:
            # A picture without its settings is worth more than no picture.
            what = "settings are" if name == "comment" else "XMP is"
            logger.warning("The %s too long for a JPEG; left out.", what)
    resource = PHOTOSHOP + photoshop_of_iptc(metadata.iptc)
    if metadata.iptc and len(resource) <= JPEG_MAX_SEGMENT:
        options["extra"] = b"\xff\xed" + (len(resource) + 2).to_bytes(2) + resource
    return options


def _webp(encoding: Encoding) -> dict[str, Any]:
    return {
        "lossless": encoding.quality >= LOSSLESS_QUALITY,
        "exact": True,  # colours below alpha 0, too
        "xmp": encoding.metadata.xmp_packet(SOFTWARE, encoding.text),
    }


def _avif(encoding: Encoding) -> dict[str, Any]:
    return {
        "subsampling": "4:2:0" if encoding.chroma == "half" else "4:4:4",
        "xmp": encoding.metadata.xmp_packet(SOFTWARE, encoding.text),
        "max_threads": 1,  # whose number could change the bytes
    }


def _in_pillow(levels: Levels) -> Image.Image:
    """8 bits a channel, in Pillow's form."""
    image = Image.new("RGB" if levels.channels == 3 else "RGBA", levels.size)
    top = 0
    for band in levels.bands():
        image.paste(Image.fromarray(band), (0, top))
        top += len(band)
    return image
