"""Formats, orientation, modes, transparency. Limits and refusals: test_refusals.py;
profiles: test_colour_profile.py."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scenes import SaveAs, refusal, scene, unit

from engine.images.picture import read_picture
from engine.images.scaling import scaled

# Formats and modes


@pytest.mark.parametrize(
    ("format", "options"),
    [
        pytest.param("PNG", {}, id="png"),
        pytest.param("WEBP", {"lossless": True}, id="webp"),
        pytest.param("TIFF", {}, id="tiff"),
        pytest.param("TIFF", {"compression": "tiff_lzw"}, id="tiff_lzw"),
        pytest.param("TIFF", {"compression": "tiff_adobe_deflate"}, id="tiff_deflate"),
        pytest.param("TIFF", {"big_tiff": True}, id="big_tiff"),
    ],
)
def test_a_lossless_file_is_read_exactly(save: SaveAs, format: str, options: Any) -> None:
    picture = read_picture(save(scene(), format, **options))
    assert picture.size == (48, 32)
    assert (picture.width, picture.height) == (48, 32)
    assert picture.pixels.dtype == np.float32
    assert picture.alpha is None
    assert np.array_equal(picture.pixels, unit(scene()))


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_read(save: SaveAs, progressive: bool) -> None:
    path = save(scene(), "JPEG", quality=95, subsampling=0, progressive=progressive)
    assert np.abs(read_picture(path).pixels - unit(scene())).mean() < 0.01


def test_the_content_and_not_the_name_says_what_a_file_is(save: SaveAs) -> None:
    path = save(scene())
    assert read_picture(path.rename(path.with_suffix(".jpg"))).size == (48, 32)


def test_a_path_may_be_given_as_text(save: SaveAs) -> None:
    assert read_picture(str(save(scene()))).size == (48, 32)


def test_a_real_photograph_is_read(photograph: Path) -> None:
    picture = read_picture(photograph)
    assert picture.size == (451, 300)
    assert 0.2 < float(picture.pixels.mean()) < 0.8


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr"])
def test_other_modes_become_rgb(save: SaveAs, mode: str) -> None:
    image = scene().convert(mode)
    picture = read_picture(save(image, "TIFF"))
    assert picture.alpha is None
    assert np.array_equal(picture.pixels, unit(image))


def test_cmyk_without_a_profile_multiplies_ink_and_black(save: SaveAs) -> None:
    image = Image.new("CMYK", (16, 16), (51, 102, 0, 128))
    expected = np.array([1 - 51 / 255, 1 - 102 / 255, 1]) * (1 - 128 / 255)
    picture = read_picture(save(image, "TIFF"))
    assert picture.pixels[3, 3] == pytest.approx(expected, abs=1.01 / 255)


def test_cmyk_of_an_adobe_jpeg_is_not_negative(save: SaveAs) -> None:
    """Adobe writes CMYK JPEG files inverted; so does Pillow."""
    path = save(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)
    assert read_picture(path).pixels[8, 8] == pytest.approx([1, 0, 0], abs=0.02)


def grey16() -> np.ndarray:
    return np.linspace(0, 65535, 16 * 64).reshape(16, 64).astype(np.uint16)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_grey_of_16_bits_keeps_its_depth(save: SaveAs, format: str) -> None:
    picture = read_picture(save(Image.fromarray(grey16()), format))
    assert np.allclose(picture.pixels[..., 1], grey16() / 65535, atol=1e-6)
    assert np.array_equal(picture.pixels[..., 0], picture.pixels[..., 2])


def test_big_endian_grey_of_16_bits_is_not_shuffled(tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "big.tif"
    tifffile.imwrite(path, grey16(), byteorder=">")
    assert np.allclose(read_picture(path).pixels[..., 0], grey16() / 65535, atol=1e-6)


def test_colour_of_16_bits_keeps_its_depth(tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "deep.tif"
    deep = np.stack([grey16(), grey16()[::-1], grey16()], axis=-1)
    tifffile.imwrite(path, deep, photometric="rgb")
    assert np.array_equal(read_picture(path).samples, deep)


def test_16_bits_stored_as_32_are_not_black(save: SaveAs) -> None:
    image = Image.fromarray(grey16().astype(np.int32))
    assert image.mode == "I"
    picture = read_picture(save(image, "TIFF"))
    assert np.allclose(picture.pixels[..., 0], grey16() / 65535, atol=1e-6)


def test_grey_of_32_bits_uses_its_whole_range(tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, grey16().astype(np.uint32) * 65537)
    assert np.allclose(read_picture(path).pixels[..., 0], grey16() / 65535, atol=1e-6)


def test_floating_point_grey_is_taken_as_it_is(save: SaveAs) -> None:
    values = (grey16() / 65535).astype(np.float32)
    picture = read_picture(save(Image.fromarray(values), "TIFF"))
    assert np.array_equal(picture.pixels[..., 0], values)


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan")])
def test_floating_point_outside_the_range_is_refused(save: SaveAs, value: float) -> None:
    values = np.full((16, 16), value, np.float32)
    assert "outside 0 to 1" in refusal(save(Image.fromarray(values), "TIFF"))


def test_the_first_frame_of_several_is_read(save: SaveAs) -> None:
    second = Image.new("RGB", (48, 32))
    for format, options in (("TIFF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        path = save(scene(), format, save_all=True, append_images=[second, second], **options)
        assert np.array_equal(read_picture(path).pixels, unit(scene())), format


# Orientation (EXIF 2.32, table 6): where the stored first row and first column are seen.


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "seen"),
    [
        (1, "rg/bw"),  # row: top, column: left
        (2, "gr/wb"),  # top, right
        (3, "wb/gr"),  # bottom, right
        (4, "bw/rg"),  # bottom, left
        (5, "rb/gw"),  # left, top
        (6, "br/wg"),  # right, top
        (7, "wg/br"),  # right, bottom
        (8, "gw/rb"),  # left, bottom
    ],
)
def test_orientation_is_applied(save: SaveAs, format: str, orientation: int, seen: str) -> None:
    colours = {"r": (1, 0, 0), "g": (0, 1, 0), "b": (0, 0, 1), "w": (1, 1, 1)}
    stored = np.array([[colours["r"], colours["g"]], [colours["b"], colours["w"]]], np.uint8) * 255
    image = Image.fromarray(stored.repeat(16, axis=0).repeat(24, axis=1))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read_picture(save(image, format, exif=exif))
    assert picture.size == ((48, 32) if orientation < 5 else (32, 48))
    corners = picture.pixels[[2, 2, -3, -3], [2, -3, 2, -3]]
    expected = [colours[name] for name in seen.replace("/", "")]
    assert np.allclose(corners, expected, atol=0.1)


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff"])
def test_damaged_metadata_does_not_stop_a_painting(save: SaveAs, exif: bytes) -> None:
    assert read_picture(save(scene(), "JPEG", exif=exif)).size == (48, 32)


def test_alpha_is_turned_with_the_colours(save: SaveAs) -> None:
    image = scene().convert("RGBA")
    image.putalpha(Image.fromarray(np.linspace(1, 255, 48).astype(np.uint8)[None].repeat(32, 0)))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_picture(save(image, exif=exif))
    assert picture.alpha is not None
    assert picture.alpha.shape == (48, 32)
    assert picture.alpha[0, 0] < picture.alpha[-1, 0]


# Transparency


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_alpha_is_kept_aside(save: SaveAs, format: str) -> None:
    image = scene().convert("RGBA")
    alpha = np.linspace(1, 255, 48).astype(np.uint8)[None].repeat(32, axis=0)
    image.putalpha(Image.fromarray(alpha))
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    picture = read_picture(save(image, format, **options))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, alpha / np.float32(255))
    assert np.array_equal(picture.pixels, unit(scene()))


def test_alpha_of_a_grey_picture_is_kept(save: SaveAs) -> None:
    picture = read_picture(save(Image.new("LA", (16, 16), (51, 102))))
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == np.float32(0.4)
    assert picture.pixels[0, 0] == pytest.approx([0.2] * 3)


def test_an_opaque_alpha_channel_is_dropped(save: SaveAs) -> None:
    assert read_picture(save(scene().convert("RGBA"))).alpha is None


def test_one_transparent_colour_of_a_palette_is_alpha(save: SaveAs) -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([10, 20, 30, 255, 0, 0])
    image.paste(0, (0, 0, 8, 16))
    picture = read_picture(save(image, transparency=0))
    assert picture.alpha is not None
    assert picture.alpha[0].tolist() == [0] * 8 + [1] * 8
    assert picture.pixels[0, 15].tolist() == [1, 0, 0]


def test_a_palette_with_degrees_of_transparency_is_alpha(save: SaveAs) -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([10, 20, 30, 255, 0, 0])
    image.paste(0, (0, 0, 8, 16))
    picture = read_picture(save(image, transparency=bytes([51, 255])))
    assert picture.alpha is not None
    assert picture.alpha[0, [0, 15]].tolist() == pytest.approx([0.2, 1])


@pytest.mark.parametrize(
    ("image", "key"),
    [
        pytest.param(Image.new("RGB", (16, 16), (9, 9, 9)), (9, 9, 9), id="RGB"),
        pytest.param(Image.new("L", (16, 16), 9), 9, id="L"),
        pytest.param(Image.fromarray(np.full((16, 16), 999, np.uint16)), 999, id="I;16"),
    ],
)
def test_a_key_colour_is_alpha(save: SaveAs, image: Image.Image, key: Any) -> None:
    image.paste(200 if image.mode != "RGB" else (200, 0, 0), (0, 0, 8, 16))
    picture = read_picture(save(image, transparency=key))
    assert picture.alpha is not None
    assert picture.alpha[0].tolist() == [1] * 8 + [0] * 8


def test_invisible_colours_are_kept_and_painted_as_the_mean_of_the_visible(
    save: SaveAs,
) -> None:
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[:, :4] = (255, 0, 0, 255)
    rgba[:, 4:8] = (0, 0, 255, 51)  # counts for a fifth
    rgba[:, 8:] = (0, 255, 0, 0)
    picture = read_picture(save(Image.fromarray(rgba)))
    assert picture.pixels[0, [0, 5, 12]].tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    painted = scaled(picture, picture.size)[0].permute(1, 2, 0).numpy()
    assert painted[0, 12] == pytest.approx([1 / 1.2, 0, 0.2 / 1.2], abs=1e-4)
    assert painted[0, [0, 5]] == pytest.approx(np.array([[1, 0, 0], [0, 0, 1]]), abs=1e-6)


def test_a_picture_with_nothing_visible_is_left_alone(save: SaveAs) -> None:
    picture = read_picture(save(Image.new("RGBA", (16, 16), (0, 255, 0, 0))))
    assert picture.pixels[0, 0].tolist() == [0, 1, 0]
