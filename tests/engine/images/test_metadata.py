"""What is kept of a file's metadata, what a result has of it; read back by exiftool if it is there,
otherwise by Pillow."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from metadata_samples import FORMATS, IPTC, XMP, described, written
from PIL import Image, IptcImagePlugin

from engine.images.metadata import photoshop_of_iptc, without_location
from engine.images.picture import Format, Picture, read_picture, read_settings_text


@pytest.fixture
def content(tmp_path: Path) -> Picture:
    return described(tmp_path / "content.jpg")


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
