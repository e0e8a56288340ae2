"""What a person sees: results on stdout, all the rest on stderr."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "by_reason",
    "clock_time",
    "coloured",
    "did_you_mean",
    "print_columns",
    "report",
    "show_error",
    "stderr_console",
    "stdout_console",
]


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
    report(coloured(f"Error: {text}", "31", sys.stderr))


def clock_time(seconds: float) -> str:
    """1:05, or 1:02:03."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def coloured(text: str, code: str, stream: IO[str]) -> str:
    """In a colour (an SGR code) if `stream` is a terminal that shows colours."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not stream.isatty()
    return text if plain else f"\x1b[{code}m{text}\x1b[0m"


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns on stdout, for pipes, too: no control codes, nothing cut."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")


def by_reason(strays: Iterable[str]) -> str:
    """Names with their reasons in brackets, in one line; names of one reason come together."""
    from hotfolder.near_misses import split_reason

    names: dict[str, list[str]] = {}
    for stray in strays:
        name, reason = split_reason(stray)
        names.setdefault(reason, []).append(name)
    more = names.pop("", [])
    groups = [f"{', '.join(group)} ({reason})" for reason, group in names.items()]
    return "; ".join([*groups, *more])


def did_you_mean(given: str, known: Iterable[str], otherwise: str = "") -> str:
    """The end of a message about an unknown name: the known name nearest to it, if one is near."""
    import difflib

    nearest = difflib.get_close_matches(given, list(known), n=1)
    return f" Did you mean {nearest[0]!r}?" if nearest else otherwise
