"""Pictures of any size as small tensors."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.images.colour.linear import colour_map
from engine.images.picture import Picture, read_picture
from engine.images.pyramid import resize
from engine.images.scaling import scaled
from engine.memory.peak_memory import PeakMemoryCounter


@pytest.fixture(autouse=True)
def short_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.images.strips.STRIP_PIXELS", 451 * 37)


@pytest.mark.parametrize("depth", ["uint8", "float32"])
@pytest.mark.parametrize(
    "size", [(128, 85), (451, 300), (451, 100), (200, 300), (640, 426)], ids=str
)
def test_in_strips_a_picture_is_bit_for_bit_what_it_is_as_a_whole(
    photograph: Path, size: tuple[int, int], depth: str
) -> None:
    picture = read_picture(photograph)
    if depth == "float32":
        picture = Picture(picture.pixels)
    assert torch.equal(scaled(picture, size), resize(picture.to_tensor(), size))


def test_colours_are_changed_before_the_picture_is_scaled(photograph: Path, painting: Path) -> None:
    picture = read_picture(photograph)
    warmer = colour_map(picture, [read_picture(painting)], [1.0])
    whole = resize(warmer(picture.to_tensor()), (128, 85))
    torch.testing.assert_close(scaled(picture, (128, 85), warmer), whole, rtol=0, atol=1e-6)


def test_no_tensor_is_as_large_as_the_picture() -> None:
    # Strips of 37 rows here, and the picture as narrow as the result.
    large = Picture(np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), np.uint8))
    with PeakMemoryCounter() as counter:
        scaled(large, (100, 75))
    assert 12 * 1500 * 100 < counter.peak < 12 * 1500 * 2000 / 2
