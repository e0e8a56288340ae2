"""Pictures that the tests of reading share, and how they are saved and refused."""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ExitCode, PictureError
from engine.images.picture import read_picture

SaveAs = Callable[..., Path]


def scene(width: int = 48, height: int = 32) -> Image.Image:
    """Colours that change slowly both ways, and differently."""
    y, x = np.mgrid[0:height, 0:width]
    channels = [x * 255 // (width - 1), y * 255 // (height - 1), (x + 2 * y) % 256]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def unit(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB")) / np.float32(255)


@cache
def has_imagemagick() -> bool:
    """Whether `convert` is ImageMagick's: there are other programs of that name."""
    if shutil.which("convert") is None:
        return False
    said = subprocess.run(["convert", "-version"], capture_output=True, check=False)
    return b"Version: ImageMagick" in said.stdout


def refusal(path: Path, **options: float) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(path, **options)
    assert caught.value.exit_code is ExitCode.INPUT
    message = str(caught.value)
    assert path.name in message
    return message
