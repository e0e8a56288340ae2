"""Freed memory that stays with the process, seen from outside: page faults and resident memory."""

import platform
import subprocess
import sys

import pytest
import torch

from engine.network import allocator
from engine.network.allocator import freed_memory_kept

MEASURED = """
import resource
import psutil, torch
from engine.network.allocator import freed_memory_kept

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(12 << 20)  # 48 MB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return psutil.Process().memory_info().rss >> 20

torch.set_num_threads(1)
faults()
first = resident()
with freed_memory_kept():
    faults()
    with freed_memory_kept():
        kept = faults()
    still, held = faults(), resident() - first
print(kept, still, held, resident() - first, faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can")
def test_freed_memory_is_kept_within_and_given_back_after_the_last() -> None:
    command = [sys.executable, "-c", MEASURED]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept, still, held, rest, afterwards = map(int, output.split())
    of_a_block = (48 << 20) // 4096
    assert max(kept, still) < of_a_block
    assert held > 40
    assert rest < 10
    # As huge pages they would be fewer.
    assert afterwards > 10 * (48 >> 1)


def test_another_c_library_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: object())
    allocator._function.cache_clear()
    try:
        with freed_memory_kept():
            assert torch.ones(10).sum() == 10
    finally:
        allocator._function.cache_clear()
