"""A step of a descent, computed anew each time, or captured once and replayed.

Launching an operation on a GPU takes longer than computing one of a small picture. A CUDA graph is
launched as a whole: the evaluation with its gradient is one, the move another.
"""

import logging
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from engine.network.allocator import release
from engine.optimisers.optimiser import Optimiser

__all__ = [
    "WARM_UP",
    "Capture",
    "CudaGraphs",
    "EagerStep",
    "Objective",
    "ReplayedStep",
    "ScaleObjective",
]

logger = logging.getLogger(__name__)

Objective = Callable[[Tensor], Tensor]
"""Picture (1 x 3 x H x W, requires grad) -> the weighted terms content, style, tv as 3 numbers."""


class ScaleObjective(Protocol):
    """The objective of one scale, which may end with another loss than it begins with."""

    tiled: bool
    """The picture is computed in parts, so that no step can be captured."""

    def __call__(self, picture: Tensor, /) -> Tensor:
        """As an `Objective`."""
        ...

    def plain(self) -> Objective:
        """The same with the plain Gram loss."""
        ...


Work = Callable[[], None]
Capture = Callable[[Work], Work | None]
"""Work that does the same operations on the same memory each time -> what replays them; None where
they cannot be captured."""

WARM_UP = 2
"""Steps before the capture: they allocate what lasts, and libraries choose their algorithms."""


class EagerStep:
    """Computes each step anew, and holds nothing from step to step."""

    def __init__(
        self, objective: Objective, picture: Tensor, method: Optimiser, factors: Tensor | None
    ) -> None:
        """`factors`: of the three terms; None: 1."""
        self._objective, self._picture, self._method = objective, picture, method
        self._factors = factors
        self._grads = picture.new_ones(3) if factors is None else factors
        self._evaluated: tuple[Tensor, Tensor] | None = None

    def evaluate(self) -> Tensor:
        """The terms of the picture."""
        variable = self._picture.detach().requires_grad_()
        terms = self._objective(variable)
        self._evaluated = variable, terms
        return self._weighed(terms)

    def move(self, clamp: bool) -> None:
        """Move the picture."""
        assert self._evaluated is not None
        variable, terms = self._evaluated
        self._evaluated = None  # Else it would stay in memory during the next evaluation.
        # Not with `grad_outputs`, for which torch loads sympy: half a second, 35 MB.
        (gradient,) = torch.autograd.grad((terms * self._grads).sum(), variable)
        self._step(gradient, self._weighed(terms), clamp)

    def _weighed(self, terms: Tensor) -> Tensor:
        terms = terms.detach()
        return terms if self._factors is None else terms * self._factors

    @torch.no_grad()
    def _step(self, gradient: Tensor, terms: Tensor, clamp: bool) -> None:
        self._method.step(self._picture, gradient, terms, clamp)


class ReplayedStep(EagerStep):
    """Computes the first steps; from then on replays what `capture` made of one.

    The gradient is part of the evaluation, so that a picture can be reported before it is moved.
    Terms and gradient lie where the captured evaluation has put them.
    """

    def __init__(
        self,
        objective: Objective,
        picture: Tensor,
        method: Optimiser,
        factors: Tensor | None,
        capture: Capture,
    ) -> None:
        super().__init__(objective, picture, method, factors)
        self._capture = capture
        self._terms = self._gradient = picture  # of the latest evaluation
        self._steps = 0
        self._evaluation: Work | None = None
        self._moving: Work | None = None

    def evaluate(self) -> Tensor:
        """The terms of the picture, which the next evaluation may overwrite."""
        if self._steps == WARM_UP:
            self._evaluation = self._capture(self._evaluate)
        (self._evaluation or self._evaluate)()
        return self._terms

    def move(self, clamp: bool) -> None:
        """Move the picture."""

        def move() -> None:
            self._step(self._gradient, self._terms, clamp)

        if self._steps == WARM_UP and self._evaluation is not None and self._method.replayable:
            self._moving = self._capture(move)
        self._steps += 1
        (self._moving or move)()

    def _evaluate(self) -> None:
        variable = self._picture.detach().requires_grad_()
        terms = self._objective(variable)
        (self._gradient,) = torch.autograd.grad(terms, variable, self._grads)
        self._terms = self._weighed(terms)


class CudaGraphs:
    """Captures work as CUDA graphs. What cannot be captured is computed as before, in words."""

    def __init__(self) -> None:
        self.captured = 0
        self.refusal = ""
        """Why the latest that could not be captured could not."""

    def __call__(self, work: Work) -> Work | None:
        try:
            graph = torch.cuda.CUDAGraph()
            # Checkpoints are written by a thread of their own meanwhile.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                work()
        except (MemoryError, RuntimeError) as error:
            self.refuse(f"{type(error).__name__}: {str(error).splitlines()[0]}")
        else:
            self.captured += 1
            return graph.replay
        release()
        return None

    def refuse(self, reason: str) -> None:
        if reason != self.refusal:
            logger.warning("steps are computed one by one, not replayed as a graph: %s", reason)
        self.refusal = reason

    def describe(self) -> str:
        """In one line, for records."""
        text = f"{self.captured} captured"
        return f"{text}; some steps computed one by one: {self.refusal}" if self.refusal else text
