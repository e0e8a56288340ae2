"""TIFF files of every layout, written by tifffile or by hand: read right, or refused in words."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from scenes import refusal

from engine.images.picture import read_picture

WIDTH, HEIGHT = 64, 48
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
GREY = (3 * X + Y) / (3 * 63 + 47)
RGB = np.stack([X / 63, Y / 47, ((X + 2 * Y) % 64) / 63], axis=-1)
CMYK = np.concatenate([RGB, (X / 120)[..., None]], axis=-1)
ALPHA = 0.25 + 0.75 * Y / 47

DEPTHS = ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"]


def stored(values: np.ndarray, kind: str) -> np.ndarray:
    """0 to 1 -> the whole range of an integer type, or floating point."""
    if kind[0] == "f":
        return values.astype(kind)
    return np.rint(values * np.iinfo(kind).max).astype(kind)


def planes(values: np.ndarray, planar: str) -> np.ndarray:
    return values if planar == "contig" else np.ascontiguousarray(values.transpose(2, 0, 1))


def tolerance(kind: str, bits: int | None = None) -> float:
    """Half a level of the file's, and half one of 16 bits."""
    levels = {"f": 2**11, "i": 2 ** (8 * int(kind[1]) - 1), "u": 2 ** (8 * int(kind[1]))}
    return 0.51 / (levels[kind[0]] - 1) + 0.51 / 65535


def refused(path: Path) -> str:
    message = refusal(path)
    assert "this kind of TIFF file is not read" in message
    assert "damaged" not in message
    return message


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"compression": "zlib"},
    {"compression": "zlib", "predictor": True},
    {"tile": (16, 16)},
    {"tile": (16, 16), "compression": "zlib"},
]


@pytest.mark.parametrize("sense", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("kind", DEPTHS)
def test_grey_of_every_depth_is_read(tmp_path: Path, kind: str, byteorder: Any, sense: str) -> None:
    values = stored(GREY if sense == "minisblack" else 1 - GREY, kind)
    for number, layout in enumerate(LAYOUTS):
        if layout.get("predictor") and kind[0] == "f":
            continue
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, values, photometric=sense, byteorder=byteorder, **layout)
        found = read_picture(path).pixels
        assert np.abs(found - GREY[..., None]).max() < tolerance(kind), layout


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("kind", DEPTHS)
def test_colour_of_every_depth_is_read(
    tmp_path: Path, kind: str, byteorder: Any, planar: Any
) -> None:
    values = planes(stored(RGB, kind), planar)
    for number, layout in enumerate(LAYOUTS):
        if layout.get("predictor") and kind[0] == "f":
            continue
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(
            path, values, photometric="rgb", planarconfig=planar, byteorder=byteorder, **layout
        )
        found = read_picture(path).pixels
        assert np.abs(found - RGB).max() < tolerance(kind), layout


@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_inks_are_read(tmp_path: Path, planar: Any, kind: str) -> None:
    path = tmp_path / "inks.tif"
    values = planes(stored(CMYK, kind), planar)
    tifffile.imwrite(path, values, photometric="separated", planarconfig=planar)
    expected = (1 - CMYK[..., :3]) * (1 - CMYK[..., 3:])
    assert np.abs(read_picture(path).pixels - expected).max() < 4 * tolerance(kind)


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha", "unspecified"])
@pytest.mark.parametrize("photometric", ["rgb", "minisblack", "miniswhite"])
def test_a_further_channel_is_alpha_or_passed_over(
    tmp_path: Path, photometric: str, extra: str, planar: Any, kind: str
) -> None:
    colours = RGB if photometric == "rgb" else GREY[..., None]
    weighed = colours * ALPHA[..., None] if extra == "assocalpha" else colours
    if photometric == "miniswhite":
        weighed = 1 - weighed
    values = stored(np.concatenate([weighed, ALPHA[..., None]], axis=-1), kind)
    path = tmp_path / "extra.tif"
    tifffile.imwrite(
        path,
        planes(values, planar),
        photometric=photometric,
        planarconfig=planar,
        extrasamples=[extra],
    )
    picture = read_picture(path)
    # Colours that alpha, here at least a quarter, was multiplied into are rounded as such.
    close = tolerance(kind) * (8 if extra == "assocalpha" else 1)
    assert np.abs(picture.pixels - colours).max() < close
    if extra == "unspecified":
        assert picture.alpha is None
    else:
        assert picture.alpha is not None
        assert np.abs(picture.alpha - ALPHA).max() < tolerance(kind)


def written_by_hand(
    path: Path, bits: int, photometric: int, data: bytes, order: str, fill_order: int = 1
) -> Path:
    """TIFF 6.0: one strip, one channel, uncompressed."""
    entries = [(256, WIDTH), (257, HEIGHT), (258, bits), (259, 1), (262, photometric)]
    entries += [(266, fill_order), (273, 0), (277, 1), (278, HEIGHT), (279, len(data))]
    start = 8 + 2 + 12 * len(entries) + 4
    body = struct.pack(order + "H", len(entries))
    for tag, value in entries:
        body += struct.pack(order + "HHII", tag, 4, 1, start if tag == 273 else value)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    path.write_bytes(head + body + bytes(4) + data)
    return path


@pytest.mark.parametrize("fill_order", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14])
def test_grey_of_odd_depths_is_read(
    tmp_path: Path, bits: int, photometric: int, order: str, fill_order: int
) -> None:
    levels = 2**bits - 1
    values = np.rint(GREY * levels).astype(int)
    samples = values if photometric else levels - values
    digits = (samples[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    data = np.packbits(digits.astype(np.uint8).reshape(HEIGHT, -1), axis=1)
    if fill_order == 2:
        data = np.packbits(np.unpackbits(data).reshape(-1, 8)[:, ::-1], axis=1)
    path = tmp_path / "odd.tif"
    written_by_hand(path, bits, photometric, data.tobytes(), order, fill_order)
    found = read_picture(path).pixels
    assert np.abs(found - values[..., None] / levels).max() < 0.51 / (255 if bits <= 8 else 65535)


@pytest.mark.parametrize(
    ("photometric", "what"),
    [(32803, "a camera's raw mosaic"), (32845, "LogLuv"), (9, "ICC L*a*b*"), (77, "code 77")],
)
def test_a_refusal_says_which_colours_are_not_read(
    tmp_path: Path, photometric: int, what: str
) -> None:
    data = bytes(WIDTH * HEIGHT)
    message = refused(written_by_hand(tmp_path / "kind.tif", 8, photometric, data, "<"))
    assert what in message
    assert "8 or 16 bits a channel" in message


@pytest.mark.parametrize(
    ("tag", "value", "what"),
    [
        pytest.param("Compression", 32766, "compression", id="compression"),
        pytest.param("SampleFormat", (5, 5, 5), "unknown numbers", id="complex"),
    ],
)
def test_a_refusal_says_how_the_samples_are_stored(
    tmp_path: Path, tag: str, value: Any, what: str
) -> None:
    path = tmp_path / "kind.tif"
    tifffile.imwrite(path, stored(RGB, "f4"), photometric="rgb")
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags[tag].overwrite(value)
    assert what in refused(path)


def test_inks_other_than_cmyk_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "inks.tif"
    inks = [(332, "H", 1, 2, True)]  # InkSet: not CMYK
    tifffile.imwrite(path, stored(CMYK, "u1"), photometric="separated", extratags=inks)
    assert "inks other than CMYK" in refused(path)


@pytest.mark.parametrize(
    ("tag", "ratios", "read"),
    [
        pytest.param(532, (0, 1, 255, 1, 128, 1, 255, 1, 128, 1, 255, 1), True, id="full_range"),
        pytest.param(532, (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1), False, id="film"),
        pytest.param(529, (299, 1000, 587, 1000, 114, 1000), True, id="bt601"),
        pytest.param(529, (2126, 10000, 7152, 10000, 722, 10000), False, id="bt709"),
    ],
)
def test_ycbcr_is_read_as_in_jpeg_or_refused(
    tmp_path: Path, tag: int, ratios: tuple[int, ...], read: bool
) -> None:
    red = np.full((HEIGHT, WIDTH, 3), (76, 85, 255), np.uint8)  # BT.601: 0.299 of 255, ...
    extra = [(530, "H", 2, (1, 1), True), (tag, "2I", len(ratios) // 2, ratios, True)]
    path = tmp_path / "ycbcr.tif"
    tifffile.imwrite(path, red, photometric="ycbcr", extratags=extra)
    if read:
        assert np.abs(read_picture(path).pixels[9, 9] * 255 - (254, 0, 0)).max() <= 1.5
    else:
        assert "YCbCr" in refused(path)


def test_a_palette_is_read(tmp_path: Path) -> None:
    table = np.stack([np.arange(256), np.arange(256)[::-1], np.full(256, 128)]) * 257
    indices = np.rint(GREY * 255).astype(np.uint8)
    path = tmp_path / "palette.tif"
    tifffile.imwrite(path, indices, photometric="palette", colormap=table.astype(np.uint16))
    expected = (table / 65535)[:, indices].transpose(1, 2, 0)
    assert np.abs(read_picture(path).pixels - expected).max() < 0.51 / 255


# Several pictures in one file

THUMBNAIL = np.zeros((16, 24, 3), np.uint8)
SMALL = {"photometric": "rgb", "subfiletype": 1}


def pages(path: Path, *written: tuple[np.ndarray, dict[str, Any]]) -> Path:
    with tifffile.TiffWriter(path) as file:
        for values, options in written:
            file.write(values, **options)
    return path


@pytest.mark.parametrize("kind", ["u1", "u2"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_thumbnail_is_passed_over(
    tmp_path: Path, kind: str, big: bool, compression: str | None
) -> None:
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path, bigtiff=big) as file:
        file.write(THUMBNAIL, photometric="rgb", subfiletype=1, compression=compression)
        file.write(THUMBNAIL, photometric="rgb", subfiletype=1, compression=compression)
        file.write(stored(RGB, kind), photometric="rgb", compression=compression)
    assert np.abs(read_picture(path).pixels - RGB).max() < 1.01 / 255


def test_the_full_picture_before_its_thumbnail_is_read(tmp_path: Path) -> None:
    full = (stored(RGB, "u1"), {"photometric": "rgb"})
    path = pages(tmp_path / "pages.tif", full, (THUMBNAIL, SMALL))
    assert read_picture(path).size == (WIDTH, HEIGHT)


def test_the_first_of_two_pages_is_read(tmp_path: Path) -> None:
    page = {"photometric": "rgb", "subfiletype": 2}
    values = stored(RGB, "u1")
    path = pages(tmp_path / "pages.tif", (values, page), (values[::-1], page))
    assert np.abs(read_picture(path).pixels - RGB).max() < 1.01 / 255


def test_a_picture_marked_as_reduced_is_read_where_there_is_no_other(tmp_path: Path) -> None:
    path = pages(tmp_path / "pages.tif", (stored(RGB, "u1"), SMALL))
    assert read_picture(path).size == (WIDTH, HEIGHT)


def test_a_full_picture_in_a_sub_directory_is_refused(tmp_path: Path) -> None:
    full = (stored(RGB, "u1"), {"photometric": "rgb"})
    path = pages(tmp_path / "pages.tif", (THUMBNAIL, SMALL | {"subifds": 1}), full)
    assert "a thumbnail and the full one in a sub-directory" in refused(path)


# Strips and tiles that the file does not have


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_picture_higher_than_its_strips_is_refused(
    tmp_path: Path, layout: Any, planar: Any
) -> None:
    path = tmp_path / "high.tif"
    rows = {} if "tile" in layout else {"rowsperstrip": 16}
    values = planes(stored(RGB, "u1"), planar)
    tifffile.imwrite(path, values, photometric="rgb", planarconfig=planar, **layout, **rows)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages.first.tags["ImageLength"].overwrite(HEIGHT * 3)
    message = refusal(path)
    assert "truncated or damaged" in message
    assert "are missing" in message
