"""What is known of styles: kept, found again, thrown out, and never seen in a pixel."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.images.picture import Picture, read_picture
from engine.losses.targets import LayerStatistics, StyleTargets
from engine.network.vgg import VGG19
from engine.settings import resolve
from engine.stylise import Result, stylise


def statistics(numbers: int) -> LayerStatistics:
    return {"relu1_1": (torch.zeros(numbers),)}


def test_the_same_key_is_described_once() -> None:
    targets = StyleTargets()
    first = targets.get("a", lambda: statistics(10))
    assert targets.get("a", lambda: statistics(99)) is first
    assert (targets.hits, targets.misses, targets.bytes) == (1, 1, 40)


def test_what_was_used_longest_ago_makes_room() -> None:
    targets = StyleTargets(capacity=100)
    for key in ("a", "b", "a", "c"):
        targets.get(key, lambda: statistics(10))
    assert targets.bytes == 80
    hits = targets.hits
    targets.get("a", lambda: statistics(10))
    assert targets.hits == hits + 1
    targets.get("b", lambda: statistics(10))
    assert targets.hits == hits + 1


def test_what_is_larger_than_the_room_is_handed_out_and_not_kept() -> None:
    targets = StyleTargets(capacity=100)
    targets.get("small", lambda: statistics(10))
    assert targets.get("large", lambda: statistics(26))["relu1_1"][0].numel() == 26
    assert targets.bytes == 40
    targets.get("small", lambda: statistics(10))
    assert targets.hits == 1


def test_a_view_counts_as_what_it_holds() -> None:
    targets = StyleTargets()
    targets.get("view", lambda: {"relu1_1": (torch.zeros(100)[:1],)})
    assert targets.bytes == 400


def test_cleared_it_counts_on() -> None:
    targets = StyleTargets()
    targets.get("a", lambda: statistics(10))
    targets.clear()
    targets.get("a", lambda: statistics(10))
    assert (targets.hits, targets.misses, targets.bytes) == (0, 2, 40)


def test_a_digest_tells_pixels_alpha_and_shapes_apart_and_nothing_else() -> None:
    pixels = np.linspace(0, 1, 60, dtype=np.float32).reshape(4, 5, 3)
    picture = Picture(pixels)
    turned = Picture(pixels.transpose(1, 0, 2).copy().transpose(1, 0, 2))
    assert turned.digest == picture.digest
    assert Picture(pixels, pixels[..., 0]).digest != picture.digest
    changed = pixels.copy()
    changed[3, 4, 2] = 0.5
    assert Picture(changed).digest != picture.digest
    assert Picture(pixels.reshape(5, 4, 3)).digest != picture.digest


@pytest.fixture(scope="module")
def content(photograph: Path) -> Picture:
    return read_picture(photograph).thumbnail(96)


@pytest.fixture(scope="module")
def styles(painting: Path, content: Picture) -> list[Picture]:
    return [read_picture(painting).thumbnail(96), Picture(content.pixels[::-1])]


def paint(
    content: Picture, styles: list[Picture], vgg: VGG19, targets: StyleTargets | None, **values: Any
) -> np.ndarray[Any, Any]:
    settings = resolve({"size": 56, "scales": 1, "steps": 3} | values)
    *_, result = stylise(content, styles, settings, vgg, targets=targets)
    assert isinstance(result, Result)
    return result.picture.pixels


@pytest.mark.parametrize("name", ["gram", "covariance", "wasserstein", "histogram"])
def test_what_is_remembered_changes_no_pixel(
    name: str, content: Picture, styles: list[Picture], vgg: VGG19
) -> None:
    targets = StyleTargets()
    values = {"style_statistic": name, "style_blend": [2.0, 1.0]}
    alone = paint(content, styles, vgg, None, **values)
    first = paint(content, styles, vgg, targets, **values)
    assert (targets.hits, targets.misses) == (0, 2)
    again = paint(content, styles, vgg, targets, **values)
    assert (targets.hits, targets.misses) == (2, 2)
    np.testing.assert_array_equal(first, alone)
    np.testing.assert_array_equal(again, alone)


def test_only_what_a_description_depends_on_makes_a_style_unknown(
    content: Picture, styles: list[Picture], vgg: VGG19
) -> None:
    targets = StyleTargets()

    def is_known(styles: list[Picture], content: Picture = content, **values: Any) -> bool:
        hits = targets.hits
        paint(content, styles, vgg, targets, **({"steps": 1} | values))
        return targets.hits > hits

    assert not is_known(styles[:1])
    assert is_known(styles[:1], steps=2, seed=3, content_weight=2.0, style_evenness=0.0)
    assert is_known(styles[:1], content=Picture(1 - content.pixels))
    assert is_known(styles, style_blend=[1.0, 3.0])
    assert not is_known(styles[:1], size=64)
    assert not is_known(styles[:1], style_scale=0.9)
    assert not is_known(styles[:1], pooling="average")
    assert not is_known(styles[:1], padding="zeros")
    assert not is_known(styles[:1], gram="elements")
    assert not is_known(styles[:1], style_statistic="covariance")
    assert not is_known(styles[:1], style_layers={"relu1_1": 1.0})
    assert not is_known([Picture(styles[0].pixels * np.float32(0.99))])


def test_another_network_knows_nothing(content: Picture, styles: list[Picture], vgg: VGG19) -> None:
    targets = StyleTargets()
    paint(content, styles[:1], vgg, targets, steps=1)
    exact = VGG19(vgg.weights, "cpu", "bfloat16")
    paint(content, styles[:1], exact, targets, steps=1)
    assert (targets.hits, targets.misses) == (0, 2)


def test_a_small_style_is_looked_at_once_for_all_scales_that_are_larger(
    content: Picture, styles: list[Picture], vgg: VGG19
) -> None:
    targets = StyleTargets()
    small = styles[0].thumbnail(48)
    values = {"size": 90, "scales": 2, "scale_factor": 1.2, "coarse_steps": 1, "steps": 1}
    paint(content, [small], vgg, targets, **values)
    assert (targets.hits, targets.misses) == (1, 1)
