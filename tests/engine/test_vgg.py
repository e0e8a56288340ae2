"""The extractor against torchvision's network carrying the same weights."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg19 as torchvision_vgg19

from engine.settings import LAYERS
from engine.vgg import VGG19, _Replicate, load_vgg19


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


def test_average_pooling_equals_torchvisions_with_its_pools_replaced(
    vgg: VGG19, reference: nn.Sequential
) -> None:
    averaging = nn.Sequential(
        *(nn.AvgPool2d(2) if isinstance(module, nn.MaxPool2d) else module for module in reference)
    )
    x = picture()
    with torch.no_grad():
        ours = vgg.features(x, ["pool1", "relu4_2"], "average")
        theirs = outputs(averaging, vgg.weights.preprocess(x))
    for name, feature in ours.items():
        torch.testing.assert_close(feature, theirs[name], rtol=1e-4, atol=1e-2)


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
    original = torch.nn.functional.conv2d

    def counted(*args: object, **kwargs: object) -> Tensor:
        convolved.append(1)
        return original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "conv2d", counted)
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


@pytest.mark.parametrize("size", [(5, 6), (1, 4), (2, 1)])
def test_the_gradient_through_replicate_padding_is_torchs_own(size: tuple[int, int]) -> None:
    x = torch.rand(1, 3, *size, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(1, 3, size[0] + 2, size[1] + 2, dtype=torch.float64)
    (ours,) = torch.autograd.grad((_Replicate.apply(x) * weights).sum(), x)
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="replicate")
    (theirs,) = torch.autograd.grad((padded * weights).sum(), x)
    torch.testing.assert_close(ours, theirs)
