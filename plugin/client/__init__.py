"""A client of the folder protocol (docs/protocol.md, version 1), in plain Python.

Drops a request into a hot folder, follows its status and finds the result. Standard library only,
Python 3.10 or newer: an editor's Python has nothing else. The folder is copied as it is into an
editor's plug-in (docs/plugins.md).

    client = Client("hot")
    ticket = client.submit(Request(Path("cat.jpg"), styles=("night.jpg",)))
    for status in client.watch(ticket):
        print(status.state, status.fraction)
    print(client.result(ticket).picture)
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
from ._library import Style
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
]
