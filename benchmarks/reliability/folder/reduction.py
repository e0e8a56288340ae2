"""The fewest steps that still show a fault.

Hypothesis shrinks every choice of an example, for minutes. Here whole steps are left out, for
seconds: what is left can be read, and repeated without hypothesis.
"""

import contextlib
import re
import time
from collections.abc import Sequence

from benchmarks.reliability.folder.machine import FolderMachine, Taken

__all__ = ["reduced", "repeat"]


def repeat(kind: type[FolderMachine], steps: Sequence[Taken]) -> None:
    """Take these steps, and what comes after the last.

    Raises:
        AssertionError: what they show.
    """
    machine = kind()
    try:
        for name, values in steps:
            getattr(machine, name)(**values)
    except BaseException:
        with contextlib.suppress(BaseException):
            machine.harness.__exit__(None, None, None)
        raise
    machine.teardown()


def reduced(
    kind: type[FolderMachine], steps: Sequence[Taken], seconds: float = 60.0
) -> tuple[list[Taken], AssertionError | None]:
    """Fewer steps that show the same, found in so many seconds, and what they show; None if
    the steps show nothing when they are repeated."""
    until = time.monotonic() + seconds
    left = list(steps)
    shown = _shown(kind, left)
    size = max(1, len(left) // 2)
    while shown is not None and time.monotonic() < until:
        start, before = 0, len(left)
        while start < len(left) and time.monotonic() < until:
            fewer = left[:start] + left[start + size :]
            found = _shown(kind, fewer)
            if found is not None and _kind_of(found) == _kind_of(shown):
                left, shown = fewer, found
            else:
                start += size
        if size == 1 and len(left) == before:
            break
        size = max(1, size // 2)
    return left, shown


def _shown(kind: type[FolderMachine], steps: Sequence[Taken]) -> AssertionError | None:
    try:
        repeat(kind, steps)
    except AssertionError as error:
        return error
    return None


def _kind_of(error: AssertionError) -> str:
    lines = str(error).strip().splitlines() or [""]
    return re.sub(r"\d+", "", f"{lines[0][:16]} {lines[-1][:16]}")
