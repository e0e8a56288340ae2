"""AVIF and HEIC: depth, colours by code (nclx), orientation, alpha."""

from pathlib import Path
from typing import Any

import icc_profiles as icc
import imagecodecs
import numpy as np
import pillow_heif
import pytest
from PIL import Image
from scenes import refusal, scene, unit

from engine.images.picture import read_picture

RAMP = np.linspace(0, 1, 64)[None, :, None].repeat(48, 0).repeat(3, 2)


def avif(path: Path, values: np.ndarray, bits: int, **options: Any) -> Path:
    levels = np.rint(values * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)
    path.write_bytes(
        imagecodecs.avif_encode(levels, **({"level": 99, "bitspersample": bits} | options))
    )
    return path


def heic(path: Path, values: np.ndarray, **options: Any) -> Path:
    data = np.rint(values * 65535).astype(np.uint16)
    size = (values.shape[1], values.shape[0])
    image = pillow_heif.from_bytes(mode="RGB;16", size=size, data=data.tobytes())
    image.save(path, quality=-1, chroma=444, **options)
    return path


@pytest.mark.parametrize("bits", [10, 12])
def test_an_avif_keeps_its_depth(tmp_path: Path, bits: int) -> None:
    picture = read_picture(avif(tmp_path / "a.avif", RAMP, bits, level=100))
    assert picture.samples.dtype == np.uint16
    assert picture.origin is not None
    assert picture.origin.bits == bits
    assert np.abs(picture.pixels - RAMP).max() < 0.51 / (2**bits - 1)
    assert (picture.samples.min(), picture.samples.max()) == (0, 65535)


def test_a_heic_keeps_its_10_bits(tmp_path: Path) -> None:
    picture = read_picture(heic(tmp_path / "a.heic", RAMP))
    assert picture.origin is not None
    assert (picture.origin.format, picture.origin.bits) == ("heic", 10)
    assert np.abs(picture.pixels - RAMP).max() < 4 / 1023
    assert picture.samples.max() == 65535


@pytest.mark.parametrize("format", ["avif", "heic"])
def test_colours_that_only_a_code_tells_are_converted(tmp_path: Path, format: str) -> None:
    """Display P3: primaries 12, transfer 13."""
    values = np.full((48, 64, 3), (60, 180, 60)) / 255
    path = tmp_path / f"a.{format}"
    if format == "avif":
        avif(path, values, 10, primaries=12, transfer=13, matrix=6)
    else:
        heic(path, values, color_primaries=12, transfer_characteristics=13)
    found = read_picture(path).pixels[20, 20]
    light = icc.srgb_decoded(np.array([60, 180, 60]) / 255) @ icc.matrix(icc.DISPLAY_P3).T
    assert np.abs(found - icc.srgb_from_xyz(light)).max() < 0.015
    assert found[0] < 0.02  # as sRGB it would have kept its 60 of 255


@pytest.mark.parametrize(("transfer", "what"), [(16, "(PQ)"), (18, "(HLG)")])
def test_high_dynamic_range_is_refused(tmp_path: Path, transfer: int, what: str) -> None:
    path = avif(tmp_path / "a.avif", RAMP, 10, primaries=9, transfer=transfer, matrix=9)
    message = refusal(path)
    assert what in message
    assert "Export it as sRGB" in message


@pytest.mark.parametrize("format", ["avif", "heic"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_picture_is_upright(tmp_path: Path, format: str, orientation: int) -> None:
    image = scene(64, 48)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{format}"
    if format == "avif":
        image.save(path, exif=exif.tobytes(), quality=95)
    else:
        pillow_heif.from_pillow(image).save(path, exif=exif.tobytes(), quality=95)
    upright = np.rot90(unit(image), {1: 0, 3: 2, 6: -1, 8: 1}[orientation])
    found = read_picture(path).pixels
    assert found.shape == upright.shape
    assert np.abs(found - upright).mean() < 0.03


@pytest.mark.parametrize("format", ["avif", "heic"])
def test_alpha_is_kept(tmp_path: Path, format: str) -> None:
    image = scene(64, 48).convert("RGBA")
    alpha = np.linspace(0, 255, 48).astype(np.uint8)[:, None].repeat(64, axis=1)
    image.putalpha(Image.fromarray(alpha))
    path = tmp_path / f"a.{format}"
    if format == "avif":
        image.save(path, quality=100)
    else:
        pillow_heif.from_pillow(image).save(path, quality=-1)
    picture = read_picture(path)
    assert picture.alpha is not None
    assert np.abs(picture.alpha - alpha / 255).max() < 0.02


def test_the_limit_of_megapixels_holds_for_both(tmp_path: Path) -> None:
    for path in (avif(tmp_path / "a.avif", RAMP, 8), heic(tmp_path / "a.heic", RAMP)):
        assert "megapixels" in refusal(path, max_megapixels=0.003)


def test_which_of_several_pictures_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.heic"
    several = pillow_heif.from_pillow(Image.new("RGB", (64, 48), (200, 0, 0)))
    several.add_from_pillow(Image.new("RGB", (64, 48), (0, 200, 0)))
    several.save(path, quality=95, primary_index=1)
    picture = read_picture(path)
    assert picture.origin is not None
    assert (picture.origin.page, picture.origin.pages) == (2, 2)
    assert picture.pixels[9, 9].argmax() == 1
    assert read_picture(path, page=1).pixels[9, 9].argmax() == 0
