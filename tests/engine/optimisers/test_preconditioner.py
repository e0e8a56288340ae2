"""What L-BFGS takes the inverse Hessian for, before its pairs correct it."""

import pytest
import torch
from torch import Tensor

from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.minimise import minimise
from engine.optimisers.preconditioner import FrequencyPreconditioner

WIDTH, HEIGHT = 64, 48
CYCLES = (4, 8, 16, 32)
"""Along the width: the middles of the four octaves."""
COLOURS = torch.tensor([[1.0, 1, 1], [1, 0, -1], [1, -2, 1]], dtype=torch.float64)
STIFFNESS = torch.tensor([[3.0, 9, 20, 7], [2, 6, 4, 1], [0.5, 1, 8, 2]], dtype=torch.float64)
"""Of each colour's waves, of four lengths."""


def wave(colour: int, cycles: int) -> Tensor:
    x = torch.arange(WIDTH, dtype=torch.float64)
    row = torch.cos(2 * torch.pi * cycles * x / WIDTH)
    return (COLOURS[colour].view(3, 1, 1) * row.repeat(3, HEIGHT, 1)).flatten()


WAVES = [
    (wave(colour, cycles), STIFFNESS[colour, octave])
    for colour in range(3)
    for octave, cycles in enumerate(CYCLES)
]


def answer(move: Tensor) -> Tensor:
    """The Hessian, which has those waves as its eigenvectors, times a move."""
    return sum(s * w * w.dot(move) / w.dot(w) for w, s in WAVES)  # type: ignore[return-value]


def moves(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(8)
    amounts = torch.randn((count, len(WAVES)), generator=generator, dtype=torch.float64)
    return [sum(a * w for a, (w, _) in zip(row, WAVES, strict=True)) for row in amounts]  # type: ignore[misc]


def learnt(precondition: FrequencyPreconditioner) -> Tensor:
    move = moves(1)[0]
    return precondition.learnt(answer(move), move)


def factor(w: Tensor, precondition: FrequencyPreconditioner, curvatures: Tensor) -> Tensor:
    """By which a wave comes out."""
    return precondition(w, curvatures).dot(w) / w.dot(w)


@pytest.mark.parametrize("knows", [False, True], ids=["assumed", "learnt"])
@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_preconditioner_is_symmetric_and_positive(exponent: float, knows: bool) -> None:
    precondition = FrequencyPreconditioner((12, 7), exponent)
    basis = torch.eye(3 * 7 * 12, dtype=torch.float64)
    change, move = basis[:90].sum(0), basis[60:150].sum(0)
    known = precondition.learnt(change, move) if knows else precondition.assumed(move)
    matrix = torch.stack([precondition(column, known) for column in basis])
    torch.testing.assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix).min() > (0.01 if knows else 0.99)


def test_before_it_has_learnt_a_wave_is_multiplied_by_a_power_of_its_length() -> None:
    precondition = FrequencyPreconditioner((WIDTH, HEIGHT), 1.0)
    for cycles in (4, 8, 32):
        w = wave(0, cycles)
        torch.testing.assert_close(precondition(w, precondition.assumed(w)), w * 32 / cycles)


@pytest.mark.parametrize("at_once", [False, True])
def test_it_learns_the_curvature_of_each_octave_of_each_colour(at_once: bool) -> None:
    precondition = FrequencyPreconditioner((WIDTH, HEIGHT), 0.5, at_once=at_once)
    known = learnt(precondition)
    torch.testing.assert_close(known, STIFFNESS)
    for w, stiffness in WAVES:
        torch.testing.assert_close(precondition(w, known), w / stiffness)


def test_learning_and_dividing_at_once_is_the_same() -> None:
    precondition = FrequencyPreconditioner((WIDTH, HEIGHT), 0.5, at_once=True)
    move, gradient = moves(2)
    divided = precondition.divided_as_learnt(torch.stack([gradient, move, answer(move)]))
    torch.testing.assert_close(divided, precondition(gradient, STIFFNESS))


def test_a_band_without_any_amplitude_divides_by_no_zero() -> None:
    precondition = FrequencyPreconditioner((WIDTH, HEIGHT), 0.5)
    grey = wave(0, 8) + 2 * wave(0, 16)
    known = precondition.learnt(3 * grey, grey)
    assert known.isfinite().all()
    torch.testing.assert_close(
        factor(wave(0, 8), precondition, known), torch.tensor(1 / 3).double()
    )
    assert precondition(wave(1, 8), known).isfinite().all()


def test_with_what_it_has_learnt_the_loss_falls_sooner() -> None:
    """Colours and lengths answer otherwise than it assumes; its pairs alone do not know by then."""

    def after(exponent: float) -> float:
        goal = torch.stack(moves(3)).sum(0) / 100 + 0.5

        def objective(x: Tensor) -> Tensor:
            away = x.flatten() - goal
            return torch.stack([away.dot(answer(away)), *x.new_zeros(2)])

        picture = torch.full((1, 3, HEIGHT, WIDTH), 0.5, dtype=torch.float64)
        precondition = FrequencyPreconditioner((WIDTH, HEIGHT), exponent) if exponent else None
        method = LBFGS(first_move=0.001, precondition=precondition)
        return list(minimise(objective, picture, method, steps=7, clamp=False))[-1].losses.total

    assert after(0.5) < 0.1 * after(0.0)


def test_with_the_right_assumption_broad_shapes_come_sooner() -> None:
    """Grain answers 10 times as strongly as shapes here: what the preconditioner assumes."""
    goal = torch.nn.functional.interpolate(
        torch.linspace(0, 1, 48).reshape(1, 3, 4, 4).sin(), size=(32, 32), mode="bicubic"
    )
    stiffness = FrequencyPreconditioner((32, 32), -1.0)
    curvatures = stiffness.assumed(goal)

    def objective(x: Tensor) -> Tensor:
        away = (x - goal).flatten()
        return torch.stack([away.dot(stiffness(away, curvatures)), *x.new_zeros(2)])

    def after(preconditioning: float) -> float:
        picture = torch.full((1, 3, 32, 32), 0.5)
        precondition = FrequencyPreconditioner((32, 32), preconditioning)
        method = LBFGS(first_move=0.01, precondition=precondition)
        return list(minimise(objective, picture, method, steps=5, clamp=False))[-1].losses.total

    assert after(1.0) < 1e-3 * after(0.0)
