"""Events as JSON documents, the way they travel between processes."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from hotfolder.dispatcher import Cancelled, Done, Event, Failed, Lost, Progress, Stalled, Started

__all__ = ["event_document", "parse_event"]

_EVENTS: Mapping[str, Callable[..., Event]] = {
    kind.__name__.lower(): kind
    for kind in (Started, Progress, Done, Failed, Cancelled, Lost, Stalled)
}


def event_document(event: Event) -> dict[str, Any]:
    """An event as plain values: its fields, and its kind under `event`."""
    return {"event": type(event).__name__.lower(), **asdict(event)}


def parse_event(document: Mapping[str, Any]) -> Event:
    """The event again.

    Raises:
        KeyError, TypeError: not an event's document.
    """
    fields = dict(document)
    return _EVENTS[fields.pop("event")](**fields)
