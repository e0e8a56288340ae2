"""How many workers fill a device, and what a process that paints prepares."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from engine.network.devices import set_worker_threads, workers_that_fill

GB = 10**9


@pytest.mark.parametrize(
    ("multiprocessors", "memory", "workers"),
    [
        pytest.param(132, 80 * GB, 4, id="H100"),
        pytest.param(128, 24 * GB, 3, id="GeForce RTX 4090"),
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
    assert workers_that_fill("cuda:0", None, 0, lambda device: facts) == workers


@pytest.mark.parametrize(
    ("cores", "threads", "memory", "workers"),
    [
        pytest.param(2, None, 24 * GB, 2, id="a core each"),
        pytest.param(8, None, 24 * GB, 3, id="memory for three"),
        pytest.param(64, None, 500 * GB, 4, id="no more than four"),
        pytest.param(8, 4, 500 * GB, 2, id="as many as have their threads"),
        pytest.param(2, 4, 24 * GB, 1, id="more threads than cores"),
        pytest.param(8, None, 4 * GB, 1, id="one even where it hardly fits"),
    ],
)
def test_small_paintings_share_a_cpu(
    cores: int, threads: int | None, memory: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.get_num_threads", lambda: cores)
    assert workers_that_fill("cpu", threads, memory) == workers


def test_an_apple_gpu_has_one_worker() -> None:
    assert workers_that_fill("mps", None, 64 * GB) == 1


@pytest.mark.parametrize(
    ("device", "workers", "threads", "given"),
    [
        pytest.param("cpu", 3, None, [2], id="its share"),
        pytest.param("cpu", 12, None, [1], id="one at least"),
        pytest.param("cpu", 3, 5, [5], id="what is wanted"),
        pytest.param("cpu", 1, None, [], id="torch's choice"),
        pytest.param("cuda:0", 2, None, [], id="torch's choice on a GPU"),
    ],
)
def test_the_workers_of_a_cpu_divide_its_threads(
    device: str,
    workers: int,
    threads: int | None,
    given: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_to: list[int] = []
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    monkeypatch.setattr("torch.set_num_threads", set_to.append)
    set_worker_threads(device, workers, threads)
    assert set_to == given


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
