"""Moves a picture downhill: L-BFGS and Adam, without waiting for the device.

A step here is one evaluation of the objective. Nothing reads a number back from the device inside
a step: what `torch.optim.LBFGS` decides on the host (is this pair's curvature positive?) is a
`torch.where` here, and losses are read only when they are reported.
"""

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from engine.errors import NumericalError

__all__ = [
    "LBFGS",
    "Adam",
    "FrequencyPreconditioner",
    "Losses",
    "Objective",
    "OptimiserState",
    "Snapshot",
    "Step",
    "minimise",
    "optimiser_of",
]


STRIP = 256
"""Rows of a picture that are moved at a time, where each can be by itself."""


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


OptimiserState = Mapping[str, Any]
"""Tensors, numbers, None, and lists of these: what `torch.load(weights_only=True)` brings back."""


@dataclass(frozen=True)
class Snapshot:
    """Between two moves: what `minimise` goes on from to the very same numbers.

    It shares no memory that a later move changes.
    """

    done: int
    """Evaluations after which the picture was moved: the next is number `done` + 1."""
    picture: Tensor
    optimiser: OptimiserState


@dataclass(frozen=True)
class Step:
    """`number` (from 1) evaluations are done; `losses` are those of the picture as it is now."""

    number: int
    losses: Losses
    snapshot: Callable[[], Snapshot]
    """Where the descent is at the moment of the call: at this step, or further if it went on. Any
    thread may call it; it waits while the picture is being moved."""


class Optimiser(Protocol):
    def step(self, picture: Tensor, gradient: Tensor) -> None:
        """Move `picture` in place, given the gradient there."""

    def state(self) -> OptimiserState:
        """What is remembered of earlier steps, in memory that no later step changes."""

    def restore(self, state: OptimiserState, picture: Tensor) -> None:
        """Remember it again, for a picture that may be on another device than then."""


def minimise(
    objective: Objective,
    picture: Tensor,
    *,
    steps: int,
    optimiser: Literal["lbfgs", "adam"] = "lbfgs",
    learning_rate: float = 1.0,
    history: int = 100,
    first_move: float = 0.0,
    preconditioning: float = 0.0,
    clamp: bool = True,
    report_every: int = 1,
    resume: Snapshot | None = None,
) -> Iterator[Step]:
    """Lower the objective in place, with `steps` evaluations of it.

    The picture is not moved after the last evaluation, so that the last reported losses are those
    of the picture as it stands.

    Args:
        picture: 1 x 3 x H x W in 0 to 1; changed in place.
        preconditioning: of L-BFGS, the exponent of `FrequencyPreconditioner`; 0 for none.
        clamp: keep it in 0 to 1, by projection after every move. L-BFGS's memory keeps the moves
            as it meant them, as when a closure clamps before evaluating (the PyTorch tutorial).
        report_every: evaluations between reports, each of which waits for the device. The first
            and the last are always reported.
        resume: where an earlier call with the same arguments was. `picture` becomes what it was
            then, and what follows is what would have followed.

    Raises:
        NumericalError: the loss is no longer finite; the message says what helps.
    """
    method = optimiser_of(
        optimiser,
        picture,
        learning_rate=learning_rate,
        history=history,
        first_move=first_move,
        preconditioning=preconditioning,
    )
    done = 0
    if resume is not None:
        done = resume.done
        picture.copy_(resume.picture)
        method.restore(resume.optimiser, picture)
        resume = None  # It would keep what the optimiser forgets.
    moving = threading.Lock()

    def snapshot() -> Snapshot:
        with moving:
            return Snapshot(done, picture.clone(), method.state())

    first = done + 1
    for number in range(first, steps + 1):
        variable = picture.detach().requires_grad_()
        terms = objective(variable)
        if number in (first, steps) or number % report_every == 0:
            yield Step(number, _read(terms, number), snapshot)
        if number < steps:
            (gradient,) = torch.autograd.grad(terms.sum(), variable)
            with moving, torch.no_grad():
                method.step(picture, gradient)
                if clamp:
                    picture.clamp_(0, 1)
                done = number
            del gradient  # Else it would wait for the next to take its place.


def optimiser_of(
    name: Literal["lbfgs", "adam"],
    picture: Tensor,
    *,
    learning_rate: float,
    history: int,
    first_move: float,
    preconditioning: float,
) -> Optimiser:
    """What `minimise` moves a picture of this size with; its arguments are explained there."""
    if name == "adam":
        return Adam(learning_rate)
    size = (picture.shape[-1], picture.shape[-2])
    precondition = FrequencyPreconditioner(size, preconditioning) if preconditioning else None
    return LBFGS(learning_rate, history, first_move, precondition)


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


class FrequencyPreconditioner:
    """Lets large shapes move further than fine grain: (f_N / f)^exponent on spatial frequency f.

    f_N is the Nyquist frequency; below four cycles along the longest side the factor stays what it
    is there. The network answers to fine grain far more strongly than to broad shapes, and L-BFGS
    would have to learn that from its pairs.
    """

    BROADEST = 4  # cycles along the longest side

    def __init__(self, size: tuple[int, int], exponent: float) -> None:
        self._size = size
        self._exponent = exponent
        self._gain: Tensor | None = None

    def __call__(self, gradient: Tensor) -> Tensor:
        """Flat, three channels of the size's pixels -> the same."""
        width, height = self._size
        if self._gain is None:
            down = torch.fft.fftfreq(height, dtype=gradient.dtype, device=gradient.device)
            across = torch.fft.rfftfreq(width, dtype=gradient.dtype, device=gradient.device)
            frequency = (down[:, None].square() + across[None].square()).sqrt()
            lowest = self.BROADEST / max(width, height)
            self._gain = (0.5 / frequency.clamp(min=lowest)) ** self._exponent
        # Channel by channel, since a spectrum takes as much memory as what it is of.
        channels = gradient.view(3, height, width)
        weighed = torch.empty_like(channels)
        for index in range(3):
            spectrum = torch.fft.rfft2(channels[index]).mul_(self._gain)
            weighed[index] = torch.fft.irfft2(spectrum, s=(height, width))
        return weighed.flatten()


class Adam:
    """D. Kingma, J. Ba: Adam, ICLR 2015, algorithm 1. The same iterates as `torch.optim.Adam`."""

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._steps = 0
        self._mean: Tensor | None = None  # m, of the gradients
        self._square: Tensor | None = None  # v, of their squares

    def step(self, picture: Tensor, gradient: Tensor) -> None:
        if self._mean is None or self._square is None:
            self._mean, self._square = torch.zeros_like(picture), torch.zeros_like(picture)
        first, second = self.BETAS
        self._steps += 1
        self._mean.lerp_(gradient, 1 - first)
        self._square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        length = self.learning_rate / (1 - first**self._steps)
        correction = math.sqrt(1 - second**self._steps)
        # In strips: nothing of the picture's size is made on the way.
        for part, mean, square in zip(
            *(torch.split(x, STRIP, dim=-2) for x in (picture, self._mean, self._square)),
            strict=True,
        ):
            root = square.sqrt().div_(correction).add_(self.EPSILON)
            part.addcdiv_(mean, root, value=-length)

    def state(self) -> OptimiserState:
        def copied(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.clone()

        return {
            "steps": self._steps,
            "mean": copied(self._mean),
            "square": copied(self._square),
        }

    def restore(self, state: OptimiserState, picture: Tensor) -> None:
        self._steps = state["steps"]
        if self._steps:
            self._mean = state["mean"].to(picture.device, copy=True)
            self._square = state["square"].to(picture.device, copy=True)


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
