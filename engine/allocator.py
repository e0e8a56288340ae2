"""Gives back to the system what the C library keeps for later."""

import ctypes
import functools
from collections.abc import Callable

__all__ = ["trim"]


def trim() -> None:
    """Give back all free memory of the process, wherever it lies. With glibc; else nothing.

    glibc gives back what is free at the heap's end. Where blocks of many sizes come and go, as with
    tiles of one segment after those of another, hundreds of megabytes are free before it.
    """
    _malloc_trim()(0)


@functools.cache
def _malloc_trim() -> Callable[[int], object]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library
        return lambda _: None
