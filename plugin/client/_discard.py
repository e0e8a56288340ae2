"""Leaving nothing of a job: its result, the files dropped for it, its status."""

import contextlib
import shutil
from pathlib import Path

from ._request import Ticket
from ._status import Status, read_document
from .protocol import (
    DONE,
    EXTRA_OUTPUT_SUFFIXES,
    FAILED,
    OUTBOX,
    PREVIEW_SUFFIX,
    SIDECAR_SUFFIX,
    STATUS,
    STATUS_SUFFIX,
    TICKET_KEY,
    ControlFile,
    resolve_path,
)

OWN_CONTROLS = (ControlFile.HEARTBEAT, ControlFile.CANCEL)


def remove_ended(root: Path, status: Status) -> None:
    """Remove the result, the originals and the status of a job that has ended.

    A status is not trusted: nothing goes but files of the outbox and a job's own folder.

    Raises:
        OSError
    """
    outbox = root / OUTBOX
    for path in (resolve_path(root, status.result), resolve_path(root, status.record)):
        if path is not None and path.parent == outbox:
            path.unlink(missing_ok=True)
    result = resolve_path(root, status.result)
    if result is not None and result.parent == outbox:
        for suffix in EXTRA_OUTPUT_SUFFIXES:
            result.with_name(result.stem + suffix).unlink(missing_ok=True)
    originals = resolve_path(root, status.folder)
    if originals is not None and not originals.is_symlink():
        kept_in = originals.relative_to(root).parts[:-1]
        in_done = len(kept_in) == 2 and kept_in[0] == DONE and not originals.parent.is_symlink()
        if kept_in == (FAILED,) or in_done:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(originals)
    for suffix in (PREVIEW_SUFFIX, STATUS_SUFFIX):
        (root / STATUS / f"{status.name}{suffix}").unlink(missing_ok=True)


def withdraw(inbox: Path, ticket: Ticket) -> None:
    """Take a drop out of the inbox again, if it is the ticket's; for a folder nobody serves.

    Raises:
        OSError
    """
    sidecar = inbox / f"{ticket.name}{SIDECAR_SUFFIX}"
    document = read_document(sidecar) or {}
    client = document.get("client")
    if not isinstance(client, dict) or client.get(TICKET_KEY) != ticket.key:
        return
    named = [document.get(key) for key in ("content", "init_file", "palette", "mask")]
    named += [
        name for key in ("styles", "regions", "style_regions") for name in document.get(key, ())
    ]
    own = {*(control.of(ticket.name) for control in OWN_CONTROLS), *named}
    for path in list(inbox.iterdir()):
        if path.name in own and path.name.startswith(f"{ticket.name}."):
            path.unlink(missing_ok=True)
    # Last: without it the pictures alone might be a job.
    sidecar.unlink(missing_ok=True)
