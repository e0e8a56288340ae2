"""The operations that are counted are those that torch counts."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed.flops import convolutions
from engine.network.vgg import VGG19
from engine.network.weights import load_weights
from engine.settings import LAYERS


def test_the_count_of_operations_is_torchs_own() -> None:
    vgg = VGG19(load_weights("caffe"), "cpu", winograd=False)
    with FlopCounterMode(display=False) as counter:
        vgg.features(torch.zeros(1, 3, 50, 70), ["relu4_2", "relu5_1"])
    counted = convolutions((70, 50), ["relu4_2", "relu5_1"])
    assert sum(shape.flops for shape in counted) == counter.get_total_flops()
    assert [shape.name for shape in counted] == [
        name for name in LAYERS[: LAYERS.index("relu5_1")] if name.startswith("conv")
    ]
