"""What the doctor finds."""

from dataclasses import dataclass

from hotfolder.errors import ExitCode

__all__ = ["DiagnosticResult"]


@dataclass(frozen=True)
class DiagnosticResult:
    """One line. `verdict` is ok, warn or fail; `code` what the command ends with if it is fail."""

    verdict: str
    subject: str
    detail: str
    remedy: str = ""
    code: ExitCode = ExitCode.MISSING_DEPENDENCY
