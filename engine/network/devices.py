"""The devices of this machine, and their names."""

import platform
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch

from engine.errors import DeviceError

__all__ = [
    "describe_device",
    "describe_hardware",
    "prepare_process",
    "resolve_devices",
    "set_worker_threads",
    "workers_that_fill",
]

FILLED = 32
"""Multiprocessors that a painting of 512 px keeps busy. A convolution gives a multiprocessor 128 x
128 of its sums at a time; the 512 channels of block 4 at 512 px have 128 such parts, those at the
coarse scale before 32. On an H200, which has 132, two workers paint 50 pictures in 0.75 of the time
of one, four in 0.63."""

ROOM = 8_000_000_000
"""Bytes of a worker that paints 1,024 px, with what libraries take on the device."""

MOST_WORKERS = 4
"""They share the host's cores and the bandwidth of its memory as well."""


def workers_that_fill(
    device: str,
    threads: int | None,
    host_memory: int,
    properties: Callable[[str], Any] = torch.cuda.get_device_properties,
) -> int:
    """How many workers, each with a small painting, it takes to fill a device: 1 on Apple's GPU.

    Two threads of one painting wait for each other for a third of the time, two paintings with a
    thread each do not (docs/benchmarks.md, `throughput`).

    Args:
        threads: of each worker; None: as many as it takes.
        host_memory: bytes of main memory that there are for all of them.
        properties: of a CUDA device, `multi_processor_count` and `total_memory` among them.
    """
    if device.startswith("cuda"):
        facts = properties(device)
        filling, memory = facts.multi_processor_count // FILLED, facts.total_memory
    elif device == "cpu":
        filling, memory = torch.get_num_threads() // (threads or 1), host_memory
    else:
        return 1
    return max(1, int(min(filling, memory // ROOM, MOST_WORKERS)))


def set_worker_threads(device: str, workers: int, threads: int | None) -> None:
    """Give this process its threads: so many, or, of a CPU, its share of those that torch has."""
    if threads is None and device == "cpu" and workers > 1:
        threads = max(1, torch.get_num_threads() // workers)
    if threads is not None:
        torch.set_num_threads(threads)


def prepare_process() -> None:
    """What a process that paints calls before it computes anything; the engine itself does not.

    Same inputs, same pixels, on CUDA too: cuDNN takes only algorithms that give the same sums.
    Numbers below float32's normal ones are 0: processors compute with such many times as slowly,
    and where a style is one flat colour there are so many that a painting took twice as long.
    Threads take this over from the one that starts them, hence before any are.

    Some versions of torch warn of the first product that a thread of autograd computes on CUDA:
    there is no context yet, so it makes one, as it should.
    """
    warnings.filterwarnings("ignore", "Attempting to run cuBLAS, but there was no current CUDA")
    torch.set_flush_denormal(True)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def resolve_devices(wanted: str | Sequence[str]) -> list[str]:
    """Names of devices to work on.

    Args:
        wanted: `auto` (every CUDA device, else Apple's `mps`, else `cpu`) or names such as `cpu`,
            `cuda` (all of them), `cuda:1`, `mps`.

    Raises:
        DeviceError: a name that is unknown or that this machine does not have.
    """
    here = _devices_here()
    if wanted == "auto":
        accelerators = [name for name in here if name != "cpu"]
        return accelerators or ["cpu"]
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    chosen: list[str] = []
    for name in names:
        matching = [d for d in here if d == name or (name == "cuda" and d.startswith("cuda:"))]
        if not matching:
            raise DeviceError(
                f"device {name!r}: not on this machine, which has {', '.join(here)}. Choose one of "
                "these, or `auto`. A missing CUDA device is often a driver older than this torch "
                f"({torch.__version__}) or a torch without CUDA; `impasto doctor` says which."
            )
        chosen += [device for device in matching if device not in chosen]
    return chosen


def describe_device(device: str) -> str:
    """A device's name for people, such as `cuda:0 (NVIDIA H200)`."""
    if device.startswith("cuda"):
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return device


def describe_hardware(device: str | torch.device) -> str:
    """The GPU's name, or the CPU's vector instructions, which its sums depend on."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.get_device_name(device)
    if kind == "cpu":
        return f"cpu {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return kind


def _devices_here() -> list[str]:
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]
