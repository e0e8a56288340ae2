"""ICC profiles for colour spaces that a file only names: three primaries, a white, one tone curve.

Format: ICC.1:2022, sections 7 to 10.
"""

import struct

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ADOBE_RGB",
    "BT709",
    "BT709_CURVE",
    "BT2020",
    "D65",
    "DISPLAY_P3",
    "SRGB_CURVE",
    "Primaries",
    "matrix_profile",
]

Primaries = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""x, y of red, green and blue."""

D65 = (0.3127, 0.3290)
BT709: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))  # and sRGB
BT2020: Primaries = ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))
DISPLAY_P3: Primaries = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB: Primaries = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))

# (a v + b)^g from d on, c v below: g, a, b, c, d (ICC.1:2022, table 68, function type 3).
SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
BT709_CURVE = (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081)

D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def matrix_profile(
    primaries: Primaries,
    curve: tuple[float, ...],
    white: tuple[float, float] = D65,
    *,
    name: str = "RGB",
) -> bytes:
    """A display profile of version 4.

    Args:
        curve: from values to light: an exponent, or the five numbers of `SRGB_CURVE`.
        name: what editors show, in ASCII.

    Raises:
        ValueError: the primaries make no triangle, or a chromaticity is none.
    """
    if min(y for _, y in (*primaries, white)) <= 0:
        raise ValueError("a chromaticity has no light")
    columns = np.array([_xyz(*primary) for primary in primaries]).T
    white_xyz = np.array(_xyz(*white))
    try:
        columns = columns * np.linalg.solve(columns, white_xyz)
    except np.linalg.LinAlgError:
        raise ValueError("the primaries make no triangle") from None
    gain = (BRADFORD @ D50) / (BRADFORD @ white_xyz)
    adapted = np.linalg.inv(BRADFORD) @ np.diag(gain) @ BRADFORD @ columns
    tone = b"para" + struct.pack(">4xHxx", 0 if len(curve) == 1 else 3) + _fixed(*curve)
    shown = name.encode("utf-16be")
    text = b"mluc" + struct.pack(">4xIIHHII", 1, 12, 0x656E, 0x5553, len(shown), 28) + shown
    tags = {b"desc": text, b"cprt": text, b"wtpt": b"XYZ \0\0\0\0" + _fixed(*D50)}
    for channel, column in zip((b"r", b"g", b"b"), adapted.T, strict=True):
        tags[channel + b"XYZ"] = b"XYZ \0\0\0\0" + _fixed(*column)
        tags[channel + b"TRC"] = tone
    return _profile(tags)


def _xyz(x: float, y: float) -> list[float]:
    return [x / y, 1.0, (1 - x - y) / y]


def _fixed(*values: float) -> bytes:
    """s15Fixed16Number."""
    numbers: NDArray[np.int64] = np.rint(np.array(values) * 65536).astype(np.int64)
    if np.abs(numbers).max() >= 2**31:
        raise ValueError("a number is too large for a profile")
    return numbers.astype(">i4").tobytes()


def _profile(tags: dict[bytes, bytes]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4xI4s4s4s12x4s",
        132 + 12 * len(tags) + len(body),
        0x04300000,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        b"acsp",
    )
    return (header + bytes(28) + _fixed(*D50)).ljust(128, b"\0") + table + body
