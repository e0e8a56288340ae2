"""The tiled objective against the untiled one: the same terms, the same gradient, no seams."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import SettingsError
from engine.memory.segments import Layout
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.optimisers.minimise import Objective
from engine.settings import LAYERS, Settings, resolve

POOLS = ("pool1", "pool2", "pool3", "pool4")


def noise(height: int, width: int, seed: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def evaluated(objective: Objective, picture: Tensor, boost: float = 1.0) -> tuple[Tensor, Tensor]:
    picture = picture.detach().requires_grad_()
    terms = objective(picture)
    (gradient,) = torch.autograd.grad((terms * terms.new_tensor([boost, 1, 1])).sum(), picture)
    return terms.detach(), gradient


def assert_same(tiled: Tensor, untiled: Tensor, tolerance: float = 1e-5) -> None:
    difference = (tiled - untiled).norm() / untiled.norm()
    assert difference <= tolerance, f"relative difference {difference:.2g}"


def a_random_case(seed: int) -> tuple[Settings, Layout, Tensor, Tensor, Tensor]:
    """Settings, layout, picture, content and style; nothing about them is round."""
    draw = random.Random(seed)
    layers = LAYERS[: LAYERS.index("relu5_2")]
    cuts = tuple(cut for cut in POOLS if draw.random() < 0.6)
    # As pixels; deep segments have cells of 16 pixels and more.
    sides = tuple(draw.choice([None, 20, 32, 48]) for _ in range(len(cuts) + 1))
    values: dict[str, Any] = {
        "content_layers": {draw.choice(layers): 1.0},
        "style_layers": {name: draw.uniform(0.1, 1) for name in draw.sample(layers, 3)},
        "style_statistic": draw.choice(["gram", "gram", "covariance", "wasserstein"]),
        "style_evenness": draw.choice([0.0, 0.5]),
        "gram": draw.choice(["positions", "elements"]),
        "pooling": draw.choice(["max", "average", "l2"]),
        "padding": draw.choice(["zeros", "replicate"]),
        "tv_weight": draw.choice([0.0, 3.0]),
        "content_weight": draw.choice([0.0, 1.0]),
    }
    height, width = draw.randint(32, 90), draw.randint(32, 70)
    return (
        resolve(values),
        Layout(cuts, sides, offloaded=draw.random() < 0.5),
        noise(height, width, seed),
        noise(height, width, seed + 1),
        noise(draw.randint(32, 80), draw.randint(32, 80), seed + 2),
    )


@pytest.fixture(scope="module")
def direct(vgg: VGG19) -> VGG19:
    """Each position's sum is the same in a tile as in the whole. By Winograd's algorithm it is
    rounded as its place among 4 x 4 positions has it, and a pooling of noise may choose another of
    two equal maxima."""
    return VGG19(vgg.weights, "cpu", "float32", winograd=False)


@pytest.mark.parametrize("seed", range(20))
def test_terms_and_gradient_are_the_untiled_ones(direct: VGG19, seed: int) -> None:
    vgg = direct
    settings, layout, picture, content, style = a_random_case(seed)
    untiled = style_transfer_objective(vgg, content, [style], settings)
    tiled = style_transfer_objective(vgg, content, [style], settings, layout=layout)
    boost = 6.0  # as `content_boost` has it: the terms' factors come with the gradient
    terms, gradient = evaluated(tiled, picture, boost)
    wanted_terms, wanted_gradient = evaluated(untiled, picture, boost)
    torch.testing.assert_close(terms, wanted_terms, rtol=1e-5, atol=0)
    assert_same(gradient, wanted_gradient)


def test_by_winograds_algorithm_they_are_the_same_but_for_rounding(vgg: VGG19) -> None:
    assert vgg.winograd
    settings = resolve({"pooling": "average"})  # no maxima to be chosen
    content, style, picture = (noise(90, 70, seed) for seed in range(3))
    untiled = style_transfer_objective(vgg, content, [style], settings)
    layout = Layout(("pool2", "pool3"), (32, 48, None))
    tiled = style_transfer_objective(vgg, content, [style], settings, layout=layout)
    terms, gradient = evaluated(tiled, picture)
    wanted_terms, wanted_gradient = evaluated(untiled, picture)
    torch.testing.assert_close(terms, wanted_terms, rtol=1e-4, atol=0)
    assert_same(gradient, wanted_gradient, tolerance=3e-4)


@pytest.mark.parametrize("statistic", ["gram", "histogram"])
def test_one_tile_a_segment_is_checkpointing_and_serves_every_statistic(
    vgg: VGG19, statistic: str
) -> None:
    settings = resolve({"style_statistic": statistic})
    content, style, picture = (noise(50, 70, seed) for seed in range(3))
    layout = Layout(POOLS, (None,) * 5)
    checkpointed = style_transfer_objective(vgg, content, [style], settings, layout=layout)
    untiled = style_transfer_objective(vgg, content, [style], settings)
    for ours, wanted in zip(
        evaluated(checkpointed, picture), evaluated(untiled, picture), strict=True
    ):
        torch.testing.assert_close(ours, wanted, rtol=1e-5, atol=1e-5 * wanted.max().item())


def test_histograms_need_whole_layers_and_say_so(vgg: VGG19) -> None:
    settings = resolve({"style_statistic": "histogram"})
    picture = noise(64, 64, 1)
    with pytest.raises(SettingsError, match="cannot be taken in tiles"):
        style_transfer_objective(
            vgg, picture, [picture], settings, layout=Layout(("pool2",), (32, None))
        )


def test_the_tiled_gradient_is_the_same_in_every_run(vgg: VGG19) -> None:
    settings, picture = resolve({}), noise(64, 80, 1)
    layout = Layout(("pool2",), (32, None))
    objective = style_transfer_objective(vgg, picture, [picture], settings, layout=layout)
    picture = picture + 0.1
    assert all(map(torch.equal, evaluated(objective, picture), evaluated(objective, picture)))
