"""Pictures in and out: any file that people have -> sRGB in 0 to 1, alpha aside -> PNG or JPEG.

Decoding is `_decode.py` (files, formats, limits) and `_colour.py` (modes, profiles, alpha).
Importing this module does not import torch.
"""

import io
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from engine import __version__
from engine._colour import fill_transparent, srgb_profile, to_srgb
from engine._decode import decoded, identified, opened
from engine.errors import PictureError

if TYPE_CHECKING:
    import torch

__all__ = [
    "MIN_SIDE",
    "Picture",
    "encode_picture",
    "read_picture",
    "read_settings_text",
    "write_picture",
]

logger = logging.getLogger(__name__)

Floats = NDArray[np.float32]

MIN_SIDE = 16
"""Pixels. VGG19 halves four times before `conv5_1`: less leaves it nothing to look at."""

HALF_A_LEVEL = 0.5 / 255

TEXT_KEY = "impasto"
"""Keyword of the PNG text chunk that holds the settings."""

SOFTWARE = f"Impasto {__version__}"
EXIF_SOFTWARE = 0x0131

# zlib's, 0 to 9. On a painting of 3.3 megapixels 2 takes 0.33 s, 6 takes 0.69 s, and the files
# differ by 0.4 %; on a smooth photograph 2 is three times as fast and its file 17 % larger.
PNG_COMPRESS_LEVEL = 2

FULL_CHROMA_QUALITY = 90
"""JPEG quality from which the colour is not subsampled: paint has sharp edges between colours."""

JPEG_MAX_SIDE = 65_500
"""libjpeg's JPEG_MAX_DIMENSION."""

JPEG_MAX_COMMENT = 65_533
"""Bytes: a JPEG segment's 16-bit length counts itself."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory.

    `pixels` is H x W x 3, float32, sRGB-encoded, 0 to 1. `alpha` is H x W, float32, 0 to 1, or None
    for an opaque picture; the colours are not multiplied by it.
    """

    pixels: Floats
    alpha: Floats | None = None

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.width, self.height

    def thumbnail(self, longest_side: int) -> "Picture":
        """The picture with sides of at most `longest_side`; never enlarged."""
        factor = min(1.0, longest_side / max(self.size))
        return self.resized(max(1, round(self.width * factor)), max(1, round(self.height * factor)))

    def resized(self, width: int, height: int) -> "Picture":
        """The picture at another size, by Lanczos' filter, which widens when it shrinks.

        Colours are weighed by their alpha, so that what is invisible does not bleed into what is
        visible. The filter works on the encoded values, as the networks were trained.
        """
        if (width, height) == self.size:
            return self
        if self.alpha is None:
            return Picture(_resize(self.pixels, width, height))
        alpha = _resize(self.alpha[..., None], width, height)
        alpha[alpha < HALF_A_LEVEL] = 0  # ringing, not coverage
        pixels = _resize(self.pixels * self.alpha[..., None], width, height, clip=False)
        visible = alpha > 0
        pixels = np.divide(pixels, alpha, out=np.zeros_like(pixels), where=visible).clip(0, 1)
        return Picture(fill_transparent(pixels, alpha[..., 0]), alpha[..., 0])

    def to_tensor(self, device: "str | torch.device" = "cpu") -> "torch.Tensor":
        """1 x 3 x H x W, float32, contiguous, not sharing memory with the picture."""
        import torch

        planes = np.array(self.pixels.transpose(2, 0, 1)[None], dtype=np.float32, order="C")
        return torch.from_numpy(planes).to(device)

    @classmethod
    def from_tensor(cls, tensor: "torch.Tensor", alpha: Floats | None = None) -> Self:
        """From 1 x 3 x H x W on any device, clamped to 0 to 1; one transfer to the host."""
        pixels = tensor.detach()[0].permute(1, 2, 0).float().clamp(0, 1).contiguous().cpu()
        return cls(pixels.numpy(), alpha)

    @classmethod
    def from_image(cls, image: Image.Image) -> Self:
        """From Pillow's 8-bit RGB, taken as sRGB."""
        return cls(np.asarray(image.convert("RGB"), np.float32) / np.float32(255))


def read_picture(path: str | Path, *, max_megapixels: float = 200.0) -> Picture:
    """Decode a JPEG, PNG, WebP or TIFF file completely; of several frames, the first.

    The EXIF orientation is applied, the colour profile converted to sRGB. Colours are read with 8
    bits a channel (Pillow reduces 16-bit colour; 16-bit grey keeps its depth). Where alpha is 0,
    the file's colour means nothing; the mean visible colour takes its place.

    Raises:
        PictureError: no regular file, not one of these formats, damaged, truncated, too large (the
            header is asked before anything is decoded) or too small.
    """
    path = Path(path)
    with opened(path) as file:
        image = decoded(file, path, max_megapixels=max_megapixels, min_side=MIN_SIDE)
    pixels, alpha = to_srgb(image, path)
    return Picture(pixels, alpha)


def write_picture(
    picture: Picture,
    path: str | Path,
    *,
    format: Literal["png", "jpeg"] = "png",
    quality: int = 95,
    text: str | None = None,
) -> None:
    """Write `encode_picture` to a file; the caller cares for atomicity.

    Raises:
        PictureError: too large for the format.
        OSError: the file cannot be written.
    """
    Path(path).write_bytes(encode_picture(picture, format=format, quality=quality, text=text))


def encode_picture(
    picture: Picture,
    *,
    format: Literal["png", "jpeg"] = "png",
    quality: int = 95,
    text: str | None = None,
) -> bytes:
    """A file's bytes, 8 bits a channel, marked as sRGB; same picture, same bytes.

    Args:
        format: PNG keeps alpha. JPEG has none: the picture is laid on white.
        quality: of a JPEG, 1 to 100.
        text: settings to embed, which `read_settings_text` finds again.

    Raises:
        PictureError: too large for JPEG.
    """
    buffer = io.BytesIO()
    if format == "png":
        _save_png(picture, buffer, text)
    else:
        _save_jpeg(picture, buffer, quality, text)
    return buffer.getvalue()


def read_settings_text(path: str | Path) -> str | None:
    """The text that `write_picture` embedded in a PNG or JPEG; None if there is none.

    Raises:
        PictureError: not a picture.
    """
    path = Path(path)
    with opened(path) as file:
        image = identified(file, path)
        info, software = image.info, image.getexif().get(EXIF_SOFTWARE, "")
    if TEXT_KEY in info:
        return str(info[TEXT_KEY])
    comment = info.get("comment")
    # Other programs write comments too.
    if isinstance(comment, bytes) and str(software).startswith(SOFTWARE.split()[0]):
        return comment.decode("utf-8", errors="replace")
    return None


def _save_png(picture: Picture, file: IO[bytes], text: str | None) -> None:
    info = PngInfo()
    info.add(b"sRGB", b"\x01")  # the rendering intent: relative colorimetric
    info.add_itxt("Software", SOFTWARE)
    if text is not None:
        info.add_itxt(TEXT_KEY, text)
    channels = _bytes(picture.pixels)
    if picture.alpha is not None:
        channels = np.dstack([channels, _bytes(picture.alpha)])
    Image.fromarray(channels).save(file, "PNG", pnginfo=info, compress_level=PNG_COMPRESS_LEVEL)


def _save_jpeg(picture: Picture, file: IO[bytes], quality: int, text: str | None) -> None:
    if max(picture.size) > JPEG_MAX_SIDE:
        raise PictureError(
            f"A JPEG's sides are at most {JPEG_MAX_SIDE} px; this picture has "
            f"{picture.width} x {picture.height}. Write it as PNG."
        )
    pixels = picture.pixels
    if picture.alpha is not None:
        alpha = picture.alpha[..., None]
        pixels = pixels * alpha + (1 - alpha)
    exif = Image.Exif()
    exif[EXIF_SOFTWARE] = SOFTWARE
    options: dict[str, Any] = {}
    if text is not None:
        comment = text.encode()
        if len(comment) <= JPEG_MAX_COMMENT:
            options["comment"] = comment
        else:
            # The painting is worth more than its note.
            logger.warning("The settings are too long for a JPEG's comment; they are left out.")
    Image.fromarray(_bytes(pixels)).save(
        file,
        "JPEG",
        quality=quality,
        subsampling="4:4:4" if quality >= FULL_CHROMA_QUALITY else "4:2:0",
        icc_profile=srgb_profile(),
        exif=exif,
        **options,
    )


def _bytes(values: Floats) -> NDArray[np.uint8]:
    """0 to 1 -> 0 to 255, rounded to the nearest."""
    return (values.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _resize(channels: Floats, width: int, height: int, *, clip: bool = True) -> Floats:
    """H x W x C at another size. Lanczos' filter overshoots at edges; `clip` to 0 to 1."""
    resized = np.empty((height, width, channels.shape[2]), np.float32)
    for c in range(channels.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(channels[..., c]))
        resized[..., c] = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS))
    return resized.clip(0, 1) if clip else resized
