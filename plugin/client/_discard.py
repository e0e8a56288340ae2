"""Leaving nothing of a job: what it made, what was dropped for it, what was said of it."""

import contextlib
import shutil
from pathlib import Path

from ._delivery import HEARTBEAT_SUFFIX
from ._request import TICKET_KEY, Ticket
from ._status import Status, below, read_document


def remove_ended(root: Path, status: Status) -> None:
    """Remove the result, the originals and the status of a job that has ended.

    A status is not trusted: nothing goes but files of the outbox and a job's own folder.

    Raises:
        OSError
    """
    outbox = root / "outbox"
    for path in (below(root, status.result), below(root, status.record)):
        if path is not None and path.parent == outbox:
            path.unlink(missing_ok=True)
    result = below(root, status.result)
    if result is not None and result.parent == outbox:
        for end in (".progression.jpg", ".progression.webp", ".losses.png"):
            result.with_name(result.stem + end).unlink(missing_ok=True)
    originals = below(root, status.folder)
    if originals is not None and not originals.is_symlink():
        kept_in = originals.relative_to(root).parts[:-1]
        if kept_in == ("failed",) or (len(kept_in) == 2 and kept_in[0] == "done"):
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(originals)
    for end in (".preview.jpg", ".json"):
        (root / "status" / f"{status.name}{end}").unlink(missing_ok=True)


def take_back(inbox: Path, ticket: Ticket) -> None:
    """Take a drop out of the inbox again, if it is the ticket's; for a folder nobody serves.

    Raises:
        OSError
    """
    sidecar = inbox / f"{ticket.name}.yaml"
    document = read_document(sidecar) or {}
    client = document.get("client")
    if not isinstance(client, dict) or client.get(TICKET_KEY) != ticket.key:
        return
    named = [document.get("content"), document.get("init_file"), *document.get("styles", ())]
    own = {f"{ticket.name}{HEARTBEAT_SUFFIX}", f"{ticket.name}.cancel", *named}
    for path in list(inbox.iterdir()):
        if path.name in own and path.name.startswith(f"{ticket.name}."):
            path.unlink(missing_ok=True)
    # Last: without it the pictures alone might be a job.
    sidecar.unlink(missing_ok=True)
