"""The interface of an optimiser."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from torch import Tensor

__all__ = ["Optimiser", "OptimiserState", "Report", "is_improved"]

OptimiserState = Mapping[str, Any]
"""Tensors, numbers, None, lists and mappings of these: as `torch.load(weights_only=True)` reads."""


ROUNDING = 1e-6
"""A loss that is no more than what rounding makes of 0: the picture is its own target."""


def is_improved(lowest: float, first: float) -> bool:
    """Whether a descent has lowered the loss that it began with, or there was nothing to lower."""
    return lowest < first or first <= ROUNDING


class Report(NamedTuple):
    """Where a descent stands."""

    terms: Sequence[float]
    """Of the picture that stands."""
    rejections: int
    """Moves that were taken back, the last included."""
    rejected: bool
    """Whether the last is."""
    improved: bool
    """Whether the loss has been lowered, or was 0 (or its rounding) from the start."""


class Optimiser(Protocol):
    """`terms` are the objective's at `picture`; the loss is their sum."""

    @property
    def replayable(self) -> bool:
        """Whether steps from the third on are the same operations on the same memory."""

    def step(self, picture: Tensor, gradient: Tensor, terms: Tensor, clamp: bool) -> None:
        """Move `picture` in place, given the gradient there; within 0 to 1 if `clamp`."""

    def finish(self, picture: Tensor, terms: Tensor) -> Tensor:
        """After the last evaluation: the picture to deliver, in place, and its terms."""

    def report(self, terms: Tensor) -> Tensor:
        """All numbers that `read` has to know, in one tensor."""

    def read(self, numbers: Sequence[float]) -> Report:
        """What has been reported, on the host."""

    def standing(self, picture: Tensor, rejected: bool) -> Tensor:
        """The picture that stands: that which the last move is taken back to, if it is."""

    def state(self) -> OptimiserState:
        """The memory of earlier steps, as tensors that no later step changes."""

    def offload(self) -> None:
        """Memory has run out, and this is not stepped again: what `state` gives goes to the host,
        if it is not anyway shared with the optimiser that goes on."""

    def restore(self, state: OptimiserState, picture: Tensor) -> None:
        """Go on from an earlier `state`, with a picture that may be on another device."""
