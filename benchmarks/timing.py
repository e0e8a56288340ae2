"""Seconds of one call, on any device."""

import statistics
import time
from collections.abc import Callable

import torch

BATCH_SECONDS = 0.02
"""Calls shorter than this are timed several at a time: one reading of the clock must not count."""


def synchronise(device: str) -> None:
    """Wait until the device has done what it was asked for; the CPU always has."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device == "mps":
        torch.mps.synchronize()


def seconds_of(call: Callable[[], object], device: str, at_least: float = 0.3) -> float:
    """Median seconds of `call`, over at least three batches and `at_least` seconds.

    Two calls go before that are not counted: they allocate, and choose kernels.
    """
    call()
    batch = max(1, int(BATCH_SECONDS / max(_once(call, device, 1), 1e-9)))
    times: list[float] = []
    while len(times) < 3 or sum(times) * batch < at_least:
        times.append(_once(call, device, batch))
    return statistics.median(times)


def _once(call: Callable[[], object], device: str, batch: int) -> float:
    synchronise(device)
    started = time.perf_counter()
    for _ in range(batch):
        call()
    synchronise(device)
    return (time.perf_counter() - started) / batch
