"""The extractor against torchvision's network carrying the same weights."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg19 as torchvision_vgg19

from engine.images.picture import read_picture
from engine.network.convolution import Kernel
from engine.network.vgg import AVERAGE_GAIN, L2_GAIN, VGG19, load_vgg19
from engine.network.vgg import pool as vgg_pool
from engine.settings import LAYERS


@pytest.fixture(scope="module")
def reference(vgg: VGG19) -> nn.Sequential:
    """torchvision's VGG19 (its `features`) with our weights in it, ReLUs not in place."""
    with torch.device("meta"):  # 140 million parameters of a classifier that nobody needs
        network: nn.Sequential = torchvision_vgg19().features
    network = network.to_empty(device="cpu")
    convolutions = [module for module in network if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        for module, (weight, bias) in zip(
            convolutions, vgg.weights.convolutions.values(), strict=True
        ):
            module.weight.copy_(weight)
            module.bias.copy_(bias)  # type: ignore[union-attr]
    for module in network:
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return network


def picture(height: int = 48, width: int = 64) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(3))


def outputs(network: nn.Sequential, x: Tensor) -> dict[str, Tensor]:
    found = {}
    for name, module in zip(LAYERS, network, strict=True):
        x = module(x)
        found[name] = x
    return found


def test_every_layer_equals_torchvisions(vgg: VGG19, reference: nn.Sequential) -> None:
    x = picture()
    with torch.no_grad():
        ours = vgg.features(x, LAYERS)
        theirs = outputs(reference, vgg.weights.preprocess(x))
    for name in LAYERS:
        scale = theirs[name].abs().max()
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-5 * scale.item())


class Scaled(nn.Module):
    """A module times a number."""

    def __init__(self, inner: nn.Module, gain: float) -> None:
        super().__init__()
        self.inner, self.gain = inner, gain

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.gain * self.inner(x)
        return result


@pytest.mark.parametrize(
    ("pooling", "pool"),
    [
        ("average", Scaled(nn.AvgPool2d(2), AVERAGE_GAIN)),
        ("l2", Scaled(nn.LPPool2d(2, 2), L2_GAIN)),
    ],
)
def test_other_poolings_equal_torchvisions_with_its_pools_replaced(
    vgg: VGG19, reference: nn.Sequential, pooling: str, pool: nn.Module
) -> None:
    replaced = nn.Sequential(
        *(pool if isinstance(module, nn.MaxPool2d) else module for module in reference)
    )
    x = picture()
    with torch.no_grad():
        ours = vgg.features(x, ["pool1", "relu4_2"], pooling)
        theirs = outputs(replaced, vgg.weights.preprocess(x))
    for name, feature in ours.items():
        torch.testing.assert_close(feature, theirs[name], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("max", [[6.0, 8.0], [0.0, 300.0]]),
        ("average", np.array([[3.5, 2.0], [0.0, 100.0]]) * AVERAGE_GAIN),
        ("l2", np.sqrt([[62.0, 64.0], [0.0, 300.0**2 + 100.0**2]]) * L2_GAIN),
    ],
)
def test_pooling_of_numbers_that_can_be_checked_by_hand(
    pooling: str, expected: object, dtype: torch.dtype
) -> None:
    x = [[1.0, 3, 0, 8], [4, 6, 0, 0], [0, 0, 0, 100], [0, 0, 300, 0]]
    pooled = vgg_pool(torch.tensor([[x]], dtype=dtype), pooling)
    assert pooled.dtype == dtype
    rounding = 1e-5 if dtype == torch.float32 else 0.01
    np.testing.assert_allclose(pooled[0, 0].float(), expected, rtol=rounding, atol=1e-5)


@pytest.mark.parametrize("pooling", ["average", "l2"])
def test_other_poolings_leave_the_scale_of_deeper_layers(
    vgg: VGG19, photograph: Path, pooling: str
) -> None:
    cat = read_picture(photograph).thumbnail(256).to_tensor(torch.device("cpu"))

    def root_mean_squares(pooling: str) -> Tensor:
        with torch.no_grad():
            layers = ["relu2_1", "relu3_1", "relu4_1", "relu5_1"]
            features = vgg.features(cat, layers, pooling, "replicate")
        return torch.stack([features[name].square().mean().sqrt() for name in layers])

    ratio = root_mean_squares(pooling) / root_mean_squares("max")
    assert ratio.log().mean().exp() == pytest.approx(1, abs=0.06)
    assert ratio.min() > 0.8
    assert ratio.max() < 1.25


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("pooling", ["max", "average", "l2"])
def test_the_gradient_is_finite_where_relu_left_nothing(pooling: str, dtype: torch.dtype) -> None:
    x = torch.tensor([[[[-1.0, -2, -3, 1], [-1, -1, 0, 0]]]], dtype=dtype, requires_grad=True)
    (gradient,) = torch.autograd.grad(vgg_pool(torch.relu(x), pooling).sum(), x)
    assert gradient.isfinite().all()
    assert (gradient[..., :2] == 0).all()
    assert gradient[0, 0, 0, 3] > 0


def test_the_gradient_of_l2_pooling_is_torchs_own() -> None:
    x = torch.rand(1, 3, 6, 8, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(1, 3, 3, 4, dtype=torch.float64)
    (ours,) = torch.autograd.grad((vgg_pool(x, "l2") * weights).sum(), x)
    pooled = L2_GAIN * torch.nn.functional.lp_pool2d(x, 2.0, 2)
    (theirs,) = torch.autograd.grad((pooled * weights).sum(), x)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


def test_replicate_padding_equals_torchvisions_with_its_convolutions_padded_so(
    vgg: VGG19, reference: nn.Sequential
) -> None:
    padded = copy.deepcopy(reference)
    for module in padded:
        if isinstance(module, nn.Conv2d):
            module.padding_mode = "replicate"
            module._reversed_padding_repeated_twice = [1, 1, 1, 1]
    x = picture()
    with torch.no_grad():
        ours = vgg.features(x, ["relu3_1"], padding="replicate")["relu3_1"]
        theirs = outputs(padded, vgg.weights.preprocess(x))["relu3_1"]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-2)


def test_a_flat_picture_has_no_edge_with_replicate_padding(vgg: VGG19) -> None:
    flat = torch.full((1, 3, 32, 32), 0.6)
    with torch.no_grad():
        feature = vgg.features(flat, ["relu3_1"], padding="replicate")["relu3_1"]
        framed = vgg.features(flat, ["relu3_1"])["relu3_1"]
    assert feature.std(dim=(2, 3)).max() < 1e-3 * feature.max()
    assert framed.std(dim=(2, 3)).max() > 1e-2 * framed.max()


def test_layers_asked_for_are_unchanged_by_relus_in_place(vgg: VGG19) -> None:
    x = picture()
    with torch.no_grad():
        alone = vgg.features(x, ["conv2_1"])["conv2_1"]
        together = vgg.features(x, ["conv2_1", "relu2_1"])
    assert alone.min() < 0
    torch.testing.assert_close(together["conv2_1"], alone)
    torch.testing.assert_close(together["relu2_1"], alone.clamp(min=0))


def test_it_stops_at_the_deepest_layer_asked_for(
    vgg: VGG19, monkeypatch: pytest.MonkeyPatch
) -> None:
    convolved = []
    original = Kernel.convolve

    def counted(*args: Any, **kwargs: Any) -> Tensor:
        convolved.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(Kernel, "convolve", counted)
    vgg.features(picture(), ["relu1_1", "relu3_1"])
    assert len(convolved) == 5


def test_bfloat16_features_are_near_those_of_float32(vgg: VGG19) -> None:
    half = load_vgg19("caffe", "cpu", "bfloat16")
    x = picture()
    with torch.no_grad():
        exact = vgg.features(x, ["relu3_1"])["relu3_1"]
        rounded = half.features(x, ["relu3_1"])["relu3_1"]
    assert rounded.dtype == torch.bfloat16
    error = (rounded.float() - exact).norm() / exact.norm()
    assert error < 0.02


def test_features_are_differentiable_in_the_picture(vgg: VGG19) -> None:
    x = picture().requires_grad_()
    vgg.features(x, ["relu2_1"])["relu2_1"].square().mean().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
