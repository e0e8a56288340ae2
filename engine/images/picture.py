"""A picture in memory: sRGB samples and alpha, read from files, resized, written to files.

How files are read is in `reading`, how they are written in `writing`. Importing this module does
not import torch.
"""

import hashlib
import io
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from engine.images.origin import Origin
from engine.images.reading.colour import to_srgb
from engine.images.reading.decode import decoded
from engine.images.reading.files import Opener, opened
from engine.images.reading.limits import Limits
from engine.images.reading.settings_text import settings_text
from engine.images.strips import Floats, Samples, in_unit, strips, white_of
from engine.images.writing.encode import Encoding, Format, save

if TYPE_CHECKING:
    import torch

__all__ = [
    "MIN_SIDE",
    "Encoding",
    "Format",
    "Picture",
    "encode_picture",
    "read_picture",
    "read_settings_text",
    "write_picture",
]

MIN_SIDE = 16
"""Pixels. VGG19 halves the sides four times before `conv5_1`, where one position is left."""

HALF_A_LEVEL = 0.5 / 255


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory.

    `samples` is H x W x 3, sRGB-encoded: uint8, uint16 or float32, as the file has them. `alpha` is
    H x W, float32, 0 to 1, or None for an opaque picture; the colours are not multiplied by it.
    Where it is 0 they are the file's, which mean nothing. `origin` says what the file was.
    """

    samples: Samples
    alpha: Floats | None = None
    origin: Origin | None = None

    @property
    def pixels(self) -> Floats:
        """H x W x 3, float32, 0 to 1; a copy unless the samples are so."""
        return in_unit(self.samples)

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

    @property
    def visible_alpha(self) -> Floats | None:
        """The alpha by which pixels are weighed; None: all alike, as of a picture of which nothing
        is visible."""
        return self.alpha if self.alpha is not None and self.alpha.any() else None

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of size, samples and alpha."""
        state = hashlib.blake2b(b"%d x %d" % self.size, digest_size=20)
        for array in (self.samples, self.alpha):
            if array is not None:
                state.update(f"{array.dtype}".encode())
                state.update(np.ascontiguousarray(array).data)
        return state.hexdigest()

    @property
    def nbytes(self) -> int:
        """Bytes of the samples and the alpha."""
        return self.samples.nbytes + (0 if self.alpha is None else self.alpha.nbytes)

    def opaque(self) -> "Picture":
        """The picture without alpha, with the mean visible colour where nothing was visible."""
        if self.alpha is None:
            return self
        samples = self.samples.copy()
        fill_transparent(samples, self.alpha)
        return Picture(samples)

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
            weighed = _resize(in_unit(plane) * self.alpha, width, height)
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
        planes /= np.float32(white_of(self.samples))
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
    path: str | Path,
    *,
    max_megapixels: float = 200.0,
    opener: Opener | None = None,
    page: int | None = None,
) -> Picture:
    """Decode a JPEG, PNG, TIFF, WebP, AVIF or HEIC file completely.

    The orientation is applied, the colours converted to sRGB, at the file's depth: of integers
    beyond 16 bits the upper 16. Of several pictures the first that is no thumbnail is read, or
    `page` (from 1).

    Raises:
        PictureError: no regular file, not one of these formats, damaged, truncated, too large (the
            header is asked before anything is decoded) or too small, without that page.
    """
    path = Path(path)
    with opened(path, opener) as file:
        stored = decoded(file, path, Limits(max_megapixels, MIN_SIDE), page)
        samples, alpha, profile, doubt = to_srgb(stored, path)
    origin = Origin(
        format=stored.format,
        bits=stored.bits,
        space=stored.space,
        profile=profile,
        doubt=doubt,
        metadata=stored.metadata,
        page=stored.page,
        pages=stored.pages,
    )
    return Picture(samples, alpha, origin)


def write_picture(
    picture: Picture,
    file: str | Path | IO[bytes],
    encoding: Encoding | None = None,
    **options: Any,
) -> None:
    """Write a file as `encoding` says; same picture, same bytes. The caller cares for atomicity.

    Args:
        file: its path, or the file itself, open for writing and (for a TIFF's EXIF) reading.
        options: fields of `Encoding` that differ from `encoding`.

    Raises:
        PictureError: too large for the format.
        OSError: the file cannot be written.
    """
    encoding = replace(encoding or Encoding(), **options)
    if isinstance(file, str | Path):
        with Path(file).open("w+b") as opened_file:
            save(picture.samples, picture.alpha, opened_file, encoding)
    else:
        save(picture.samples, picture.alpha, file, encoding)


def encode_picture(picture: Picture, encoding: Encoding | None = None, **options: Any) -> bytes:
    """The bytes that `write_picture` writes."""
    buffer = io.BytesIO()
    write_picture(picture, buffer, encoding, **options)
    return buffer.getvalue()


def resized_alpha(picture: Picture, width: int, height: int) -> Floats | None:
    """The alpha of `picture.resized(width, height)`, without its colours."""
    if picture.alpha is None or (width, height) == picture.size:
        return picture.alpha
    alpha = _resize(picture.alpha, width, height).clip(0, 1)
    alpha[alpha < HALF_A_LEVEL] = 0  # ringing, not coverage
    return alpha


def read_settings_text(path: str | Path) -> str | None:
    """The settings that `write_picture` embedded; None if there are none.

    Raises:
        PictureError: not a picture.
    """
    path = Path(path)
    with opened(path) as file:
        return settings_text(file, path)


def fill_transparent(samples: Samples, alpha: Floats) -> None:
    """Give `samples` the mean visible colour wherever `alpha` is 0.

    What a file holds there is arbitrary (often black), and the network would see its edges. A
    uniform colour has no texture to paint; the mean shifts the Gram matrices least.
    """
    colour = visible_mean(samples, alpha)
    if colour is None or alpha.min() > 0:
        return
    for rows in strips(alpha.shape[1], alpha.shape[0]):
        samples[rows][alpha[rows] == 0] = colour


def visible_mean(samples: Samples, alpha: Floats) -> Samples | None:
    """The mean colour, weighed by alpha, in the samples' units; None if nothing is visible."""
    total = alpha.sum(dtype=np.float64)
    if total == 0:
        return None
    mean: Samples = sum(
        np.einsum("hwc,hw->c", samples[rows], alpha[rows], dtype=np.float64)
        for rows in strips(alpha.shape[1], alpha.shape[0])
    ) / np.float64(total)
    return np.rint(mean) if samples.dtype.kind == "u" else mean


def _resize(plane: Samples, width: int, height: int) -> Floats:
    """H x W at another size, in 0 to 1. Lanczos' filter overshoots at edges."""
    image = Image.fromarray(np.ascontiguousarray(plane)).convert("F")
    resized = np.array(image.resize((width, height), Image.Resampling.LANCZOS))
    resized /= np.float32(white_of(plane))
    return resized
