"""Guides: regions of one picture are painted as pictures by themselves would be."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.images.picture import Picture
from engine.losses.functional import gram_matrix
from engine.losses.gram import Gram
from engine.losses.guides import RegionGuide
from engine.losses.moments import moments
from engine.losses.weighted import statistic_of
from engine.memory.segmented_network import SegmentedNetwork
from engine.memory.segments import Layout, split_into_segments
from engine.network.vgg import VGG19
from engine.objective import StyleTransferObjective, style_transfer_objective
from engine.optimisers.minimise import Objective
from engine.regions.areas import PlacedRegion, Region
from engine.regions.cover import Cover
from engine.settings import resolve

SIZE = (96, 64)
STATISTICS = ["gram", "covariance", "wasserstein"]
LAYERS = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 1.0}
TILES = Layout(("pool1", "pool2"), (20, 32, None), offloaded=True)


def noise(seed: int, height: int = SIZE[1], width: int = SIZE[0]) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def halves(edge: float = 0.0) -> list[Tensor]:
    """The left and the right, with a soft edge so many pixels wide between them."""
    x = torch.arange(SIZE[0]) + 0.5 - SIZE[0] / 2
    right = ((x / edge + 0.5).clamp(0, 1) if edge else (x > 0).float()).expand(1, 1, SIZE[1], -1)
    return [1 - right, right]


def placed(cover: Tensor, style: int) -> PlacedRegion:
    region = Region(f"region {style}", None, {style: None})
    return PlacedRegion(region, RegionGuide(cover), float(cover.mean()))


def objective_of(
    vgg: VGG19, regions: list[PlacedRegion] | None, layout: Layout | None = None, **values: Any
) -> StyleTransferObjective:
    settings = resolve({"content_layers": {"relu3_1": 1.0}, "style_layers": LAYERS} | values)
    styles = [noise(3), noise(4).square()]
    return style_transfer_objective(vgg, noise(2), styles, settings, layout=layout, regions=regions)


def terms_and_gradient(objective: Objective, picture: Tensor) -> tuple[Tensor, Tensor]:
    picture = picture.clone().requires_grad_()
    terms = objective(picture)
    (gradient,) = torch.autograd.grad((terms * terms.new_tensor([6.0, 1, 1])).sum(), picture)
    return terms.detach(), gradient


@pytest.mark.parametrize("layout", [None, TILES], ids=["whole", "tiles"])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_style_terms_of_two_regions_are_those_of_two_runs(
    vgg: VGG19, statistic: str, layout: Layout | None
) -> None:
    covers = halves(edge=12.0)
    both = [placed(cover, number) for number, cover in enumerate(covers)]
    together, gradient = terms_and_gradient(
        objective_of(vgg, both, layout, style_statistic=statistic), noise(1)
    )
    alone = [
        terms_and_gradient(
            objective_of(vgg, [region], layout, style_statistic=statistic, content_weight=0.0),
            noise(1),
        )
        for region in both
    ]
    content, of_content = terms_and_gradient(
        objective_of(vgg, both, layout, style_statistic=statistic, style_weight=0.0), noise(1)
    )
    style = sum(terms[1] for terms, _ in alone)
    torch.testing.assert_close(together[1], style, rtol=1e-5, atol=0)
    torch.testing.assert_close(together[0], content[0], rtol=1e-5, atol=0)
    apart = sum((each for _, each in alone), of_content)
    assert (gradient - apart).norm() < 1e-4 * gradient.norm()


@pytest.mark.parametrize("layout", [None, TILES], ids=["whole", "tiles"])
@pytest.mark.parametrize("regions", [False, True], ids=["everywhere", "regions"])
def test_the_plain_objective_is_that_without_evenness(
    vgg: VGG19, layout: Layout | None, regions: bool
) -> None:
    both = [placed(cover, n) for n, cover in enumerate(halves(edge=12.0))] if regions else None
    evened = objective_of(vgg, both, layout, style_evenness=0.5, grain=1.0)
    wanted = objective_of(vgg, both, layout, style_evenness=0.0, grain=1.0)
    assert evened.tiled is evened.plain().tiled is (layout is not None)  # with grain, too
    terms, gradient = terms_and_gradient(evened.plain(), noise(1))
    terms_wanted, gradient_wanted = terms_and_gradient(wanted, noise(1))
    torch.testing.assert_close(terms, terms_wanted)
    torch.testing.assert_close(gradient, gradient_wanted)
    assert abs(evened(noise(1).requires_grad_())[1] / terms[1] - 1) > 0.01


def test_a_region_by_itself_is_a_picture_by_itself(vgg: VGG19) -> None:
    """The style term of the left half is its share times that of a picture of the left half."""
    wide, style = noise(1, 64, 256), noise(3).pow(4)  # darker, so that the terms are large
    left = torch.zeros(1, 1, 64, 256)
    left[..., :128] = 1
    settings = resolve({"style_layers": {"relu1_1": 1.0}, "style_evenness": 0, "content_weight": 0})
    region = style_transfer_objective(vgg, wide, [style], settings, regions=[placed(left, 0)])
    half = style_transfer_objective(vgg, wide[..., :128], [style], settings)
    # What relu1_1 sees across the edge is one pixel of 128.
    torch.testing.assert_close(region(wide)[1] / 0.5, half(wide[..., :128])[1], rtol=0.02, atol=0)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_in_tiles_the_guided_terms_are_those_of_the_whole(vgg: VGG19, statistic: str) -> None:
    regions = [placed(cover, number) for number, cover in enumerate(halves(edge=20.0))]
    there = terms_and_gradient(objective_of(vgg, regions, style_statistic=statistic), noise(1))
    here = terms_and_gradient(
        objective_of(vgg, regions, TILES, style_statistic=statistic), noise(1)
    )
    torch.testing.assert_close(here[0], there[0], rtol=1e-5, atol=0)
    assert (here[1] - there[1]).norm() < 1e-5 * there[1].norm()


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_gradient_is_the_slope_of_the_guided_terms(vgg: VGG19, statistic: str) -> None:
    regions = [placed(cover, number) for number, cover in enumerate(halves(edge=20.0))]
    objective = objective_of(vgg, regions, style_statistic=statistic)
    picture = noise(1)
    _, gradient = terms_and_gradient(objective, picture)
    direction = gradient / gradient.norm()
    sums = [
        float((objective(picture + step * direction) * torch.tensor([6.0, 1, 1])).sum())
        for step in (-0.02, 0.02)
    ]
    assert (sums[1] - sums[0]) / 0.04 == pytest.approx(float(gradient.norm()), rel=0.02)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_region_of_everything_has_the_plain_terms(vgg: VGG19, statistic: str) -> None:
    everything = placed(torch.ones(1, 1, SIZE[1], SIZE[0]), 0)
    both = Region("all", None, {0: None, 1: None})
    regions = [PlacedRegion(both, everything.guide, 1.0)]
    plain = terms_and_gradient(objective_of(vgg, None, style_statistic=statistic), noise(1))
    guided = terms_and_gradient(objective_of(vgg, regions, style_statistic=statistic), noise(1))
    torch.testing.assert_close(guided[0], plain[0], rtol=1e-4, atol=0)
    assert (guided[1] - plain[1]).norm() < 1e-3 * plain[1].norm()


def test_nothing_of_a_style_reaches_far_into_another_region(vgg: VGG19) -> None:
    """The left region's loss pulls at the right one near the edge alone, and there less with each
    pixel."""
    cover = torch.zeros(1, 1, 64, 320)
    cover[..., :160] = 1
    layers = dict.fromkeys(("relu1_1", "relu2_1", "relu3_1", "relu4_1"), 1.0)
    settings = resolve({"style_layers": layers, "content_weight": 0})
    objective = style_transfer_objective(
        vgg, noise(2, 64, 320), [noise(3)], settings, regions=[placed(cover, 0)]
    )
    picture = noise(1, 64, 320).requires_grad_()
    (gradient,) = torch.autograd.grad(objective(picture).sum(), picture)
    pull = gradient.square().sum(dim=(0, 1, 2))
    inside = pull[:160].sum()
    assert pull[160:].sum() < 0.02 * inside
    assert pull[184:].sum() < 1e-4 * inside
    assert pull[240:].max() == 0  # relu4_1 sees no further


def test_a_position_counts_by_what_it_sees_of_the_region() -> None:
    cover = torch.zeros(1, 1, 32, 128)
    cover[..., :64] = 1
    guide = RegionGuide(cover)
    row = guide.at("relu1_1")[16]
    # A mean of 3: two thirds and one third of it at the edge, which count by their squares.
    assert row[60:68].tolist() == pytest.approx([1, 1, 1, 4 / 9, 1 / 9, 0, 0, 0], abs=1e-6)
    deep = guide.at("relu4_1")[2]
    assert len(deep) == 16
    assert deep[0] == pytest.approx(1, abs=0.01)
    assert 0.4 < deep[6] < 1
    assert deep[7] > 3 * deep[8] > 0
    assert deep[-1] == 0


def test_weighed_statistics_are_those_of_positions_as_often_as_they_weigh() -> None:
    features = torch.randn(1, 6, 1, 20, generator=torch.Generator().manual_seed(1)).double()
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0] * 5).double()
    often = features.repeat_interleave(weights.long(), dim=3)
    (gram,) = Gram().compute(features, weights)
    torch.testing.assert_close(gram, gram_matrix(often))
    for found, wanted in zip(moments(features, weights=weights), moments(often), strict=True):
        torch.testing.assert_close(found, wanted)


def test_a_style_counts_only_where_its_label_is(vgg: VGG19) -> None:
    """A style of two textures: with a cover of one half, its Gram matrix is nearly that half's."""
    pixels = torch.cat([noise(4, 96, 96), noise(5, 96, 96) * 0.3], dim=3)
    style = Picture(pixels[0].permute(1, 2, 0).numpy())
    cover = np.zeros((96, 192), np.float32)
    cover[:, :96] = 1
    network = SegmentedNetwork(
        vgg, split_into_segments(LAYERS, Layout()), list(LAYERS), "max", "replicate"
    )
    guide = RegionGuide(Cover(cover).at(style.size))
    found = network.statistics(pixels, statistic_of("gram"), guide)
    left = network.statistics(pixels[..., :96], statistic_of("gram"))
    whole = network.statistics(pixels, statistic_of("gram"))
    for name in LAYERS:
        assert (found[name][0] - left[name][0]).norm() < 0.1 * left[name][0].norm()
        assert (whole[name][0] - left[name][0]).norm() > 0.2 * left[name][0].norm()
