"""Limits of what others' files put into a status, a log or an error. Pure.

A client reads no status of more than 1 MiB, and a character may take twelve bytes of JSON.
"""

import math
from collections.abc import Mapping
from typing import Any

__all__ = [
    "MAX_ERROR",
    "MAX_LOG_LINE",
    "MAX_MESSAGE",
    "MAX_PROBLEMS",
    "MAX_REASON",
    "MAX_STATUS_BYTES",
    "finite",
    "shortened",
]

MAX_MESSAGE = 2_000
"""Characters of what a status says in one line."""

MAX_ERROR = 20_000
"""Characters of an error, in a status and in `error.txt`."""

MAX_REASON = 300
"""Characters of what an exception says, in an error or a status."""

MAX_LOG_LINE = 8_000
"""Characters of a line of the log, without its traceback."""

MAX_PROBLEMS = 20
"""Problems of one file that are listed, and names of what one job lacks."""


MAX_STATUS_BYTES = 1 << 20
"""Of a status, for us as for clients."""


def shortened(text: str, most: int) -> str:
    """`text`, or its first `most` characters and how many there are besides."""
    if len(text) <= most:
        return text
    return f"{text[:most]}... ({len(text) - most} more characters)"


def finite(document: Any) -> Any:
    """A JSON document in which null takes the place of numbers that JSON does not know."""
    if isinstance(document, float):
        return document if math.isfinite(document) else None
    if isinstance(document, Mapping):
        return {key: finite(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [finite(value) for value in document]
    return document
