"""Textures: a style alone, at any size, and without a seam where they are to tile."""

from typing import Any

import numpy as np
import pytest
import torch

from engine.errors import BudgetError, SettingsError
from engine.images.picture import Picture
from engine.memory.planner import Planner
from engine.memory.segments import Layout
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.scheduling.stages import scales_of
from engine.series.members import members_of
from engine.settings import Settings, resolve
from engine.stylise import Result, stylise
from engine.texture.canvas import (
    resize_wrapped,
    texture_canvas,
    texture_settings,
    texture_start,
)

QUICK = {"texture": True, "size": 96, "steps": 12, "scales": 1, "precision": "float32"}


def painted(style: Picture, settings: Settings, vgg: VGG19) -> Result:
    *_, result = stylise(texture_canvas(settings), [style], settings, vgg)
    assert isinstance(result, Result)
    return result


def losses_of(picture: torch.Tensor, style: Picture, settings: Settings, vgg: VGG19) -> float:
    working = texture_settings(settings)
    canvas = torch.zeros_like(picture)
    objective = style_transfer_objective(vgg, canvas, [style], working)
    return float(objective(picture).sum())


def test_a_rolled_tile_has_the_same_loss_and_another_picture_has_not(
    style: Picture, vgg: VGG19
) -> None:
    """By multiples of 16, the stride of the deepest layer: every position finds its own again."""
    settings = resolve({**QUICK, "tile": True, "tv_weight": 1.0})
    picture = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(3))
    loss = losses_of(picture, style, settings, vgg)
    for shift in ((16, 0), (32, 48), (0, 80)):
        rolled = picture.roll(shift, (-2, -1))
        assert losses_of(rolled, style, settings, vgg) == pytest.approx(loss, rel=1e-5)
    plain = resolve({**QUICK, "tv_weight": 1.0})
    loss = losses_of(picture, style, plain, vgg)
    rolled = picture.roll((32, 48), (-2, -1))
    assert losses_of(rolled, style, plain, vgg) != pytest.approx(loss, rel=1e-4)


def test_the_segmented_network_wraps_as_the_whole_one(style: Picture, vgg: VGG19) -> None:
    settings = texture_settings(resolve({**QUICK, "tile": True}))
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    canvas = torch.zeros_like(picture)
    blocks = Layout(("pool1", "pool2", "pool3", "pool4"), (None,) * 5)
    gradients = []
    for layout in (None, blocks):
        objective = style_transfer_objective(vgg, canvas, [style], settings, layout=layout)
        asked = picture.clone().requires_grad_()
        terms = objective(asked)
        if terms.requires_grad:
            terms.sum().backward()
        gradients.append(asked.grad)
    assert gradients[0] is not None
    assert gradients[1] is not None
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-3)


def steps_across(picture: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Mean absolute step between neighbours: at the seam from the last to the first row and column,
    and inside."""
    seam = [np.abs(picture[0] - picture[-1]), np.abs(picture[:, 0] - picture[:, -1])]
    inside = [np.abs(np.diff(picture, axis=0)), np.abs(np.diff(picture, axis=1))]
    return tuple(float(np.mean([each.mean() for each in of])) for of in (seam, inside))  # type: ignore[return-value]


def test_the_seam_of_a_tile_is_as_smooth_as_its_inside(style: Picture, vgg: VGG19) -> None:
    settings = resolve({**QUICK, "size": 128, "scales": 2, "coarse_steps": 20, "steps": 20})
    ratios = {}
    for tile in (False, True):
        result = painted(style, settings.model_copy(update={"tile": tile}), vgg)
        seam, inside = steps_across(result.picture.pixels.astype(float))
        ratios[tile] = seam / inside
    assert ratios[True] == pytest.approx(1.0, abs=0.3)
    assert ratios[False] > 1.5


def test_a_texture_has_the_size_that_is_asked_for(style: Picture, vgg: VGG19) -> None:
    settings = resolve({**QUICK, "texture_size": [101, 57], "steps": 2})
    result = painted(style, settings, vgg)
    assert result.size == (101, 57)
    assert (result.picture.width, result.picture.height) == (101, 57)
    assert result.losses.content == 0
    assert result.settings == settings


def test_seeds_are_other_textures_and_the_same_seed_is_the_same(style: Picture, vgg: VGG19) -> None:
    settings = resolve({**QUICK, "size": 64, "steps": 3})
    first, again = (painted(style, settings, vgg).picture.samples for _ in range(2))
    other = painted(style, resolve({**QUICK, "size": 64, "steps": 3, "seed": 1}), vgg)
    assert np.array_equal(first, again)
    assert np.abs(first - other.picture.samples.astype(float)).mean() > 1000
    varied = members_of(resolve({**QUICK, "variations": 3}), 1)
    assert [each.settings.seed for each in varied] == [0, 1, 2]
    assert {each.settings.style_crop for each in varied} == {None}


def test_it_starts_in_the_colours_of_the_style(style: Picture) -> None:
    start = texture_start([style], [1.0], (96, 96), torch.Generator().manual_seed(0))
    mean = start[0].mean(dim=(1, 2)).numpy()
    assert mean == pytest.approx(style.pixels.mean(axis=(0, 1)), abs=0.05)


@pytest.mark.parametrize(
    "sizes", [((48, 32), (96, 64)), ((48, 32), (112, 80)), ((96, 64), (48, 32))]
)
def test_resizing_what_wraps_has_no_seam(sizes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """A wave that fits whole into the picture is the same wave at the other size."""
    (width, height), (new_width, new_height) = sizes

    def wave(w: int, h: int) -> torch.Tensor:
        x = (torch.arange(w) + 0.5) / w
        y = (torch.arange(h) + 0.5) / h
        return (0.5 + 0.2 * torch.sin(2 * torch.pi * (x[None] + 2 * y[:, None])))[None, None]

    resized = resize_wrapped(wave(width, height), (new_width, new_height))
    torch.testing.assert_close(resized, wave(new_width, new_height), atol=0.02, rtol=0)


def test_every_scale_of_a_tile_has_sides_that_poolings_halve_to_the_end() -> None:
    settings = resolve({**QUICK, "texture_size": [1104, 528], "tile": True, "scales": 3})
    sizes = [size for size, _ in scales_of(texture_canvas(settings).size, settings)]
    assert sizes[-1] == (1104, 528)
    assert all(side % 16 == 0 for size in sizes for side in size)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tile": True}, "tile: true; expected no such key, or `texture: true` beside it"),
        ({"texture": False, "texture_size": [64, 32]}, "texture_size: [64, 32]; expected no such"),
        (
            {"texture": True, "size": 500, "tile": True},
            "a multiple of 16 with `tile`, such as 496 or 512",
        ),
        ({"texture": True, "size": "content"}, "pixels, since a `texture` has no content"),
        ({"texture": True, "mask": "a.png"}, "mask: a.png"),
        ({"texture": True, "strength": 30}, "strength: 30"),
        ({"texture": True, "colours": "content"}, "colours: content"),
        ({"texture_size": [64]}, "texture_size"),
        ({"texture_size": ["a", 64]}, "texture_size"),
    ],
)
def test_what_a_texture_cannot_have_is_refused_in_words(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        resolve(settings)
    assert words in str(refused.value)


def test_the_size_of_a_texture_implies_it() -> None:
    settings = resolve({"size": 4000}, {"texture_size": [640, 320]})
    assert (settings.texture, settings.size) == (True, 640)


def test_a_tile_is_not_computed_in_parts(vgg: VGG19) -> None:
    settings = texture_settings(resolve({**QUICK, "tile": True}))
    free = settings.model_copy(update={"tile": False})

    def in_parts(of: Settings) -> bool:
        plans = Planner(vgg, of).choices((1024, 1024), 0, 60)
        return any(side for plan in plans if plan.layout for side in plan.layout.sides)

    assert in_parts(free)
    assert not in_parts(settings)
    with pytest.raises(BudgetError, match="A texture with `tile` is not computed in parts"):
        Planner(vgg, settings).plan((4096, 4096), 0, 60, 1 << 30)
