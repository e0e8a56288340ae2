"""Colour grain: its measure, and the guard that holds it down."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.images.picture import Picture
from engine.losses.grain import colour_grain, guarded
from engine.memory.segments import Layout
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.settings import resolve
from engine.stylise import stylise


def checkers(side: int = 8) -> Tensor:
    """1 and 0 in turns, 1 x 1 x side x side."""
    return (torch.arange(side)[:, None] + torch.arange(side) + 1).remainder(2).double()[None, None]


def test_the_colour_of_a_red_chequer_is_grain_and_its_light_is_not() -> None:
    red = torch.cat([checkers(), torch.zeros(1, 2, 8, 8)], dim=1)
    expected = torch.tensor([0.25 * 0.701**2, 0.25 * 0.299**2], dtype=torch.float64)
    for wrapped in (False, True):
        torch.testing.assert_close(colour_grain(red, wrapped=wrapped), expected)
    assert colour_grain(checkers().expand(1, 3, 8, 8)).abs().max() < 1e-12


def test_broad_colours_are_no_grain() -> None:
    ramp = torch.linspace(0, 1, 32, dtype=torch.float64).expand(1, 1, 32, 32)
    broad = torch.cat([ramp, 1 - ramp, 0 * ramp], dim=1)
    assert colour_grain(broad).max() < 1e-12


def test_a_rolled_tile_has_the_same_grain() -> None:
    picture = torch.rand(1, 3, 16, 24, generator=torch.Generator().manual_seed(2))
    rolled = picture.roll((5, 7), (-2, -1))
    torch.testing.assert_close(
        colour_grain(rolled, wrapped=True), colour_grain(picture, wrapped=True)
    )


def test_only_what_is_above_the_limits_costs() -> None:
    def nothing(picture: Tensor) -> Tensor:
        return 0 * picture.sum() * picture.new_ones(3)

    picture = torch.cat([checkers(), torch.zeros(1, 2, 8, 8)], dim=1).requires_grad_()
    grain = colour_grain(picture.detach())
    at_the_limit = guarded(nothing, grain, 1.0, wrapped=False)(picture)
    assert at_the_limit.abs().max() == 0
    (gradient,) = torch.autograd.grad(at_the_limit.sum(), picture)
    assert gradient.abs().max() == 0
    above = guarded(nothing, grain - grain.new_tensor([1e-4, 0.0]), 2.0, wrapped=False)(picture)
    torch.testing.assert_close(above, above.new_tensor([0.0, 0.0, 2e7]))


def grey_lines() -> Picture:
    """Black and white lines, as of a woodcut."""
    lines = np.where(np.arange(96)[:, None] // 3 % 2, 255, 0).astype(np.uint8)
    return Picture(np.repeat(np.broadcast_to(lines, (96, 96))[..., None], 3, axis=2))


def objective_of(vgg: VGG19, grain: float, layout: Layout | None, content: Tensor) -> Any:
    settings = resolve({"size": 64, "grain": grain, "precision": "float32"})
    return style_transfer_objective(vgg, content, [grey_lines()], settings, layout=layout)


@pytest.mark.parametrize("layout", [None, Layout(sides=(32,))], ids=["whole", "tiled"])
def test_the_objective_has_the_grain_in_its_third_term_and_gradient(
    vgg: VGG19, layout: Layout | None
) -> None:
    content = torch.full((1, 3, 64, 64), 0.5)
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))
    found = []
    for grain in (0.0, 1e-4):
        picture = noise.clone().requires_grad_()
        terms = objective_of(vgg, grain, layout, content)(picture)
        (gradient,) = torch.autograd.grad(terms.sum(), picture)
        found.append((terms.detach(), gradient))
    (plain, plain_gradient), (held, held_gradient) = found
    leaf = noise.clone().requires_grad_()
    excess = 1e7 * colour_grain(leaf).sum()
    torch.testing.assert_close(held[2] - plain[2], excess.detach(), rtol=1e-4, atol=0)
    torch.testing.assert_close(held[:2], plain[:2])
    (own,) = torch.autograd.grad(excess, leaf)
    # A difference of two gradients in float32, each larger than itself.
    assert (held_gradient - plain_gradient - own).norm() < 0.01 * own.norm()


def test_a_painting_in_black_and_white_has_less_fine_colour_with_it(vgg: VGG19) -> None:
    y, x = np.mgrid[:64, :64]
    photograph = np.stack([64 + x, 64 + y, 128 - x], axis=2).astype(np.uint8)
    grains = []
    for grain in (0.0, 1.0):
        asked = {"size": 64, "grain": grain, "steps": 25, "scales": 1, "precision": "float32"}
        *_, result = stylise(Picture(photograph), [grey_lines()], resolve(asked), vgg)
        pixels = torch.from_numpy(np.array(result.picture.pixels))
        grains.append(float(colour_grain(pixels.permute(2, 0, 1)[None]).sum()))
    assert grains[1] < grains[0] / 3
