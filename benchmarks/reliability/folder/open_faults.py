"""Faults that are known and not mended yet, so that the search for others can go past them."""

import re
from collections.abc import Callable
from typing import Any

__all__ = ["OPEN", "is_known", "is_skipped"]

Values = dict[str, Any]


def _text(values: Values) -> bytes:
    return values.get("text") or b"" if isinstance(values.get("text"), bytes) else b""


OPEN: dict[str, tuple[Callable[[Values], bool] | None, str | None]] = {
    "2": (lambda v: b"**/" * 9 in _text(v) or abs(v.get("seconds", 0)) > 2 * 10**11, None),
    "3": (lambda v: b"weights:" in _text(v), None),
    "22": (lambda v: len(_text(v)) > 20_000 or v.get("count", 0) > 0, r"one step took"),
    "15": (lambda v: "data" in v, None),
    "hold folder": (
        lambda v: (
            v.get("form") == "folder"
            or str(v.get("path", "")).endswith(
                (".hold", ".cancel", ".priority", ".heartbeat", ".retry", ".release")
            )
        ),
        None,
    ),
    "status link": (lambda v: v.get("place") == "status" and v.get("form") == "link", None),
    "links": (
        lambda v: "to" in v and "pick" in v and "path" not in v,
        r"outside/|what stands in a file outside",
    ),
    "pipes": (lambda v: v.get("form") == "pipe", None),
    "lock": (lambda v: v.get("name") in ("lock", "paused") and v.get("form") == "link", None),
    "9": (lambda v: v.get("control") == ".retry", None),
    "7": (None, r"is kept from its end"),
    "8": (lambda v: b"retention" in _text(v) or "retention" in str(v.get("text")), None),
    "14": (lambda v: "\u96e8" in str(v.get("name")) and "pictures" in v, None),
    "19": (lambda v: False, r"does not end"),
    "unprintable": (
        lambda v: b"\\n" in _text(v) or b"\\0" in _text(v),
        r"is no status: the message",
    ),
}
"""By its number: what leads to it, which is left out, and how it shows, which is passed over."""


def is_skipped(values: Values, faults: frozenset[str]) -> bool:
    return any(leads(values) for f in faults if (leads := OPEN[f][0]) is not None)


def is_known(problem: str, faults: frozenset[str]) -> bool:
    return any(re.search(shows, problem, re.S) for f in faults if (shows := OPEN[f][1]))
