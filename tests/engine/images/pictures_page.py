"""Makes docs/pictures.md: reads a file of every kind that another program wrote, and says what came
of it. `make docs` runs it, a test compares. exiftool writes the metadata.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import icc_profiles as icc
import imagecodecs
import numpy as np
import pillow_heif
from picture_kinds import (
    ALPHA,
    HEIGHT,
    INKS,
    KINDS,
    RGB,
    SMOOTH,
    SUFFIXES,
    WIDTH,
    deep,
    shallow,
    tiff,
    written,
)
from PIL import Image

from engine.errors import EngineError
from engine.images.exif_directories import exif_block
from engine.images.metadata import PHOTOSHOP, Metadata, photoshop_of_iptc
from engine.images.picture import Picture, read_picture, write_picture
from engine.images.writing.encode import DEEP_FORMATS, MAX_SIDES
from engine.settings import resolve

INTRODUCTION = """\
# Pictures: what is read, kept and given back

<!-- Made by `make docs` from tests/engine/images/pictures_page.py; do not edit by hand. -->

Each line is a file that another program wrote and Impasto read, or the reverse, when this page was
made; a test makes it again and compares.

Painting is done in sRGB, 32-bit floating point. A content is read at its own depth, and nothing on
the way to the result has less than 16 bits. Where a result ends in 8, it is dithered.

- `bits: auto` gives a result the content's depth, if its format has it (PNG and TIFF have 16).
- `profile: content` gives it the content's colour space; otherwise it is sRGB.
- `metadata: no_location`, the default, keeps EXIF, XMP, IPTC and the resolution without places;
  `keep` keeps those too, `strip` nothing. The orientation is applied, thumbnails and the maker's
  note are left out, the software and the settings are added.
- `format: content` keeps the content's format; a HEIC becomes a PNG.
- Alpha comes back exactly at the content's size. What is fully transparent is neither painted nor
  changed, and plays no part in a style.
- Of several pictures in a file the first is painted that is no thumbnail, or `page`.

The record of a result (`NAME.result.yaml`) says under `output` what was kept and what was not.
"""


def reading(folder: Path) -> Iterator[str]:
    yield "| file | read with | colours | alpha |"
    yield "|---|---|---|---|"
    for number, kind in enumerate(KINDS):
        path = written(kind, folder / f"{number}.{SUFFIXES[kind.format]}")
        picture = read_picture(path)
        assert picture.origin is not None
        bits = picture.origin.bits
        visible = np.ones((HEIGHT, WIDTH), bool) if picture.alpha is None else picture.alpha > 0.1
        off = np.abs(picture.pixels - kind.right)[visible].max()
        alpha = "-"
        if kind.alpha:
            exact = picture.alpha is not None and np.abs(picture.alpha - ALPHA).max() < 0.51 / 255
            alpha = "kept" if exact else "NOT KEPT"
        closeness = _closeness(off, min(bits, 16), kind.lossy)
        yield f"| {kind.format}, {kind.what} | {max(bits, 8)} bits | {closeness} | {alpha} |"


def _closeness(off: float, bits: int, lossy: bool) -> str:
    if lossy:
        return "as close as its compression" if off < 8 / 255 else "WRONG"
    half = 0.51 / (2 ** min(bits, 8) - 1 if bits <= 8 else 2**11)
    return "exact" if off <= half else "within a level of 255" if off < 1.01 / 255 else "WRONG"


ADOBE_CURVE = icc.LEVELS ** (563 / 256)
PROFILES: dict[str, tuple[bytes, str, Callable[[np.ndarray], np.ndarray]]] = {
    "Adobe RGB": (
        icc.rgb_profile(icc.ADOBE_RGB, ADOBE_CURVE),
        "RGB",
        lambda v: icc.srgb_from_xyz(v ** (563 / 256) @ icc.matrix(icc.ADOBE_RGB).T),
    ),
    "Display P3": (
        icc.rgb_profile(icc.DISPLAY_P3, icc.srgb_decoded(icc.LEVELS)),
        "RGB",
        lambda v: icc.srgb_from_xyz(icc.srgb_decoded(v) @ icc.matrix(icc.DISPLAY_P3).T),
    ),
    "grey, gamma 1.8": (
        icc.grey_profile(icc.LEVELS**1.8),
        "L",
        lambda v: icc.srgb_encoded(v**1.8),
    ),
    "CMYK": (icc.cmyk_profile((60.0, -20.0, -30.0)), "CMYK", lambda v: v),
}
PATCH = np.full((HEIGHT, WIDTH, 3), (0.45, 0.5, 0.55))


def profiles(folder: Path) -> Iterator[str]:
    yield f"| file | {' | '.join(PROFILES)} |"
    yield f"|---|{'---|' * len(PROFILES)}"
    for format, suffix in SUFFIXES.items():
        cells = []
        for profile, mode, right in PROFILES.values():
            path = folder / f"profile.{suffix}"
            fits = mode == "RGB" or format in ("JPEG", "TIFF") or (mode == "L" and format == "PNG")
            if not fits:
                cells.append("-")
                continue
            cells.append(_profile_cell(path, format, mode, profile, right))
            path.unlink()
        yield f"| {format} | {' | '.join(cells)} |"


def _profile_cell(
    path: Path, format: str, mode: str, profile: bytes, right: Callable[[np.ndarray], np.ndarray]
) -> str:
    if mode == "CMYK":  # all cyan
        image = Image.new("CMYK", (WIDTH, HEIGHT), (255, 0, 0, 0))
        expected = icc.srgb_from_lab((60.0, -20.0, -30.0))
    else:
        patch = shallow(PATCH)
        patch = patch.convert("L") if mode == "L" else patch
        image, values = patch, np.asarray(patch, float)[9, 9] / 255
        expected = right(values)
    options = {"quality": 100} if format != "PNG" else {}
    if format == "JPEG":
        options |= {"subsampling": 0}
    if format == "HEIC":
        heif = pillow_heif.from_pillow(image)
        heif.info["icc_profile"] = profile
        heif.save(path, quality=-1, chroma=444)
    else:
        image.save(path, icc_profile=profile, **options)
    found = read_picture(path).pixels[9, 9]
    return "converted" if np.abs(found - expected).max() < 2.1 / 255 else "WRONG"


def described() -> Metadata:
    """What every metadata cell begins with."""
    iptc = b"\x1c\x02\x50\x00\x02me" + b"\x1c\x02\x5a\x00\x04town"
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-'
        b'rdf-syntax-ns#"><rdf:Description xmlns:p="http://ns.adobe.com/photoshop/1.0/"'
        b' p:Credit="Studio 7" p:City="town"/></rdf:RDF></x:xmpmeta>'
    )
    return Metadata(
        {0x013B: "me", 0x8298: "(c) me"},
        {0x9003: "2024:05:01 10:00:00"},
        {1: "N", 2: (48.0, 31.0, 12.0)},
        xmp,
        iptc,
        (300.0, 300.0),
    )


WORDS = ("EXIF", "XMP", "IPTC", "DPI")


def metadata(folder: Path) -> Iterator[str]:
    yield f"| file | {' | '.join(WORDS)} | location | orientation |"
    yield "|---|---|---|---|---|---|---|"
    source = folder / "source.jpg"
    all_of_it = described()
    resource = PHOTOSHOP + photoshop_of_iptc(all_of_it.iptc)
    exif = Image.Exif()
    exif.load(exif_block(all_of_it.directories("x", (WIDTH, HEIGHT), srgb=True)))
    exif[0x0112] = 6
    shallow(SMOOTH).save(
        source,
        exif=exif,
        xmp=all_of_it.xmp,
        dpi=(300, 300),
        extra=b"\xff\xed" + (len(resource) + 2).to_bytes(2) + resource,
    )
    for format, suffix in SUFFIXES.items():
        path = folder / f"metadata.{suffix}"
        if format == "JPEG":
            shutil.copy(source, path)
        elif shutil.which("exiftool"):
            # In AVIF and HEIC a property beside EXIF says how the picture is turned.
            turn: dict[str, Any] = {}
            if format in ("AVIF", "HEIC"):
                turn["exif"] = exif.tobytes()
            if format == "HEIC":
                pillow_heif.from_pillow(shallow(SMOOTH)).save(path, **turn)
            else:
                shallow(SMOOTH).save(path, **turn)
            copy = ["exiftool", "-q", "-q", "-overwrite_original", "-tagsfromfile", str(source)]
            subprocess.run([*copy, "-all:all", "-unsafe", str(path)], check=True)
        else:
            raise RuntimeError("exiftool is not there (Debian: libimage-exiftool-perl)")
        picture = read_picture(path)
        assert picture.origin is not None
        kinds = picture.origin.metadata.kinds
        kept = ["kept" if word in kinds else "-" for word in WORDS]
        place = "left out, or kept with `keep`" if "location" in kinds else "-"
        turned = "applied" if picture.size == (HEIGHT, WIDTH) else "-"
        yield f"| {format} | {' | '.join(kept)} | {place} | {turned} |"


def results(folder: Path) -> Iterator[str]:
    yield "| `format` | 8 bits | 16 bits | alpha | `profile: content` | EXIF | XMP | IPTC | DPI |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for format in ("png", "tiff", "jpeg", "webp", "avif"):
        path = folder / f"result.{format}"
        cells = []
        for bits in (8, 16):
            try:
                resolve({"format": format, "bits": bits})
            except EngineError:
                cells.append("refused")
                continue
            write_picture(Picture(deep(SMOOTH)), path, format=format, bits=bits)
            origin = read_picture(path).origin
            assert origin is not None
            cells.append("written" if origin.bits == bits else "NOT KEPT")
        cover = ALPHA.astype(np.float32)
        write_picture(Picture(deep(RGB), cover), path, format=format, bits=8, quality=100)
        back = read_picture(path)
        kept = back.alpha is not None and np.abs(back.alpha - cover).max() < 0.01
        cells.append("kept" if kept else "laid on white")
        wide = icc.rgb_profile(icc.DISPLAY_P3, icc.srgb_decoded(icc.LEVELS))
        write_picture(
            Picture(deep(SMOOTH)), path, format=format, profile=wide, metadata=described()
        )
        again = read_picture(path).origin
        assert again is not None
        cells.append("kept" if again.profile == wide else "NOT KEPT")
        cells += ["kept" if word in again.metadata.kinds else "-" for word in WORDS]
        name = f"`{format}`"
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    sides = {name: f"{side:,}".replace(",", " ") for name, side in MAX_SIDES.items()}
    yield (
        "A side has at most "
        + ", ".join(f"{side} px as {name.upper()}" for name, side in sides.items())
        + ". JPEG, WebP and AVIF have the quality `jpeg_quality`; `jpeg_chroma` says how fine the "
        "colour is. Only " + " and ".join(name.upper() for name in DEEP_FORMATS) + " have 16 bits."
    )


FOREIGN = {
    "GIF": b"GIF89a",
    "JPEG XL": b"\xff\x0a\0\0",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "Photoshop (PSD)": b"8BPS\0\1",
    "GIMP (XCF)": b"gimp xcf v011",
    "OpenEXR": b"\x76\x2f\x31\x01",
    "BMP": b"BM\0\0\0\0",
    "PDF": b"%PDF-1.7",
    "SVG": b"<svg xmlns='x'></svg>",
    "a camera's raw file": b"FUJIFILMCCD-RAW 0201",
}


def refused(folder: Path) -> Iterator[str]:
    yield "| file | what is said |"
    yield "|---|---|"
    kinds: dict[str, Callable[[Path], Any]] = {
        name: lambda path, data=data: path.write_bytes(data)  # type: ignore[misc]
        for name, data in FOREIGN.items()
    }
    kinds["JPEG, its second half zeros"] = _half_arrived
    kinds["TIFF, floating point beyond 1"] = tiff((RGB * 2).astype("f4"))
    kinds["TIFF, inks other than CMYK"] = tiff(
        deep(INKS, "u1"), photometric="separated", extratags=[(332, "H", 1, 2, True)]
    )
    kinds["AVIF, high dynamic range (PQ)"] = lambda path: path.write_bytes(
        imagecodecs.avif_encode(
            np.zeros((48, 64, 3), np.uint16), bitspersample=10, primaries=9, transfer=16, matrix=9
        )
    )
    for name, write in kinds.items():
        path = folder / "refused"
        write(path)
        try:
            read_picture(path)
            said = "READ"
        except EngineError as error:
            said = str(error).removeprefix(f"{path}: ")
        yield f"| {name} | {said} |"


def _half_arrived(path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    Image.fromarray(noise).save(path, "JPEG", quality=92)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2].ljust(len(data), b"\0"))


def page() -> str:
    """The whole file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = [INTRODUCTION]
        for title, lines in (
            ("Read", reading),
            ("Embedded profiles, converted to sRGB", profiles),
            ("Metadata of contents", metadata),
            ("Results", results),
            ("Refused, in words", refused),
        ):
            parts += [f"## {title}", "", *lines(folder), ""]
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
