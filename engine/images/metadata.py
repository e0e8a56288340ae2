"""What a file says beside its pixels: EXIF, XMP, IPTC and resolution, read, filtered, written.

Kept is what describes the photograph: date, author, copyright, camera, lens, captions. Left out is
what describes the old file: sizes, thumbnails, colour space, the maker's note (its offsets are of
the old file). The orientation is left out since the picture is turned upright.
"""

import logging
import re
import struct
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from engine.images.exif_directories import (
    EXIF_IFD,
    GPS_IFD,
    IMAGE,
    Tags,
    directory_bytes,
    readable,
)

__all__ = [
    "DESCRIPTION",
    "PHOTOSHOP",
    "Metadata",
    "described_settings",
    "exif_metadata",
    "iptc_of_photoshop",
    "is_ours",
    "kept_iptc",
    "kept_xmp",
    "photoshop_of_iptc",
    "resolution_of",
    "settings_in",
    "without_location",
]

logger = logging.getLogger(__name__)

DESCRIPTION, EXIF_SOFTWARE = 0x010E, 0x0131
MAKER = "Impasto"
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
INCH, CENTIMETRE = 2, 3
COLOUR_SPACE, WIDTH, HEIGHT = 0xA001, 0xA002, 0xA003
SRGB, UNCALIBRATED = 1, 0xFFFF

# Of the first directory: description, maker, model, date, artist, host, copyright, rating, and
# Windows' title, comment, author, keywords, subject.
KEPT = frozenset([0x10E, 0x10F, 0x110, 0x132, 0x13B, 0x13C, 0x8298, 0x4746, 0x4749])
KEPT |= frozenset(range(0x9C9B, 0x9CA0))

# Of the EXIF directory, what is of the old file: component configuration, bits per pixel, the
# maker's note, colour space, width, height, related sound, interoperability, gamma.
DROPPED = frozenset([0x9101, 0x9102, 0x927C, 0xA001, 0xA002, 0xA003, 0xA004, 0xA005, 0xA500])

# IPTC's Information Interchange Model: the second record's data sets that name a place.
IPTC_PLACES = frozenset([26, 27, 90, 92, 95, 100, 101])
PHOTOSHOP = b"Photoshop 3.0\0"
"""The signature of a JPEG's APP13."""
IPTC_RESOURCE = 0x0404

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ALT = f"{{{RDF}}}Alt"
XMP_META = "adobe:ns:meta/"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
NAMESPACE = "urn:impasto:"
"""Of the settings in XMP."""
SETTINGS = f"{{{NAMESPACE}}}settings"
TIFF, XMP, EXIF = (
    "http://ns.adobe.com/tiff/1.0/",
    "http://ns.adobe.com/xap/1.0/",
    "http://ns.adobe.com/exif/1.0/",
)
PHOTOSHOP_XMP = "http://ns.adobe.com/photoshop/1.0/"
OF_THE_OLD_FILE = frozenset(
    [f"{{{XMP}}}{name}" for name in ("Thumbnails", "CreatorTool", "MetadataDate")]
    + [f"{{{TIFF}}}{name}" for name in ("Orientation", "ImageWidth", "ImageLength")]
    + [f"{{{TIFF}}}{name}" for name in ("XResolution", "YResolution", "ResolutionUnit")]
    + [f"{{{TIFF}}}{name}" for name in ("BitsPerSample", "Compression", "Software")]
    + [f"{{{TIFF}}}{name}" for name in ("PhotometricInterpretation", "SamplesPerPixel")]
    + [f"{{{EXIF}}}{name}" for name in ("ColorSpace", "PixelXDimension", "PixelYDimension")]
    + [f"{{{PHOTOSHOP_XMP}}}{name}" for name in ("ICCProfile", "ColorMode")]
    + [SETTINGS, "{http://ns.adobe.com/xmp/note/}HasExtendedXMP"]
)
# Vocabularies of drones, editors and archives have names of their own; these are left out of all.
PLACE = re.compile(
    r"\}(gps.*|.*latitude|.*longitude|lat|long|lat_long|city|state|country.*|.*location.*|coverage)$",
    re.IGNORECASE,
)

XPACKET = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>',
    b'<?xpacket end="r"?>',
)

MAX_XMP = 1 << 20
"""Bytes: a larger packet holds thumbnails or an editor's history."""


@dataclass(frozen=True)
class Metadata:
    """EXIF by directory, an XMP packet, IPTC records, and pixels per inch across and down."""

    image: Tags = field(default_factory=dict)
    photo: Tags = field(default_factory=dict)
    gps: Tags = field(default_factory=dict)
    xmp: bytes = b""
    iptc: bytes = b""
    dpi: tuple[float, float] | None = None

    @property
    def kinds(self) -> list[str]:
        """What there is, in words."""
        found = {"EXIF": self.image or self.photo, "location": self.has_location}
        found |= {"XMP": self.xmp, "IPTC": self.iptc, "DPI": self.dpi}
        return [name for name, there in found.items() if there]

    @property
    def has_location(self) -> bool:
        return bool(self.gps) or without_location(self) != self

    def directories(
        self, software: str, size: tuple[int, int], *, srgb: bool
    ) -> dict[int, dict[int, Any]]:
        """EXIF's directories for a picture of `size`, upright, without a thumbnail."""
        image, photo, gps = (
            _sound(tags, number)
            for tags, number in ((self.image, IMAGE), (self.photo, EXIF_IFD), (self.gps, GPS_IFD))
        )
        image[EXIF_SOFTWARE] = software
        if self.dpi:
            image |= {X_RESOLUTION: self.dpi[0], Y_RESOLUTION: self.dpi[1], RESOLUTION_UNIT: INCH}
        if photo:
            photo |= {COLOUR_SPACE: SRGB if srgb else UNCALIBRATED}
            photo |= {WIDTH: size[0], HEIGHT: size[1]}
        return {IMAGE: image, EXIF_IFD: photo, GPS_IFD: gps}

    def xmp_packet(self, software: str, settings: str | None, *, caption: bool = False) -> bytes:
        """The packet with the maker and the settings put in; empty if there is nothing to say.

        Args:
            caption: put EXIF's description in, too.
        """
        description = readable(str(self.image.get(DESCRIPTION, ""))) if caption else ""
        if not self.xmp and settings is None and not description:
            return b""
        tree = _parsed(self.xmp) if self.xmp else None
        if tree is None:
            tree = ET.Element(f"{{{XMP_META}}}xmpmeta")
            ET.SubElement(tree, f"{{{RDF}}}RDF")
        rdf = tree if tree.tag == f"{{{RDF}}}RDF" else tree.find(f"{{{RDF}}}RDF")
        assert rdf is not None  # _parsed
        ours = ET.SubElement(rdf, f"{{{RDF}}}Description", {f"{{{RDF}}}about": ""})
        ours.set(f"{{{XMP}}}CreatorTool", software)
        if settings is not None:
            ours.set(SETTINGS, settings)
        if description and tree.find(f".//{{{DUBLIN_CORE}}}description") is None:
            choices = ET.SubElement(ET.SubElement(ours, f"{{{DUBLIN_CORE}}}description"), ALT)
            ET.SubElement(choices, f"{{{RDF}}}li", {LANGUAGE: "x-default"}).text = description
        for prefix, name in (("x", XMP_META), ("rdf", RDF), ("xmp", XMP), ("impasto", NAMESPACE)):
            ET.register_namespace(prefix, name)
        packet: bytes = ET.tostring(tree, encoding="utf-8")
        return XPACKET[0] + packet + XPACKET[1]


def without_location(metadata: Metadata) -> Metadata:
    """The same without coordinates and names of places."""
    return replace(
        metadata,
        gps={},
        xmp=_filtered(metadata.xmp, lambda name: PLACE.search(name) is not None),
        iptc=b"".join(
            data for number, data in _iptc_sets(metadata.iptc) if number not in IPTC_PLACES
        ),
    )


def settings_in(xmp: bytes) -> str | None:
    """The settings that `xmp_packet` put in."""
    tree = _parsed(xmp)
    if tree is None:
        return None
    return next((text for each in tree.iter() if (text := each.get(SETTINGS))), None)


def exif_metadata(exif: Image.Exif) -> Metadata:
    """What is kept of parsed EXIF. Damaged directories are left out."""
    photo, gps = (_directory(exif, number) for number in (EXIF_IFD, GPS_IFD))
    return Metadata(
        image={tag: value for tag, value in exif.items() if tag in KEPT},
        photo={tag: value for tag, value in photo.items() if tag not in DROPPED},
        gps=gps,
    )


def is_ours(exif: Image.Exif) -> bool:
    """Whether Impasto wrote it. Metadata that it kept from elsewhere is there too."""
    return str(exif.get(EXIF_SOFTWARE, "")).startswith(MAKER)


def described_settings(exif: Image.Exif) -> str | None:
    """The text that a TIFF of ours has in place of a caption, or else the caption."""
    description = str(exif.get(DESCRIPTION, ""))
    return readable(description) if is_ours(exif) and description else None


def resolution_of(exif: Image.Exif) -> tuple[float, float] | None:
    """Pixels per inch across and down."""
    try:
        unit = {INCH: 1.0, CENTIMETRE: 2.54}[exif.get(RESOLUTION_UNIT, INCH)]
        return float(exif[X_RESOLUTION]) * unit, float(exif[Y_RESOLUTION]) * unit
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def kept_xmp(packet: bytes) -> bytes:
    """The packet without what is of the old file; empty if it is damaged or too large."""
    return _filtered(packet, lambda name: name in OF_THE_OLD_FILE)


def iptc_of_photoshop(resources: bytes) -> bytes:
    """The IPTC records among Photoshop's image resources (a JPEG's APP13, a TIFF's tag 34377)."""
    data = resources.removeprefix(PHOTOSHOP)
    while len(data) >= 12 and data[:4] == b"8BIM":
        name = (data[6] + 2) & ~1  # a length and text, padded to an even number
        (length,) = struct.unpack_from(">I", data.ljust(name + 10, b"\0"), 6 + name)
        start = 10 + name
        if int.from_bytes(data[4:6]) == IPTC_RESOURCE:
            return data[start : start + length]
        data = data[start + ((length + 1) & ~1) :]
    return b""


def photoshop_of_iptc(records: bytes) -> bytes:
    """An image resource that holds IPTC records, as they stand after `PHOTOSHOP` in a JPEG."""
    head = struct.pack(">4sHHI", b"8BIM", IPTC_RESOURCE, 0, len(records))
    return head + records + bytes(len(records) % 2)


def kept_iptc(records: bytes) -> bytes:
    """The sound data sets of IPTC records."""
    return b"".join(data for _, data in _iptc_sets(records))


def _iptc_sets(records: bytes) -> Iterable[tuple[int, bytes]]:
    """Number (0 outside of the second record) and bytes of each data set, up to a damaged one."""
    at = 0
    while at + 5 <= len(records) and records[at] == 0x1C:
        record, number, length = struct.unpack_from(">BBH", records, at + 1)
        if length & 0x8000 or at + 5 + length > len(records):
            return
        yield (number if record == 2 else 0), records[at : at + 5 + length]
        at += 5 + length


def _directory(exif: Image.Exif, number: int) -> dict[int, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dict(exif.get_ifd(number))
    except Exception:  # Damaged metadata raises almost anything, and is no reason not to paint.
        return {}


def _sound(tags: Tags, number: int) -> dict[int, Any]:
    """Those that can be written again."""
    sound = {}
    for tag, value in tags.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                directory_bytes({tag: value}, number, 0)
        except Exception:  # of a type that the tag does not have
            logger.warning("EXIF's tag %#06x is damaged; it is left out.", tag)
            continue
        sound[tag] = value
    return sound


def _parsed(packet: bytes) -> ET.Element | None:
    """The root element; None if the packet is not RDF, or could be a bomb of entities."""
    packet = packet.strip(b"\0 \n\r\t")
    if len(packet) > MAX_XMP or b"<!" in packet:
        return None
    try:
        text = re.sub(r"<\?xpacket.*?\?>", "", packet.decode("utf-8-sig"), flags=re.DOTALL)
        tree = ET.fromstring(text.strip("\ufeff\0 \n\r\t"))
    except (ET.ParseError, ValueError, RecursionError):
        return None
    rdf = f"{{{RDF}}}RDF"
    return tree if tree.tag == rdf or tree.find(rdf) is not None else None


def _filtered(packet: bytes, drop: Any) -> bytes:
    """The packet without the attributes and elements whose name `drop` takes."""
    tree = _parsed(packet) if packet else None
    if tree is None:
        return b""
    changed = False
    for element in tree.iter():
        for name in [name for name in element.attrib if drop(name)]:
            del element.attrib[name]
            changed = True
        for child in [child for child in element if drop(child.tag)]:
            element.remove(child)
            changed = True
    return ET.tostring(tree, encoding="utf-8") if changed else packet
