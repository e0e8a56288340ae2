"""Convolutions in fewer multiplications are torch's own but for rounding, in both directions."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.memory.peak_memory import PeakMemoryCounter
from engine.network.convolution import ALL_EDGES, Convolution, Edges, Kernel
from engine.network.vgg import VGG19
from engine.network.winograd import FEWEST_CHANNELS, convolve, gradient, transformed_kernel

ROUNDING = 1e-5
"""Relative, of values in float32; a convolution in one float32 sum after another has 3e-7."""

INPUTS, OUTPUTS = FEWEST_CHANNELS - 4, 4


def difference(here: Tensor, exact: Tensor) -> float:
    return float((here.detach().double() - exact.detach()).norm() / exact.detach().norm())


def prepared(generator: torch.Generator) -> tuple[Tensor, Tensor, Kernel]:
    weight = torch.randn(OUTPUTS, INPUTS, 3, 3, generator=generator)
    bias = torch.randn(OUTPUTS, generator=generator)
    kernel = Kernel(weight, bias, torch.device("cpu"), torch.float32, winograd=True)
    assert kernel.transformed is not None
    return weight.double(), bias.double(), kernel


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("padding", ["replicate", "zeros", "circular"])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (4, 8), (7, 9), (17, 6), (3, 1100)])
def test_values_and_gradient_are_those_of_the_plain_convolution(
    size: tuple[int, int], padding: str, rectified: bool
) -> None:
    generator = torch.Generator().manual_seed(1)
    weight, bias, kernel = prepared(generator)
    x = torch.randn(1, INPUTS, *size, generator=generator)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    exact = x.detach().double().requires_grad_()
    mode = "constant" if padding == "zeros" else padding
    there = F.conv2d(F.pad(exact, ALL_EDGES, mode=mode), weight, bias)
    there = F.relu(there) if rectified else there
    here: Tensor = Convolution.apply(x, kernel, padding, ALL_EDGES, rectified)
    assert here.shape == there.shape
    assert difference(here, there) < ROUNDING
    weights = there.detach() + 0.1
    (ours,) = torch.autograd.grad((here * weights.float()).sum(), x)
    (theirs,) = torch.autograd.grad((there * weights).sum(), exact)
    assert difference(ours, theirs) < ROUNDING


@pytest.mark.parametrize("edges", [(1, 0, 0, 0), (0, 1, 0, 1), (0, 0, 1, 1), (0, 0, 0, 0)])
def test_a_tile_within_a_picture_is_padded_at_the_pictures_edges_alone(edges: Edges) -> None:
    generator = torch.Generator().manual_seed(2)
    weight, bias, kernel = prepared(generator)
    x = torch.randn(1, INPUTS, 6, 9, generator=generator).requires_grad_()
    exact = x.detach().double().requires_grad_()
    there = F.conv2d(F.pad(exact, edges, mode="replicate"), weight, bias)
    here: Tensor = Convolution.apply(x, kernel, "replicate", edges, False)
    assert here.shape == there.shape
    assert difference(here, there) < ROUNDING
    (ours,) = torch.autograd.grad(here.square().sum(), x)
    (theirs,) = torch.autograd.grad(there.square().sum(), exact)
    assert difference(ours, theirs) < ROUNDING


def test_what_lies_beyond_a_whole_tile_reaches_no_value() -> None:
    """Tiles are filled up to 4 x 4 positions; the values there are not part of the picture."""
    weight = torch.ones(2, 3, 3, 3)
    x = torch.ones(1, 3, 5, 7)
    values = convolve(
        x, transformed_kernel(weight), torch.zeros(2), (0, 0, 0, 0), "zeros", rectified=False
    )
    torch.testing.assert_close(values, torch.full((1, 2, 3, 5), 27.0))


def test_the_network_in_float32_is_as_exact_by_it_as_without(vgg: VGG19) -> None:
    picture = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(3))
    layers = ["relu3_1", "relu4_2", "relu5_1"]
    assert vgg.precision == "float32"
    assert vgg.winograd
    exact = VGG19(vgg.weights, "cpu", "float64").features(picture.double(), layers)
    here = vgg.features(picture, layers, padding="zeros")
    for layer in layers:
        assert difference(here[layer], exact[layer]) < 1e-5


def test_kernels_take_the_memory_of_the_forms_that_are_used(vgg: VGG19) -> None:
    """In float32, four bytes: conv3_1 reads 128 channels and has 256, conv2_2 has 128 of each."""
    plain = VGG19(vgg.weights, "meta", winograd=False)
    narrow = 2 * 9 * 4 * (3 * 64 + 64 * 64 + 64 * 128)
    wide = 4 * (128 * 128 + 128 * 256)
    assert plain.kernel_bytes([]) == 0
    assert plain.kernel_bytes(["relu3_1"]) == narrow + 2 * 9 * wide
    network = VGG19(vgg.weights, "meta", winograd=True)
    assert network.kernel_bytes(["relu3_1"]) == narrow + 36 * wide


def test_without_data_it_holds_as_much() -> None:
    """What plans are made of: of the rounds, which work in the same memory, one is run there."""
    weight, bias, _ = prepared(torch.Generator().manual_seed(5))
    kernel = transformed_kernel(weight.float())

    def counted(device: str) -> list[tuple[int, int, int]]:
        x, g = (torch.zeros(1, channels, 40, 1100, device=device) for channels in (INPUTS, OUTPUTS))
        there, shift = kernel.to(device), bias.float().to(device)
        found = []
        for compute in (
            lambda: convolve(x, there, shift, ALL_EDGES, "replicate", True),
            lambda: gradient(g, there, 1),
        ):
            compute()  # the constant matrices are made once
            with PeakMemoryCounter() as counter:
                y = compute()
            found.append((counter.peak, counter.live, y.nbytes))
        return found

    assert counted("meta") == counted("cpu")
