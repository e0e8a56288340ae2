"""Where the network is cut and what a tile reads: geometry, without a network."""

import pytest
import torch

from engine.memory.segments import Layout, Segment, split_into_segments
from engine.network.layers import scale_of
from engine.settings import LAYERS


def test_segments_end_with_the_cuts_and_with_the_deepest_layer_that_is_wanted() -> None:
    layout = Layout(("pool2", "pool3"), (64, 128, None))
    first, second, third = split_into_segments({"relu1_1", "relu4_2"}, layout)
    assert (first.layers[0], first.layers[-1], first.pool) == ("conv1_1", "relu2_2", "pool2")
    assert (second.layers[0], second.layers[-1], second.pool) == ("conv3_1", "relu3_4", "pool3")
    assert (third.layers[0], third.layers[-1], third.pool) == ("conv4_1", "relu4_2", None)
    assert [segment.scale for segment in (first, second, third)] == [1, 4, 8]


@pytest.mark.parametrize("deepest", ["relu2_2", "pool2"])
def test_cuts_behind_the_deepest_layer_are_ignored(deepest: str) -> None:
    (only,) = split_into_segments({deepest}, Layout(("pool2", "pool3"), (64, 128, None)))
    assert only.layers == LAYERS[: LAYERS.index(deepest) + 1]
    assert (only.pool, only.side) == (None, 64)


@pytest.mark.parametrize(
    ("cuts", "halos"),
    [
        pytest.param((), [70], id="what relu5_1 sees"),
        pytest.param(("pool3",), [22, 6], id="what relu3_4 sees, and relu5_1 of pool3"),
        pytest.param(("pool1", "pool2", "pool3", "pool4"), [2, 2, 4, 4, 1], id="a halo a layer"),
    ],
)
def test_the_halo_is_the_receptive_field(cuts: tuple[str, ...], halos: list[int]) -> None:
    segments = split_into_segments({"relu5_1"}, Layout(cuts, (64,) * (len(cuts) + 1)))
    assert [segment.halo for segment in segments] == halos


@pytest.mark.parametrize("height", [1, 4, 31, 64, 101])
@pytest.mark.parametrize("side", [None, 1, 16, 40, 1000])
def test_every_position_of_every_layer_is_in_one_tile(height: int, side: int | None) -> None:
    width = 57
    segment = Segment(LAYERS[: LAYERS.index("relu2_2") + 1], "pool2", side)
    for layer in ("relu1_1", "relu2_2", "pool2"):
        stride = scale_of(layer)
        seen = torch.zeros(height // stride, width // stride)
        for tile in segment.tiles(height, width):
            seen[tile.own(stride)] += 1
        assert (seen == 1).all()


def test_tiles_are_about_equal_and_no_larger_than_asked_for() -> None:
    segment = Segment(LAYERS[: LAYERS.index("relu2_2") + 1], "pool2", 40)
    heights = [tile.rows.stop - tile.rows.start for tile in segment.tiles(123, 40)]
    assert heights == [40, 40, 43]  # cells of 4, and the 3 rows that poolings drop


def test_a_tile_reads_its_halo_but_nothing_beyond_the_picture() -> None:
    segment = Segment(LAYERS[: LAYERS.index("relu2_2") + 1], "pool2", 20)
    first, middle, last = (tile.rows for tile in segment.tiles(60, 20))
    assert (first.first, first.last) == (0, 26)
    assert (middle.first, middle.last) == (14, 46)
    assert (last.first, last.last) == (34, 60)
    assert (first.edges, middle.edges, last.edges) == ((1, 0), (0, 0), (0, 1))
    assert middle.within == slice(6, 26)


def test_each_convolution_uses_up_a_ring_of_the_halo_and_the_last_leaves_none() -> None:
    segment = Segment(LAYERS[: LAYERS.index("relu2_2") + 1], "pool2", 20)
    middle = segment.tiles(60, 20)[1].rows
    computed = {}
    for layer in ("conv1_1", "conv1_2", "pool1", "conv2_1", "relu2_2"):
        stride, halo = segment.stride(layer), segment.remaining_halo(layer)
        computed[layer] = middle.computed(stride, halo)
        inner = middle.inner(stride, halo)
        assert inner.stop - inner.start == 20 // stride
    assert computed == {
        "conv1_1": slice(15, 45),
        "conv1_2": slice(16, 44),
        "pool1": slice(8, 22),
        "conv2_1": slice(9, 21),
        "relu2_2": slice(10, 20),
    }
