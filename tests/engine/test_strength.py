"""Strength: what it sets, and what it does to a picture."""

import itertools
from functools import cache
from typing import Any

import numpy as np
import torch

from engine.images.picture import Picture
from engine.losses.functional import content_loss, gram_matrix, style_loss
from engine.network.vgg import VGG19
from engine.scheduling.stages import scales_of
from engine.settings import resolve
from engine.strength import STANDARD, StrengthPreset, strength_preset
from engine.stylise import Result, stylise

SMALL = {"size": 64, "scales": 1, "steps": 25}


@cache
def painted(content: Picture, style: Picture, vgg: VGG19, **values: Any) -> Picture:
    *_, result = stylise(content, [style], resolve(SMALL | values), vgg, preview_seconds=None)
    assert isinstance(result, Result)
    return result.picture


def test_unset_and_standard_change_nothing() -> None:
    assert (
        strength_preset(None)
        == strength_preset(STANDARD)
        == StrengthPreset(style=1.0, colours=1.0, structure_freedom=0.0)
    )


def test_at_0_there_is_no_style() -> None:
    assert strength_preset(0) == StrengthPreset(style=0.0, colours=0.0, structure_freedom=0.0)


def test_nothing_goes_back_when_the_strength_goes_up() -> None:
    presets = [strength_preset(tenths / 10) for tenths in range(1001)]
    for weaker, stronger in itertools.pairwise(presets):
        assert weaker.style < stronger.style
        assert weaker.colours <= stronger.colours
        assert weaker.structure_freedom <= stronger.structure_freedom


def test_the_strength_has_no_jumps() -> None:
    presets = [strength_preset(tenths / 10) for tenths in range(10, 1001)]
    for here, further in itertools.pairwise(presets):
        assert further.style < 1.2 * here.style
        assert further.colours - here.colours < 0.01
        assert further.structure_freedom - here.structure_freedom < 0.01


def test_the_standard_strength_paints_what_is_painted_without_one(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    unset = painted(content, style, vgg, steps=4)
    standard = painted(content, style, vgg, steps=4, strength=STANDARD)
    np.testing.assert_array_equal(unset.pixels, standard.pixels)


def test_0_returns_the_content(content: Picture, style: Picture, vgg: VGG19) -> None:
    untouched = content.resized(64, 64 * content.height // content.width)
    result = painted(content, style, vgg, strength=0.0)
    assert np.abs(result.pixels - untouched.pixels).mean() < 0.01


def test_a_stronger_picture_is_nearer_to_the_style_and_further_from_the_content(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]

    def seen(picture: Picture) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            return vgg.features(picture.to_tensor(), [*layers, "relu4_2"], padding="replicate")

    pictures = [painted(content, style, vgg, strength=s) for s in (0.0, 15.0, 30.0, 45.0)]
    size = pictures[0].size
    shown, wanted = seen(content.resized(*size)), seen(style.resized(*size))
    of_content = [content_loss(seen(p)["relu4_2"], shown["relu4_2"]).item() for p in pictures]
    of_style = [
        sum(
            style_loss(gram_matrix(seen(p)[name]), gram_matrix(wanted[name])).item()
            for name in layers
        )
        for p in pictures
    ]
    assert of_content == sorted(of_content)
    assert of_style == sorted(of_style, reverse=True)


def test_beyond_the_standard_it_begins_smaller_for_the_longer_the_stronger_it_is() -> None:
    def scales(strength: float | None, **values: Any) -> list[tuple[int, int]]:
        settings = resolve({"size": 512, "strength": strength} | values)
        return [(max(size), steps) for size, steps in scales_of((400, 300), settings)]

    as_ever = [(256, 120), (512, 60)]
    assert scales(None) == scales(40) == scales(75) == as_ever
    assert scales(76) == [(128, 5), *as_ever]
    assert scales(90) == [(128, 72), *as_ever]
    assert scales(100) == [(128, 120), *as_ever]
    assert scales(100, scales=1) == [(512, 60)]


def test_it_never_begins_smaller_than_the_network_needs() -> None:
    settings = resolve({"size": 256, "strength": 100})
    assert [size for size, _ in scales_of((1000, 240), settings)] == [(256, 61)]


def test_beyond_the_standard_the_contents_shapes_give_way(
    content: Picture, style: Picture, vgg: VGG19
) -> None:
    values = {"size": 96, "scales": 0, "coarse_steps": 40, "steps": 16}
    standard, loose = (painted(content, style, vgg, strength=s, **values) for s in (75.0, 100.0))

    def lost(picture: Picture) -> float:
        shown = content.resized(*picture.size).to_tensor()
        with torch.no_grad():
            one, other = (
                vgg.features(each, ["relu4_2"], padding="replicate")["relu4_2"]
                for each in (picture.to_tensor(), shown)
            )
        return content_loss(one, other).item()

    assert lost(loose) > 1.5 * lost(standard)
