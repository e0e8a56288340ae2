"""L-BFGS without a line search, and without waiting for the device.

What `torch.optim.LBFGS` decides on the host (is this pair's curvature positive?) is a `torch.where`
here: no number is read back from the device.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from engine.optimisers.optimiser import OptimiserState

__all__ = ["LBFGS"]


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

    `precondition` is what the inverse Hessian is taken for before any pair is known, up to a
    factor that the newest pair gives: a symmetric positive definite map of flat gradients.
    """

    CURVATURE_FLOOR = 1e-10  # torch.optim.LBFGS: a pair with y's below this is not remembered.

    def __init__(
        self,
        learning_rate: float = 1.0,
        history: int = 100,
        first_move: float = 0.0,
        precondition: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.history = history
        self.first_move = first_move
        self._precondition = precondition or (lambda gradient: gradient)
        self._moves: list[Tensor] = []  # s, newest last
        self._changes: list[Tensor] = []  # y
        self._inverse_curvatures: list[Tensor] = []  # 1 / (y's), 0 for a pair left out
        self._scale: Tensor | None = (
            None  # gamma: y's / y'Py of the newest good pair, P the preconditioner
        )
        self._previous_gradient: Tensor | None = None
        self._previous_move: Tensor | None = None

    def step(self, picture: Tensor, gradient: Tensor) -> None:
        g = gradient.flatten()
        if self._previous_gradient is None or self._previous_move is None:
            downhill = -self._precondition(g)
            move = downhill * (self.learning_rate * self._first_length(downhill))
        else:
            change = g - self._previous_gradient
            self._previous_gradient = None  # A full-size picture less while the move is found.
            self._remember(self._previous_move, change)
            move = self._direction(g).mul_(self.learning_rate)
        self._previous_gradient, self._previous_move = g, move
        # The next pair takes the place of the oldest.
        excess = max(0, len(self._moves) + 1 - self.history)
        for memory in (self._moves, self._changes, self._inverse_curvatures):
            del memory[:excess]
        picture.add_(move.view_as(picture))

    def state(self) -> OptimiserState:
        # No step changes a tensor that an earlier one has put here; lists are enough to copy.
        return {
            "moves": list(self._moves),
            "changes": list(self._changes),
            "inverse_curvatures": list(self._inverse_curvatures),
            "scale": self._scale,
            "previous_gradient": self._previous_gradient,
            "previous_move": self._previous_move,
        }

    def restore(self, state: OptimiserState, picture: Tensor) -> None:
        def here(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(picture.device)

        self._moves = [s.to(picture.device) for s in state["moves"]]
        self._changes = [y.to(picture.device) for y in state["changes"]]
        self._inverse_curvatures = [r.to(picture.device) for r in state["inverse_curvatures"]]
        self._scale = here(state["scale"])
        self._previous_gradient = here(state["previous_gradient"])
        self._previous_move = here(state["previous_move"])

    def _first_length(self, downhill: Tensor) -> Tensor:
        if self.first_move:
            tiny = torch.finfo(downhill.dtype).tiny  # no gradient, no move
            return self.first_move / downhill.square().mean().sqrt().clamp(min=tiny)
        return (1 / downhill.abs().sum()).clamp(max=1)

    def _remember(self, move: Tensor, change: Tensor) -> None:
        curvature = change.dot(move)
        good = curvature > self.CURVATURE_FLOOR
        scale = curvature / change.dot(self._precondition(change))
        previous = torch.ones_like(scale) if self._scale is None else self._scale
        self._scale = torch.where(good, scale, previous)
        self._moves.append(move)
        self._changes.append(change)
        self._inverse_curvatures.append(torch.where(good, 1 / curvature, 0))

    def _direction(self, g: Tensor) -> Tensor:
        """-H g, where H approximates the inverse Hessian."""
        q = -g
        pairs = list(zip(self._moves, self._changes, self._inverse_curvatures, strict=True))
        alphas = []
        for s, y, rho in reversed(pairs):
            alpha = rho * s.dot(q)
            q.addcmul_(y, alpha, value=-1)
            alphas.append(alpha)
        assert self._scale is not None
        r = self._precondition(q).mul_(self._scale)
        for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
            r.addcmul_(s, alpha - rho * y.dot(r))
        return r
