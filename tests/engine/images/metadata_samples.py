"""A picture with metadata of every kind, and what a result has of it."""

from pathlib import Path
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from engine.images.metadata import PHOTOSHOP, photoshop_of_iptc
from engine.images.picture import Format, Picture, read_picture, write_picture

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


def described(path: Path) -> Picture:
    """A JPEG with all of it."""
    resource = PHOTOSHOP + photoshop_of_iptc(IPTC)
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
