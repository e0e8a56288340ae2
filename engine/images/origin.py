"""What a picture's file was beside its pixels: what a result can be given back in."""

from dataclasses import dataclass, field

from engine.images.metadata import Metadata

__all__ = ["Origin"]


@dataclass(frozen=True)
class Origin:
    """Facts of the file that a picture was read from."""

    format: str
    """`jpeg`, `png`, `tiff`, `webp`, `avif` or `heic`."""
    bits: int
    """Of a channel."""
    space: str
    """`RGB`, `GREY`, `CMYK` or `LAB`."""
    profile: bytes | None = None
    """The ICC profile of the colours as the file has them, embedded or made from what the file
    says of its colours; None: they are sRGB, or were taken for it."""
    doubt: str | None = None
    """What is to be said of the colours if they are not certain."""
    metadata: Metadata = field(default_factory=Metadata)
    page: int = 1
    pages: int = 1
