"""Losses against hand-computed values, finite differences and torch's own autograd."""

import pytest
import torch
from torch import Tensor

from engine.losses import functional
from engine.losses.functional import (
    PART,
    content_loss,
    gram_matrix,
    products,
    style_loss,
    total_variation,
)


def random(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_gram_matrix_is_the_inner_products_over_the_positions() -> None:
    features = torch.tensor([[1.0, 2.0, 0.0], [3.0, -1.0, 2.0]]).reshape(1, 2, 1, 3)
    expected = torch.tensor([[5.0, 1.0], [1.0, 14.0]])
    torch.testing.assert_close(gram_matrix(features), expected / 3)
    torch.testing.assert_close(gram_matrix(features, "elements"), expected / 6)


def test_gram_matrix_of_bfloat16_features_is_summed_in_float32() -> None:
    features = torch.ones(1, 2, 64, 64, dtype=torch.bfloat16)
    gram = gram_matrix(features)
    assert gram.dtype == torch.float32
    torch.testing.assert_close(gram, torch.ones(2, 2))


@pytest.mark.parametrize("by_onednn", [True, False])
@pytest.mark.parametrize("channels", [100, 256, 300])
def test_products_are_those_with_the_other_transposed(
    channels: int, by_onednn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not by_onednn:
        monkeypatch.setattr(functional, "_MULTIPLIES_FLOAT32", False)
    one, other = (random(2, channels, channels) for _ in range(2))
    expected = one @ other.mT
    torch.testing.assert_close(products(one, other), expected)
    one, other = one.float(), other.float()
    torch.testing.assert_close(products(one, other), expected.float(), rtol=1e-4, atol=1e-4)
    onto = torch.zeros(2, channels, channels)
    products(one, other, out=onto)
    torch.testing.assert_close(onto, expected.float(), rtol=1e-4, atol=1e-4)


def test_style_loss_is_the_mean_square_over_the_gram_matrix() -> None:
    gram, target = torch.tensor([[1.0, 2.0], [2.0, 5.0]]), torch.tensor([[0.0, 2.0], [2.0, 1.0]])
    assert style_loss(gram, target).item() == pytest.approx((1 + 0 + 0 + 16) / 4)


def test_content_loss_is_the_mean_square_over_the_features() -> None:
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 1, 2)
    target = torch.tensor([[0.0, 2.0], [3.0, 1.0]]).reshape(1, 2, 1, 2)
    assert content_loss(features, target).item() == pytest.approx((1 + 9) / 4)


def test_total_variation_is_the_mean_square_step_down_plus_across() -> None:
    picture = torch.tensor([[0.0, 1.0, 1.0], [2.0, 1.0, 0.0]]).reshape(1, 1, 2, 3)
    down = (4 + 0 + 1) / 3
    across = (1 + 0 + 1 + 1) / 4
    assert total_variation(picture).item() == pytest.approx(down + across)
    assert total_variation(torch.full((1, 3, 4, 4), 0.7)).item() == 0


def test_total_variation_that_wraps_counts_the_steps_across_the_edges() -> None:
    picture = torch.tensor([[0.0, 1.0, 1.0], [2.0, 1.0, 0.0]]).reshape(1, 1, 2, 3)
    down = 2 * (4 + 0 + 1) / 6
    across = (1 + 0 + 1 + 1 + 1 + 4) / 6
    assert total_variation(picture, wrapped=True).item() == pytest.approx(down + across)


LOSSES = {
    "gram_positions": lambda x: gram_matrix(x).square().sum(),
    "gram_elements": lambda x: (gram_matrix(x, "elements") * random(3, 3)).sum(),
    "style": lambda x: style_loss(gram_matrix(x), random(3, 3)),
    "content": lambda x: content_loss(x, random(1, 3, 4, 5)),
    "total_variation": total_variation,
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_equals_finite_differences(name: str) -> None:
    x = random(1, 3, 4, 5).mul(2).requires_grad_()
    assert torch.autograd.gradcheck(LOSSES[name], x)


def test_gram_gradient_equals_autograd_through_the_plain_product() -> None:
    x = random(1, 4, 6, 7)
    weights = random(4, 4)  # not symmetric: a gradient that only fits symmetric ones would differ

    ours = x.clone().requires_grad_()
    (gram_matrix(ours) * weights).sum().backward()

    plain = x.clone().requires_grad_()
    flat = plain.reshape(4, 42)
    ((flat @ flat.T) / 42 * weights).sum().backward()

    torch.testing.assert_close(ours.grad, plain.grad, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_gram_matrix_of_many_positions_is_summed_in_float32_part_by_part(
    dtype: torch.dtype,
) -> None:
    features = torch.randn(1, 64, 300, 257, generator=torch.Generator().manual_seed(0)).relu()
    features = features.to(dtype, memory_format=torch.channels_last)
    assert features.numel() > 4 * PART
    flat = features[0].flatten(1).double()

    gram = gram_matrix(features)

    assert gram.dtype == torch.float32
    expected = flat @ flat.T / flat.shape[1]
    assert (gram - expected).norm() < 1e-6 * expected.norm()  # rounded to bfloat16: 1e-3


def test_float32_products_keep_their_digits_after_those_of_bfloat16() -> None:
    features = torch.randn(1, 64, 40, 40, generator=torch.Generator().manual_seed(0))
    before = gram_matrix(features)
    gram_matrix(features.to(torch.bfloat16))
    assert torch.equal(gram_matrix(features), before)
