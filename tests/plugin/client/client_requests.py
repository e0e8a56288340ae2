"""Requests of the tests, and what arrives of them."""

import json
from pathlib import Path
from typing import Any

from plugin.client import Client, Request, Ticket


def request(cat: Path, **facts: Any) -> Request:
    return Request(**{"content": cat, "styles": ["night.jpg"], **facts})


def in_inbox(client: Client) -> list[str]:
    return sorted(path.name for path in client.inbox.iterdir())


def sidecar_of(client: Client, ticket: Ticket) -> dict[str, Any]:
    return dict(json.loads((client.inbox / f"{ticket.name}.yaml").read_text(encoding="utf-8")))
