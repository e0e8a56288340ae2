"""Pictures out of single layers, with the real network, very small."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from engine.errors import SettingsError
from engine.images.picture import Picture, read_picture
from engine.network.vgg import VGG19
from engine.reconstruct import (
    RECIPES,
    Kind,
    Reconstruction,
    check_layers,
    groups_of,
    reconstruct,
)
from engine.settings import resolve
from engine.stylise import Progress
from hotfolder import styles


@pytest.fixture(scope="module")
def cat(photograph: Path) -> Picture:
    return read_picture(photograph).thumbnail(96)


def run(
    kind: Kind, picture: Picture, layers: list[str], vgg: VGG19, **values: object
) -> tuple[list[Progress], list[Reconstruction]]:
    settings = resolve(RECIPES[kind], {"size": 64, "steps": 30} | values)
    steps = list(reconstruct(kind, picture, layers, settings, vgg))
    made = [step for step in steps if isinstance(step, Reconstruction)]
    return [step for step in steps if isinstance(step, Progress)], made


def likeness(picture: Picture, other: Picture) -> float:
    """Correlation of the pixels, -1 to 1."""
    small = other.resized(*picture.size).pixels
    return float(np.corrcoef(picture.pixels.ravel(), small.ravel())[0, 1])


def test_content_is_shown_layer_by_layer_and_style_in_growing_groups() -> None:
    assert groups_of("content", ["conv1_1", "conv4_1"]) == [("conv1_1",), ("conv4_1",)]
    assert groups_of("style", ["conv1_1", "conv4_1"]) == [("conv1_1",), ("conv1_1", "conv4_1")]


def test_the_first_layer_gives_the_picture_back_and_the_last_much_less_of_it(
    cat: Picture, vgg: VGG19
) -> None:
    _, (first, last) = run("content", cat, ["conv1_1", "conv5_1"], vgg)
    assert (first.layers, last.layers) == (("conv1_1",), ("conv5_1",))
    assert likeness(first.result.picture, cat) > 0.97
    assert likeness(last.result.picture, cat) < 0.8
    assert first.result.losses.style == last.result.losses.style == 0


def test_style_keeps_the_colours_but_not_their_places(cat: Picture, vgg: VGG19) -> None:
    _, (made,) = run("style", cat, ["relu1_1"], vgg)
    picture = made.result.picture
    mean = cat.pixels.mean(axis=(0, 1))
    np.testing.assert_allclose(picture.pixels.mean(axis=(0, 1)), mean, atol=0.05)
    assert abs(likeness(picture, cat)) < 0.4
    assert made.result.losses.content == 0


def test_progress_grows_over_the_whole_figure_and_the_deep_pictures_take_most_of_it(
    cat: Picture, vgg: VGG19
) -> None:
    progress, made = run("content", cat, ["conv1_1", "conv3_1"], vgg, steps=3)
    fractions = [each.fraction for each in progress]
    assert len(made) == 2
    assert all(a < b for a, b in itertools.pairwise(fractions))
    assert fractions[2] < 0.2
    assert fractions[-1] == pytest.approx(1)
    assert progress[0].eta_seconds is None
    assert progress[-1].eta_seconds == pytest.approx(0)


def test_same_seed_same_pixels_and_another_seed_others(cat: Picture, vgg: VGG19) -> None:
    pictures = [
        run("style", cat, ["conv1_1"], vgg, steps=3, seed=seed)[1][0].result.picture.pixels
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize("layer", ["conv1_1", "relu5_1"])
def test_every_layers_loss_starts_at_the_same_height(cat: Picture, vgg: VGG19, layer: str) -> None:
    progress, _ = run("content", cat, [layer], vgg, steps=1, tv_weight=0.0)
    assert 0.1 < progress[0].losses.content < 10


def test_a_black_picture_is_no_division_by_zero(vgg: VGG19) -> None:
    black = Picture(np.zeros((64, 64, 3), np.float32))
    progress, _ = run("style", black, ["relu1_1"], vgg, steps=2)
    assert np.isfinite(progress[-1].losses.total)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["conv1_1", "conv9_1"], "layers: 'conv9_1'; expected a layer of VGG19"),
        (["conv1_1", "conv1_1"], "layers: conv1_1 twice; expected each layer once"),
        ([], "layers: none; expected at least one"),
    ],
)
def test_layers_that_make_no_figure_are_refused(layers: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check_layers(layers)


@pytest.mark.parametrize("seed", range(3))
def test_no_seed_ends_in_noise(vgg: VGG19, seed: int) -> None:
    """Clamped, L-BFGS without its guard is thrown by each of these; one ends at 0.26."""
    night = read_picture(Path(styles.__file__).with_name("night.jpg"))
    progress, (made,) = run(
        "style", night, ["conv1_1"], vgg, size=64, steps=100, clamp=True, seed=seed
    )
    first = progress[0].losses.total
    assert max(step.losses.total for step in progress) < 1.5 * first
    assert made.result.losses.total < 0.005 * first
