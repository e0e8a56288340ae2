"""A decoded picture as its file has it, before its colours are converted."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from engine.images.metadata import Metadata
from engine.images.strips import Samples

__all__ = ["StoredPicture"]


@dataclass(frozen=True)
class StoredPicture:
    """Rows of samples, and what the file says of them."""

    format: str
    size: tuple[int, int]
    """Width, height as stored."""
    bits: int
    """Of a channel, in the file."""
    space: str
    """`RGB`, `GREY`, `CMYK` or `LAB`."""
    rows: Callable[[slice], Samples]
    """Some rows, h x W x C: the channels of `space`, then alpha if there is one. uint8, uint16, or
    float32 in 0 to 1; `LAB`: float32, L* to 100."""
    alpha: Literal["none", "straight", "premultiplied"] = "none"
    profile: bytes | None = None
    orientation: int = 1
    """EXIF's, 1 to 8."""
    metadata: Metadata = field(default_factory=Metadata)
    page: int = 1
    pages: int = 1
