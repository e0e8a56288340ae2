"""Masks as covers: what white, grey, black and transparent mean, at which size, how soft."""

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.images.picture import Picture
from engine.images.strips import Samples
from engine.regions.cover import Cover, feathered, mask_cover


def grey(levels: Samples) -> Picture:
    return Picture(np.repeat(levels[..., None], 3, axis=2))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_white_is_one_black_is_nothing_and_grey_its_share_exactly(kind: type) -> None:
    white = np.iinfo(kind).max
    levels = np.array([[0, white, white // 5]], kind)
    assert mask_cover(grey(levels)).values.tolist() == [[0.0, 1.0, pytest.approx(0.2, abs=1e-6)]]


def test_what_is_transparent_is_not_painted() -> None:
    mask = Picture(np.full((1, 3, 3), 255, np.uint8), np.array([[0.0, 0.5, 1.0]], np.float32))
    assert mask_cover(mask).values.tolist() == [[0.0, 0.5, 1.0]]


def test_at_another_size_what_is_black_stays_black_and_white_white() -> None:
    values = np.zeros((40, 60), np.float32)
    values[:, 30:] = 1
    for size in ((90, 60), (33, 22), (601, 401)):
        scaled = Cover(values).at(size)[0, 0]
        third = size[0] // 3
        assert scaled.shape == (size[1], size[0])
        assert scaled[:, :third].max() == 0
        assert scaled[:, -third:].min() == 1


def edge(side: int = 100) -> Tensor:
    """The right half."""
    cover = torch.zeros(1, 1, side, side)
    cover[..., side // 2 :] = 1
    return cover


@pytest.mark.parametrize("width", [10, 24, 40])
def test_an_edge_rises_inwards_over_the_width_of_its_feather(width: int) -> None:
    row = feathered(edge(), width)[0, 0, 50]
    assert row[:50].max() == 0
    assert row[50 + width + 1 :].min() == pytest.approx(1, abs=1e-6)
    assert row[50 + width // 2] == pytest.approx(0.5, abs=0.1)
    assert (row.diff() >= -1e-6).all()


def test_a_wide_feather_is_the_same_up_to_its_coarser_steps() -> None:
    row = feathered(edge(1000), 400)[0, 0, 500]
    assert row[:500].max() == 0
    assert row[920:].min() == pytest.approx(1, abs=1e-4)
    assert row[700] == pytest.approx(0.5, abs=0.05)


def test_feathering_leaves_what_is_even_as_it_is_and_is_nowhere_more() -> None:
    generator = torch.Generator().manual_seed(1)
    even, rough = torch.full((1, 1, 50, 70), 0.4), torch.rand(1, 1, 50, 70, generator=generator)
    torch.testing.assert_close(feathered(even, 12), even, rtol=0, atol=1e-6)
    assert (feathered(rough, 12) <= rough).all()
    assert feathered(rough, 0) is rough
