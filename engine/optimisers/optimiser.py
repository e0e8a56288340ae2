"""The interface of an optimiser."""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

__all__ = ["Optimiser", "OptimiserState"]

OptimiserState = Mapping[str, Any]
"""Tensors, numbers, None, and lists of these: what `torch.load(weights_only=True)` brings back."""


class Optimiser(Protocol):
    def step(self, picture: Tensor, gradient: Tensor) -> None:
        """Move `picture` in place, given the gradient there."""

    def state(self) -> OptimiserState:
        """The memory of earlier steps, as tensors that no later step changes."""

    def restore(self, state: OptimiserState, picture: Tensor) -> None:
        """Go on from an earlier `state`, with a picture that may be on another device."""
