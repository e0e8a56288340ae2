"""Files of every kind that docs/pictures.md is about, written by other programs: by ImageMagick
what it can where it is there; otherwise, and what it cannot, by Pillow, tifffile, imagecodecs and
pillow-heif.
"""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import tifffile
from PIL import Image
from scenes import has_imagemagick

WIDTH, HEIGHT = 64, 48
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
RGB = np.stack([X / 63, Y / 47, ((X + 2 * Y) % 160) / 160], axis=-1)
SMOOTH = np.stack([X / 63, Y / 47, (X + Y) / 110], axis=-1)
GREY = np.repeat(((3 * X + Y) / (3 * 63 + 47))[..., None], 3, axis=2)
BILEVEL = (GREY > 0.5).astype(float)
POSTER = np.round(GREY * 15) / 15
ALPHA = Y / 47


@dataclass(frozen=True)
class Kind:
    """A kind of file: how it is written, and what is right."""

    format: str
    what: str
    magick: list[str] | None
    """ImageMagick's options, and after a colon a format if the suffix does not say it."""
    other: Callable[[Path], Any]
    right: np.ndarray
    alpha: bool = False
    lossy: bool = False


def deep(values: np.ndarray, kind: str = "u2") -> np.ndarray:
    return np.rint(values * np.iinfo(kind).max).astype(kind)


def shallow(values: np.ndarray) -> Image.Image:
    return Image.fromarray(deep(values, "u1"))


def in_inks() -> Image.Image:
    return Image.frombytes("CMYK", (INKS.shape[1], INKS.shape[0]), deep(INKS, "u1").tobytes())


def tiff(values: np.ndarray, **options: Any) -> Callable[[Path], Any]:
    return lambda path: tifffile.imwrite(path, values, **({"photometric": "rgb"} | options))


def pillow(image: Image.Image, **options: Any) -> Callable[[Path], Any]:
    return lambda path: image.save(path, **options)


def png16(values: np.ndarray) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(imagecodecs.png_encode(deep(values)))


def avif(bits: int) -> Callable[[Path], Any]:
    levels = np.rint(SMOOTH * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)
    return lambda path: path.write_bytes(
        imagecodecs.avif_encode(levels, level=98, bitspersample=bits)
    )


def heic(bits: int) -> Callable[[Path], Any]:
    def write(path: Path) -> None:
        pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
        mode, data = ("RGB", deep(SMOOTH, "u1")) if bits == 8 else ("RGB;16", deep(SMOOTH))
        image = pillow_heif.from_bytes(mode=mode, size=(WIDTH, HEIGHT), data=data.tobytes())
        image.save(path, quality=98, chroma=444)

    return write


RGBA = np.concatenate([RGB, ALPHA[..., None]], axis=-1)
WEIGHED = np.concatenate([RGB * ALPHA[..., None], ALPHA[..., None]], axis=-1)
INKS = np.concatenate([RGB, (X / 120)[..., None]], axis=-1)
PRINTED = (1 - INKS[..., :3]) * (1 - INKS[..., 3:])
INKS_8 = deep(INKS, "u1") / 255
PRINTED_8 = (1 - INKS_8[..., :3]) * (1 - INKS_8[..., 3:])
FLAT = GREY[..., 0]
STRAIGHT = {"extrasamples": ["unassalpha"]}
NO_MAGICK = None

KINDS = [
    Kind("JPEG", "RGB", ["-quality", "98", "-sampling-factor", "1x1"],
         pillow(shallow(SMOOTH), quality=98, subsampling=0), SMOOTH, lossy=True),
    Kind("JPEG", "RGB, progressive", ["-quality", "98", "-interlace", "JPEG"],
         pillow(shallow(SMOOTH), quality=98, progressive=True), SMOOTH, lossy=True),
    Kind("JPEG", "grey", ["-colorspace", "Gray", "-quality", "98"],
         pillow(shallow(GREY).convert("L"), quality=98), GREY, lossy=True),
    Kind("JPEG", "CMYK", NO_MAGICK,
         pillow(in_inks(), quality=98), PRINTED, lossy=True),
    Kind("PNG", "grey, 1 bit", ["-depth", "1"], pillow(shallow(BILEVEL).convert("1")), BILEVEL),
    Kind("PNG", "grey, 8 bits", ["-depth", "8"], pillow(shallow(GREY).convert("L")), GREY),
    Kind("PNG", "grey, 16 bits", ["-depth", "16"], png16(FLAT), GREY),
    Kind("PNG", "RGB, 8 bits", ["-depth", "8"], pillow(shallow(RGB)), RGB),
    Kind("PNG", "RGB, 16 bits", ["-depth", "16"], png16(RGB), RGB),
    Kind("PNG", "RGB, 16 bits, interlaced", ["-depth", "16", "-interlace", "PNG"], png16(RGB), RGB),
    Kind("PNG", "palette", ["-type", "Palette", "+dither", "PNG8:"],
         pillow(shallow(POSTER).convert("P")), POSTER),
    Kind("PNG", "alpha, 8 bits", ["-depth", "8"], pillow(shallow(RGBA)), RGB, alpha=True),
    Kind("PNG", "alpha, 16 bits", ["-depth", "16"], png16(RGBA), RGB, alpha=True),
    Kind("TIFF", "grey, 1 bit", ["-depth", "1"],
         tiff(BILEVEL[..., 0].astype(bool), photometric="minisblack"), BILEVEL),
    Kind("TIFF", "grey, 16 bits", ["-depth", "16", "-define", "quantum:polarity=min-is-black"],
         tiff(deep(FLAT), photometric="minisblack"), GREY),
    Kind("TIFF", "grey, 16 bits, 0 is white", NO_MAGICK,
         tiff(deep(1 - FLAT), photometric="miniswhite"), GREY),
    Kind("TIFF", "grey, 32-bit integers", NO_MAGICK,
         tiff(deep(FLAT, "u4"), photometric="minisblack"), GREY),
    Kind("TIFF", "RGB, 8 bits", ["-depth", "8"], tiff(deep(RGB, "u1")), RGB),
    Kind("TIFF", "RGB, 16 bits", ["-depth", "16"], tiff(deep(RGB)), RGB),
    Kind("TIFF", "RGB, 16 bits, big-endian", ["-depth", "16", "-endian", "MSB"],
         tiff(deep(RGB), byteorder=">"), RGB),
    Kind("TIFF", "RGB, 16 bits, planes apart", ["-depth", "16", "-interlace", "plane"],
         tiff(np.moveaxis(deep(RGB), -1, 0), planarconfig="separate"), RGB),
    Kind("TIFF", "RGB, 16 bits, tiles", ["-depth", "16", "-define", "tiff:tile-geometry=16x16"],
         tiff(deep(RGB), tile=(16, 16)), RGB),
    Kind("TIFF", "RGB, 16 bits, LZW", ["-depth", "16", "-compress", "LZW"],
         tiff(deep(RGB), compression="lzw"), RGB),
    Kind("TIFF", "RGB, 16 bits, ZIP", ["-depth", "16", "-compress", "Zip"],
         tiff(deep(RGB), compression="zlib", predictor=True), RGB),
    Kind("TIFF", "RGB, JPEG inside", ["-compress", "JPEG", "-quality", "98"],
         tiff(deep(SMOOTH, "u1"), compression="jpeg"), SMOOTH, lossy=True),
    Kind("TIFF", "RGB, 32-bit floating point", NO_MAGICK, tiff(RGB.astype("f4")), RGB),
    Kind("TIFF", "RGB, 16-bit floating point", NO_MAGICK, tiff(RGB.astype("f2")), RGB),
    Kind("TIFF", "palette", ["-type", "Palette", "+dither"],
         pillow(shallow(POSTER).convert("P")), POSTER),
    Kind("TIFF", "CMYK, 8 bits", NO_MAGICK,
         tiff(deep(INKS, "u1"), photometric="separated"), PRINTED_8),
    Kind("TIFF", "CMYK, 16 bits", NO_MAGICK, tiff(deep(INKS), photometric="separated"), PRINTED),
    Kind("TIFF", "alpha, 8 bits", ["-depth", "8"], tiff(deep(RGBA, "u1"), **STRAIGHT), RGB,
         alpha=True),
    Kind("TIFF", "alpha, 16 bits", ["-depth", "16"], tiff(deep(RGBA), **STRAIGHT), RGB, alpha=True),
    Kind("TIFF", "alpha multiplied in, 16 bits", NO_MAGICK,
         tiff(deep(WEIGHED), extrasamples=["assocalpha"]), RGB, alpha=True),
    Kind("TIFF", "BigTIFF, RGB, 16 bits", ["-depth", "16", "TIFF64:"],
         tiff(deep(RGB), bigtiff=True), RGB),
    Kind("WebP", "RGB", ["-quality", "98"], pillow(shallow(SMOOTH), quality=98), SMOOTH,
         lossy=True),
    Kind("WebP", "RGB, without loss", ["-define", "webp:lossless=true"],
         pillow(shallow(RGB), lossless=True), RGB),
    Kind("WebP", "alpha, without loss", ["-define", "webp:lossless=true,exact=true"],
         pillow(shallow(RGBA), lossless=True, exact=True), RGB, alpha=True),
    Kind("AVIF", "RGB, 8 bits", NO_MAGICK, avif(8), SMOOTH, lossy=True),
    Kind("AVIF", "RGB, 10 bits", NO_MAGICK, avif(10), SMOOTH, lossy=True),
    Kind("AVIF", "RGB, 12 bits", NO_MAGICK, avif(12), SMOOTH, lossy=True),
    Kind("HEIC", "RGB, 8 bits", NO_MAGICK, heic(8), SMOOTH, lossy=True),
    Kind("HEIC", "RGB, 10 bits", NO_MAGICK, heic(10), SMOOTH, lossy=True),
]  # fmt: skip

SUFFIXES = {"JPEG": "jpg", "PNG": "png", "TIFF": "tif", "WebP": "webp", "AVIF": "avif"}
SUFFIXES |= {"HEIC": "heic"}


def written(kind: Kind, path: Path) -> Path:
    """By ImageMagick where it is there and can; its input is raw samples of 16 bits, of 8 where it
    would have to round."""
    if kind.magick is None or not has_imagemagick():
        kind.other(path)
        return path
    samples = np.concatenate([kind.right, ALPHA[..., None]], axis=-1) if kind.alpha else kind.right
    raw = path.with_suffix(".raw")
    if "8 bits" in kind.what or kind.right is POSTER:
        samples = deep(samples, "u1") / 255
    raw.write_bytes(deep(samples).astype("<u2").tobytes())
    options = [each for each in kind.magick if not each.endswith(":")]
    prefix = "".join(each for each in kind.magick if each.endswith(":"))
    source = f"{'rgba' if kind.alpha else 'rgb'}:{raw}"
    size = ["-size", f"{WIDTH}x{HEIGHT}", "-depth", "16", "-endian", "LSB"]
    grey = ["-colorspace", "Gray"] if kind.right is GREY else []
    grey += ["-monochrome"] if kind.right is BILEVEL else []
    subprocess.run(["convert", *size, source, *grey, *options, f"{prefix}{path}"], check=True)
    return path
