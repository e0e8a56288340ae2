"""Adam, in place and in strips: the least memory."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.optimisers.optimiser import OptimiserState, Report, is_improved

__all__ = ["Adam"]

STRIP = 256
"""Rows of the picture that are updated at a time, to save memory."""


class Adam:
    """D. Kingma, J. Ba: Adam, ICLR 2015, algorithm 1. The same iterates as `torch.optim.Adam`."""

    BETAS = (0.9, 0.999)
    EPSILON = 1e-8
    replayable = False  # the corrections of the mean and of the square are of the step's number

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._steps = 0
        self._mean: Tensor | None = None  # m, of the gradients
        self._square: Tensor | None = None  # v, of their squares
        self._first: Tensor | None = None  # the loss of the first picture

    def step(self, picture: Tensor, gradient: Tensor, terms: Tensor, clamp: bool) -> None:
        # All that takes memory comes first: a step that runs out of it has changed nothing.
        scratch = torch.empty_like(picture[..., :STRIP, :])
        if self._mean is None or self._square is None or self._first is None:
            mean, square = torch.zeros_like(picture), torch.zeros_like(picture)
            self._mean, self._square, self._first = mean, square, terms.sum()
        first, second = self.BETAS
        self._steps += 1
        self._mean.lerp_(gradient, 1 - first)
        self._square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        length = self.learning_rate / (1 - first**self._steps)
        correction = math.sqrt(1 - second**self._steps)
        # In strips: no temporary tensor of the picture's size is made.
        for part, mean, square in zip(
            *(torch.split(x, STRIP, dim=-2) for x in (picture, self._mean, self._square)),
            strict=True,
        ):
            root = scratch[..., : part.shape[-2], :]
            torch.sqrt(square, out=root).div_(correction).add_(self.EPSILON)
            part.addcdiv_(mean, root, value=-length)
        if clamp:
            picture.clamp_(0, 1)

    def finish(self, picture: Tensor, terms: Tensor) -> Tensor:
        return terms

    def report(self, terms: Tensor) -> Tensor:
        loss = terms.sum()
        return torch.stack([*terms, loss, loss if self._first is None else self._first])

    def read(self, numbers: Sequence[float]) -> Report:
        *terms, loss, first = numbers
        return Report(terms, 0, False, self._first is not None and is_improved(loss, first))

    def standing(self, picture: Tensor, rejected: bool) -> Tensor:
        return picture

    def offload(self) -> None:
        pass

    def state(self) -> OptimiserState:
        def copied(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.clone()

        return {
            "steps": self._steps,
            "mean": copied(self._mean),
            "square": copied(self._square),
            "first": self._first,
        }

    def restore(self, state: OptimiserState, picture: Tensor) -> None:
        self._steps = state["steps"]
        if self._steps:
            self._mean = state["mean"].to(picture.device, copy=True)
            self._square = state["square"].to(picture.device, copy=True)
            self._first = state["first"].to(picture.device)
