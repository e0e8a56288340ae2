"""`summary.yaml`: what came of a batch and of each of its items."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import yaml

from engine import __version__
from hotfolder.batches.expansion import Item

__all__ = ["SHEET", "SUMMARY", "Ends", "columns_of", "item_end", "summary_text"]

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml's, where there is one: three times as fast, which counts with thousands of paintings."""

Ends = Sequence[tuple[Item, Mapping[str, Any]]]
"""Items, and what came of each: `item_end`, or at least its `state`."""

SUMMARY, SHEET = "summary.yaml", "contact-sheet.jpg"


def item_end(status: Mapping[str, Any]) -> dict[str, Any]:
    """What the last status of its job says of an item: `state`, `reason` (of a failure), `picture`,
    `seconds`, `loss`."""
    return {
        "state": str(status["state"]),
        "reason": status["message"] if status["state"] == "failed" else None,
        "picture": status["result"],
        "seconds": status["seconds"],
        "loss": (status["losses"] or {}).get("total"),
    }


def summary_text(
    items: Ends,
    *,
    started: str,
    finished: str,
    left_out: Sequence[str] = (),
) -> str:
    """The document. `left_out` are files and folders that were not taken, in words.

    `totals` count states; `failures` name what went wrong, so that nobody needs to search.
    """
    totals = {"jobs": len(items), **Counter(end["state"] for _, end in items)}
    failures = [
        {"name": item.name, "reason": end.get("reason", "")}
        for item, end in items
        if end["state"] == "failed"
    ]
    seconds = datetime.fromisoformat(finished) - datetime.fromisoformat(started)
    document = {
        "started": started,
        "finished": finished,
        "seconds": round(seconds.total_seconds(), 1),
        "impasto": __version__,
        "totals": totals,
        "failures": failures,
        **({"left_out": list(left_out)} if left_out else {}),
        "jobs": [_job(item, end) for item, end in items],
    }
    text: str = yaml.dump(document, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100)
    return text


def columns_of(items: Sequence[Item]) -> int:
    """Of the contact sheet: the items of one content are a row, and the textures of one style, if
    there are several; 0: as many as make a square."""
    if items[0].content is not None:
        return len(items) // len({item.content for item in items})
    columns = len({item.variant for item in items})
    return columns if columns > 1 else 0


def _job(item: Item, end: Mapping[str, Any]) -> dict[str, Any]:
    facts = {
        "name": item.name,
        "state": end["state"],
        "reason": end.get("reason"),
        "picture": end.get("picture"),
        "content": str(item.content or ""),
        "styles": [str(style) for style in item.styles],
        **item.others.document(),
        "preset": item.settings.preset,
        "size": item.settings.size,
        "seconds": end.get("seconds"),
        "loss": end.get("loss"),
    }
    return {key: fact for key, fact in facts.items() if fact not in (None, "")}
