"""A layer's gradient is torch's own, and takes the operations that its arithmetic has."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.gpu.operations import OperationCounter
from engine.network.convolution import ALL_EDGES, Convolution, Edges, Kernel, pad


def layer(x: Tensor, kernel: Tensor, padding: str, edges: Edges, *, rectified: bool) -> Tensor:
    bias = torch.linspace(-0.2, 0.2, len(kernel), dtype=x.dtype)
    prepared = Kernel(kernel, bias, x.device, x.dtype)
    y: Tensor = Convolution.apply(x, prepared, padding, edges, rectified)
    return y


def torchs(x: Tensor, kernel: Tensor, padding: str, edges: Edges, *, rectified: bool) -> Tensor:
    bias = torch.linspace(-0.2, 0.2, len(kernel), dtype=x.dtype)
    padded = F.pad(x, edges) if padding == "zeros" else F.pad(x, edges, mode=padding)
    y = F.conv2d(padded, kernel, bias)
    return F.relu(y) if rectified else y


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("padding", ["replicate", "zeros"])
@pytest.mark.parametrize("size", [(5, 6), (3, 4), (4, 3)])
@pytest.mark.parametrize(
    "edges", [ALL_EDGES, (1, 0, 0, 0), (0, 1, 0, 1), (0, 0, 1, 1), (0, 0, 0, 0)]
)
def test_the_gradient_through_a_layer_is_torchs_own(
    size: tuple[int, int], edges: Edges, padding: str, rectified: bool
) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 3, *size, dtype=torch.float64, generator=generator).requires_grad_()
    kernel = torch.randn(4, 3, 3, 3, dtype=torch.float64, generator=generator)
    there = torchs(x, kernel, padding, edges, rectified=rectified)
    here = layer(x, kernel, padding, edges, rectified=rectified)
    torch.testing.assert_close(here, there)
    weights = torch.randn(there.shape, dtype=torch.float64, generator=generator)
    (ours,) = torch.autograd.grad((here * weights).sum(), x)
    (theirs,) = torch.autograd.grad((there * weights).sum(), x)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("rectified", [False, True])
@pytest.mark.parametrize("size", [(5, 6), (2, 3), (1, 4), (1, 1)])
def test_the_gradient_through_a_layer_whose_edges_meet_is_torchs_own(
    size: tuple[int, int], rectified: bool
) -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(1, 3, *size, dtype=torch.float64, generator=generator).requires_grad_()
    kernel = torch.randn(4, 3, 3, 3, dtype=torch.float64, generator=generator)
    there = torchs(x, kernel, "circular", ALL_EDGES, rectified=rectified)
    here = layer(x, kernel, "circular", ALL_EDGES, rectified=rectified)
    torch.testing.assert_close(here, there)
    (ours,) = torch.autograd.grad((here * there.detach()).sum(), x)
    (theirs,) = torch.autograd.grad((there * there.detach()).sum(), x)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("size", [(1, 4), (4, 1), (1, 1)])
def test_one_row_that_both_edges_replicate_gets_the_gradient_of_both(size: tuple[int, int]) -> None:
    x = torch.rand(1, 2, *size, dtype=torch.float64, requires_grad=True)
    kernel = torch.rand(3, 2, 3, 3, dtype=torch.float64)
    arguments = (x, kernel, "replicate", ALL_EDGES)
    (ours,) = torch.autograd.grad(layer(*arguments, rectified=True).square().sum(), x)
    (theirs,) = torch.autograd.grad(torchs(*arguments, rectified=True).square().sum(), x)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("edges", [ALL_EDGES, (1, 0, 0, 0), (0, 1, 0, 1), (0, 0, 0, 0)])
@pytest.mark.parametrize("size", [(5, 6), (2, 1), (1, 1)])
@pytest.mark.parametrize(
    ("channels", "dtype"),
    [
        pytest.param(16, torch.bfloat16, id="eight at a time"),
        pytest.param(4, torch.float32, id="four at a time"),
        pytest.param(3, torch.float32, id="one by one"),
    ],
)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_edges_are_replicated_as_torch_does_it(
    layout: torch.memory_format,
    channels: int,
    dtype: torch.dtype,
    size: tuple[int, int],
    edges: Edges,
) -> None:
    x = torch.randn(2, channels, *size).to(dtype, memory_format=layout)
    assert torch.equal(pad(x, edges, "replicate"), F.pad(x, edges, mode="replicate"))


def test_what_is_replicated_keeps_its_layout_so_that_no_convolution_copies_it() -> None:
    x = torch.randn(1, 8, 5, 6).to(torch.bfloat16, memory_format=torch.channels_last)
    padded = pad(x, ALL_EDGES, "replicate")
    assert padded.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("padding", "forward", "backward"), [("replicate", 3, 4), ("zeros", 2, 2)])
def test_a_layer_has_no_more_operations_than_its_arithmetic(
    padding: str, forward: int, backward: int
) -> None:
    x = torch.rand(1, 3, 6, 6, requires_grad=True)
    kernel = Kernel(torch.rand(4, 3, 3, 3), torch.zeros(4), x.device, x.dtype)
    assert kernel.nbytes()  # made, so that no operation of that is counted
    grad = torch.ones(1, 4, 6, 6)
    with OperationCounter() as counter:
        y = Convolution.apply(x, kernel, padding, ALL_EDGES, True)
    assert counter.total == forward
    with OperationCounter() as counter:
        torch.autograd.grad(y, x, grad)
    assert counter.total == backward
