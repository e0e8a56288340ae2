"""States of a job or a batch: how it gets there, what its status says, and what ends it."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from support import Room

Patch = pytest.MonkeyPatch
Act = Callable[[Room, Patch], None]

REFUSED = OSError(errno.EROFS, "Read-only file system")


def refuse(*_: Any, **__: Any) -> Any:
    raise REFUSED


@dataclass(frozen=True)
class Row:
    """A job called cat in one state."""

    state: str
    message: str
    """A part of the status's message: what it waits for."""
    arrange: Act
    leave: Act
    """What the message names, or what is expected to happen."""
    end: str = "done"
    steps: int = 30
    """Within which it comes to its end."""


def heal(_: Room, patch: Patch) -> None:
    patch.undo()


def nothing(_: Room, __: Patch) -> None:
    """Time alone."""


def drops(*names: str) -> Act:
    def act(room: Room, _: Patch) -> None:
        for name in names:
            room.drop(name, "")

    return act
