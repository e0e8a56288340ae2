"""L-BFGS for GPUs: the pairs in two matrices, and as many operations whatever their number.

R. Byrd, J. Nocedal, R. Schnabel: Representations of quasi-Newton matrices, 1994, eq. 3.1, in
factors: with moves as the rows of S, changes of the gradient as those of Y, R the upper triangle of
S Y' in order of age, D its diagonal and P what H is taken for before any pair,

    H = (I - S' R^-T Y) P (I - Y' R^-1 S) + S' R^-T D R^-1 S

R^-1 is kept. A new pair adds a column to it: -R^-1 S y / s'y, and 1 / s'y on the diagonal. The
oldest pair has nothing in its column but the diagonal, so it is gone when its row is zero. Pairs
can lie as a ring, then, in no order, and nothing is solved.
"""

import torch
from torch import Tensor

from engine.optimisers.guard import Guard
from engine.optimisers.lbfgs import CHANGE, LBFGS, Lengths, hold
from engine.optimisers.optimiser import OptimiserState
from engine.optimisers.preconditioner import FrequencyPreconditioner

__all__ = ["StackedLBFGS"]

TURNED, MOVE, ROWS = 0, 1, 4
"""What follows S in its matrix, so that one operation serves several: -(I - Y' R^-1 S) times the
gradient, the last move, `CHANGE` and `GRADIENT`."""

ENDLESS = {torch.float64: 1e150, torch.float32: 1e18}
"""Curvature in R of a pair left out, and of one that is not there yet: it is not answered."""


class StackedLBFGS(LBFGS):
    """`LBFGS`, guarded, with the same iterates up to rounding.

    From the third step on, all steps are the same operations on the same memory: they can be
    captured, and replayed.
    """

    replayable = True

    def __init__(
        self,
        learning_rate: float = 1.0,
        history: int = 100,
        first_move: float = 0.0,
        precondition: FrequencyPreconditioner | None = None,
    ) -> None:
        super().__init__(learning_rate, history, first_move, precondition)
        self._stack: Tensor | None = None
        """2 x (history + ROWS) x N: S and what follows it, and Y. Both are rings."""
        self._offloaded: OptimiserState | None = None
        self._uncommitted = False

    def state(self) -> OptimiserState:
        """On the host, where copies do not take the room of what is copied."""
        if self._offloaded is not None:
            return self._offloaded
        state = {**super().state(), "inverse": None}
        if self._stack is not None:
            # From the oldest pair to the newest, without the one whose place is the next one's.
            places = (torch.arange(1, self.history) + self._place.cpu()) % self.history
            state |= {
                "moves": [_on_host(self._stack[0, place]) for place in places],
                "changes": [_on_host(self._stack[1, place]) for place in places],
                "inverse": self._inverse.cpu()[places[:, None], places],
                "places": places,
            }
        return {name: _on_host(value) for name, value in state.items()}

    def restore(self, state: OptimiserState, picture: Tensor) -> None:
        if state["previous_gradient"] is None:
            return
        device = picture.device
        guard = Guard.from_state(state["guard"], device)
        gradient, move = (state[name].to(device) for name in ("previous_gradient", "previous_move"))
        self._begin(guard, gradient, move)
        assert self._stack is not None
        places = state["places"]
        if len(places) + 1 != self.history:  # then it is summed in another order all the same
            places = torch.arange(min(len(places), self.history - 1))
        newest = slice(len(state["moves"]) - len(places), None)
        for place, s, y in zip(
            places, state["moves"][newest], state["changes"][newest], strict=True
        ):
            self._stack[0, place].copy_(s)
            self._stack[1, place].copy_(y)
        there = places.to(device)
        self._inverse[there[:, None], there] = state["inverse"][newest, newest].to(device)
        self._place.fill_(int(places[-1] + 1) % self.history if len(places) else 0)
        self._scale = None if state["scale"] is None else state["scale"].to(device, copy=True)

    def offload(self) -> None:
        if self._stack is not None:
            self._offloaded = self.state()
            self._stack = self._guard = self._previous_gradient = self._previous_move = None

    def _room(self, number: int) -> Tensor:
        assert self._stack is not None
        return self._stack[0, self.history + number]

    def _hold(self, change: Tensor, g: Tensor, ahead: Tensor) -> None:
        assert self._stack is not None
        hold(self._stack[0, self.history + CHANGE :], ahead)

    def _lengths(self, move: Tensor, change: Tensor) -> Lengths:
        assert self._stack is not None
        rows = self._stack[0, self.history + MOVE : self.history + CHANGE + 1]
        length, changed = torch.linalg.vector_norm(rows, dim=1)
        return length, changed

    def _begin(self, guard: Guard | None, g: Tensor, move: Tensor) -> None:
        assert guard is not None
        exact = torch.float32 if g.device.type == "mps" else torch.float64
        stack = g.new_zeros(2, self.history + ROWS, g.numel())
        guard = Guard.from_state({name: t.clone() for name, t in guard.state().items()}, g.device)
        previous = g.clone()
        self._one_hot = torch.eye(self.history, dtype=exact, device=g.device)
        self._forgotten = self._one_hot / ENDLESS[exact]
        self._inverse = self._forgotten.clone()
        self._endless = self._inverse.new_full((), ENDLESS[exact])
        self._place = torch.zeros(1, dtype=torch.long, device=g.device)
        self._stack = stack
        self._room(MOVE).copy_(move)
        super()._begin(guard, previous, self._room(MOVE))

    def _direction(
        self,
        g: Tensor,
        change: Tensor,
        move: Tensor,
        lengths: Lengths,
        kept: Tensor | None,
    ) -> Tensor:
        assert self._stack is not None
        assert kept is not None
        m, place, inverse, (length, changed) = self.history, self._place, self._inverse, lengths
        change.nan_to_num_(nan=0.0, posinf=0.0, neginf=0.0)
        pairs, rows = self._stack[:, :m], self._stack[0]
        moves, changes = pairs
        pairs.index_copy_(1, place, rows[m + MOVE : m + CHANGE + 1, None])
        products = self._products(rows[: m + CHANGE + 1], rows[m + CHANGE :])
        column, slopes = products[:m].unbind(1)
        product, squared = products[m + MOVE, 0], products[m + CHANGE, 0]
        good = torch.addcmul(product, length, changed, value=-self.LEAST_COSINE) > 0

        torch.where(kept, inverse, self._forgotten, out=inverse)
        inverse.index_fill_(0, place, 0)
        if self._uncommitted:  # a step that ran out of memory has put its pair there
            inverse.index_fill_(1, place, 0)
        self._uncommitted = True
        newest = torch.addmv(self._one_hot.index_select(0, place)[0], inverse, column, alpha=-1)
        newest.div_(torch.where(good, product, self._endless))
        inverse.index_copy_(1, place, newest[:, None])

        alphas = inverse @ slopes
        turned = self._room(TURNED)
        torch.addmv(g, changes.T, alphas.to(g.dtype), beta=-1, out=turned)
        if self._precondition is not None:
            r = self._precondition.divided_as_learnt(rows[m + TURNED : m + CHANGE + 1])
        else:
            if self._scale is None:
                self._scale = self._guessed(length, changed).to(squared)
            torch.where(good, product / squared, self._scale, out=self._scale)
            r = turned * self._scale
        rest = self._products(changes, r[None])[:, 0]
        rest = torch.addcdiv(rest, alphas, inverse.diagonal())
        return torch.addmv(r, moves.T, (inverse.T @ rest).to(g.dtype), alpha=-1)

    def _commit(self, guard: Guard | None, g: Tensor, move: Tensor) -> None:
        assert guard is not None
        assert self._guard is not None
        assert self._previous_gradient is not None
        old, new = self._guard.state(), guard.state()
        changed = [name for name in old if old[name] is not new[name]]
        torch._foreach_copy_(
            [*(old[name] for name in changed), self._previous_gradient, self._room(MOVE)],
            [*(new[name] for name in changed), g, move],
        )
        self._place.add_(1).remainder_(self.history)
        self._uncommitted = False

    def _products(self, rows: Tensor, others: Tensor) -> Tensor:
        """rows x others, summed in parts, which a GPU computes side by side, and those exactly."""
        assert self._guard is not None
        part = self._guard.picture.shape[-1]
        one, other = (each.view(len(each), -1, part) for each in (rows, others))
        parts = torch.bmm(one.transpose(0, 1), other.permute(1, 2, 0))
        return parts.sum(0, dtype=self._inverse.dtype)


def _on_host(value: object) -> object:
    if isinstance(value, Tensor):
        return value.to("cpu", copy=True)
    if isinstance(value, dict):
        return {name: _on_host(each) for name, each in value.items()}
    return value
