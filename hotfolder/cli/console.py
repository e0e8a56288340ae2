"""What a person sees: results on stdout, all the rest on stderr."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["clock_time", "report", "show_error", "stderr_console", "stdout_console"]


def stdout_console() -> "Console":
    """For tables. Into a pipe: no control codes, and no line is cut or wrapped at 80."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=200, color_system=None)


def stderr_console() -> "Console":
    """For progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def report(text: str) -> None:
    """A remark on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def show_error(text: str, *, with_traceback: bool = False) -> None:
    """One message on stderr, red on a terminal."""
    if with_traceback:
        import traceback

        traceback.print_exc()
    message = f"Error: {text}"
    report(f"\x1b[31m{message}\x1b[0m" if _colourful() else message)


def clock_time(seconds: float) -> str:
    """1:05, or 1:02:03."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _colourful() -> bool:
    import os

    return sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
