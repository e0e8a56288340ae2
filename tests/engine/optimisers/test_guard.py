"""L-BFGS where it is misled without its guard."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, islice, pairwise
from typing import Any

import pytest
import torch
from descents import resumes_from_any_step
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from engine.errors import NumericalError
from engine.optimisers.guard import RADIUS, RISE
from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.minimise import Objective, Snapshot, Step, minimise
from engine.optimisers.selection import optimiser_of
from engine.settings import Settings

SIDE = 8


def cliff(x: Tensor) -> Tensor:
    """A slope that is nearly straight, down to a wall: a pair from the slope has hardly any
    curvature, and asks for a move far into the wall."""
    away = x - 0.7
    slope = (away.square() + 1e-3).sqrt()
    wall = 1e4 * (away - 0.02).clamp(min=0).square()
    return torch.stack([slope.mean(), wall.mean(), x.new_zeros(())])


def start() -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return 0.1 + 0.1 * torch.rand((1, 3, SIDE, SIDE), generator=generator)


def descend(
    objective: Objective, picture: Tensor, *, steps: int = 60, guarded: bool = True
) -> tuple[list[Step], list[float]]:
    """The reports, and the loss of every evaluation."""
    evaluated: list[float] = []

    def recorded(x: Tensor) -> Tensor:
        terms = objective(x)
        evaluated.append(float(terms.detach().sum()))
        return terms

    method = LBFGS(history=10, first_move=0.01, guarded=guarded)
    return list(minimise(recorded, picture, method, steps=steps, clamp=False)), evaluated


def test_without_a_guard_the_descent_is_thrown_and_with_it_it_is_not() -> None:
    _, thrown = descend(cliff, start(), guarded=False)
    assert max(thrown) > 3 * thrown[0]
    steps, evaluated = descend(cliff, start())
    assert steps[-1].tally.rejected_moves > 0
    assert steps[-1].losses.total < 0.1 * evaluated[0]


def test_a_move_that_is_taken_back_takes_along_what_was_learnt_before_it() -> None:
    """Else the next moves lead where it has led: on some paintings to the end."""
    rejected, known = [0], []
    for step in minimise(cliff, start(), LBFGS(first_move=0.01), steps=30, clamp=False):
        rejected.append(step.tally.rejected_moves)
        known.append(step.snapshot().optimiser["inverse_curvatures"])
    assert rejected[-1] > 0
    for (earlier, later), pairs, then in zip(pairwise(rejected), known, known[1:], strict=False):
        if later > earlier:  # reported before the move that follows, which forgets
            assert all(pairs)
            assert not any(then[:-1])
            assert then[-1]


def test_what_is_reported_and_delivered_is_never_a_picture_that_was_taken_back() -> None:
    picture = start()
    reported, evaluated, standing = [], [], []
    descent = minimise(cliff, picture, LBFGS(first_move=0.01), steps=60, clamp=False)
    for step in descent:
        reported.append(step.losses.total)
        evaluated.append(float(cliff(picture).sum()))
        standing.append(float(cliff(step.picture()).sum()))
    assert reported == pytest.approx(standing)
    lowest = float("inf")
    taken_back = 0
    for loss, trial in zip(reported, evaluated, strict=True):
        rejected = trial > RISE * lowest
        taken_back += rejected
        assert loss == pytest.approx(lowest if rejected else trial)
        lowest = min(lowest, trial)
    assert taken_back == step.tally.rejected_moves > 0
    assert reported[-1] == evaluated[-1] == pytest.approx(lowest)


@pytest.mark.parametrize("steps", range(4, 40, 5))
def test_the_best_is_delivered_wherever_the_descent_ends(steps: int) -> None:
    picture = start()
    reports, evaluated = descend(cliff, picture, steps=steps)
    assert float(cliff(picture).sum()) == pytest.approx(min(evaluated))
    assert reports[-1].losses.total == pytest.approx(min(evaluated))


def test_no_move_is_longer_than_the_radius() -> None:
    at: list[Tensor] = []

    def tilted(x: Tensor) -> Tensor:  # its curvature is all but nothing
        at.append(x.detach().clone())
        return torch.stack([x.sum() + 1e-3 * x.square().sum() + 1e6, *x.new_zeros(2)])

    descend(tilted, start(), steps=12)
    moves = [float((b - a).square().mean().sqrt()) for a, b in pairwise(at)]
    assert max(moves) == pytest.approx(RADIUS, rel=1e-3)


def test_a_loss_that_is_not_a_number_is_taken_back() -> None:
    def undefined(x: Tensor) -> Tensor:  # and its gradient, where the wall stands
        return cliff(x) / torch.where(x.max() > 0.72, 0.0, 1.0) * torch.where(x.max() > 0.72, 0, 1)

    with pytest.raises(NumericalError, match="no longer finite"):
        descend(undefined, start(), guarded=False)
    steps, evaluated = descend(undefined, start())
    assert any(map(math.isnan, evaluated))
    assert steps[-1].losses.total < evaluated[0]


@pytest.mark.parametrize("clamp", [False, True], ids=["free", "clamped"])
def test_from_any_step_of_a_guarded_descent_the_end_is_the_same(clamp: bool) -> None:
    def descent(picture: Tensor, resume: Snapshot | None) -> Iterator[Step]:
        method = LBFGS(history=4, first_move=0.01)
        return minimise(cliff, picture, method, steps=30, clamp=clamp, resume=resume)

    resumes_from_any_step(descent, start())


def test_a_descent_that_only_rises_has_not_improved() -> None:
    def peak(x: Tensor) -> Tensor:  # its gradient leads the wrong way
        return torch.stack(
            [1 + (x - x.detach()).sum() + x.sum().detach().square(), *x.new_zeros(2)]
        )

    picture = torch.full((1, 3, 4, 4), 0.0)
    steps, _ = descend(peak, picture, steps=8)
    assert not any(step.tally.improved for step in steps)
    assert picture.abs().max() == 0


class _RunsOut(TorchDispatchMode):
    """Memory runs out at the n-th operation (from 0) that takes some."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(returned.alias_info is None for returned in func._schema.returns):
            if self.left == 0:
                raise MemoryError
            self.left -= 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("before", [0, 1, 5])
@pytest.mark.parametrize(
    ("optimiser", "rate", "device"),
    [("lbfgs", 1.0, "cpu"), ("lbfgs", 1.0, "cuda"), ("adam", 0.02, "cpu")],
    ids=["listed", "stacked", "adam"],
)
def test_a_step_that_runs_out_of_memory_anywhere_is_as_if_it_had_not_been(
    optimiser: Any, rate: float, device: str, before: int
) -> None:
    def descent(picture: Tensor) -> Iterator[Callable[[], None]]:
        """Moves, one after the other."""
        settings = Settings(
            optimiser=optimiser, learning_rate=rate, history=3, first_move=0.01, preconditioning=0.5
        )
        method = optimiser_of(settings, (picture.shape[-1], picture.shape[-2]), device)
        while True:
            variable = picture.detach().requires_grad_()
            terms = cliff(variable)
            (gradient,) = torch.autograd.grad(terms.sum(), variable)
            yield partial(method.step, picture, gradient, terms.detach(), True)

    undisturbed = start()
    for move in islice(descent(undisturbed), before + 4):
        move()
    for n in count():
        picture = start()
        moves = descent(picture)
        for move in islice(moves, before):
            move()
        move, at = next(moves), picture.clone()
        try:
            with _RunsOut(n):
                move()
            ran_out = False
        except MemoryError:
            ran_out = True
            assert torch.equal(picture, at)
            move()
        for move in islice(moves, 3):
            move()
        assert torch.equal(picture, undisturbed), f"operation {n}"
        if not ran_out:
            break
    assert n > 0
