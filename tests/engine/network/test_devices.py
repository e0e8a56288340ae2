"""How many workers fill a device, and what a process that paints prepares."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from engine.network.devices import workers_that_fill

GB = 10**9


@pytest.mark.parametrize(
    ("multiprocessors", "memory", "workers"),
    [
        pytest.param(132, 80 * GB, 2, id="H100"),
        pytest.param(128, 24 * GB, 2, id="GeForce RTX 4090"),
        pytest.param(58, 24 * GB, 1, id="L4"),
        pytest.param(128, 12 * GB, 1, id="many multiprocessors, memory for one"),
        pytest.param(1000, 800 * GB, 4, id="no more than four"),
        pytest.param(8, 2 * GB, 1, id="one even where it hardly fits"),
    ],
)
def test_small_paintings_share_a_device_that_one_does_not_fill(
    multiprocessors: int, memory: int, workers: int
) -> None:
    facts = SimpleNamespace(multi_processor_count=multiprocessors, total_memory=memory)
    assert workers_that_fill("cuda:0", lambda device: facts) == workers


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_other_devices_have_one_worker(device: str) -> None:
    assert workers_that_fill(device) == 1


def test_subnormal_numbers_are_zero_in_every_thread_of_a_process_that_paints() -> None:
    """In a process of its own: threads take it over as they are started."""
    program = """
import torch
from engine.network.devices import prepare_process
prepare_process()
torch.set_num_threads(2)
print(int((torch.full((1 << 22,), 1e-39) * 1.0).count_nonzero()), torch.get_num_threads())
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["0", "2"]
