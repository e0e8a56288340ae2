"""Adobe RGB that only EXIF names, against colours computed by hand."""

import struct
from pathlib import Path

import icc_profiles as icc
import numpy as np
import pytest
from PIL import Image
from scenes import SaveAs

from engine.images.picture import read_picture

COLOUR = (200, 40, 40)
AS_ADOBE_RGB = icc.srgb_from_xyz(
    (np.array(COLOUR) / 255) ** (563 / 256) @ icc.matrix(icc.ADOBE_RGB).T
)
AS_SRGB = np.array(COLOUR) / 255
TOLERANCE = 2.5 / 255


def exif(colour_space: int | None, index: bytes, order: str = "<") -> bytes:
    """EXIF 2.32: IFD0 -> Exif IFD with ColorSpace -> Interoperability IFD with its index."""

    def ifd(*entries: tuple[int, int, int, bytes]) -> bytes:
        body = b"".join(
            struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")
            for tag, kind, count, value in entries
        )
        return struct.pack(order + "H", len(entries)) + body + bytes(4)

    def long(value: int) -> bytes:
        return struct.pack(order + "I", value)

    space = [] if colour_space is None else [(0xA001, 3, 1, struct.pack(order + "H", colour_space))]
    start, size = 8, 18
    sub = start + size
    interoperability = sub + 6 + 12 * (len(space) + 1)
    return (
        b"Exif\0\0"
        + (b"II*\0" if order == "<" else b"MM\0*")
        + long(start)
        + ifd((0x8769, 4, 1, long(sub)))
        + ifd(*space, (0xA005, 4, 1, long(interoperability)))
        + ifd((1, 2, len(index) + 1, index))
    )


def found(path: Path) -> np.ndarray:
    return read_picture(path).pixels[16, 24]


def jpeg(save: SaveAs, data: bytes, **options: object) -> Path:
    image = Image.new("RGB", (48, 32), COLOUR)
    return save(image, "JPEG", quality=100, subsampling=0, exif=data, **options)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("colour_space", [0xFFFF, None])
def test_the_interoperability_index_of_adobe_rgb_is_honoured(
    save: SaveAs, colour_space: int | None, order: str
) -> None:
    path = jpeg(save, exif(colour_space, b"R03", order))
    assert found(path) == pytest.approx(AS_ADOBE_RGB, abs=TOLERANCE)
    assert np.abs(AS_ADOBE_RGB - AS_SRGB).max() > 4 * TOLERANCE


def test_adobe_rgb_as_a_colour_space_is_honoured(save: SaveAs) -> None:
    assert found(jpeg(save, exif(2, b"R98"))) == pytest.approx(AS_ADOBE_RGB, abs=TOLERANCE)


def test_a_webp_says_it_in_the_same_way(save: SaveAs) -> None:
    image = Image.new("RGB", (48, 32), COLOUR)
    path = save(image, "WEBP", lossless=True, exif=exif(0xFFFF, b"R03"))
    assert found(path) == pytest.approx(AS_ADOBE_RGB, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("colour_space", "index"),
    [
        pytest.param(1, b"R98", id="srgb"),
        pytest.param(0xFFFF, b"R98", id="uncalibrated"),
        pytest.param(1, b"R03", id="contradiction"),
    ],
)
def test_anything_else_is_srgb(save: SaveAs, colour_space: int, index: bytes) -> None:
    assert found(jpeg(save, exif(colour_space, index))) == pytest.approx(AS_SRGB, abs=1.01 / 255)


def test_a_profile_goes_before_exif(save: SaveAs) -> None:
    srgb = icc.rgb_profile(icc.SRGB, icc.srgb_decoded(icc.LEVELS))
    path = jpeg(save, exif(0xFFFF, b"R03"), icc_profile=srgb)
    assert found(path) == pytest.approx(AS_SRGB, abs=1.01 / 255)
