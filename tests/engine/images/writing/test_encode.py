"""Pictures in memory and on the way out: sizes, tensors, PNG, JPEG and TIFF."""

import io
import struct
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms, JpegImagePlugin
from scenes import has_imagemagick

from engine import __version__
from engine.errors import PictureError
from engine.images.picture import (
    Format,
    Picture,
    encode_picture,
    read_picture,
    read_settings_text,
    write_picture,
)
from engine.images.writing import tiff as tiff_writer

SETTINGS = "content: 'Tübingen 🌉.jpg'\nsteps: 500\n"


def noise(width: int = 40, height: int = 30, alpha: bool = False) -> Picture:
    generator = np.random.default_rng(7)
    pixels = generator.integers(0, 256, (height, width, 3)) / np.float32(255)
    covered = generator.integers(1, 256, (height, width)) / 255 if alpha else None
    return Picture(
        pixels.astype(np.float32), None if covered is None else covered.astype(np.float32)
    )


# Sizes


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((400, 300), 100, (100, 75)),
        ((300, 400), 100, (75, 100)),
        ((400, 300), 500, (400, 300)),
        ((400, 2), 40, (40, 1)),
    ],
)
def test_a_thumbnail_keeps_the_aspect_and_never_enlarges(
    size: tuple[int, int], longest: int, expected: tuple[int, int]
) -> None:
    picture = Picture(np.zeros((size[1], size[0], 3), np.float32))
    assert picture.thumbnail(longest).size == expected


def test_resizing_to_the_same_size_is_free() -> None:
    picture = noise()
    assert picture.resized(40, 30) is picture


def test_shrinking_averages_instead_of_skipping() -> None:
    """A chequerboard of single pixels becomes grey; without a wide filter, black or white."""
    board = np.indices((64, 64)).sum(axis=0) % 2
    pixels = board[..., None].repeat(3, axis=2).astype(np.float32)
    small = Picture(pixels).resized(8, 8).pixels
    assert small.dtype == np.float32
    assert np.allclose(small, 0.5, atol=0.02)


def test_resizing_stays_in_the_gamut() -> None:
    edge = np.zeros((32, 32, 3), np.float32)
    edge[:, 16:] = 1
    large = Picture(edge).resized(77, 50)
    assert large.size == (77, 50)
    assert large.pixels.min() == 0
    assert large.pixels.max() == 1


def test_invisible_colours_do_not_bleed_when_resized() -> None:
    pixels = np.zeros((64, 64, 3), np.float32)
    pixels[:, :32] = (1, 0, 0)
    pixels[:, 32:] = (0, 1, 0)
    alpha = np.zeros((64, 64), np.float32)
    alpha[:, :31] = 1
    small = Picture(pixels, alpha).resized(16, 16)
    assert small.alpha is not None
    assert small.alpha.shape == (16, 16)
    assert np.allclose(small.pixels, [1, 0, 0], atol=1e-4)
    assert small.alpha[8, 0] == 1
    assert small.alpha[8, -1] == 0


# Tensors


def test_a_tensor_and_back_is_the_same_picture() -> None:
    picture = noise(alpha=True)
    tensor = picture.to_tensor()
    assert tensor.shape == (1, 3, 30, 40)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    back = Picture.from_tensor(tensor, picture.alpha)
    assert np.array_equal(back.pixels, picture.pixels)
    assert back.alpha is picture.alpha


def test_a_tensor_is_clamped_into_a_picture() -> None:
    tensor = torch.tensor([-0.5, 0.25, 1.5]).view(1, 3, 1, 1).requires_grad_()
    assert Picture.from_tensor(tensor).pixels[0, 0].tolist() == [0, 0.25, 1]


def test_changing_a_tensor_does_not_change_the_picture() -> None:
    picture = noise()
    before = picture.pixels.copy()
    tensor = picture.to_tensor()
    again = Picture.from_tensor(tensor)
    tensor.zero_()
    assert np.array_equal(picture.pixels, before)
    assert np.array_equal(again.pixels, before)


def test_importing_pictures_does_not_import_torch() -> None:
    code = "import sys, engine.images.picture; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# PNG


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
def test_a_png_is_exact(tmp_path: Path, alpha: bool) -> None:
    picture = noise(alpha=alpha)
    write_picture(picture, tmp_path / "out.png")
    back = read_picture(tmp_path / "out.png")
    assert np.array_equal(back.pixels, picture.pixels)
    assert (back.alpha is None) == (not alpha)
    if alpha:
        assert np.array_equal(back.alpha, picture.alpha)


def test_a_png_is_marked_as_srgb() -> None:
    with Image.open(io.BytesIO(encode_picture(noise()))) as image:
        assert image.info["srgb"] == 1
        assert "icc_profile" not in image.info


def test_a_png_carries_the_settings_as_international_text(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    write_picture(noise(), path, text=SETTINGS)
    assert b"iTXtimpasto\0" in path.read_bytes()
    assert read_settings_text(path) == SETTINGS
    with Image.open(path) as image:
        assert image.text["Software"] == f"Impasto {__version__}"


def test_between_two_levels_of_8_bits_is_a_mixture_of_both() -> None:
    pixels = np.full((64, 64, 3), 100.25 / 255, np.float32)
    with Image.open(io.BytesIO(encode_picture(Picture(pixels)))) as image:
        levels = np.asarray(image)
    assert set(np.unique(levels)) == {100, 101}
    assert levels.mean() == pytest.approx(100.25, abs=0.02)


def test_a_level_of_8_bits_stays_what_it_is_whatever_it_went_through() -> None:
    levels = np.arange(256, dtype=np.uint8).repeat(16).reshape(64, 64)[..., None].repeat(3, axis=2)
    for deep in (levels.astype(np.uint16) * 257, levels / np.float32(255)):
        with Image.open(io.BytesIO(encode_picture(Picture(deep)))) as image:
            assert np.array_equal(np.asarray(image), levels)


# JPEG


def test_a_jpeg_is_close(tmp_path: Path, photograph: Path) -> None:
    picture = read_picture(photograph)
    write_picture(picture, tmp_path / "out.jpg", format="jpeg", quality=95)
    back = read_picture(tmp_path / "out.jpg")
    assert back.size == picture.size
    assert np.abs(back.pixels - picture.pixels).mean() < 0.01


def test_a_jpeg_lays_transparency_on_white() -> None:
    picture = Picture(np.zeros((16, 16, 3), np.float32), np.full((16, 16), 0.25, np.float32))
    with Image.open(io.BytesIO(encode_picture(picture, format="jpeg"))) as image:
        assert image.mode == "RGB"
        assert np.allclose(np.asarray(image) / 255, 0.75, atol=0.01)


@pytest.mark.parametrize(("quality", "sampling"), [(95, 0), (90, 0), (80, 2)])
def test_a_good_jpeg_keeps_all_its_colour(quality: int, sampling: int) -> None:
    data = encode_picture(noise(), format="jpeg", quality=quality)
    with Image.open(io.BytesIO(data)) as image:
        assert JpegImagePlugin.get_sampling(image) == sampling


def test_a_jpeg_carries_profile_settings_and_maker(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    write_picture(noise(), path, format="jpeg", text=SETTINGS)
    assert read_settings_text(path) == SETTINGS
    with Image.open(path) as image:
        assert image.getexif()[0x0131] == f"Impasto {__version__}"
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_settings_too_long_for_a_jpeg_do_not_cost_the_painting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "out.jpg"
    write_picture(noise(), path, format="jpeg", text="x" * 70_000)
    assert read_settings_text(path) is None
    assert "too long" in caplog.text


def test_a_jpeg_too_long_for_the_format_is_refused() -> None:
    picture = Picture(np.zeros((16, 65_501, 3), np.float32))
    with pytest.raises(PictureError, match=r"65500 px.*Write it as PNG or TIFF"):
        encode_picture(picture, format="jpeg")


# TIFF


@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
@pytest.mark.parametrize("size", [(40, 30), (300, 700)], ids=["less than a tile", "tiles"])
def test_a_tiff_is_exact(tmp_path: Path, alpha: bool, size: tuple[int, int]) -> None:
    picture = noise(*size, alpha=alpha)
    write_picture(picture, tmp_path / "out.tif", format="tiff")
    back = read_picture(tmp_path / "out.tif")
    assert np.array_equal(back.pixels, picture.pixels)
    assert (back.alpha is None) == (not alpha)
    if alpha:
        assert np.array_equal(back.alpha, picture.alpha)


def test_a_tiff_is_tiled_and_compressed_and_carries_profile_settings_and_maker(
    tmp_path: Path,
) -> None:
    path = tmp_path / "out.tif"
    write_picture(Picture(np.zeros((600, 500, 3), np.float32)), path, format="tiff", text=SETTINGS)
    assert read_settings_text(path) == SETTINGS
    assert path.stat().st_size < 600 * 500 * 3 / 20
    with tifffile.TiffFile(path) as tiff:
        (page,) = tiff.pages
        assert not tiff.is_bigtiff
        assert (page.tilewidth, page.tilelength, len(page.dataoffsets)) == (256, 256, 6)
        assert page.software == f"Impasto {__version__}"
        profile = ImageCms.ImageCmsProfile(io.BytesIO(page.iccprofile))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_a_tiff_past_4_gb_is_a_bigtiff_that_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tiff_writer.BIGTIFF_BYTES < 2**32
    monkeypatch.setattr(tiff_writer, "BIGTIFF_BYTES", 40 * 30 * 3)
    picture = noise()
    write_picture(picture, tmp_path / "out.tif", format="tiff", text=SETTINGS)
    assert (tmp_path / "out.tif").read_bytes()[:4] == b"II+\0"
    assert np.array_equal(read_picture(tmp_path / "out.tif").pixels, picture.pixels)
    assert read_settings_text(tmp_path / "out.tif") == SETTINGS


# 16 bits


@pytest.mark.parametrize("format", ["png", "tiff"])
@pytest.mark.parametrize("alpha", [False, True], ids=["opaque", "alpha"])
@pytest.mark.parametrize("size", [(40, 30), (300, 700)], ids=["less than a tile", "tiles"])
def test_16_bits_are_exact_in_other_readers_too(
    tmp_path: Path, format: Format, alpha: bool, size: tuple[int, int]
) -> None:
    levels = np.random.default_rng(3).integers(0, 65536, (size[1], size[0], 4), np.uint16)
    cover = levels[..., 3] / np.float32(65535)
    path = tmp_path / f"out.{format}"
    picture = Picture(levels[..., :3], cover if alpha else None)
    write_picture(picture, path, format=format, bits=16)
    back = read_picture(path)
    assert np.array_equal(back.samples, picture.samples)
    channels = 4 if alpha else 3
    found = imagecodecs.png_decode(path.read_bytes()) if format == "png" else tifffile.imread(path)
    assert np.array_equal(found, levels[..., :channels])
    if has_imagemagick():
        raw = tmp_path / "out.raw"
        name = "rgba" if alpha else "rgb"
        options = ["-depth", "16", "-endian", "LSB", f"{name}:{raw}"]
        subprocess.run(["convert", str(path), *options], check=True)
        there = np.frombuffer(raw.read_bytes(), "<u2").reshape(found.shape)
        assert np.array_equal(there, levels[..., :channels])


# All


@pytest.mark.parametrize("format", ["png", "jpeg", "tiff"])
def test_the_same_picture_gives_the_same_bytes_at_any_time(
    format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = encode_picture(noise(alpha=True), format=format, text=SETTINGS)
    # littlecms writes the time of day into the profiles that it makes, to the second.
    later = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    later[24:36] = struct.pack(">6H", 2031, 12, 24, 23, 59, 59)
    made = ImageCms.ImageCmsProfile(io.BytesIO(later))
    monkeypatch.setattr(ImageCms, "ImageCmsProfile", lambda _: made)
    assert encode_picture(noise(alpha=True), format=format, text=SETTINGS) == first


def test_the_comment_of_another_program_is_not_taken_for_settings(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    Image.new("RGB", (16, 16)).save(path, comment="Created with another program")
    assert read_settings_text(path) is None


def test_asking_no_picture_for_its_settings_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    path.write_text("steps: 500")
    with pytest.raises(PictureError, match="a text file"):
        read_settings_text(path)
