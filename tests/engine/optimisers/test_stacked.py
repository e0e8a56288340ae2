"""The form of L-BFGS for GPUs beside the list of pairs, on a CPU."""

from collections.abc import Iterator
from itertools import count, islice
from typing import Any

import pytest
import torch
from descents import beyond, resumes_from_any_step
from torch import Tensor

from benchmarks.gpu.operations import OperationCounter
from engine.network.vgg import load_vgg19
from engine.objective import style_transfer_objective
from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.minimise import Objective, Snapshot, Step, minimise
from engine.optimisers.preconditioner import FrequencyPreconditioner
from engine.optimisers.stacked import StackedLBFGS
from engine.settings import resolve

WIDTH, HEIGHT = 10, 8
NUMBERS = 3 * WIDTH * HEIGHT


def cliff(x: Tensor) -> Tensor:
    """Leads a move far into a wall, from which it is taken back."""
    away = x - 0.7
    slope = (away.square() + 1e-3).sqrt()
    wall = 1e4 * (away - 0.02).clamp(min=0).square()
    return torch.stack([slope.mean(), wall.mean(), x.new_zeros(())])


def waves(x: Tensor) -> Tensor:
    """Curved either way: pairs of negative curvature are among those that are met."""
    away = x.flatten() - 0.6
    stiffness = torch.linspace(0.01, 4, NUMBERS, dtype=x.dtype)
    ripples = 0.02 * (40 * away).sin().sum() + 10
    return torch.stack([(stiffness * away.square()).sum(), ripples, x.new_zeros(())])


def start() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    noise = torch.rand((1, 3, HEIGHT, WIDTH), generator=generator, dtype=torch.float64)
    return 0.1 + 0.1 * noise


def forms(history: int, exponent: float) -> tuple[LBFGS, StackedLBFGS]:
    one, other = (
        FrequencyPreconditioner((WIDTH, HEIGHT), exponent, at_once=at_once) if exponent else None
        for at_once in (False, True)
    )
    return LBFGS(1.0, history, 0.01, one), StackedLBFGS(1.0, history, 0.01, other)


def evaluated(objective: Objective, picture: Tensor) -> tuple[Tensor, Tensor]:
    variable = picture.detach().requires_grad_()
    terms = objective(variable)
    (gradient,) = torch.autograd.grad(terms.sum(), variable)
    return gradient, terms.detach()


@pytest.mark.parametrize("exponent", [0.0, 0.5])
@pytest.mark.parametrize("history", [1, 2, 7, 50])
@pytest.mark.parametrize(
    ("objective", "clamp"), [(cliff, False), (cliff, True), (waves, False), (beyond, True)]
)
def test_every_move_is_that_of_the_list_of_pairs(
    objective: Objective, clamp: bool, history: int, exponent: float
) -> None:
    """From the same picture each time: rounding, other in each form, grows from move to move."""
    listed, stacked = forms(history, exponent)
    picture = start()
    for _ in range(60):
        gradient, terms = evaluated(objective, picture)
        other = picture.clone()
        listed.step(picture, gradient, terms, clamp)
        stacked.step(other, gradient, terms, clamp)
        assert (picture - other).abs().max() < 1e-10
        ours, theirs = listed.report(terms), stacked.report(terms)
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=0)
    assert objective is not cliff or ours[3] > 0


@pytest.mark.parametrize("clamp", [False, True], ids=["free", "clamped"])
def test_a_painting_ends_where_it_does_with_the_list(clamp: bool) -> None:
    vgg = load_vgg19("caffe", "cpu", "float64")
    content, style = (torch.rand((1, 3, 32, 32), dtype=torch.float64) for _ in range(2))
    settings = resolve({"content_layers": {"relu2_2": 1.0}, "style_layers": {"relu1_1": 1.0}})
    objective = style_transfer_objective(vgg, content, [style], settings)
    ends = []
    for form, at_once in ((LBFGS, False), (StackedLBFGS, True)):
        precondition = FrequencyPreconditioner((32, 32), 0.5, at_once=at_once)
        picture = content.clone()
        method = form(1.0, 20, 0.01, precondition)
        *_, last = minimise(objective, picture, method, steps=40, clamp=clamp)
        ends.append((picture, last.losses.total))
    (ours, loss), (theirs, other_loss) = ends
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-8)
    assert loss == pytest.approx(other_loss, rel=1e-9)


@pytest.mark.parametrize("history", [1, 4, 40])
def test_from_any_step_the_end_is_the_same(history: int) -> None:
    def descent(picture: Tensor, resume: Snapshot | None) -> Iterator[Step]:
        method = StackedLBFGS(1.0, history, 0.01)
        return minimise(cliff, picture, method, steps=30, resume=resume)

    resumes_from_any_step(descent, start())


def test_it_goes_on_with_fewer_pairs_the_newest_ones() -> None:
    picture = start()
    before = forms(20, 0.0)
    for _ in range(30):
        gradient, terms = evaluated(waves, picture)
        other = picture.clone()
        for method, moved in zip(before, (picture, other), strict=True):
            method.step(moved, gradient, terms, False)
    listed, stacked = forms(6, 0.0)
    names = ("moves", "changes", "inverse_curvatures")
    state = before[0].state()
    listed.restore({**state, **{name: state[name][-5:] for name in names}}, picture)
    stacked.restore(before[1].state(), picture)
    for _ in range(10):
        gradient, terms = evaluated(waves, picture)
        other = picture.clone()
        listed.step(picture, gradient, terms, False)
        stacked.step(other, gradient, terms, False)
        assert (picture - other).abs().max() < 1e-10


def test_a_state_shares_no_memory_with_later_moves() -> None:
    picture = start()
    method = StackedLBFGS(1.0, 5, 0.01)
    descent = minimise(waves, picture, method, steps=30)
    state = next(islice(descent, 12, None)).snapshot().optimiser
    before = [move.clone() for move in state["moves"]]
    list(descent)
    assert all(map(torch.equal, before, state["moves"]))


def test_out_of_memory_the_state_is_kept_and_the_pairs_let_go() -> None:
    def until(picture: Tensor, failing_at: int) -> Objective:
        evaluations = count(1)

        def objective(x: Tensor) -> Tensor:
            if next(evaluations) == failing_at:
                raise MemoryError
            return waves(x)

        return objective

    undisturbed = start()
    list(minimise(waves, undisturbed, StackedLBFGS(1.0, 8, 0.01), steps=30))
    picture, method = start(), StackedLBFGS(1.0, 8, 0.01)
    descent = minimise(until(picture, 15), picture, method, steps=30)
    latest = next(islice(descent, 13, None)).snapshot
    with pytest.raises(MemoryError):
        next(descent)
    held = [each for each in vars(method).values() if isinstance(each, Tensor)]
    assert sum(each.nbytes for each in held) < picture.nbytes
    list(minimise(waves, picture, StackedLBFGS(1.0, 8, 0.01), steps=30, resume=latest()))
    assert torch.equal(picture, undisturbed)


def test_a_step_has_as_many_operations_whatever_is_remembered() -> None:
    counts: dict[int, Any] = {}
    for history in (5, 50):
        picture = start()
        method = StackedLBFGS(1.0, history, 0.01)
        for _ in range(20):
            gradient, terms = evaluated(waves, picture)
            with OperationCounter() as counter:
                method.step(picture, gradient, terms, True)
        counts[history] = counter.by_name
    assert counts[5] == counts[50]
