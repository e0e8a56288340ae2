"""L-BFGS without a line search, and without waiting for the device.

What `torch.optim.LBFGS` decides on the host (is this pair's curvature positive?) is a `torch.where`
here: no number is read back from the device. `LBFGS` keeps its pairs in a list; `stacked.py` has
the form for GPUs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from engine.optimisers.guard import Guard
from engine.optimisers.optimiser import OptimiserState, Report
from engine.optimisers.preconditioner import FrequencyPreconditioner

__all__ = ["LBFGS", "Lengths", "hold"]


CHANGE, GRADIENT = 2, 3
"""How the gradient has changed since the last move, and what it is where that is gone on from."""

HAIR = 1e-6
"""In the picture's units: what is less than this from the end of the gamut is at its end."""

Lengths = tuple[Tensor, Tensor]
"""Of a move, and of the change of the gradient after it."""


class _Pair(NamedTuple):
    move: Tensor  # s
    change: Tensor  # y, of the gradient
    inverse_curvature: Tensor  # rho = 1 / y's, 0 for a pair left out


class LBFGS:
    """Limited-memory BFGS with a fixed step, the two-loop recursion.

    J. Nocedal, S. Wright: Numerical Optimization, 2nd ed., algorithms 7.4 and 7.5. A pair of no
    positive curvature is left out. Guarded (`Guard`), no move is long, one that raises the loss far
    is taken back, and what is delivered is the picture with the lowest loss. What a move that was
    taken back has shown of the curvature is remembered, and nothing of the moves before it: they
    led there, and would again.
    Unguarded, the iterates are those of `torch.optim.LBFGS(line_search_fn=None)`, whose first move
    has length 1 (in the sum of magnitudes) times the learning rate, clamped in its closure.

    Guarded and clamped, it descends among the colours that can move: one at the end of the gamut
    that the gradient would have leave it is held there for this move, and neither its gradient nor
    how that changes counts (D. Bertsekas: Projected Newton methods for optimization problems with
    simple constraints, 1982).

    `first_move` is a longer first move instead: its root mean square in the picture's units. From
    torch's, which changes no pixel by more than a millionth or so, the second move is a guess from
    rounding noise.

    Before the pairs correct it, the inverse Hessian is taken for the factor y's / y'y of the newest
    pair (eq. 7.20), or for what `precondition` learns from that.
    """

    replayable = False

    LEAST_COSINE = 1e-4
    """Of a move and the gradient's change: a pair below this is left out. A pair of hardly any
    curvature asks for a move without end."""

    CURVATURE_FLOOR = 1e-10
    """The floor of y's that `torch.optim.LBFGS` has instead, whatever the units."""

    def __init__(
        self,
        learning_rate: float = 1.0,
        history: int = 100,
        first_move: float = 0.0,
        precondition: FrequencyPreconditioner | None = None,
        *,
        guarded: bool = True,
    ) -> None:
        self.learning_rate = learning_rate
        self.history = history
        self.first_move = first_move
        self._precondition = precondition
        self._guarded = guarded
        self._guard: Guard | None = None
        self._pairs: list[_Pair] = []  # newest last
        self._scale: Tensor | None = None
        """gamma: y's / y'y of the newest good pair."""
        self._previous_gradient: Tensor | None = None
        self._previous_move: Tensor | None = None
        self._learning: tuple[list[_Pair], Tensor | None] = [], None
        """The pairs and gamma that count from the next `_commit` on."""

    def step(self, picture: Tensor, gradient: Tensor, terms: Tensor, clamp: bool) -> None:
        g, guard, precondition = gradient.flatten(), self._guard, self._precondition
        previous_g, previous_move = self._previous_gradient, self._previous_move
        standing = picture
        if previous_g is None or previous_move is None:
            guard = Guard.at(picture, g, terms) if self._guarded else None
            downhill = -g if precondition is None else -precondition(g, precondition.assumed(g))
            move = downhill * (self.learning_rate * self._first_length(downhill))
            self._begin(guard, g, move)
        else:
            change = torch.sub(g, previous_g, out=self._room(CHANGE))
            if guard is None:
                lengths = self._lengths(previous_move, change)
                move = self._direction(g, change, previous_move, lengths, None)
                move.mul_(self.learning_rate)
            else:
                verdict, here = guard.judge(terms), g
                kept = verdict.kept
                g = torch.where(kept, g, guard.gradient, out=self._room(GRADIENT))
                standing = torch.where(kept, picture, guard.picture)
                # A hair's breadth down the gradient: outside 0 to 1 the colour is held.
                ahead = torch.sub(standing.flatten(), g.sign(), alpha=HAIR) if clamp else None
                if ahead is not None:
                    self._hold(change, g, ahead)
                lengths = self._lengths(previous_move, change)
                guard = guard.after(picture, here, verdict, lengths[0])
                move = self._direction(g, change, previous_move, lengths, kept)
                if ahead is not None:
                    hold(move, ahead)
                move = guard.limit(move, self.learning_rate)
            # Nothing below takes memory, so a step that runs out of it has changed nothing.
            self._commit(guard, g, move)
        torch.add(standing, move.view_as(picture), out=picture)
        if clamp:
            picture.clamp_(0, 1)

    def finish(self, picture: Tensor, terms: Tensor) -> Tensor:
        if self._guard is None:
            return terms
        self._guard = self._guard.ended(picture, terms)
        picture.copy_(self._guard.picture)
        return self._guard.terms

    def report(self, terms: Tensor) -> Tensor:
        return terms if self._guard is None else self._guard.report(terms)

    def read(self, numbers: Sequence[float]) -> Report:
        if self._guard is None:
            return Report(numbers, 0, False, not self._guarded)  # not known
        return self._guard.read(numbers)

    def standing(self, picture: Tensor, rejected: bool) -> Tensor:
        return self._guard.picture if rejected and self._guard is not None else picture

    def state(self) -> OptimiserState:
        # No step changes a tensor that an earlier one has put here; lists are enough to copy.
        return {
            "moves": [pair.move for pair in self._pairs],
            "changes": [pair.change for pair in self._pairs],
            "inverse_curvatures": [pair.inverse_curvature for pair in self._pairs],
            "scale": self._scale,
            "previous_gradient": self._previous_gradient,
            "previous_move": self._previous_move,
            "guard": self._guard.state() if self._guard is not None else None,
        }

    def restore(self, state: OptimiserState, picture: Tensor) -> None:
        device = picture.device

        def here(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        columns = (state["moves"], state["changes"], state["inverse_curvatures"])
        self._pairs = [
            _Pair(*(tensor.to(device) for tensor in pair)) for pair in zip(*columns, strict=True)
        ]
        self._scale = here(state["scale"])
        self._previous_gradient = here(state["previous_gradient"])
        self._previous_move = here(state["previous_move"])
        guard = state["guard"]
        self._guard = None if guard is None else Guard.from_state(guard, device)

    def _first_length(self, downhill: Tensor) -> Tensor:
        if self.first_move:
            tiny = torch.finfo(downhill.dtype).tiny  # no gradient, no move
            return self.first_move / downhill.square().mean().sqrt().clamp(min=tiny)
        return (1 / downhill.abs().sum()).clamp(max=1)

    def offload(self) -> None:
        """The pairs are what `state` gives: there is nothing to be freed."""

    def _room(self, number: int) -> Tensor | None:
        """Where `GRADIENT` or `CHANGE` is to be computed; None: anywhere."""
        return None

    def _hold(self, change: Tensor, g: Tensor, ahead: Tensor) -> None:
        """Leave the colours that are held out of what lies in `CHANGE` and `GRADIENT`."""
        hold(change, ahead)
        hold(g, ahead)

    def _lengths(self, move: Tensor, change: Tensor) -> Lengths:
        return torch.linalg.vector_norm(move), torch.linalg.vector_norm(change)

    def _begin(self, guard: Guard | None, g: Tensor, move: Tensor) -> None:
        """Keep the state after the first move."""
        self._guard, self._previous_gradient, self._previous_move = guard, g, move

    def _direction(
        self, g: Tensor, change: Tensor, move: Tensor, lengths: Lengths, kept: Tensor | None
    ) -> Tensor:
        """-H g, where H approximates the inverse Hessian, with the pair that `move` and `change`,
        of these lengths, are, which counts from `_commit` on; without the pairs before it if the
        move is not kept."""
        pair, scale = self._learnt(move, change, lengths)
        before = self._pairs
        if kept is not None:
            before = [_Pair(s, y, rho * kept) for s, y, rho in before]
        self._learning = pairs, _ = [*before, pair], scale
        q = -g
        alphas = []
        for s, y, rho in reversed(pairs):
            alpha = rho * s.dot(q)
            q.addcmul_(y, alpha, value=-1)
            alphas.append(alpha)
        precondition = self._precondition
        r = (
            q * scale
            if precondition is None
            else precondition(q, precondition.learnt(change, move))
        )
        for (s, y, rho), alpha in zip(pairs, reversed(alphas), strict=True):
            r.addcmul_(s, alpha - rho * y.dot(r))
        return r

    def _commit(self, guard: Guard | None, g: Tensor, move: Tensor) -> None:
        """Keep the state after a move. Takes no memory."""
        pairs, self._scale = self._learning
        # The next pair takes the place of the oldest.
        self._pairs = pairs[max(0, len(pairs) + 1 - self.history) :]
        self._learning = [], None
        self._guard, self._previous_gradient, self._previous_move = guard, g, move

    def _learnt(self, move: Tensor, change: Tensor, lengths: Lengths) -> tuple[_Pair, Tensor]:
        """The pair, and gamma after it."""
        curvature, (length, changed) = change.dot(move), lengths
        if not self._guarded:
            good = curvature > self.CURVATURE_FLOOR
            otherwise = torch.ones_like(curvature)
        else:
            good = curvature > self.LEAST_COSINE * length * changed
            otherwise = self._guessed(length, changed)
            change.masked_fill_(~torch.isfinite(curvature), 0)
        previous = otherwise if self._scale is None else self._scale
        pair = _Pair(move, change, torch.where(good, 1 / curvature, 0))
        return pair, torch.where(good, curvature / changed.square(), previous)

    @staticmethod
    def _guessed(length: Tensor, changed: Tensor) -> Tensor:
        """gamma in the units of the picture over those of the gradient, whatever the sign of the
        first pair's curvature."""
        return torch.where(changed > 0, length / changed, 1.0)


def hold(rows: Tensor, ahead: Tensor) -> None:
    """Put 0 into rows where the picture `ahead` is not within 0 to 1."""
    torch.ops.aten.hardtanh_backward.grad_input(rows, ahead, 0, 1, grad_input=rows)
