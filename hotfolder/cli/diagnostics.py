"""The lines of `impasto doctor`."""

from dataclasses import dataclass
from typing import Literal

from hotfolder.errors import ExitCode

__all__ = ["DiagnosticResult", "fail", "ok", "warn"]


@dataclass(frozen=True)
class DiagnosticResult:
    """What was found about one subject, and what to do about it."""

    verdict: Literal["ok", "warn", "fail"]
    subject: str
    detail: str
    remedy: str = ""
    code: ExitCode = ExitCode.OK
    """What the command ends with if this is its first failure."""


def ok(subject: str, detail: str) -> DiagnosticResult:
    return DiagnosticResult("ok", subject, detail)


def warn(subject: str, detail: str, remedy: str = "") -> DiagnosticResult:
    return DiagnosticResult("warn", subject, detail, remedy)


def fail(
    subject: str,
    detail: str,
    remedy: str = "",
    code: ExitCode = ExitCode.MISSING_DEPENDENCY,
) -> DiagnosticResult:
    return DiagnosticResult("fail", subject, detail, remedy, code)
