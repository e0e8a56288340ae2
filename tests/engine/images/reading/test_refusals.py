"""What is not read: pictures that are too large or too small, damaged, or no pictures."""

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from scenes import SaveAs, refusal, scene

from engine.images.picture import read_picture
from engine.images.strips import STRIP_PIXELS

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
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", STRIP_PIXELS)  # as much is cropped at a time
    assert read_picture(save(scene(1024, 768))).size == (1024, 768)
    assert Image.MAX_IMAGE_PIXELS == STRIP_PIXELS


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


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize(
    ("format", "options"),
    [
        pytest.param("JPEG", {}, id="jpeg"),
        pytest.param("PNG", {}, id="png"),
        pytest.param("WEBP", {}, id="webp"),
        pytest.param("WEBP", {"lossless": True}, id="webp_lossless"),
        pytest.param("AVIF", {}, id="avif"),
        pytest.param("HEIF", {}, id="heic"),
        pytest.param("TIFF", {"compression": "zlib"}, id="tiff_deflate"),
        pytest.param("TIFF", {"compression": "lzw"}, id="tiff_lzw"),
        pytest.param("TIFF", {"compression": "jpeg"}, id="tiff_jpeg"),
        pytest.param("TIFF", {"compression": "zstd", "tile": (64, 64)}, id="tiff_zstd_tiles"),
    ],
)
def test_a_file_whose_end_is_still_zeros_is_refused(
    tmp_path: Path, photograph: Path, format: str, options: Any, share: float
) -> None:
    """A copy that reserves the size first and then stalls."""
    path = tmp_path / "picture"
    with Image.open(photograph) as image:
        if format == "TIFF":
            tifffile.imwrite(path, np.asarray(image), photometric="rgb", **options)
        elif format == "HEIF":
            pillow_heif.from_pillow(image).save(path, quality=90)
        else:
            image.save(path, format, **options)
    data = path.read_bytes()
    if format == "TIFF":  # its directory is at the start, so only the data is missing
        assert int.from_bytes(data[4:8], "little") < 100
    path.write_bytes(data[: int(len(data) * share)].ljust(len(data), b"\0"))
    assert "truncated or damaged" in refusal(path)


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
        pytest.param(b"\xff\x0a\0\0", "a JPEG XL", id="jxl"),
        pytest.param(b"\0\0\0\x18ftypmif1\0\0\0\0vvc1", "a HEIF with another", id="vvc"),
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
