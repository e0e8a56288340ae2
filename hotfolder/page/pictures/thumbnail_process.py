"""The child process that makes small copies of pictures; the only part of the page that decodes.

`python -m hotfolder.page.pictures.thumbnail_process` reads lines of JSON, `{path, target, side}`,
and answers each with a line: empty, or why there is no thumbnail. It is bounded in memory and
patience, and its parent ends it when a picture takes too long.
"""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from engine.errors import PictureError
from engine.images.picture import read_picture
from hotfolder import folder_access
from hotfolder.atomic_files import whole

__all__ = ["thumbnail"]

MAX_MEGAPIXELS = 200.0

MEMORY_BYTES = 4 << 30
"""Of addresses, so that a picture that unpacks to more ends this process and nothing else."""

MAX_KEPT = 20_000
"""Thumbnails in the cache; the oldest go first."""

QUALITY = 82

_FAST = ("JPEG", "PNG", "WEBP")
"""What Pillow reads in 8 bits as it is meant to be seen, JPEG at a fraction of its size."""


def thumbnail(path: Path, side: int) -> Image.Image:
    """The picture in sRGB, upright, its longest side at most `side`.

    Raises:
        PictureError, OSError, ValueError: it cannot be read.
    """
    with folder_access.open_regular(path) as file:
        try:
            picture = Image.open(file, formats=_FAST)
        except UnidentifiedImageError:
            picture = None
        if picture is not None and picture.mode in ("RGB", "RGBA", "L", "LA", "P"):
            width, height = picture.size
            if width * height > MAX_MEGAPIXELS * 1e6:
                raise ValueError(f"{width} x {height} px are too many")
            picture.draft("RGB", (side, side))
            profile = picture.info.get("icc_profile")
            small = ImageOps.exif_transpose(picture)
            small.thumbnail((side, side), reducing_gap=3.0)
            return _in_srgb(small, profile)
    whole_picture = read_picture(path, max_megapixels=MAX_MEGAPIXELS, opener=folder_access.opener)
    samples = whole_picture.samples
    if samples.dtype != np.uint8:
        white = 1.0 if samples.dtype.kind == "f" else float(np.iinfo(samples.dtype).max)
        samples = np.clip(samples / white * 255 + 0.5, 0, 255).astype(np.uint8)
    small = Image.fromarray(samples)
    if whole_picture.alpha is not None:
        alpha = np.clip(whole_picture.alpha * 255 + 0.5, 0, 255).astype(np.uint8)
        small.putalpha(Image.fromarray(alpha))
    small.thumbnail((side, side), reducing_gap=3.0)
    return small


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    transparent = picture.mode in ("RGBA", "LA") or "transparency" in picture.info
    picture = picture.convert("RGBA" if transparent else "RGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode=picture.mode
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            return picture  # A profile for other colours: as every viewer shows it.
        return converted or picture
    return picture


def _bound() -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)


def _prune(cache: Path) -> None:
    found = sorted((facts.st_mtime_ns, name) for name, facts in folder_access.scan(cache))
    for _, name in found[: max(0, len(found) - MAX_KEPT)]:
        folder_access.unlink(cache / name, missing_ok=True)


def main() -> int:
    _bound()
    pruned = False
    for line in sys.stdin.buffer:
        order = json.loads(line)
        target = Path(order["target"])
        answer = ""
        try:
            if not pruned:
                pruned = True
                _prune(target.parent)
            small = thumbnail(Path(order["path"]), order["side"])
            with whole(target, durable=False) as file:
                small.save(file, "WEBP", quality=QUALITY, method=2)
        except (PictureError, OSError, ValueError, MemoryError, SyntaxError) as error:
            answer = f"{type(error).__name__}: {error}".replace("\n", " ")[:500]
        except Exception as error:  # A codec may raise anything.
            answer = f"unforeseen {type(error).__name__}"
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
