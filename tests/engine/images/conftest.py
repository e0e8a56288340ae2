"""How the tests of reading save their pictures."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from scenes import SaveAs


@pytest.fixture
def save(tmp_path: Path) -> SaveAs:
    def save_as(image: Image.Image, format: str = "PNG", **options: Any) -> Path:
        path = tmp_path / f"picture.{format.lower()}"
        image.save(path, format, **options)
        return path

    return save_as
