"""Reading: formats, orientation, modes, transparency, limits, refusals. Profiles: test_colour.py.
Writing and resizing: test_picture_out.py."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine.errors import ExitCode, PictureError
from engine.images.picture import read_picture

SaveAs = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> SaveAs:
    def save_as(image: Image.Image, format: str = "PNG", **options: Any) -> Path:
        path = tmp_path / f"picture.{format.lower()}"
        image.save(path, format, **options)
        return path

    return save_as


def scene(width: int = 48, height: int = 32) -> Image.Image:
    """Colours that change slowly both ways, and differently."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 255 // (width - 1), y * 255 // (height - 1), (x + 2 * y) % 256]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def unit(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")) / np.float32(255)


def refusal(path: Path, **options: float) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(path, **options)
    assert caught.value.exit_code is ExitCode.INPUT
    message = str(caught.value)
    assert path.name in message
    return message


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


def test_colour_of_16_bits_is_read_with_8(tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "deep.tif"
    deep = np.stack([grey16(), grey16()[::-1], grey16()], axis=-1)
    tifffile.imwrite(path, deep, photometric="rgb")
    assert np.allclose(read_picture(path).pixels, deep / 65535, atol=1 / 255)


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


def test_invisible_colours_become_the_mean_of_the_visible(save: SaveAs) -> None:
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[:, :4] = (255, 0, 0, 255)
    rgba[:, 4:8] = (0, 0, 255, 51)  # counts for a fifth
    rgba[:, 8:] = (0, 255, 0, 0)
    picture = read_picture(save(Image.fromarray(rgba)))
    assert picture.pixels[0, 12] == pytest.approx([1 / 1.2, 0, 0.2 / 1.2], abs=0.51 / 255)
    assert picture.pixels[0, 0].tolist() == [1, 0, 0]
    assert picture.pixels[0, 5].tolist() == [0, 0, 1]


def test_a_picture_with_nothing_visible_is_left_alone(save: SaveAs) -> None:
    picture = read_picture(save(Image.new("RGBA", (16, 16), (0, 255, 0, 0))))
    assert picture.pixels[0, 0].tolist() == [0, 1, 0]


# Limits


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(100_000, 100_000))
    message = refusal(path)
    assert "100000 x 100000 px" in message
    assert "at most 200" in message


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_limit_of_megapixels_holds_for_every_format(save: SaveAs, format: str) -> None:
    path = save(scene(50, 40), format)
    assert read_picture(path, max_megapixels=0.002).size == (50, 40)
    assert "megapixels" in refusal(path, max_megapixels=0.0019)


def test_pillows_own_limit_neither_matters_nor_changes(
    save: SaveAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_picture(save(scene())).size == (48, 32)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_bomb_of_compressed_text_is_refused(save: SaveAs) -> None:
    info = PngInfo()
    info.add_text("comment", " " * 2**22, zip=True)
    assert "Decompressed data too large" in refusal(save(scene(), pnginfo=info))


@pytest.mark.parametrize("size", [(15, 100), (100, 15), (1, 1)])
def test_a_picture_too_small_to_have_features_is_refused(
    save: SaveAs, size: tuple[int, int]
) -> None:
    assert "at least 16" in refusal(save(Image.new("RGB", size)))


def test_the_smallest_picture_is_read(save: SaveAs) -> None:
    assert read_picture(save(Image.new("RGB", (16, 16)))).size == (16, 16)


# Refusals


@pytest.mark.parametrize("share", [0.01, 0.5, 0.97])
@pytest.mark.parametrize(
    ("format", "options"),
    [
        pytest.param("JPEG", {}, id="jpeg"),
        pytest.param("JPEG", {"progressive": True}, id="jpeg_progressive"),
        pytest.param("PNG", {}, id="png"),
        pytest.param("WEBP", {}, id="webp"),
        pytest.param("WEBP", {"lossless": True}, id="webp_lossless"),
        pytest.param("TIFF", {}, id="tiff"),
        pytest.param("TIFF", {"compression": "tiff_lzw"}, id="tiff_lzw"),
        pytest.param("TIFF", {"compression": "jpeg"}, id="tiff_jpeg"),
    ],
)
def test_a_truncated_file_is_refused(
    save: SaveAs, photograph: Path, format: str, options: Any, share: float
) -> None:
    with Image.open(photograph) as image:
        path = save(image, format, **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    message = refusal(path)
    assert "truncated or damaged" in message
    assert "again" in message


def test_a_flipped_bit_in_a_png_is_refused(save: SaveAs) -> None:
    path = save(scene())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    assert "truncated or damaged" in refusal(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"", "empty (0 bytes)", id="empty"),
        pytest.param(b"Dear diary,\ntoday", "a text file", id="text"),
        pytest.param("Ma chère".encode() * 200, "a text file", id="text_cut_in_a_character"),
        pytest.param(b"<!doctype html><html>", "an HTML page", id="web_page"),
        pytest.param(b"<svg xmlns='x'></svg>", "an SVG drawing", id="svg"),
        pytest.param(b"\0\0\0\x18ftypheic", "a HEIC", id="heic"),
        pytest.param(b"\0\0\0\x18ftypavif", "an AVIF", id="avif"),
        pytest.param(b"\0\0\0\x18ftypmp42", "a film", id="film"),
        pytest.param(b"GIF89a\x10\0\x10\0", "a GIF", id="gif"),
        pytest.param(b"8BPS\0\1", "a Photoshop file", id="psd"),
        pytest.param(b"gimp xcf v011", "a GIMP file", id="xcf"),
        pytest.param(b"%PDF-1.7", "a PDF", id="pdf"),
        pytest.param(b"FUJIFILMCCD-RAW 0201", "a camera's raw file", id="raf"),
        pytest.param(b"II*\0\x10\0\0\0CR\2\0", "a camera's raw file", id="cr2"),
        pytest.param(bytes(range(256)), "an unknown format", id="noise"),
    ],
)
def test_what_is_no_readable_picture_is_called_by_its_name(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    assert what in refusal(path)


def test_a_raw_file_is_not_read_as_its_thumbnail(save: SaveAs) -> None:
    path = save(scene(), "TIFF")
    assert "Develop it" in refusal(path.rename(path.with_suffix(".NEF")))


def test_a_digital_negative_is_known_by_its_tag(save: SaveAs) -> None:
    path = save(scene(), "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    assert "Develop it" in refusal(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "picture.png")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "a folder" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in folders are POSIX's")
def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    assert "not a regular file" in refusal(path)


def test_a_file_that_may_not_be_read_is_refused(
    save: SaveAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(scene())

    def denied(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert "permissions" in refusal(path)
