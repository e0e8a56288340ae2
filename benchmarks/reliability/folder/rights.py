"""The rights of an ordinary user, for tests that run as root, whom file modes refuse nothing."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator

__all__ = ["full_rights", "ordinary_rights"]

_VERSION_3 = 0x20080522
_IGNORING_FILE_MODES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable"))


@contextlib.contextmanager
def ordinary_rights() -> Iterator[None]:
    """Within it file modes bind this thread, also as root."""
    with _effective(lambda now, permitted: now & ~_IGNORING_FILE_MODES):
        yield


@contextlib.contextmanager
def full_rights() -> Iterator[None]:
    """Within `ordinary_rights`, all the rights again."""
    with _effective(lambda now, permitted: now | permitted & _IGNORING_FILE_MODES):
        yield


@contextlib.contextmanager
def _effective(change) -> Iterator[None]:  # type: ignore[no-untyped-def]
    """Change the capabilities in force, of which only root has any. Linux only: elsewhere root is
    refused nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        yield
        return
    library = ctypes.CDLL(None, use_errno=True)
    header, sets = _Header(_VERSION_3, 0), (_Sets * 2)()
    _check(library.capget(ctypes.byref(header), sets))
    before = sets[0].effective
    sets[0].effective = change(before, sets[0].permitted)
    _check(library.capset(ctypes.byref(header), sets))
    try:
        yield
    finally:
        sets[0].effective = before
        _check(library.capset(ctypes.byref(header), sets))


def _check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
