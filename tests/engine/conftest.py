"""The network with its real weights, and two small pictures, loaded once."""

from pathlib import Path

import pytest

from engine.images.picture import Picture, read_picture
from engine.network.vgg import VGG19, load_vgg19


@pytest.fixture(scope="session")
def vgg() -> VGG19:
    return load_vgg19("caffe", "cpu", "float32")


@pytest.fixture(scope="session")
def content(photograph: Path) -> Picture:
    return read_picture(photograph).thumbnail(128)


@pytest.fixture(scope="session")
def style(painting: Path) -> Picture:
    return read_picture(painting).thumbnail(128)
