"""Where a painting stands, to go on from after an interruption to the very same pixels."""

from dataclasses import dataclass, fields
from typing import IO

import torch
from torch import Tensor

from engine.optimise import OptimiserState

__all__ = ["STATE_VERSION", "State", "load_state", "save_state"]

STATE_VERSION = 1
"""To be raised when `State` means something else than before."""


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
    """Of computing so far."""


def save_state(state: State, file: IO[bytes]) -> None:
    """Write it as tensors, numbers and names: nothing in it is code."""
    torch.save({field.name: getattr(state, field.name) for field in fields(state)}, file)


def load_state(file: IO[bytes]) -> State:
    """What `save_state` wrote, in the host's memory.

    Raises:
        Exception: of almost any kind, if the file is damaged.
    """
    return State(**torch.load(file, map_location="cpu", weights_only=True))
