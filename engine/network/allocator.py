"""Freed memory given back to the system, and how running out of memory shows."""

import ctypes
import functools
import gc
from collections.abc import Callable

import torch

__all__ = ["is_out_of_memory", "release", "trim"]


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


def trim() -> None:
    """Give all free memory of the process's heap back to the system. Only glibc can; else nothing.

    By itself glibc gives back what is free at the heap's end. Where blocks of many sizes come and
    go, as with tiles of one segment after those of another, hundreds of megabytes are free before
    it.
    """
    _malloc_trim()(0)


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


@functools.cache
def _malloc_trim() -> Callable[[int], object]:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library
        return lambda _: None
