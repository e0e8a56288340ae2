"""The network with its real weights, loaded once."""

import pytest

from engine.network.vgg import VGG19, load_vgg19


@pytest.fixture(scope="session")
def vgg() -> VGG19:
    return load_vgg19("caffe", "cpu", "float32")
