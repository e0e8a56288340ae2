"""The contact sheet of a batch's results."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.images.matrix_profile import ADOBE_RGB, matrix_profile
from engine.images.picture import Picture, write_picture
from hotfolder.batches.results.contact_sheet import contact_sheet


@pytest.mark.parametrize("format", ["png", "tiff", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("bits", [8, 16])
def test_results_of_every_format_depth_and_profile_have_their_colours(
    tmp_path: Path, format: Any, bits: int
) -> None:
    green = Picture(np.full((200, 200, 3), (60, 180, 60), np.uint8))
    wide = matrix_profile(ADOBE_RGB, (563 / 256,))
    options: dict[str, Any] = {"format": format, "bits": bits, "profile": wide}
    write_picture(green, tmp_path / "result", **options)
    sheet = contact_sheet([(tmp_path / "result", "result")], 1)
    with Image.open(io.BytesIO(sheet)) as image:
        middle = np.asarray(image.convert("RGB"))[image.height // 2, image.width // 2]
    assert np.abs(middle.astype(int) - (60, 180, 60)).max() <= 6
