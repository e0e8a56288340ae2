"""The optimisers on problems whose answers are known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine.errors import NumericalError
from engine.optimisers.adam import Adam
from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.minimise import Objective, minimise
from engine.optimisers.optimiser import Optimiser


def rosenbrock(x: Tensor) -> Tensor:
    """A curved valley with its floor at all ones; as three terms."""
    flat = x.flatten()
    curve = 100 * (flat[1:] - flat[:-1].square()).square().sum()
    slope = (1 - flat[:-1]).square().sum()
    return torch.stack([curve, slope, x.new_zeros(())])


def bowl(centre: float) -> Objective:
    def objective(x: Tensor) -> Tensor:
        return torch.stack([(x - centre).square().sum(), x.new_zeros(()), x.new_zeros(())])

    return objective


def start(value: float = 0.3) -> Tensor:
    return torch.linspace(value, value + 0.1, 12).reshape(1, 3, 2, 2)


@pytest.mark.parametrize("history", [3, 100])
@pytest.mark.parametrize("clamp", [False, True], ids=["free", "clamped"])
def test_lbfgs_walks_as_torchs_own(clamp: bool, history: int) -> None:
    ours = start().double()
    method = LBFGS(history=history, guarded=False)
    steps = list(minimise(rosenbrock, ours, method, steps=40, clamp=clamp))

    theirs = start().double().requires_grad_()
    losses: list[float] = []
    # Its own tests for an early end are switched off: they need the host to wait.
    optimiser = torch.optim.LBFGS(
        [theirs], history_size=history, max_iter=20, tolerance_grad=0, tolerance_change=0
    )

    def closure() -> Tensor:
        if clamp:
            with torch.no_grad():
                theirs.clamp_(0, 1)
        optimiser.zero_grad()
        loss = rosenbrock(theirs).sum()
        loss.backward()
        losses.append(loss.item())
        return loss

    while len(losses) < 40:
        optimiser.step(closure)

    assert [step.losses.total for step in steps] == pytest.approx(losses[:40], rel=1e-6)


def test_adam_walks_as_torchs_own() -> None:
    ours, theirs = start(), start().requires_grad_()
    steps = minimise(rosenbrock, ours, Adam(0.01), steps=40, clamp=False)
    adam = torch.optim.Adam([theirs], lr=0.01)
    for step in steps:
        adam.zero_grad()
        loss = rosenbrock(theirs).sum()
        loss.backward()
        assert step.losses.total == pytest.approx(loss.item(), rel=1e-5)
        adam.step()


@pytest.mark.parametrize("method", [LBFGS(), Adam(0.05)], ids=["lbfgs", "adam"])
def test_the_minimum_is_found(method: Optimiser) -> None:
    picture = start()
    steps = list(minimise(bowl(0.7), picture, method, steps=150))
    assert steps[-1].losses.total < 1e-4
    torch.testing.assert_close(picture, torch.full_like(picture, 0.7), rtol=0, atol=5e-3)


@pytest.mark.parametrize("method", [LBFGS(), Adam(0.1)], ids=["lbfgs", "adam"])
def test_the_picture_stays_in_its_gamut(method: Optimiser) -> None:
    picture = start()
    for _ in minimise(bowl(1.8), picture, method, steps=60):
        assert picture.min() >= 0
        assert picture.max() <= 1
    torch.testing.assert_close(picture, torch.ones_like(picture))


def test_the_last_losses_are_those_of_the_picture_as_it_stands() -> None:
    picture = start()
    steps = list(minimise(rosenbrock, picture, LBFGS(), steps=17))
    assert steps[-1].losses.total == pytest.approx(rosenbrock(picture).sum().item())


@pytest.mark.parametrize(
    "method", [lambda: LBFGS(history=4), lambda: Adam(0.05)], ids=["lbfgs", "adam"]
)
def test_it_goes_on_from_a_snapshot_as_if_nothing_had_happened(
    method: Callable[[], Optimiser],
) -> None:
    whole = start()
    steps = list(minimise(rosenbrock, whole, method(), steps=20))

    interrupted = start()
    descent = minimise(rosenbrock, interrupted, method(), steps=20)
    snapshot = [next(descent) for _ in range(9)][-1].snapshot()
    descent.close()  # type: ignore[attr-defined]
    interrupted.zero_()
    resumed = minimise(rosenbrock, interrupted, method(), steps=20, resume=snapshot)
    assert [(s.number, s.losses) for s in resumed] == [(s.number, s.losses) for s in steps[8:]]
    assert torch.equal(interrupted, whole)


def test_a_pair_without_curvature_is_left_out() -> None:
    def slope(x: Tensor) -> Tensor:  # its gradient never changes: every y is 0
        return torch.stack([x.sum(), x.new_zeros(()), x.new_zeros(())])

    picture = start()
    list(minimise(slope, picture, LBFGS(), steps=10, clamp=False))
    assert torch.isfinite(picture).all()
    assert picture.mean() < start().mean()


def test_the_first_the_last_and_every_nth_step_are_reported() -> None:
    steps = list(minimise(bowl(0.5), start(), LBFGS(), steps=12, report_every=5))
    assert [step.number for step in steps] == [1, 5, 10, 12]


def test_nothing_is_read_from_the_device_between_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    for name in ("item", "tolist", "__bool__", "__float__", "cpu", "numpy"):
        original = getattr(Tensor, name)

        def counted(self: Tensor, *args: object, _n: str = name, _o=original, **kw: object):  # type: ignore[no-untyped-def]
            reads.append(_n)
            return _o(self, *args, **kw)

        monkeypatch.setattr(Tensor, name, counted)
    list(minimise(rosenbrock, start(), LBFGS(history=5), steps=30, report_every=10))
    assert reads == ["tolist"] * 4  # steps 1, 10, 20, 30


def test_a_loss_that_is_not_finite_stops_in_words() -> None:
    def runaway(x: Tensor) -> Tensor:
        return torch.stack([x.sum() * float("inf"), x.new_zeros(()), x.new_zeros(())])

    with pytest.raises(
        NumericalError, match=r"step 1: the loss is no longer finite.*learning_rate"
    ):
        list(minimise(runaway, start(), LBFGS(), steps=3))
