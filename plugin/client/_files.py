"""Opening files of a hot folder, into which others may have put links, pipes and folders."""

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import IO


def open_plain(path: Path, *, write: bool = False) -> IO[bytes]:
    """Open a regular file for reading, or anew for writing.

    Raises:
        OSError: also when it is a link, a folder, or a pipe, which would block.
    """
    descriptor = _descriptor_of(path, os.O_WRONLY | os.O_CREAT if write else os.O_RDONLY)
    if write:
        os.ftruncate(descriptor, 0)
    return os.fdopen(descriptor, "wb" if write else "rb")


def touch(path: Path) -> None:
    """Make a file, or give the one that is there the present time; never another's through a link.

    Raises:
        OSError
    """
    descriptor = _descriptor_of(path, os.O_WRONLY | os.O_CREAT)
    try:
        if os.utime in os.supports_fd:
            os.utime(descriptor)
            return
    finally:
        os.close(descriptor)
    with contextlib.suppress(FileNotFoundError):  # The server may have taken it already.
        os.utime(path)


def _descriptor_of(path: Path, flags: int) -> int:
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags, 0o666)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file", str(path))
