"""ICC profiles written byte by byte, and the colours they mean, computed without a colour engine.

Formats: ICC.1:2001-04 (version 2). sRGB: IEC 61966-2-1.
"""

import struct

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

D50 = np.array([0.9642, 1.0, 0.8249])
D65_XY = (0.3127, 0.3290)
# x, y of red, green, blue
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE_RGB = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def matrix(primaries: tuple[tuple[float, float], ...]) -> Array:
    """Linear RGB (white D65) -> XYZ adapted to D50."""

    def xyz(x: float, y: float) -> list[float]:
        return [x / y, 1.0, (1 - x - y) / y]

    columns = np.array([xyz(*p) for p in primaries]).T
    white = np.array(xyz(*D65_XY))
    to_xyz = columns * np.linalg.solve(columns, white)
    gain = (BRADFORD @ D50) / (BRADFORD @ white)
    adapted: Array = np.linalg.inv(BRADFORD) @ np.diag(gain) @ BRADFORD @ to_xyz
    return adapted


def srgb_decoded(v: Array) -> Array:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def srgb_encoded(v: Array) -> Array:
    v = np.clip(v, 0, 1)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def srgb_from_xyz(xyz: Array) -> Array:
    """XYZ relative to D50, last axis -> encoded sRGB, clipped to its gamut."""
    return srgb_encoded(xyz @ np.linalg.inv(matrix(SRGB)).T)


def srgb_from_lab(lab: tuple[float, float, float]) -> Array:
    """CIE 15: L* a* b* relative to D50 -> encoded sRGB."""
    fy = (lab[0] + 16) / 116
    f = np.array([fy + lab[1] / 500, fy, fy - lab[2] / 200])
    return srgb_from_xyz(D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)))


def _s15f16(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def _xyz(values: Array) -> bytes:
    return b"XYZ \0\0\0\0" + _s15f16(*values)


def _curve(table: Array) -> bytes:
    entries = np.round(np.asarray(table) * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", len(entries) // 2) + entries


def _profile(kind: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"a profile\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": _xyz(D50),
        **tags,
    }
    table, body, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = offset + len(body)
    header = struct.pack(
        ">I4sI4s4s4s12s4s", size, b"\0" * 4, 0x02200000, kind, space, pcs, bytes(12), b"acsp"
    )
    header += bytes(28) + _s15f16(*D50)
    header = header.ljust(128, b"\0")
    return header + struct.pack(">I", len(tags)) + table + body


LEVELS = np.arange(4096) / 4095


def rgb_profile(primaries: tuple[tuple[float, float], ...], curve: Array) -> bytes:
    """Three primaries and one tone curve, sampled at `LEVELS`."""
    columns = matrix(primaries).T
    return _profile(
        b"mntr",
        b"RGB ",
        b"XYZ ",
        {
            **{
                tag: _xyz(column)
                for tag, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
            },
            **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(curve)),
        },
    )


def grey_profile(curve: Array) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _curve(curve)})


def cmyk_profile(cyan: tuple[float, float, float]) -> bytes:
    """White paper, an ink `cyan` (L*a*b*), any other ink black: a table of two points an ink."""
    nodes = []
    for c, m, y, k in np.ndindex(2, 2, 2, 2):
        lab = (0.0, 0.0, 0.0) if m or y or k else cyan if c else (100.0, 0.0, 0.0)
        nodes.append([round(lab[0] * 2.55), round(lab[1] + 128), round(lab[2] + 128)])
    identity = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + _s15f16(1, 0, 0, 0, 1, 0, 0, 0, 1)
    lut += identity * 4 + np.array(nodes, np.uint8).tobytes() + identity * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", dict.fromkeys((b"A2B0", b"A2B1"), lut))
