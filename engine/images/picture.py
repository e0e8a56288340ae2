"""A picture in memory: sRGB samples and alpha, read from files, resized, written to files.

Files, formats and limits of reading are in `decode.py`, modes and profiles in `colour_profile.py`,
writing in `encode.py`. Importing this module does not import torch.
"""

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, Self

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from engine.images.colour_profile import fill_transparent, to_srgb
from engine.images.decode import Opener, decoded, identified, opened
from engine.images.encode import EXIF_SOFTWARE, SOFTWARE, TEXT_KEY, save
from engine.images.strips import Floats, Samples

if TYPE_CHECKING:
    import torch

__all__ = [
    "MIN_SIDE",
    "Format",
    "Picture",
    "encode_picture",
    "read_picture",
    "read_settings_text",
    "write_picture",
]

Format = Literal["png", "jpeg", "tiff"]

MIN_SIDE = 16
"""Pixels. VGG19 halves the sides four times before `conv5_1`, where one position is left."""

HALF_A_LEVEL = 0.5 / 255

TIFF_DESCRIPTION = 270


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory.

    `samples` is H x W x 3, sRGB-encoded: uint8, 0 to 255, as most files have them, or float32, 0 to
    1. `alpha` is H x W, float32, 0 to 1, or None for an opaque picture; the colours are not
    multiplied by it.
    """

    samples: Samples
    alpha: Floats | None = None

    @property
    def pixels(self) -> Floats:
        """H x W x 3, float32, 0 to 1. Of 8 bits a copy, with four times the memory."""
        return _unit(self.samples)

    @property
    def width(self) -> int:
        return int(self.samples.shape[1])

    @property
    def height(self) -> int:
        return int(self.samples.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.width, self.height

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of the size and the samples; the alpha plays no part."""
        state = hashlib.blake2b(b"%d x %d" % self.size, digest_size=20)
        state.update(np.ascontiguousarray(self.samples).data)
        return state.hexdigest()

    @property
    def nbytes(self) -> int:
        """Bytes of the samples and the alpha."""
        return self.samples.nbytes + (0 if self.alpha is None else self.alpha.nbytes)

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
        pixels = np.empty((height, width, 3), np.float32)
        alpha = resized_alpha(self, width, height)
        for c in range(3):
            plane = self.samples[..., c]
            if self.alpha is None or alpha is None:
                pixels[..., c] = _resize(plane, width, height).clip(0, 1)
                continue
            weighed = _resize(_unit(plane) * self.alpha, width, height)
            channel = np.divide(weighed, alpha, out=np.zeros_like(alpha), where=alpha > 0)
            pixels[..., c] = channel.clip(0, 1)
        if alpha is not None:
            fill_transparent(pixels, alpha)
        return Picture(pixels, alpha)

    def to_tensor(self, device: "str | torch.device" = "cpu") -> "torch.Tensor":
        """1 x 3 x H x W, float32, contiguous, not sharing memory with the picture."""
        import torch

        planes = np.empty((1, 3, self.height, self.width), np.float32)
        for c in range(3):
            planes[0, c] = self.samples[..., c]
        if self.samples.dtype == np.uint8:
            planes /= np.float32(255)
        return torch.from_numpy(planes).to(device)

    @classmethod
    def from_tensor(cls, tensor: "torch.Tensor", alpha: Floats | None = None) -> Self:
        """From 1 x 3 x H x W on any device, clamped to 0 to 1; one transfer to the host."""
        pixels = tensor.detach()[0].permute(1, 2, 0).float().clamp(0, 1).contiguous().cpu()
        return cls(pixels.numpy(), alpha)

    @classmethod
    def from_image(cls, image: Image.Image) -> Self:
        """From Pillow's 8-bit RGB, taken as sRGB."""
        return cls(np.array(image.convert("RGB")))


def read_picture(
    path: str | Path, *, max_megapixels: float = 200.0, opener: Opener | None = None
) -> Picture:
    """Decode a JPEG, PNG, WebP or TIFF file completely; of several frames, the first.

    The EXIF orientation is applied, the colour profile converted to sRGB. Colours are read with 8
    bits a channel (Pillow reduces 16-bit colour; 16-bit grey keeps its depth). Where alpha is 0,
    the file's colour means nothing; the mean visible colour takes its place.

    Raises:
        PictureError: no regular file, not one of these formats, damaged, truncated, too large (the
            header is asked before anything is decoded) or too small.
    """
    path = Path(path)
    with opened(path, opener) as file:
        image = decoded(file, path, max_megapixels=max_megapixels, min_side=MIN_SIDE)
    return Picture(*to_srgb(image, path))


def write_picture(
    picture: Picture,
    file: str | Path | IO[bytes],
    *,
    format: Format = "png",
    quality: int = 95,
    text: str | None = None,
) -> None:
    """Write a file, 8 bits a channel, marked as sRGB; same picture, same bytes.

    The caller cares for atomicity.

    Args:
        file: its path, or the file itself, open for writing.
        format: PNG and TIFF keep alpha. JPEG has none: the picture is laid on white.
        quality: of a JPEG, 1 to 100.
        text: settings to embed, which `read_settings_text` finds again.

    Raises:
        PictureError: too large for JPEG.
        OSError: the file cannot be written.
    """
    if isinstance(file, str | Path):
        with Path(file).open("wb") as opened_file:
            save(picture.samples, picture.alpha, opened_file, format, quality, text)
    else:
        save(picture.samples, picture.alpha, file, format, quality, text)


def encode_picture(
    picture: Picture, *, format: Format = "png", quality: int = 95, text: str | None = None
) -> bytes:
    """The bytes that `write_picture` writes."""
    buffer = io.BytesIO()
    write_picture(picture, buffer, format=format, quality=quality, text=text)
    return buffer.getvalue()


def resized_alpha(picture: Picture, width: int, height: int) -> Floats | None:
    """The alpha of `picture.resized(width, height)`, without its colours."""
    if picture.alpha is None or (width, height) == picture.size:
        return picture.alpha
    alpha = _resize(picture.alpha, width, height).clip(0, 1)
    alpha[alpha < HALF_A_LEVEL] = 0  # ringing, not coverage
    return alpha


def read_settings_text(path: str | Path) -> str | None:
    """The text that `write_picture` embedded; None if there is none.

    Raises:
        PictureError: not a picture.
    """
    path = Path(path)
    with opened(path) as file:
        image = identified(file, path)
        info, tags = image.info, image.getexif()
    if TEXT_KEY in info:
        return str(info[TEXT_KEY])
    comment = info.get("comment")
    if isinstance(image, TiffImageFile):
        comment = str(tags.get(TIFF_DESCRIPTION, "")).encode("latin-1", errors="replace") or None
    # Other programs write comments too.
    ours = str(tags.get(EXIF_SOFTWARE, "")).startswith(SOFTWARE.split()[0])
    return comment.decode("utf-8", errors="replace") if ours and comment else None


def _unit(samples: Samples) -> Floats:
    """0 to 1, float32."""
    if samples.dtype == np.float32:
        return samples
    unit: Floats = np.divide(samples, np.float32(255), dtype=np.float32)
    return unit


def _resize(plane: Samples, width: int, height: int) -> Floats:
    """H x W at another size, in 0 to 1. Lanczos' filter overshoots at edges."""
    image = Image.fromarray(np.ascontiguousarray(plane)).convert("F")
    resized = np.array(image.resize((width, height), Image.Resampling.LANCZOS))
    if plane.dtype == np.uint8:
        resized /= np.float32(255)
    return resized
