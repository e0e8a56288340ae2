"""The exceptions of the engine, and the exit codes of the `impasto` command.

EngineError                 (15, other)
├── SettingsError           (9, configuration): a key, a type or a range
├── PictureError            (2, input): not a picture, truncated, too large
├── WeightsError            (3, missing dependency): VGG19's weights cannot be had
├── DeviceError             (3, missing dependency): no such device here
├── BudgetError             (15, other): the memory budget is too small
├── TimeLimitError          (15, other): the time does not suffice for the shortest painting
├── StateError              (15, other): a saved state of another painting
└── NumericalError          (15, other): the loss is no longer finite, or not lowered
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "BudgetError",
    "DeviceError",
    "EngineError",
    "ExitCode",
    "NumericalError",
    "PictureError",
    "Problem",
    "SettingsError",
    "StateError",
    "TimeLimitError",
    "WeightsError",
]


class ExitCode(IntEnum):
    """Exit codes of the `impasto` command. The README has the table."""

    OK = 0
    USAGE = 1
    INPUT = 2
    MISSING_DEPENDENCY = 3
    FILE_ACCESS = 5
    CONFIGURATION = 9
    SOME_JOBS_FAILED = 10
    OTHER = 15
    INTERRUPTED = 130


@dataclass(frozen=True)
class Problem:
    """One refused setting.

    `key` is its dotted path (`style_layers.relu9_1`), `path` the same in parts, so that a caller
    who knows the file can add the line.
    """

    path: tuple[str | int, ...]
    given: str
    expected: str
    nearest: str | None = None

    @property
    def key(self) -> str:
        return ".".join(str(part) for part in self.path)

    def __str__(self) -> str:
        hint = f" Did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{self.key}: {self.given}; expected {self.expected}.{hint}"


class EngineError(Exception):
    """Base class. The message says what, where, why and what to do."""

    exit_code = ExitCode.OTHER


class SettingsError(EngineError):
    """A setting that the model refuses; `problems` has one entry a key."""

    exit_code = ExitCode.CONFIGURATION

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


class PictureError(EngineError):
    """A file that is not a usable picture."""

    exit_code = ExitCode.INPUT


class WeightsError(EngineError):
    """VGG19's weights are missing, damaged, of another network, or out of reach."""

    exit_code = ExitCode.MISSING_DEPENDENCY


class DeviceError(EngineError):
    """A device that this machine does not have."""

    exit_code = ExitCode.MISSING_DEPENDENCY


class BudgetError(EngineError):
    """No plan of a painting fits into the memory budget; the message says what would."""


class TimeLimitError(EngineError):
    """The time that `seconds` gives does not suffice for the shortest painting; the message says
    what would."""


class StateError(EngineError):
    """A saved state that does not belong to this painting."""


class NumericalError(EngineError):
    """The loss is no longer finite, or the optimisation has not lowered it."""
