"""Putting a request into an inbox: all of it or nothing, under a name that nobody has."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from ._errors import DeliveryError
from ._request import Request, Ticket, job_name, pictures_of, sidecar_text
from .protocol import PARTIAL_SUFFIX, SIDECAR_SUFFIX, ControlFile, picture_name

DRAFT_PREFIX = ".client-"
"""With PARTIAL_SUFFIX at the end: not looked at by the server, nor removed when it starts."""

ABANDONED_SECONDS = 3600.0
"""A draft that has not changed for so long is nobody's."""


def deliver(inbox: Path, request: Request, is_taken: Callable[[str], bool]) -> Ticket:
    """Deliver a request; it is in the inbox, complete, when this returns.

    Args:
        is_taken: whether something bears the name already.

    Raises:
        RequestError, DeliveryError
    """
    wanted = job_name(request)
    key = secrets.token_hex(8)
    drafts: list[Path] = []

    def new_draft() -> Path:
        drafts.append(inbox / f"{DRAFT_PREFIX}{secrets.token_hex(8)}{PARTIAL_SUFFIX}")
        return drafts[-1]

    try:
        sidecar = new_draft()
        sidecar.touch()
        remove_abandoned(inbox, now=sidecar.stat().st_mtime)
        parts = []
        if request.heartbeat:
            parts.append((new_draft(), ControlFile.HEARTBEAT.suffix))
            parts[0][0].touch()
        for source, role, slot in pictures_of(request):
            parts.append((new_draft(), picture_name("", role, source.suffix, slot)))
            shutil.copyfile(source, parts[-1][0])
        number = 1
        while True:
            name = wanted if number == 1 else f"{wanted}-{number}"
            number += 1
            if is_taken(name):
                continue
            sidecar.write_text(sidecar_text(request, name, key), encoding="utf-8")
            if _place(inbox / name, sidecar, parts):
                return Ticket(name, key, request.heartbeat)
    except OSError as error:
        raise DeliveryError(
            f"{error.filename or inbox}: the job cannot be delivered: "
            f"{error.strerror or error}. Nothing of it is left in the inbox."
        ) from error
    finally:
        for draft in drafts:
            with contextlib.suppress(OSError):
                draft.unlink()


def remove_abandoned(inbox: Path, *, now: float) -> None:
    """Remove the drafts of clients that were killed in the middle of a delivery.

    Args:
        now: a time by the clock that stamps the inbox's files, which may be another machine's.
    """
    with contextlib.suppress(OSError):
        for draft in inbox.glob(f"{DRAFT_PREFIX}*{PARTIAL_SUFFIX}"):
            with contextlib.suppress(OSError):
                if now - draft.lstat().st_mtime > ABANDONED_SECONDS:
                    draft.unlink()


def _place(stem: Path, sidecar: Path, parts: list[tuple[Path, str]]) -> bool:
    """Give the drafts their names; False (and nothing placed) if another client was faster.

    The sidecar comes first. It reserves the name, and until the last picture is there it makes
    the server wait: without it the pictures alone could be taken for a complete job.
    """
    placed: list[tuple[Path, Path]] = []
    try:
        for draft, suffix in [(sidecar, SIDECAR_SUFFIX), *parts]:
            target = stem.with_name(f"{stem.name}{suffix}")
            _give_name(draft, target)
            placed.append((draft, target))
    except BaseException as error:
        for draft, target in placed:
            with contextlib.suppress(OSError):
                # Renaming one link of a file to another would do nothing (POSIX).
                target.unlink() if draft.exists() else target.replace(draft)
        if isinstance(error, FileExistsError):
            return False
        raise
    return True


_NO_HARD_LINKS = {
    errno.EPERM,
    errno.EACCES,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EMLINK,
    errno.EXDEV,
    errno.EINVAL,
}


def _give_name(draft: Path, target: Path) -> None:
    """Let the file `draft` appear, whole, as `target`. The draft may stay too.

    Raises:
        FileExistsError: something there has the name.
    """
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # FAT and some network shares. Reserve the name with an empty file, which is too young to
        # be looked at, then replace it.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        draft.replace(target)
