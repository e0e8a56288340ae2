"""The arrays that pictures are kept in, and the strips in which a large one is converted."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Samples", "in_unit", "strips", "white_of"]

Floats = NDArray[np.float32]

Samples = NDArray[Any]
"""uint8, 0 to 255, uint16, 0 to 65535, or float32, 0 to 1."""

STRIP_PIXELS = 1 << 18
"""Pixels of a strip: the copies made to convert one are small beside a large picture."""


def strips(width: int, height: int) -> Iterator[slice]:
    """The rows of a picture, `STRIP_PIXELS` at a time."""
    count = max(1, STRIP_PIXELS // width)
    for top in range(0, height, count):
        yield slice(top, min(top + count, height))


def white_of(samples: Samples) -> int:
    """The largest value: 255, 65535 or 1."""
    return int(np.iinfo(samples.dtype).max) if samples.dtype.kind == "u" else 1


def in_unit(samples: Samples) -> Floats:
    """0 to 1, float32; samples that are so already are not copied."""
    if samples.dtype == np.float32:
        return samples
    unit: Floats = np.divide(samples, np.float32(white_of(samples)), dtype=np.float32)
    return unit
