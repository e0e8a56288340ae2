"""How many workers fill a device."""

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
