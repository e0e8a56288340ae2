"""A step on a GPU's path has at most 200 operations, counted on a CPU."""

import pytest

from benchmarks.gpu.operations import step_operations
from benchmarks.pictures.pairs import CONTENT, STYLE
from engine.images.picture import read_picture
from engine.network.vgg import load_vgg19
from engine.settings import resolve

AT_MOST = 200


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_of_standard_has_at_most_200_operations(precision: str) -> None:
    vgg = load_vgg19("caffe", "cpu", precision)
    content, style = (read_picture(path).thumbnail(64) for path in (CONTENT, STYLE))
    steps = 5
    counted = step_operations(content, style, resolve({"size": 64}), vgg, steps=steps)
    assert counted["convolution"] == 26 * steps  # thirteen forward, thirteen backward
    assert counted.total() <= AT_MOST * steps
