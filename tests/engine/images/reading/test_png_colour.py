"""PNG files that name their colours without a profile, against colours computed by hand."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import icc_profiles as icc
import numpy as np
import pytest
from scenes import refusal

from engine.images.picture import read_picture

Chunk = tuple[bytes, bytes]

TOLERANCE = 2.5 / 255
COLOURS = np.array(
    [(200, 100, 50), (90, 160, 120), (55, 55, 55), (255, 255, 255), (0, 0, 0), (60, 180, 60)],
    np.uint8,
)
BT2020 = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))


def gamma(value: float) -> Chunk:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def chromaticities(primaries: tuple[tuple[float, float], ...]) -> Chunk:
    numbers = [round(v * 100_000) for point in (icc.D65_XY, *primaries) for v in point]
    return b"cHRM", struct.pack(">8I", *numbers)


def cicp(*code: int) -> Chunk:
    return b"cICP", bytes(code)


def png(path: Path, pixels: np.ndarray, *chunks: Chunk) -> Path:
    """PNG (third edition), written by hand: no filter, no interlacing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    height, width, *channels = pixels.shape
    colour_type = {0: 0, 1: 0, 2: 4, 3: 2, 4: 6}[channels[0] if channels else 0]
    head = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, colour_type, 0, 0, 0)
    big = pixels.astype(pixels.dtype.newbyteorder(">"))
    rows = b"".join(b"\0" + row.tobytes() for row in big)
    path /= "picture.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + b"".join(chunk(*extra) for extra in chunks)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return path


def patches(path: Path, *chunks: Chunk, colours: np.ndarray = COLOURS) -> np.ndarray:
    """What is read of 16 x 16 px of each colour."""
    pixels = colours[None].repeat(16, axis=0).repeat(16, axis=1)
    return read_picture(png(path, pixels, *chunks)).pixels[8, 8::16]


def expected(
    primaries: tuple[tuple[float, float], ...], decoded: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    return icc.srgb_from_xyz(decoded(COLOURS / 255) @ icc.matrix(primaries).T)


def bt709_decoded(v: np.ndarray) -> np.ndarray:
    return np.where(v < 0.081, v / 4.5, ((v + 0.099) / 1.099) ** (1 / 0.45))


@pytest.mark.parametrize("exponent", [1.0, 1.8, 2.6])
def test_gamma_is_honoured(tmp_path: Path, exponent: float) -> None:
    found = patches(tmp_path, gamma(1 / exponent))
    assert np.allclose(found, icc.srgb_encoded((COLOURS / 255) ** exponent), atol=TOLERANCE)
    assert np.abs(found - COLOURS / 255).max() > 2 * TOLERANCE


def test_gamma_and_chromaticities_are_a_colour_space(tmp_path: Path) -> None:
    found = patches(tmp_path, gamma(256 / 563), chromaticities(icc.ADOBE_RGB))
    assert np.allclose(found, expected(icc.ADOBE_RGB, lambda v: v ** (563 / 256)), atol=TOLERANCE)


def test_chromaticities_alone_have_the_curve_of_srgb(tmp_path: Path) -> None:
    found = patches(tmp_path, chromaticities(icc.DISPLAY_P3))
    assert np.allclose(found, expected(icc.DISPLAY_P3, icc.srgb_decoded), atol=TOLERANCE)


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param([gamma(0.45455)], id="gamma"),
        pytest.param([gamma(0.45455), chromaticities(icc.SRGB)], id="gamma_and_chromaticities"),
        pytest.param([(b"sRGB", b"\0"), gamma(1)], id="the_srgb_chunk_goes_before_gamma"),
        pytest.param([cicp(1, 13, 0, 1), gamma(1)], id="cicp_goes_before_gamma"),
        pytest.param([cicp(2, 2, 0, 1)], id="cicp_unspecified"),
        pytest.param([gamma(0)], id="no_gamma"),
        pytest.param([chromaticities(((0, 0), (0, 0), (0, 0)))], id="damaged_chromaticities"),
        pytest.param([chromaticities(((0.3, 0.3),) * 3)], id="chromaticities_without_a_triangle"),
        pytest.param([gamma(0.00001)], id="absurd_gamma"),
    ],
)
def test_srgb_by_any_name_is_not_touched(tmp_path: Path, chunks: list[Chunk]) -> None:
    assert np.array_equal(patches(tmp_path, *chunks), COLOURS / np.float32(255))


@pytest.mark.parametrize(
    ("code", "primaries", "decoded"),
    [
        pytest.param((12, 13, 0, 1), icc.DISPLAY_P3, icc.srgb_decoded, id="display_p3"),
        pytest.param((9, 14, 0, 1), BT2020, bt709_decoded, id="bt2020"),
        pytest.param((1, 1, 0, 1), icc.SRGB, bt709_decoded, id="bt709"),
        pytest.param((1, 8, 0, 1), icc.SRGB, lambda v: v, id="linear"),
        pytest.param((1, 4, 0, 1), icc.SRGB, lambda v: v**2.2, id="gamma_22"),
    ],
)
def test_coding_independent_code_points_are_honoured(
    tmp_path: Path,
    code: tuple[int, ...],
    primaries: tuple[tuple[float, float], ...],
    decoded: Callable[[np.ndarray], np.ndarray],
) -> None:
    found = patches(tmp_path, cicp(*code))
    assert np.allclose(found, expected(primaries, decoded), atol=TOLERANCE)
    assert np.abs(found - COLOURS / 255).max() > 2 / 255


def test_code_points_go_before_a_profile(tmp_path: Path) -> None:
    profile = icc.rgb_profile(icc.ADOBE_RGB, icc.LEVELS)
    embedded = (b"iCCP", b"name\0\0" + zlib.compress(profile))
    assert np.array_equal(patches(tmp_path, cicp(1, 13, 0, 1), embedded), COLOURS / np.float32(255))


def test_a_profile_goes_before_gamma(tmp_path: Path) -> None:
    profile = icc.rgb_profile(icc.DISPLAY_P3, icc.srgb_decoded(icc.LEVELS))
    found = patches(tmp_path, (b"iCCP", b"name\0\0" + zlib.compress(profile)), gamma(1))
    assert np.allclose(found, expected(icc.DISPLAY_P3, icc.srgb_decoded), atol=TOLERANCE)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        pytest.param((9, 16, 0, 1), "high dynamic range (PQ)", id="pq"),
        pytest.param((9, 18, 0, 1), "high dynamic range (HLG)", id="hlg"),
        pytest.param((1, 13, 6, 1), "YCbCr", id="ycbcr"),
        pytest.param((1, 13, 0, 0), "narrow range", id="narrow_range"),
        pytest.param((1, 99, 0, 1), "not known (codes 1, 99)", id="reserved"),
    ],
)
def test_colours_that_are_not_converted_are_refused(
    tmp_path: Path, code: tuple[int, ...], what: str
) -> None:
    path = png(tmp_path, np.zeros((16, 16, 3), np.uint8), cicp(*code))
    message = refusal(path)
    assert what in message
    assert "Export it as sRGB" in message


@pytest.mark.parametrize("chunk", [gamma(1), cicp(1, 8, 0, 1)])
def test_linear_colours_keep_their_16_bits(tmp_path: Path, chunk: Chunk) -> None:
    steps = np.linspace(0, 65535, 4096).astype(np.uint16).reshape(64, 64)
    colours = np.stack([steps, steps[::-1], steps.T], axis=-1)
    found = read_picture(png(tmp_path, colours, chunk)).pixels
    assert np.allclose(found, icc.srgb_encoded(colours / 65535), atol=1 / 1000)
    assert len(np.unique(found[..., 0])) > 8 * 256


def test_linear_grey_keeps_its_16_bits(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 4096).astype(np.uint16).reshape(64, 64)
    found = read_picture(png(tmp_path, grey, gamma(1))).pixels[..., 1]
    assert np.allclose(found, icc.srgb_encoded(grey / 65535), atol=TOLERANCE)
    assert len(np.unique(found)) > 8 * 256


def test_alpha_is_no_colour(tmp_path: Path) -> None:
    pixels = np.full((16, 16, 4), 55, np.uint8)
    picture = read_picture(png(tmp_path, pixels, gamma(1)))
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == np.float32(55 / 255)
    assert picture.pixels[0, 0] == pytest.approx(
        icc.srgb_encoded(np.array([55 / 255] * 3)), abs=TOLERANCE
    )
