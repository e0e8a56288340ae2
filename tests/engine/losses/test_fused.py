"""Losses taken together are those of the layers one by one."""

import pytest
import torch
from torch import Tensor

from engine.losses import functional
from engine.losses.functional import content_loss
from engine.losses.fused import FusedContentLoss, FusedGramLoss, GramTargets
from engine.losses.gram import Gram

LAYERS = {3: (5, 7), 64: (4, 6), 130: (3, 3), 128: (2, 5)}
"""Sides by channels."""


def features(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.rand((1, channels, *sides), dtype=torch.float64, generator=generator)
        for channels, sides in LAYERS.items()
    ]


@pytest.mark.parametrize("divisor", ["positions", "elements"])
@pytest.mark.parametrize("whitening", [0.0, 0.5])
def test_the_gram_losses_of_several_layers_are_their_sum(whitening: float, divisor: str) -> None:
    gram, weights = Gram(divisor, whitening), [1.0, 0.5, 2.0, 3.0]
    targets = [gram.target([gram.compute(style)], [1.0], 1) for style in features(1)]
    layers = [layer.requires_grad_() for layer in features(2)]
    fused = GramTargets(targets, weights, [gram.count(layer) for layer in layers])
    for _ in range(2):  # what is kept from the first is no part of the second
        ours = FusedGramLoss.apply(fused, *layers)
        theirs = sum(
            weight * gram.loss(layer, target)
            for weight, layer, target in zip(weights, layers, targets, strict=True)
        )
        torch.testing.assert_close(ours, theirs)
        gradients = torch.autograd.grad(6.0 * ours, layers)
        for one, other in zip(gradients, torch.autograd.grad(6.0 * theirs, layers), strict=True):
            torch.testing.assert_close(one, other)


def test_the_contents_loss_is_its_factor_times_the_squares() -> None:
    layer, target = features(1)[1].requires_grad_(), features(2)[1]
    factor = 3.0 / layer.numel()
    units = torch.tensor([1.0, 0], dtype=torch.float64).view(2, 1, 1, 1, 1)
    ours = FusedContentLoss.apply(layer, target, units, factor)
    theirs = 3.0 * content_loss(layer, target)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(
        torch.autograd.grad(2 * ours, layer), torch.autograd.grad(2 * theirs, layer)
    )


def test_bfloat16_features_are_summed_in_float32() -> None:
    layer, target = (each[1].to(torch.bfloat16) for each in (features(1), features(2)))
    units = torch.tensor([1.0, 0]).view(2, 1, 1, 1, 1)
    loss = FusedContentLoss.apply(layer, target, units, 1.0)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, (layer.float() - target.float()).square().sum())


def test_a_gram_loss_of_bfloat16_is_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    gram = Gram("positions", 0.5)
    layers = [each.to(torch.bfloat16) for each in features(1)]
    counts = [gram.count(layer) for layer in layers]
    styles = [gram.compute(each.float()) for each in features(2)]
    targets = GramTargets(
        [gram.target([style], [1.0], count) for style, count in zip(styles, counts, strict=True)],
        [1.0] * len(layers),
        counts,
    )
    whole = FusedGramLoss.apply(targets, *layers)
    monkeypatch.setattr(functional, "PART", 520)  # four positions of 130 channels
    in_parts = FusedGramLoss.apply(targets, *layers)
    torch.testing.assert_close(in_parts, whole, rtol=1e-4, atol=0)


@pytest.mark.parametrize("rounds", [True, False])
@pytest.mark.parametrize("near", [0.3, 1e-3])
def test_the_gram_loss_of_bfloat16_features_is_right_near_its_target_too(
    near: float, rounds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not rounds:
        monkeypatch.setattr(functional, "_MULTIPLIES_BFLOAT16", False)
    generator = torch.Generator().manual_seed(3)
    gram = Gram("positions", 0.5)
    shapes = [(1, 64, 40, 40), (1, 256, 24, 24)]
    layers = [torch.rand(shape, generator=generator).to(torch.bfloat16) for shape in shapes]
    exact = [layer.double() for layer in layers]
    styles = [
        each * (1 + near * torch.randn(1, each.shape[1], 1, 1, generator=generator))
        for each in exact
    ]
    targets = [gram.target([gram.compute(style)], [1.0], 1) for style in styles]
    single = [tuple(part.float() for part in target) for target in targets]
    counts, weights = [gram.count(layer) for layer in layers], [1.0, 1.0]
    results = []
    for features, compared in ((layers, single), (exact, targets)):
        variables = [each.requires_grad_() for each in features]
        loss = FusedGramLoss.apply(GramTargets(compared, weights, counts), *variables)
        gradients = torch.autograd.grad(loss, variables)
        results.append([loss.double()[None], *(each.double().flatten() for each in gradients)])
    for ours, right in zip(*results, strict=True):
        assert (ours - right).norm() < 0.02 * right.norm()
