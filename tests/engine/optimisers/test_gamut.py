"""A descent within the gamut, whose end many colours reach and would leave."""

import pytest
import torch
from descents import beyond

from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.minimise import minimise
from engine.optimisers.stacked import StackedLBFGS


@pytest.mark.parametrize("form", [LBFGS, StackedLBFGS], ids=["listed", "stacked"])
def test_the_lowest_place_within_the_gamut_is_found(form: type[LBFGS]) -> None:
    """Convex: it is where no move down the gradient leads elsewhere within 0 to 1. The same L-BFGS
    with the colours at the end of the gamut among the others is far from it after 200."""
    picture = torch.full((1, 3, 5, 4), 0.15, dtype=torch.float64)
    list(minimise(beyond, picture, form(1.0, 50, 0.01), steps=60))
    at = picture.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(beyond(at).sum(), at)
    further = (picture - gradient).clamp(0, 1)
    torch.testing.assert_close(further, picture, rtol=0, atol=1e-6)
    assert ((picture == 0) | (picture == 1)).double().mean() > 0.3


def test_a_colour_at_the_end_of_the_gamut_comes_back() -> None:
    """Black and white at first, where the objective wants neither."""
    picture = torch.tensor([0.0, 1.0] * 6, dtype=torch.float64).view(1, 3, 2, 2)

    def middle(x: torch.Tensor) -> torch.Tensor:
        return torch.stack([(x - 0.4).square().sum(), x.new_zeros(()), x.new_zeros(())])

    list(minimise(middle, picture, LBFGS(1.0, 50, 0.01), steps=20))
    torch.testing.assert_close(picture, torch.full_like(picture, 0.4))
