"""Style statistics against scipy, numpy and finite differences, on features of few channels."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from torch import Tensor

from engine.images.picture import Picture, read_picture
from engine.losses.gram import Gram
from engine.losses.histogram import histogram_loss
from engine.losses.moments import FAINT, moments, wasserstein_loss
from engine.losses.statistics import FAINTEST, Statistic
from engine.losses.weighted import statistic_of
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.settings import Settings, resolve
from engine.stylise import Progress, Result, stylise

NAMES = get_args(Settings.model_fields["style_statistic"].annotation)
DIVISORS = ("positions", "elements")


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def features(channels: int, height: int, width: int, seed: int = 1) -> Tensor:
    """Like a layer behind a ReLU: correlated, no value below 0, a good part of them 0."""
    mixed = random(channels, channels, seed=seed) @ random(channels, height * width, seed=seed + 9)
    return mixed.relu().reshape(1, channels, height, width)


def flat(features: Tensor) -> NDArray[np.float64]:
    return features[0].flatten(1).numpy()


def loss(statistic: Statistic, picture: Tensor, *styles: Tensor, shares: list[float]) -> float:
    positions = picture.shape[-1] * picture.shape[-2]
    target = statistic.target([statistic.compute(style) for style in styles], shares, positions)
    return statistic.loss(picture, target).item()


def test_moments_are_numpys() -> None:
    f = features(4, 5, 6)
    mean, covariance = moments(f)
    np.testing.assert_allclose(mean, flat(f).mean(axis=1))
    np.testing.assert_allclose(covariance, np.cov(flat(f), bias=True))


def test_moments_of_bfloat16_features_are_summed_in_float32() -> None:
    f = torch.ones(1, 2, 64, 64, dtype=torch.bfloat16)
    mean, covariance = moments(f)
    assert (mean.dtype, covariance.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(mean, torch.ones(2))


def test_a_whitened_gram_loss_is_its_formula_with_numpys_eigenvectors() -> None:
    picture, style = features(20, 5, 6), features(20, 7, 8, seed=2)
    difference = flat(picture) @ flat(picture).T / 30 - flat(style) @ flat(style).T / 56
    values, vectors = np.linalg.eigh(flat(style) @ flat(style).T / 56)
    reference = values[-2]  # 20 / 16 = 1 after the largest
    pairs = (values[:, None] + values[None]) / 2
    weights = (reference / (pairs + reference / 100)) ** 0.7
    expected = ((vectors.T @ difference @ vectors) ** 2 * weights).mean()
    assert loss(Gram(whitening=0.7), picture, style, shares=[1.0]) == pytest.approx(expected)


def test_a_whitened_gram_loss_asks_more_of_weak_directions() -> None:
    style = features(8, 20, 20)
    values, vectors = torch.linalg.eigh(Gram().compute(style)[0])
    assert values[-1] > 20 * values[0]
    weak, strong = (
        torch.eye(8, dtype=torch.float64) + 0.1 * torch.outer(v, v)
        for v in (vectors[:, 0], vectors[:, -1])
    )

    def ratio(whitening: float) -> float:
        """What the same relative change costs in the weakest and in the strongest direction."""
        moved = [(m @ style[0].flatten(1)).view_as(style) for m in (weak, strong)]
        of_weak, of_strong = (
            loss(Gram(whitening=whitening), each, style, shares=[1.0]) for each in moved
        )
        return of_weak / of_strong

    assert ratio(0) < ratio(0.5) < ratio(1) < 1


@pytest.mark.parametrize("whitening", [0.5, 1.0])
def test_the_gradient_of_a_whitened_gram_loss_equals_finite_differences(whitening: float) -> None:
    statistic = Gram(whitening=whitening)
    target = statistic.target([statistic.compute(features(4, 5, 6, seed=2))], [1.0], 12)
    picture = random(1, 4, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: statistic.loss(f, target), picture)


def test_a_whitened_gram_loss_of_a_layer_that_sees_nothing_is_finite() -> None:
    nothing = torch.zeros(1, 4, 3, 3)
    assert loss(Gram(whitening=0.5), nothing, nothing, shares=[1.0]) == 0.0


def test_covariance_is_its_formula() -> None:
    f, g = features(4, 5, 6), features(4, 7, 3, seed=2)
    S, T = (np.cov(flat(x), bias=True) for x in (f, g))
    m, n = (flat(x).mean(axis=1) for x in (f, g))
    expected = ((S - T) ** 2).mean() + 2 * (n @ n) / 4 * ((m - n) ** 2).mean()
    found = loss(statistic_of("covariance"), f, g, shares=[1.0])
    assert found == pytest.approx(expected, rel=1e-12)


def test_covariance_sees_a_difference_across_the_means_as_the_gram_matrix_does() -> None:
    """The formula's constant: a small step of the mean alone, at right angles to it."""
    g = features(6, 9, 9)
    mean, _ = moments(g)
    step = random(6, seed=5)
    step = 1e-6 * (step - mean * (step @ mean) / (mean @ mean))
    f = g + step[:, None, None]
    by_gram = loss(statistic_of("gram"), f, g, shares=[1.0])
    assert loss(statistic_of("covariance"), f, g, shares=[1.0]) == pytest.approx(by_gram, rel=1e-4)


def wasserstein_by_scipy(f: Tensor, g: Tensor) -> float:
    m, n = (flat(x).mean(axis=1) for x in (f, g))
    S, T = (np.cov(flat(x), bias=True) for x in (f, g))
    faint = (FAINT * np.diag(T).mean() + FAINTEST) * np.eye(len(T))
    S, T = S + faint, T + faint
    root = sqrtm(T)
    bures = np.trace(S) + np.trace(T) - 2 * np.trace(sqrtm(root @ S @ root)).real
    return float((m - n) @ (m - n) + bures)


@pytest.mark.parametrize("positions", [(6, 7), (1, 3)], ids=["full_rank", "rank_2"])
def test_wasserstein_is_its_formula_with_scipys_roots(positions: tuple[int, int]) -> None:
    f, g = features(5, *positions), features(5, 8, 4, seed=2)
    expected = factor(g) * wasserstein_by_scipy(f, g) / 5**2
    found = loss(statistic_of("wasserstein"), f, g, shares=[1.0])
    assert found == pytest.approx(expected, rel=1e-6)


def test_wasserstein_of_commuting_covariances_is_the_distance_of_the_standard_deviations() -> None:
    a, b = torch.tensor([1.0, 2.0, 3.0]).double(), torch.tensor([2.0, 2.5, 0.5]).double()
    zero = torch.zeros(3).double()
    found = wasserstein_loss(zero, torch.diag(a**2), zero, torch.diag(b**2), torch.diag(b))
    assert found.item() == pytest.approx((a - b).square().sum().item())


def factor(g: Tensor) -> float:
    gram = flat(g) @ flat(g).T / flat(g).shape[1]
    return float(2 * np.trace(gram @ gram) / np.trace(gram))


def test_the_factor_is_what_a_gram_matrix_makes_of_a_random_step() -> None:
    C = 6
    g = features(C, 9, 9)
    gram = flat(g) @ flat(g).T / 81
    in_gram = in_features = 0.0
    for seed in range(3000):
        X = random(C, C, seed=seed).numpy()
        in_gram += ((X @ gram + gram @ X.T) ** 2).sum()
        in_features += np.trace(X @ gram @ X.T)
    assert in_gram / in_features == pytest.approx((1 + 1 / C) * factor(g), rel=0.05)


def test_histogram_loss_pairs_values_in_order() -> None:
    f, g = flat(features(3, 4, 5)), flat(features(3, 4, 5, seed=2))
    expected = ((np.sort(f) - np.sort(g)) ** 2).mean()
    found = histogram_loss(torch.from_numpy(f), torch.from_numpy(np.sort(g)))
    assert found.item() == pytest.approx(expected, rel=1e-12)


def test_histogram_is_gram_and_the_channels_histograms() -> None:
    f, g = features(3, 4, 5), features(3, 7, 9, seed=2)
    centres = (np.arange(20) + 0.5) / 20
    at = (np.arange(63) + 0.5) / 63
    wanted = np.stack([np.interp(centres, at, row) for row in np.sort(flat(g))])
    of_histograms = ((np.sort(flat(f)) - wanted) ** 2).mean()
    expected = loss(Gram(), f, g, shares=[1.0]) + factor(g) * of_histograms / 3
    found = loss(statistic_of("histogram"), f, g, shares=[1.0])
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("divisor", DIVISORS)
def test_gradient_equals_finite_differences(name: str, divisor: str) -> None:
    statistic = statistic_of(name, divisor)
    g = statistic.compute(random(1, 3, 4, 6, seed=2))
    target = statistic.target([g], [1.0], positions=20)
    x = random(1, 3, 4, 5).mul(2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: statistic.loss(x, target), x)


def test_wassersteins_gradient_is_finite_where_eigenvalues_are_equal() -> None:
    """At the style itself all of them are pairs, and a picture of few positions has many zeros."""
    statistic = statistic_of("wasserstein")
    white = torch.eye(6).repeat(1, 4).reshape(1, 6, 4, 6)
    target = statistic.target([statistic.compute(white)], [1.0], positions=24)
    for start in (white, torch.zeros(1, 6, 2, 1)):
        x = start.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(statistic.loss(x, target), x)
        assert gradient.isfinite().all()
        assert (gradient.abs().max() < 1e-4) == (start is white)


def test_wasserstein_of_what_is_not_finite_is_not_a_number() -> None:
    statistic = statistic_of("wasserstein")
    target = statistic.target([statistic.compute(features(3, 4, 4))], [1.0], positions=16)
    assert statistic.loss(torch.full((1, 3, 4, 4), torch.inf), target).isnan()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_positions_have_no_order(name: str, seed: int) -> None:
    f, g = features(4, 5, 6, seed=seed), features(4, 6, 6, seed=seed + 20)
    shuffled = f.flatten(2)[..., torch.randperm(30)].reshape(f.shape)
    statistic = statistic_of(name)
    expected = loss(statistic, f, g, shares=[1.0])
    assert loss(statistic, shuffled, g, shares=[1.0]) == pytest.approx(expected, rel=1e-9)
    assert loss(statistic, f, f, shares=[1.0]) < 1e-12 * expected
    assert expected > 0


@pytest.mark.parametrize("name", NAMES)
def test_elements_is_features_over_the_root_of_the_channels(name: str) -> None:
    f, g = features(4, 5, 6), features(4, 6, 6, seed=2)
    found = loss(statistic_of(name, "elements"), f, g, shares=[1.0])
    expected = loss(statistic_of(name), f / 2, g / 2, shares=[1.0])
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_blend_is_the_styles_positions_taken_together(name: str) -> None:
    """Two thirds of one style and a third of the other, each with its own positions."""
    statistic = statistic_of(name)
    f, g, h = features(4, 6, 6), features(4, 4, 6, seed=2), features(4, 4, 3, seed=3)
    crowd = torch.cat([g.flatten(2), h.flatten(2)], dim=2)[..., None]
    expected = loss(statistic, f, crowd, shares=[1.0])
    assert loss(statistic, f, g, h, shares=[2 / 3, 1 / 3]) == pytest.approx(expected, rel=1e-9)
    # As many positions in one style as the other: what counts are the shares.
    repeated = h.repeat(1, 1, 2, 1)
    assert loss(statistic, f, g, repeated, shares=[2 / 3, 1 / 3]) == pytest.approx(
        expected, rel=0.05 if name == "histogram" else 1e-9
    )


def test_a_style_with_hardly_a_share_has_no_quantile() -> None:
    statistic = statistic_of("histogram")
    f, g, h = features(4, 6, 6), features(4, 4, 6, seed=2), features(4, 4, 3, seed=3)
    alone = loss(statistic, f, g, shares=[1.0])
    assert loss(statistic, f, g, h, shares=[1 - 1e-9, 1e-9]) == pytest.approx(alone, rel=1e-6)


@pytest.fixture(scope="module")
def content(photograph: Path) -> Picture:
    return read_picture(photograph).thumbnail(96)


@pytest.fixture(scope="module")
def style(painting: Path) -> Picture:
    return read_picture(painting).thumbnail(96)


@pytest.mark.parametrize("name", NAMES)
def test_stylise_lowers_it(name: str, content: Picture, style: Picture, vgg: VGG19) -> None:
    settings = resolve({"size": 56, "scales": 1, "steps": 15, "style_statistic": name})
    steps = list(stylise(content, [style], settings, vgg))
    first, last = steps[0], steps[-1]
    assert isinstance(first, Progress)
    assert isinstance(last, Result)
    assert last.losses.style < 0.3 * first.losses.style


@pytest.mark.parametrize("name", NAMES)
def test_at_the_start_it_is_of_the_order_of_the_gram_loss(
    name: str, content: Picture, style: Picture, vgg: VGG19
) -> None:
    """So that `style_weight` means much the same for all of them."""

    def first_loss(**values: Any) -> float:
        settings = resolve({"size": 64, "scales": 1, "steps": 1} | values)
        *_, result = stylise(content, [style], settings, vgg)
        assert isinstance(result, Result)
        return result.losses.style

    for start in ("content", "noise"):
        ratio = first_loss(style_statistic=name, init=start) / first_loss(init=start)
        assert 0.5 < ratio < 4


def test_any_layer_of_a_picture_of_any_size_can_be_matched(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    """A histogram has to know the number of positions beforehand."""
    layers = ["conv1_1", "relu1_2", "pool1", "conv2_1", "pool2", "relu3_4", "pool4", "relu5_1"]
    settings = resolve({"style_statistic": "histogram", "style_layers": dict.fromkeys(layers, 1.0)})
    small = content.resized(53, 39).to_tensor()
    objective = style_transfer_objective(vgg, small, [style.to_tensor()], settings)
    assert objective(small)[1].isfinite()
