"""The state of a painting: saved before an interruption, it is resumed to the same pixels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import IO, Any

import torch
from torch import Tensor

from engine.optimisers.optimiser import OptimiserState

__all__ = ["STATE_VERSION", "State", "load_state", "save_state"]

STATE_VERSION = 4
"""To be raised when the meaning of `State` changes."""


@dataclass(frozen=True)
class State:
    """Between two moves of the picture. `stylise` gives it in every `Progress` and takes it back.

    The stage within a scale (`content_boost`) follows from `done`.
    """

    scale: int
    """From 0, coarse to fine."""
    done: int
    """Evaluations at this scale after which the picture was moved."""
    canvas: Tensor
    """1 x 3 x H x W in 0 to 1, with the margin."""
    optimiser: OptimiserState
    generator: Tensor
    """State of the generator that every random number of the painting is drawn from."""
    seconds: float
    """Seconds of computing so far."""
    rejected_moves: int = 0
    """Moves that were taken back at earlier scales and stages; the optimiser knows of its own."""
    improved: bool = False
    """Whether the loss was lowered at one of them."""
    plan: Mapping[str, Any] | None = None
    """`Plan.document` of the scale, since the plan decides how sums are rounded."""
    schedule: Mapping[str, Any] = field(default_factory=dict)
    """`Schedule.document`, where it is decided on the way when a scale ends."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """The caller's own data, unchanged: numbers, text, bytes, None, lists and mappings of these."""

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.nbytes for tensor in _tensors(list(vars(self).values())))


def save_state(state: State, file: IO[bytes]) -> None:
    """Write it as tensors, numbers and names, without code."""
    torch.save({field.name: getattr(state, field.name) for field in fields(state)}, file)


def load_state(file: IO[bytes]) -> State:
    """Read what `save_state` wrote into the host's memory.

    Raises:
        Exception: of almost any kind, if the file is damaged.
    """
    return State(**torch.load(file, map_location="cpu", weights_only=True))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from _tensors(each)
