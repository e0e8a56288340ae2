"""Freed memory kept or given back to the system, and how running out of memory shows."""

import contextlib
import ctypes
import functools
import gc
from collections.abc import Callable, Iterator

import torch

__all__ = ["freed_memory_kept", "is_out_of_memory", "release", "trim"]


WORDS = (
    "allocate memory",  # the allocator of CPUs
    "out of memory",  # "CUDA error: out of memory", "MPS backend out of memory"
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUFFT_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC_FAILED",
    "CUSPARSE_STATUS_ALLOC_FAILED",
)
"""What allocators, and libraries that allocate by themselves, say in a plain RuntimeError."""

# Numbers of glibc's malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4

KEEPING = {TRIM_THRESHOLD: -1, MMAP_MAX: 0}
"""All blocks come from the heap, of whose end nothing is given back."""

NOT_KEEPING = {TRIM_THRESHOLD: 64 << 20, MMAP_THRESHOLD: 32 << 20, MMAP_MAX: 1 << 16}
"""What glibc itself comes to once large blocks were freed."""

_keeping = 0
"""How many are within `freed_memory_kept`."""


@contextlib.contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Within, what is freed stays with the process, for what it allocates next; then it is given
    back. Only glibc can; else nothing.

    By itself glibc takes each block of 32 MB and more from the system, which fills it with zeros
    page by page, and gives it back when it is freed: a tenth of the processor time of a step at
    512 px, 10 to 30 % at 1,024 px. Kept, blocks of many sizes leave gaps, as much again at most
    as what is computed takes. Of threads other than the main one, whose heaps end at 64 MB, only
    smaller blocks are kept.
    """
    global _keeping
    _keeping += 1
    _allocate_by(KEEPING)
    try:
        yield
    finally:
        _keeping -= 1
        if not _keeping:
            _allocate_by(NOT_KEEPING)
            trim()


def trim() -> None:
    """Give all free memory of the process's heap back to the system. Only glibc can; else nothing.

    By itself glibc gives back what is free at the heap's end. Where blocks of many sizes come and
    go, as with tiles of one segment after those of another, hundreds of megabytes are free before
    it.
    """
    _function("malloc_trim")(0)


def release() -> None:
    """Collect garbage, and give freed memory back on the host and on GPUs."""
    gc.collect()
    trim()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.mps.is_available():
        torch.mps.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out; torch raises several kinds."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)


def _allocate_by(parameters: dict[int, int]) -> None:
    mallopt = _function("mallopt")
    for parameter, value in parameters.items():
        mallopt(parameter, value)


@functools.cache
def _function(name: str) -> Callable[..., object]:
    """Of the C library; does nothing where it has none."""
    try:
        function: Callable[..., object] = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):
        return lambda *_: None
    return function
