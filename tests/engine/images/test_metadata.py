"""What is kept of a file's metadata, what a result has of it; read back by exiftool if it is there,
otherwise by Pillow."""

import json
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, IptcImagePlugin
from PIL.TiffImagePlugin import IFDRational

import engine.images.writing.tiff as tiff_writer
from engine.images.exif_directories import exif_block
from engine.images.metadata import PHOTOSHOP, photoshop_of_iptc, without_location
from engine.images.picture import Format, Picture, read_picture, read_settings_text, write_picture

ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 2, 3, 4, 5, 7, 10  # TIFF 6.0, section 2

FORMATS: tuple[Format, ...] = ("png", "jpeg", "tiff", "webp", "avif")

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:exif="http://ns.adobe.com/exif/1.0/"
 xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/">
<rdf:Description rdf:about="" exif:GPSLatitude="48,31.2N" photoshop:City="Neustadt"
 photoshop:Credit="Studio 7" tiff:Orientation="6">
<dc:subject><rdf:Bag><rdf:li>cat</rdf:li></rdf:Bag>
</dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""

# IPTC-IIM: each data set is 1C, record, number, length, text.
IPTC = b"".join(
    b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2) + text
    for number, text in ((80, b"A. Photographer"), (90, b"Neustadt"), (120, b"A cat"))
)


def exif() -> Image.Exif:
    block = Image.Exif()
    block[0x010E], block[0x010F] = "A caption", "Testcam"
    block[0x013B], block[0x8298] = "A. Photographer", "(c) Studio 7"
    block[0x0112] = 6  # orientation
    photo = block.get_ifd(0x8769)
    photo[0x9003], photo[0x829A] = "2024:05:01 10:00:00", IFDRational(1, 250)
    photo[0x8827], photo[0xA434] = 400, "A lens"
    photo[0xA001], photo[0xA002] = 1, 9999
    photo[0x927C] = b"a maker's note"
    place = block.get_ifd(0x8825)
    place[1], place[2] = "N", (48.0, 31.0, 12.0)
    return block


@pytest.fixture
def content(tmp_path: Path) -> Picture:
    resource = PHOTOSHOP + photoshop_of_iptc(IPTC)
    path = tmp_path / "content.jpg"
    Image.new("RGB", (48, 32), (60, 180, 60)).save(
        path,
        exif=exif(),
        xmp=XMP,
        dpi=(240, 240),
        extra=b"\xff\xed" + (len(resource) + 2).to_bytes(2) + resource,
    )
    return read_picture(path)


def written(content: Picture, path: Path, format: Format, **options: Any) -> Picture:
    assert content.origin is not None
    options = {"metadata": content.origin.metadata} | options
    write_picture(content, path, format=format, **options)
    return read_picture(path)


@pytest.mark.parametrize("format", FORMATS)
def test_a_result_has_what_describes_the_photograph(
    content: Picture, tmp_path: Path, format: Format
) -> None:
    found = written(content, tmp_path / "result", format).origin
    assert found is not None
    metadata = found.metadata
    assert metadata.image[0x010F] == "Testcam"
    assert metadata.image[0x013B] == "A. Photographer"
    assert metadata.image[0x8298] == "(c) Studio 7"
    assert metadata.photo[0x9003] == "2024:05:01 10:00:00"
    assert metadata.photo[0x829A] == pytest.approx(1 / 250)
    assert (metadata.photo[0x8827], metadata.photo[0xA434]) == (400, "A lens")
    assert [float(part) for part in metadata.gps[2]] == [48, 31, 12]
    assert b"Studio 7" in metadata.xmp
    assert b">cat<" in metadata.xmp
    if format in ("png", "jpeg", "tiff"):
        assert metadata.iptc == IPTC
        assert metadata.dpi == pytest.approx((240, 240), abs=0.01)


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_of_the_old_file_is_left_out(
    content: Picture, tmp_path: Path, format: Format
) -> None:
    path = tmp_path / "result"
    written(content, path, format)
    data = path.read_bytes()
    assert b"maker's note" not in data
    with Image.open(path) as image:
        block = image.getexif()
        assert block.get(0x0112, 1) == 1
        assert block.get_ifd(0x8769).get(0xA002, 32) == 32  # turned: as wide as it was high
        assert "Impasto" in str(block.get(0x0131)) or format == "png"
    assert b'Orientation="6"' not in data


@pytest.mark.parametrize("format", FORMATS)
def test_places_can_be_left_out_of_all_blocks(
    content: Picture, tmp_path: Path, format: Format
) -> None:
    assert content.origin is not None
    assert content.origin.metadata.has_location
    bare = without_location(content.origin.metadata)
    assert not bare.has_location
    path = tmp_path / "result"
    found = written(content, path, format, metadata=bare).origin
    assert found is not None
    assert not found.metadata.has_location
    assert b"Neustadt" not in path.read_bytes()
    assert b"48,31.2N" not in path.read_bytes()
    assert b"Studio 7" in found.metadata.xmp


@pytest.mark.parametrize("format", FORMATS)
def test_the_settings_are_found_beside_all_else(
    content: Picture, tmp_path: Path, format: Format
) -> None:
    written(content, tmp_path / "result", format, text="{'steps': 5, 'name': 'Büro'}")
    assert read_settings_text(tmp_path / "result") == "{'steps': 5, 'name': 'Büro'}"


def test_a_caption_that_gives_way_to_the_settings_goes_into_xmp(
    content: Picture, tmp_path: Path
) -> None:
    path = tmp_path / "result.tif"
    found = written(content, path, "tiff", text="{}").origin
    assert found is not None
    assert b"A caption" in found.metadata.xmp
    found = written(content, path, "tiff").origin
    assert found is not None
    assert found.metadata.image[0x010E] == "A caption"


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="there is no exiftool")
@pytest.mark.parametrize("format", FORMATS)
def test_another_program_finds_it_all(content: Picture, tmp_path: Path, format: Format) -> None:
    path = tmp_path / "result"
    written(content, path, format, text="{}")
    answer = subprocess.run(
        ["exiftool", "-json", "-G0", "-n", str(path)], capture_output=True, text=True, check=True
    )
    (found,) = json.loads(answer.stdout)
    assert found["EXIF:Artist"] == "A. Photographer"
    assert found["EXIF:DateTimeOriginal"] == "2024:05:01 10:00:00"
    assert found["EXIF:ExposureTime"] == pytest.approx(1 / 250)
    assert found["EXIF:GPSLatitude"] == pytest.approx(48.52)
    assert found["XMP:Credit"] == "Studio 7"
    if format in ("jpeg", "tiff", "png"):
        assert found["IPTC:Caption-Abstract"] == "A cat"
    assert not [key for key in found if "Warning" in key or "Error" in key], found


@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_exif_of_a_tiff_of_both_byte_orders_is_read(tmp_path: Path, order: Any, big: bool) -> None:
    path = tmp_path / "content.tif"
    tifffile.imwrite(
        path,
        np.zeros((32, 48, 3), np.uint8),
        byteorder=order,
        bigtiff=big,
        photometric="rgb",
        extratags=[(0x013B, "s", 0, "A. Photographer", True)],
        resolution=(300, 300),
        resolutionunit=2,
    )
    exiftool = shutil.which("exiftool") and not big  # which it does not write
    if exiftool:  # tifffile writes no directory of EXIF
        taken = "-DateTimeOriginal=2024:05:01 10:00:00"
        subprocess.run(["exiftool", "-q", taken, str(path)], check=True)
    origin = read_picture(path).origin
    assert origin is not None
    assert origin.metadata.image[0x013B] == "A. Photographer"
    assert origin.metadata.dpi == (300, 300)
    if exiftool:
        assert origin.metadata.photo[0x9003] == "2024:05:01 10:00:00"


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"<x:xmpmeta", id="cut"),
        pytest.param(b"<html/>", id="no rdf"),
        pytest.param(
            b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + XMP.replace(b"Studio 7", b"&a;"), id="entities"
        ),
        pytest.param(XMP.replace(b"Studio 7", b"x" * (1 << 20)), id="large"),
    ],
)
def test_an_xmp_packet_that_is_not_sound_is_left_out(tmp_path: Path, packet: bytes) -> None:
    path = tmp_path / "content.webp"
    Image.new("RGB", (48, 32)).save(path, xmp=packet)
    origin = read_picture(path).origin
    assert origin is not None
    assert origin.metadata.xmp == b""


def test_iptc_reaches_a_jpeg_as_pillow_reads_it(content: Picture, tmp_path: Path) -> None:
    written(content, tmp_path / "result.jpg", "jpeg")
    with Image.open(tmp_path / "result.jpg") as image:
        info = IptcImagePlugin.getiptcinfo(image)
    assert info is not None
    assert info[(2, 120)] == b"A cat"


# 15, 9 and 6 bytes, as what they replace.
WORDS = {"A. Photographer": "Jörg Müler ©", "A caption": "Größe©", "A lens": "Lömö"}


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


@pytest.mark.parametrize("order", ["<", ">"])
def test_iptc_stored_as_numbers_is_read_in_either_byte_order(tmp_path: Path, order: Any) -> None:
    padded = IPTC.ljust(-(-len(IPTC) // 4) * 4, b"\0")
    path = tmp_path / "content.tif"
    numbers = np.frombuffer(padded, "<u4")  # swapped in a big-endian file, as libtiff does
    tifffile.imwrite(
        path,
        np.zeros((32, 48, 3), np.uint8),
        byteorder=order,
        photometric="rgb",
        extratags=[(33723, "I", len(numbers), tuple(numbers), True)],
    )
    in_order = path.read_bytes()
    origin = read_picture(path).origin
    assert origin is not None
    assert origin.metadata.iptc == IPTC
    if order == ">":  # and as other programs do: the bytes as they are
        swapped = numbers.astype(">u4").tobytes()
        assert swapped in in_order
        path.write_bytes(in_order.replace(swapped, padded))
        origin = read_picture(path).origin
        assert origin is not None
        assert origin.metadata.iptc == IPTC


def test_iptc_is_taken_from_the_place_that_has_all_of_it(tmp_path: Path) -> None:
    path, resource = tmp_path / "content.tif", photoshop_of_iptc(IPTC)
    tifffile.imwrite(
        path,
        np.zeros((32, 48, 3), np.uint8),
        photometric="rgb",
        # as ImageMagick writes it: a quarter of the records, then all
        extratags=[
            (33723, 7, len(IPTC) // 4, IPTC[: len(IPTC) // 4], True),
            (34377, 1, len(resource), resource, True),
        ],
    )
    origin = read_picture(path).origin
    assert origin is not None
    assert origin.metadata.iptc == IPTC


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        pytest.param("http://www.dji.com/drone-dji/1.0/", "GpsLatitude", id="dji"),
        pytest.param("http://www.dji.com/drone-dji/1.0/", "GpsLongtitude", id="dji, misspelt"),
        pytest.param("http://www.skydio.com/drone-skydio/1.0/", "Latitude", id="skydio"),
        pytest.param("http://www.w3.org/2003/01/geo/wgs84_pos#", "lat", id="wgs84_pos"),
        pytest.param("http://rs.tdwg.org/dwc/terms/", "decimalLongitude", id="darwin core"),
        pytest.param("http://purl.org/dc/elements/1.1/", "coverage", id="dublin core"),
        pytest.param("http://ns.adobe.com/xmp/1.0/DynamicMedia/", "shotLocation", id="video"),
        pytest.param("http://ns.adobe.com/photoshop/1.0/", "State", id="photoshop"),
    ],
)
@pytest.mark.parametrize("as_element", [False, True])
def test_places_are_left_out_whichever_vocabulary_names_them(
    tmp_path: Path, namespace: str, name: str, as_element: bool
) -> None:
    place = f"<n:{name}>here</n:{name}>" if as_element else ""
    attribute = "" if as_element else f'n:{name}="here"'
    packet = XMP.replace(
        b'tiff:Orientation="6">', f'xmlns:n="{namespace}" {attribute}>{place}'.encode()
    )
    path = tmp_path / "content.webp"
    Image.new("RGB", (48, 32)).save(path, xmp=packet)
    origin = read_picture(path).origin
    assert origin is not None
    assert b"here" in origin.metadata.xmp
    bare = without_location(origin.metadata)
    assert b"here" not in bare.xmp
    assert b"Studio 7" in bare.xmp
    assert b">cat<" in bare.xmp


def test_the_settings_of_an_earlier_painting_are_no_caption(
    content: Picture, tmp_path: Path
) -> None:
    found = written(content, tmp_path / "result.tif", "tiff", text='{"steps": 5}')
    again = written(found, tmp_path / "again.jpg", "jpeg").origin
    assert again is not None
    assert 0x010E not in again.metadata.image
    assert b"A caption" in again.metadata.xmp
