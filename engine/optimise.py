"""Moves a picture downhill: L-BFGS and Adam, without waiting for the device.

A step here is one evaluation of the objective. Nothing reads a number back from the device inside
a step: what `torch.optim.LBFGS` decides on the host (is this pair's curvature positive?) is a
`torch.where` here, and losses are read only when they are reported.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from engine.errors import NumericalError

__all__ = ["LBFGS", "Adam", "Losses", "Objective", "Step", "minimise"]


@dataclass(frozen=True)
class Losses:
    """The terms of the objective, each already multiplied by its weight, and their sum."""

    content: float
    style: float
    tv: float

    @property
    def total(self) -> float:
        return self.content + self.style + self.tv


Objective = Callable[[Tensor], Tensor]
"""Picture (1 x 3 x H x W, requires grad) -> the weighted terms content, style, tv as 3 numbers."""


@dataclass(frozen=True)
class Step:
    """`number` (from 1) evaluations are done; `losses` are those of the picture as it is now."""

    number: int
    losses: Losses


class Optimiser(Protocol):
    def step(self, picture: Tensor, gradient: Tensor) -> None:
        """Move `picture` in place, given the gradient there."""


def minimise(
    objective: Objective,
    picture: Tensor,
    *,
    steps: int,
    optimiser: Literal["lbfgs", "adam"] = "lbfgs",
    learning_rate: float = 1.0,
    history: int = 100,
    first_move: float = 0.0,
    clamp: bool = True,
    report_every: int = 1,
) -> Iterator[Step]:
    """Lower the objective in place, with `steps` evaluations of it.

    The picture is not moved after the last evaluation, so that the last reported losses are those
    of the picture as it stands.

    Args:
        picture: 1 x 3 x H x W in 0 to 1; changed in place.
        clamp: keep it in 0 to 1, by projection after every move. L-BFGS's memory keeps the moves
            as it meant them, as when a closure clamps before evaluating (the PyTorch tutorial).
        report_every: evaluations between reports, each of which waits for the device. The first
            and the last are always reported.

    Raises:
        NumericalError: the loss is no longer finite; the message says what helps.
    """
    method: Optimiser = (
        LBFGS(learning_rate, history, first_move)
        if optimiser == "lbfgs"
        else Adam(picture, learning_rate)
    )
    for number in range(1, steps + 1):
        variable = picture.detach().requires_grad_()
        terms = objective(variable)
        if number in (1, steps) or number % report_every == 0:
            yield Step(number, _read(terms, number))
        if number < steps:
            (gradient,) = torch.autograd.grad(terms.sum(), variable)
            with torch.no_grad():
                method.step(picture, gradient)
                if clamp:
                    picture.clamp_(0, 1)


class LBFGS:
    """Limited-memory BFGS with a fixed step, the two-loop recursion.

    J. Nocedal, S. Wright: Numerical Optimization, 2nd ed., algorithms 7.4 and 7.5, with the scaling
    of eq. 7.20. The same iterates as `torch.optim.LBFGS(line_search_fn=None)`: a first move of
    length 1 (in the sum of magnitudes) times the learning rate, pairs of no positive curvature
    left out.

    `first_move` is a longer first move instead: its root mean square in the picture's units. From
    torch's, which changes no pixel by more than a millionth or so, the second move is a guess from
    rounding noise; at 256 px it was seen to throw the picture a hundred times further from the
    style than the content is, for good.
    """

    CURVATURE_FLOOR = 1e-10  # torch.optim.LBFGS: a pair with y's below this is not remembered.

    def __init__(
        self, learning_rate: float = 1.0, history: int = 100, first_move: float = 0.0
    ) -> None:
        self.learning_rate = learning_rate
        self.history = history
        self.first_move = first_move
        self._moves: list[Tensor] = []  # s, newest last
        self._changes: list[Tensor] = []  # y
        self._inverse_curvatures: list[Tensor] = []  # 1 / (y's), 0 for a pair left out
        self._scale: Tensor | None = None  # gamma: y's / y'y of the newest good pair
        self._previous_gradient: Tensor | None = None
        self._previous_move: Tensor | None = None

    def step(self, picture: Tensor, gradient: Tensor) -> None:
        g = gradient.flatten()
        if self._previous_gradient is None or self._previous_move is None:
            move = -g * (self.learning_rate * self._first_length(g))
        else:
            self._remember(self._previous_move, g - self._previous_gradient)
            move = self._direction(g) * self.learning_rate
        self._previous_gradient, self._previous_move = g, move
        picture.add_(move.view_as(picture))

    def _first_length(self, g: Tensor) -> Tensor:
        if self.first_move:
            tiny = torch.finfo(g.dtype).tiny  # no gradient, no move
            return self.first_move / g.square().mean().sqrt().clamp(min=tiny)
        return (1 / g.abs().sum()).clamp(max=1)

    def _remember(self, move: Tensor, change: Tensor) -> None:
        curvature = change.dot(move)
        good = curvature > self.CURVATURE_FLOOR
        scale = curvature / change.dot(change)
        previous = torch.ones_like(scale) if self._scale is None else self._scale
        self._scale = torch.where(good, scale, previous)
        self._moves.append(move)
        self._changes.append(change)
        self._inverse_curvatures.append(torch.where(good, 1 / curvature, 0))
        if len(self._moves) > self.history:
            for memory in (self._moves, self._changes, self._inverse_curvatures):
                del memory[0]

    def _direction(self, g: Tensor) -> Tensor:
        """-H g, where H approximates the inverse Hessian."""
        q = -g
        pairs = list(zip(self._moves, self._changes, self._inverse_curvatures, strict=True))
        alphas = []
        for s, y, rho in reversed(pairs):
            alpha = rho * s.dot(q)
            q.sub_(alpha * y)
            alphas.append(alpha)
        assert self._scale is not None
        r = q.mul_(self._scale)
        for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
            r.add_((alpha - rho * y.dot(r)) * s)
        return r


class Adam:
    """`torch.optim.Adam` behind the interface above. D. Kingma, J. Ba, 2014."""

    def __init__(self, picture: Tensor, learning_rate: float) -> None:
        self._picture = picture
        self._adam = torch.optim.Adam([picture], lr=learning_rate)

    def step(self, picture: Tensor, gradient: Tensor) -> None:
        assert picture is self._picture
        picture.grad = gradient
        self._adam.step()


def _read(terms: Tensor, number: int) -> Losses:
    """The one place where the host waits for the device."""
    values = terms.detach().tolist()
    losses = Losses(*values)
    if not all(map(math.isfinite, values)):
        raise NumericalError(
            f"step {number}: the loss is no longer finite (content {losses.content:g}, style "
            f"{losses.style:g}, total variation {losses.tv:g}). The steps are too long: lower "
            "`learning_rate`, use `clamp: true`, or `precision: float32`."
        )
    return losses
