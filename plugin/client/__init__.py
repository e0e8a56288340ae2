"""A client of the folder protocol: drops requests into a hot folder, follows them, finds results.

Knows docs/protocol.md (`protocol.py` has its names and documents); never torch, YAML or the
server's insides. Standard library only, Python 3.10 or newer: an editor's Python has nothing else,
and its plug-in gets a copy of this folder (docs/plugins.md has examples). Read `_client.py` first.
"""

from ._client import Client
from ._errors import (
    ClientError,
    DeliveryError,
    FolderMissing,
    JobCancelled,
    JobFailed,
    NotFinished,
    NotStarted,
    RequestError,
    ResultMissing,
    ServerGone,
    TimedOut,
)
from ._library import Style, list_styles
from ._outbox import Details, Finished
from ._request import Request, Ticket
from ._status import Result, Server, Status

__all__ = [
    "Client",
    "ClientError",
    "DeliveryError",
    "Details",
    "Finished",
    "FolderMissing",
    "JobCancelled",
    "JobFailed",
    "NotFinished",
    "NotStarted",
    "Request",
    "RequestError",
    "Result",
    "ResultMissing",
    "Server",
    "ServerGone",
    "Status",
    "Style",
    "Ticket",
    "TimedOut",
    "list_styles",
]
