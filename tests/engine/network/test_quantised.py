"""Convolutions in integers of 8 bits, beside the same ones in float64."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import DeviceError
from engine.memory.prediction import Predictor
from engine.memory.segments import Layout
from engine.network import quantised
from engine.network.convolution import ALL_EDGES, Convolution, Edges, Kernel
from engine.network.quantised import can_quantise, dtype_of_features
from engine.network.vgg import VGG19, load_vgg19
from engine.objective import style_transfer_objective
from engine.settings import resolve

CPU = torch.device("cpu")

pytestmark = pytest.mark.skipif(not can_quantise("cpu"), reason="torch has no oneDNN here")

EXPECTED_ERRORS = {"forward": 0.008, "gradient": 0.025}
"""Of 8 bits: the inputs are even up to their largest, the gradients normal, so of 127 steps their
standard deviation is some 30."""


def kernels(
    outputs: int = 64, inputs: int = 64, dtype: torch.dtype = torch.float32
) -> list[Kernel]:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(outputs, inputs, 3, 3, generator=generator) / (9 * inputs) ** 0.5
    bias = torch.randn(outputs, generator=generator)
    return [
        Kernel(weight, bias, CPU, dtype, quantised=True),
        Kernel(weight, bias, CPU, torch.float64),
    ]


def inputs_of(kernel: Kernel, height: int, width: int, pictures: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(pictures, kernel.weight.shape[1], height, width, generator=generator)
    return x.to(kernel.bias.dtype, memory_format=torch.channels_last)


def relative_error(found: Tensor, exact: Tensor) -> float:
    return float((found.detach().double() - exact.detach()).norm() / exact.detach().norm())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("height", "width", "pictures"), [(24, 40, 1), (7, 5, 2), (130, 300, 1), (3, 3, 1)]
)
@pytest.mark.parametrize(
    ("padding", "edges"),
    [
        ("zeros", ALL_EDGES),
        ("replicate", ALL_EDGES),
        ("circular", ALL_EDGES),
        ("zeros", (1, 0, 0, 1)),
        ("replicate", (0, 1, 1, 0)),
        ("replicate", (0, 0, 0, 0)),
    ],
)
def test_both_directions_are_those_of_the_exact_convolution(
    dtype: torch.dtype, height: int, width: int, pictures: int, padding: str, edges: Edges
) -> None:
    results = []
    for kernel in kernels(96, 32, dtype):
        x = inputs_of(kernel, height, width, pictures).requires_grad_()
        y = Convolution.apply(x, kernel, padding, edges, False)
        generator = torch.Generator().manual_seed(2)
        y.backward(torch.randn(y.shape, generator=generator).to(y.dtype))
        assert x.grad is not None
        results.append((y.detach(), x.grad))
    (y, gradient), (exact, exact_gradient) = results
    assert (y.dtype, gradient.dtype) == (dtype, dtype)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert relative_error(y, exact) < EXPECTED_ERRORS["forward"]
    assert relative_error(gradient, exact_gradient) < EXPECTED_ERRORS["gradient"]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_numbers_are_rounded_to_the_nearest_step(dtype: torch.dtype, signed: bool) -> None:
    x = torch.rand(1, 64, 32, 32, generator=torch.Generator().manual_seed(1)) - 0.5 * signed
    x = (0.777 * x).to(dtype)
    steps, step = quantised._quantised(x, ALL_EDGES, "replicate", signed=signed)
    assert steps.dtype == torch.uint8
    found = step * (steps[..., 1:-1, 1:-1].double() - (128 if signed else 1))
    error = found - x.double()
    assert float(error.abs().max()) <= 0.5001 * step
    assert float(error.mean().abs()) < 0.01 * step
    assert step == pytest.approx(float(x.abs().max()) / (127 if signed else 254))


def test_a_kernel_serves_pictures_of_every_size_and_brightness() -> None:
    kernel, exact = kernels()
    for side, factor in ((16, 1.0), (128, 500.0), (9, 1e-6), (16, 1.0)):
        x = factor * inputs_of(kernel, side, side + 3)
        for found, wanted in (
            (
                kernel.convolve(x, "replicate", ALL_EDGES, rectified=True),
                exact.convolve(x.double(), "replicate", ALL_EDGES, rectified=True),
            ),
            (kernel.gradient(x - factor / 2, 2), exact.gradient(x.double() - factor / 2, 2)),
        ):
            assert relative_error(found, wanted) < EXPECTED_ERRORS["gradient"]


def test_parts_and_threads_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel, _ = kernels()
    x = inputs_of(kernel, 50, 70)
    whole = kernel.convolve(x, "replicate", ALL_EDGES, rectified=True)
    monkeypatch.setattr(quantised, "PART", 3 * 70 * 64)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.equal(kernel.convolve(x, "replicate", ALL_EDGES, rectified=True), whole)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_not_hidden_by_rounding(bad: float) -> None:
    kernel, _ = kernels()
    x = inputs_of(kernel, 8, 8)
    x[0, 5, 3, 3] = bad
    for y in (kernel.convolve(x, "zeros", ALL_EDGES, rectified=True), kernel.gradient(x, 2)):
        assert not y.isfinite().any()


def test_nothing_but_zeros_gives_the_bias_and_no_gradient() -> None:
    kernel, _ = kernels()
    x = torch.zeros_like(inputs_of(kernel, 8, 8))
    y = kernel.convolve(x, "replicate", ALL_EDGES, rectified=False)
    torch.testing.assert_close(y, kernel.bias[None, :, None, None].expand_as(y))
    assert not kernel.gradient(x, 2).any()


def test_without_data_shapes_and_types_are_the_same() -> None:
    kernel, _ = kernels(32, 64, torch.bfloat16)
    meta = Kernel(
        torch.empty(32, 64, 3, 3),
        torch.empty(32),
        torch.device("meta"),
        torch.bfloat16,
        quantised=True,
    )
    for padding, edges in (("zeros", ALL_EDGES), ("replicate", (1, 0, 0, 1))):
        x = inputs_of(kernel, 12, 20)
        found = kernel.convolve(x, padding, edges, rectified=True)
        without = meta.convolve(x.to("meta"), padding, edges, rectified=True)
        assert (without.shape, without.dtype) == (found.shape, found.dtype)
        g = kernel.gradient(found, 2)
        assert meta.gradient(without, 2).shape == g.shape
    assert meta.nbytes() == kernel.nbytes() == 2 * 9 * 32 * 64 + 12 * (32 + 64)


def test_the_colours_of_a_picture_are_not_quantised() -> None:
    weight = torch.randn(64, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    kernel = Kernel(weight, torch.zeros(64), CPU, torch.float32, quantised=True)
    assert kernel.quantised is None


def test_features_and_the_gradient_of_a_picture_are_close_to_exact_ones() -> None:
    picture = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(3))
    found = []
    for precision in ("int8", "float32"):
        vgg = load_vgg19("caffe", "cpu", precision)
        x = picture.clone().requires_grad_()
        features = vgg.features(x, ["relu1_1", "relu3_1", "relu5_1"], padding="replicate")
        sum(f.double().square().sum() for f in features.values()).backward()  # type: ignore[union-attr]
        assert x.grad is not None
        found.append((features, x.grad))
    (features, gradient), (exact, exact_gradient) = found
    for name, most in (("relu1_1", 0.01), ("relu3_1", 0.03), ("relu5_1", 0.08)):
        assert relative_error(features[name], exact[name].double()) < most, name
    assert relative_error(gradient, exact_gradient.double()) < 0.15


def test_the_same_network_without_rounding_is_at_hand() -> None:
    vgg = load_vgg19("caffe", "cpu", "int8")
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    called = []
    vgg.on_layer = lambda: called.append(True)
    exact = vgg.exact.features(picture, ["relu3_1"])["relu3_1"]
    assert called
    named = load_vgg19("caffe", "cpu", str(dtype_of_features()).removeprefix("torch."))
    assert torch.equal(exact, named.features(picture, ["relu3_1"])["relu3_1"])
    assert not torch.equal(exact, vgg.features(picture, ["relu3_1"])["relu3_1"])
    assert named.exact is named
    assert vgg.exact is vgg.exact


@pytest.mark.parametrize("layout", [None, Layout()])
def test_the_plain_end_has_features_and_targets_without_rounding(layout: Layout | None) -> None:
    vgg = load_vgg19("caffe", "cpu", "int8")
    generator = torch.Generator().manual_seed(4)
    content, style, picture = (torch.rand(1, 3, 48, 64, generator=generator) for _ in range(3))
    settings = resolve({"preset": "fine"})

    def terms(network: VGG19, *, plain: bool) -> Tensor:
        found = style_transfer_objective(network, content, [style], settings, layout=layout)
        found = found.plain() if plain else found
        assert found.tiled is (layout is not None)
        return found(picture.clone().requires_grad_()).detach()

    assert torch.equal(terms(vgg, plain=True), terms(vgg.exact, plain=True))
    assert not torch.equal(terms(vgg, plain=False), terms(vgg.exact, plain=False))


@pytest.mark.parametrize(
    ("asked", "both"),
    [
        pytest.param({}, False, id="standard"),
        pytest.param({"preset": "fine"}, True, id="fine"),
        pytest.param({"seconds": 600}, True, id="long_by_the_time"),
        pytest.param({"preset": "fine", "settle": 0.5}, False, id="no_known_end"),
        pytest.param({"preset": "fine", "style_evenness": 0.0}, False, id="plain_anyway"),
    ],
)
def test_a_plan_counts_both_networks_where_the_end_may_be_plain(
    asked: dict[str, Any], both: bool
) -> None:
    vgg = load_vgg19("caffe", "cpu", "int8")
    settings, size = resolve(asked), (256, 192)
    layers = settings.style_layers.keys() | settings.content_layers.keys()
    planned, exact = Predictor(vgg, settings), Predictor(vgg.exact, settings)
    further = planned.fixed - exact.fixed
    assert further == vgg.kernel_bytes(layers) - (0 if both else vgg.exact.kernel_bytes(layers))
    if both:
        evaluation = exact.predict(size, 0, 0, None).peak - exact.fixed
        assert planned.predict(size, 0, 0, None).peak - planned.fixed >= evaluation


def test_a_device_without_them_is_said_in_words() -> None:
    with pytest.raises(DeviceError, match=r"int8` is not for mps.*Use `precision: auto`"):
        load_vgg19("caffe", "mps", "int8")
