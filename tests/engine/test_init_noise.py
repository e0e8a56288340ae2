"""`init_noise`: soft random colours in what the optimisation starts from."""

import pytest
import torch

from engine.images.picture import Picture
from engine.settings import resolve
from engine.start import initial_canvas


def start(noise: float, seed: int, style: Picture) -> torch.Tensor:
    grey = torch.full((1, 3, 96, 128), 0.5)
    generator = torch.Generator().manual_seed(seed)
    return initial_canvas(resolve({"init_noise": noise}), grey, [style], None, generator)


def test_it_has_the_standard_deviation_that_is_asked_for_about_the_start(style: Picture) -> None:
    noise = torch.stack([start(0.1, seed, style) - 0.5 for seed in range(20)])
    assert noise.mean().item() == pytest.approx(0, abs=0.01)
    # Bicubic interpolation between the deviates of a grid takes about a fifth off.
    assert 0.07 < noise.std().item() < 0.1


def test_it_is_soft_where_white_noise_is_grain(style: Picture) -> None:
    noise = start(0.1, 0, style)
    step = (noise[..., 1:] - noise[..., :-1]).square().mean().sqrt()
    assert step < 0.25 * noise.std()  # of white noise, 1.4 times


def test_without_it_the_start_is_as_it_was_and_seeds_differ_with_it(style: Picture) -> None:
    assert torch.equal(start(0.0, 0, style), torch.full((1, 3, 96, 128), 0.5))
    assert torch.equal(start(0.1, 5, style), start(0.1, 5, style))
    assert not torch.equal(start(0.1, 5, style), start(0.1, 6, style))
