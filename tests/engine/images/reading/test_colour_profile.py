"""Embedded profiles against colours computed by hand (icc_profiles.py)."""

import logging
from collections.abc import Callable
from pathlib import Path

import icc_profiles as icc
import numpy as np
import pytest
from PIL import Image

from engine.images.picture import read_picture
from engine.images.profiles import srgb_profile

# One level of 8 bits each for the colour engine's input tables, its arithmetic and its rounding.
TOLERANCE = 2.5 / 255

COLOURS = np.array(
    [(200, 100, 50), (90, 160, 120), (128, 128, 128), (255, 255, 255), (0, 0, 0), (60, 70, 180)],
    np.uint8,
)


def patches(path: Path, colours: np.ndarray, profile: bytes, mode: str = "RGB") -> np.ndarray:
    """What is read of a TIFF with 16 x 16 px of each colour."""
    pixels = colours[None].repeat(16, axis=0).repeat(16, axis=1)
    image = Image.frombytes(mode, (pixels.shape[1], 16), pixels.tobytes())
    image.save(path / "patches.tif", icc_profile=profile)
    return read_picture(path / "patches.tif").pixels[8, 8::16]


@pytest.mark.parametrize(
    ("primaries", "decoded"),
    [
        pytest.param(icc.ADOBE_RGB, lambda v: v ** (563 / 256), id="adobe_rgb"),
        pytest.param(icc.DISPLAY_P3, icc.srgb_decoded, id="display_p3"),
    ],
)
def test_wide_gamuts_become_srgb(
    tmp_path: Path,
    primaries: tuple[tuple[float, float], ...],
    decoded: Callable[[np.ndarray], np.ndarray],
) -> None:
    profile = icc.rgb_profile(primaries, decoded(icc.LEVELS))
    expected = icc.srgb_from_xyz(decoded(COLOURS / 255) @ icc.matrix(primaries).T)
    found = patches(tmp_path, COLOURS, profile)
    assert np.allclose(found, expected, atol=TOLERANCE)
    # Reading the numbers as sRGB would have been wrong by more than the tolerance.
    assert np.abs(COLOURS / 255 - expected).max() > 4 * TOLERANCE


def test_srgb_is_not_touched(tmp_path: Path) -> None:
    profile = icc.rgb_profile(icc.SRGB, icc.srgb_decoded(icc.LEVELS))
    colours = np.random.default_rng(0).integers(0, 256, (200, 3), dtype=np.uint8)
    for data in (profile, srgb_profile()):
        assert np.array_equal(patches(tmp_path, colours, data), colours / np.float32(255))


def test_grey_with_a_profile_becomes_srgb(tmp_path: Path) -> None:
    grey = np.arange(16, 256, 30, dtype=np.uint8)
    expected = icc.srgb_encoded((grey / 255) ** 1.8)
    found = patches(tmp_path, grey, icc.grey_profile(icc.LEVELS**1.8), "L")
    assert np.allclose(found, expected[:, None], atol=TOLERANCE)
    assert np.abs(grey / 255 - expected).max() > 4 * TOLERANCE


def test_deep_grey_goes_through_its_profile_without_losing_depth(tmp_path: Path) -> None:
    deep = np.linspace(0, 65535, 4096).astype(np.uint16).reshape(64, 64)
    Image.fromarray(deep).save(tmp_path / "deep.png", icc_profile=icc.grey_profile(icc.LEVELS**1.8))
    found = read_picture(tmp_path / "deep.png").pixels[..., 0]
    assert np.allclose(found, icc.srgb_encoded((deep / 65535) ** 1.8), atol=TOLERANCE)
    assert len(np.unique(found)) > 3000


def test_grey_with_an_rgb_profile_takes_its_neutral_axis(tmp_path: Path) -> None:
    grey = np.arange(16, 256, 30, dtype=np.uint8)
    profile = icc.rgb_profile(icc.ADOBE_RGB, icc.LEVELS**1.8)
    expected = icc.srgb_encoded((grey / 255) ** 1.8)
    assert np.allclose(patches(tmp_path, grey, profile, "L"), expected[:, None], atol=TOLERANCE)


def test_cmyk_with_a_profile_becomes_the_colour_of_its_inks(tmp_path: Path) -> None:
    cyan = (60.0, -20.0, -30.0)
    inks = np.array([(0, 0, 0, 0), (255, 0, 0, 0), (0, 0, 0, 255)], np.uint8)
    expected = [(1, 1, 1), icc.srgb_from_lab(cyan), (0, 0, 0)]
    found = patches(tmp_path, inks, icc.cmyk_profile(cyan), "CMYK")
    assert np.allclose(found, expected, atol=TOLERANCE)


def test_lab_is_converted_from_d50(tmp_path: Path) -> None:
    colours = [(60, -20, -30), (50, 30, 20), (100, 0, 0), (0, 0, 0)]
    # TIFF 6.0, section 23: L* in 255ths of 100, a* and b* signed.
    stored = np.array([(round(L * 2.55), a % 256, b % 256) for L, a, b in colours], np.uint8)
    image = Image.frombytes("LAB", (4, 1), stored.tobytes()).resize((64, 16), 0)
    image.save(tmp_path / "lab.tif")
    found = read_picture(tmp_path / "lab.tif").pixels[8, 8::16]
    expected = [icc.srgb_from_lab(colour) for colour in colours]
    assert np.allclose(found, expected, atol=TOLERANCE)


def test_alpha_does_not_pass_through_the_profile(tmp_path: Path) -> None:
    profile = icc.rgb_profile(icc.ADOBE_RGB, icc.LEVELS ** (563 / 256))
    image = Image.new("RGBA", (16, 16), (200, 100, 50, 77))
    image.save(tmp_path / "a.png", icc_profile=profile)
    picture = read_picture(tmp_path / "a.png")
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == np.float32(77 / 255)
    opaque = patches(tmp_path, COLOURS[:1], profile)
    assert np.array_equal(picture.pixels[0, 0], opaque[0])


@pytest.mark.parametrize(
    ("profile", "what"),
    [
        pytest.param(b"not a profile", "damaged", id="nonsense"),
        pytest.param(icc.rgb_profile(icc.SRGB, icc.LEVELS)[:300], "damaged", id="truncated"),
        pytest.param(icc.grey_profile(icc.LEVELS), "for GREY", id="of_another_mode"),
        pytest.param(icc.cmyk_profile((60, 0, 0)), "for CMYK", id="of_a_press"),
    ],
)
def test_a_useless_profile_is_reported_and_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, profile: bytes, what: str
) -> None:
    with caplog.at_level(logging.WARNING):
        found = patches(tmp_path, COLOURS, profile)
    assert np.array_equal(found, COLOURS / np.float32(255))
    assert what in caplog.text
    assert "patches.tif" in caplog.text


def test_strips_are_converted_side_by_side_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (300, 40, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = icc.rgb_profile(icc.ADOBE_RGB, icc.LEVELS ** (563 / 256))
    path = tmp_path / "strips.png"
    Image.fromarray(colours).save(path, icc_profile=profile, exif=exif)
    whole = read_picture(path).samples
    monkeypatch.setattr("engine.images.strips.STRIP_PIXELS", 40 * 7)
    assert np.array_equal(read_picture(path).samples, whole)
