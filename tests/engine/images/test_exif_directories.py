"""EXIF of results: each tag as the content had it, in every format."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest
from metadata_samples import FORMATS, described, exif, written
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

import engine.images.writing.tiff as tiff_writer
from engine.images.exif_directories import exif_block
from engine.images.picture import Format, Picture, read_picture, read_settings_text

ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 2, 3, 4, 5, 7, 10  # TIFF 6.0, section 2

# 15, 9 and 6 bytes, as what they replace.
WORDS = {"A. Photographer": "Jörg Müler ©", "A caption": "Größe©", "A lens": "Lömö"}


@pytest.fixture
def content(tmp_path: Path) -> Picture:
    return described(tmp_path / "content.jpg")


@pytest.fixture
def in_utf_8(content: Picture, tmp_path: Path) -> Picture:
    data = (tmp_path / "content.jpg").read_bytes()
    for old, new in WORDS.items():
        data = data.replace(old.encode(), new.encode())
    (tmp_path / "utf-8.jpg").write_bytes(data)
    return read_picture(tmp_path / "utf-8.jpg")


@pytest.mark.parametrize("format", FORMATS)
def test_text_beyond_ascii_comes_back_byte_for_byte(
    in_utf_8: Picture, tmp_path: Path, format: Format
) -> None:
    assert in_utf_8.origin is not None
    path = tmp_path / "result"
    found = written(in_utf_8, path, format).origin
    assert found is not None
    for word in WORDS.values():
        assert word.encode() in path.read_bytes()
    for number in (0x010E, 0x013B):
        assert found.metadata.image[number] == in_utf_8.origin.metadata.image[number]
    assert found.metadata.photo[0xA434] == in_utf_8.origin.metadata.photo[0xA434]


def test_a_caption_in_utf_8_or_latin_1_is_the_same_text_in_xmp(
    in_utf_8: Picture, tmp_path: Path
) -> None:
    latin_1 = tmp_path / "latin-1.jpg"
    data = (tmp_path / "content.jpg").read_bytes()
    latin_1.write_bytes(data.replace(b"A caption", "Größe ab©".encode("latin-1")))
    for content, caption in ((in_utf_8, "Größe©"), (read_picture(latin_1), "Größe ab©")):
        found = written(content, tmp_path / "result.tif", "tiff", text="{}").origin
        assert found is not None
        assert f">{caption}<".encode() in found.metadata.xmp


@pytest.mark.parametrize("format", FORMATS)
def test_titles_keywords_and_ratings_are_kept(tmp_path: Path, format: Format) -> None:
    block = exif()
    title = "Größe\0".encode("utf-16le")
    block[0x9C9B], block[0x4746] = title, 4
    Image.new("RGB", (48, 32)).save(tmp_path / "content.jpg", exif=block)
    found = written(read_picture(tmp_path / "content.jpg"), tmp_path / "result", format).origin
    assert found is not None
    assert found.metadata.image[0x9C9B] == title
    assert found.metadata.image[0x4746] == 4


def test_tags_have_the_types_of_the_standard(tmp_path: Path) -> None:
    block = exif()
    comment = b"ASCII\0\0\0a comment"
    block.get_ifd(0x8769).update({0x9286: comment, 0x9204: IFDRational(1, 3)})
    Image.new("RGB", (48, 32)).save(tmp_path / "content.jpg", exif=block)
    content = read_picture(tmp_path / "content.jpg")
    assert content.origin is not None
    data = exif_block(content.origin.metadata.directories("x", (48, 32), srgb=True))
    types: dict[int, int] = {}
    at = int.from_bytes(data[data.index(b"\x69\x87\x04\0") + 8 :][:4], "little") + len(b"Exif\0\0")
    for entry in range(int.from_bytes(data[at : at + 2], "little")):
        tag, kind = struct.unpack_from("<HH", data, at + 2 + 12 * entry)
        types[tag] = kind
    # EXIF 2.32, table 8: user comment, exposure bias, width, date, exposure time, sensitivity.
    assert [types[tag] for tag in (0x9286, 0x9204, 0xA002)] == [UNDEFINED, SRATIONAL, LONG]
    assert [types[tag] for tag in (0x9003, 0x829A, 0x8827)] == [ASCII, RATIONAL, SHORT]


def test_a_bigtiff_has_exif_too(
    content: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff_writer, "BIGTIFF_BYTES", 1)
    found = written(content, tmp_path / "result.tif", "tiff").origin
    assert found is not None
    assert content.origin is not None
    assert (tmp_path / "result.tif").read_bytes()[2] == 43
    assert found.metadata.photo[0x9003] == "2024:05:01 10:00:00"
    assert found.metadata.kinds == content.origin.metadata.kinds


def test_a_tag_too_long_for_a_jpeg_is_left_out_alone(content: Picture, tmp_path: Path) -> None:
    assert content.origin is not None
    metadata = content.origin.metadata
    metadata = replace(metadata, photo={**metadata.photo, 0x9286: bytes(70_000)})
    path = tmp_path / "result.jpg"
    found = written(content, path, "jpeg", metadata=metadata, text="{}").origin
    assert found is not None
    assert 0x9286 not in found.metadata.photo
    assert found.metadata.photo[0x9003] == "2024:05:01 10:00:00"
    assert read_settings_text(path) == "{}"
