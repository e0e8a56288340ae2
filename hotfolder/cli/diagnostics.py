"""A line of `impasto doctor`."""

from dataclasses import dataclass
from typing import Literal

from hotfolder.errors import ExitCode

__all__ = ["DiagnosticResult"]


@dataclass(frozen=True)
class DiagnosticResult:
    """What was found about one subject, and what to do about it."""

    verdict: Literal["ok", "warn", "fail"]
    subject: str
    detail: str
    remedy: str = ""
    code: ExitCode = ExitCode.MISSING_DEPENDENCY
    """What the command ends with if the verdict is `fail`."""
