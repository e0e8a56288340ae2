"""Chooses the precision that `auto` means on a device, by a measurement once a machine.

A table of processors would be wrong for the next one: the same instruction is fast in one and
emulated in another, and the threads matter. So a few convolutions are timed in both types.

float16 is not tried. Oxford's activations reach 19 000 on a photograph (relu3_4), a third of what
float16 can hold, and the weights of the losses, which scale the gradients, are the user's choice:
it would need scaling that bfloat16, with float32's range, does not. TF32 is no choice either: torch
lets cuDNN use it in float32 convolutions unless the process says otherwise. That switch is left
alone, so `float32` is timed the way it would paint.
"""

import contextlib
import functools
import hashlib
import platform
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs
import torch
from pydantic import FiniteFloat, TypeAdapter
from torch import Tensor

from engine.network.allocator import is_out_of_memory
from engine.network.convolution import ALL_EDGES, Kernel, convolves_by_winograd

__all__ = ["Speedups", "measure_speedup", "measured_here", "resolve_precision"]

MARGIN = 1.15
"""bfloat16 has to be this much faster: it costs accuracy, and a probe is off by a few percent."""

SHAPES = ((64, 64), (256, 32))
"""Channels and side of the convolutions: VGG19's first and third block in a picture of 128 px."""

ACCELERATORS_SIDES = 8
"""Times the sides where launching a kernel would otherwise take longer than running it."""

SECONDS = 0.1
"""Rounds are timed for so long, but at least two of them."""

TOLERANCE = torch.finfo(torch.bfloat16).eps
"""Relative error that is still rounding; 0.003 is usual. Sums kept in bfloat16 are far above it."""


def resolve_precision(precision: str, device: str, speedups: "Speedups | None" = None) -> str:
    """`float32` or `bfloat16`: what `auto` means on a device; any other name is its own meaning.

    Only `auto` measures, and only where this machine's cache does not know: 0.3 s on two CPU cores.
    """
    if precision != "auto":
        return precision
    speedup = (speedups or measured_here()).of(device)
    return "bfloat16" if speedup is not None and speedup >= MARGIN else "float32"


@functools.cache
def measured_here() -> "Speedups":
    """The speed-ups in this machine's cache; the same object for the whole process."""
    return Speedups(Path(platformdirs.user_cache_dir("impasto"), "precision.json"))


def measure_speedup(device: str) -> float | None:
    """Measure how many times faster than float32 bfloat16 convolves.

    Forward only: the gradient is made of convolutions of the same sizes (`engine.network.vgg`).
    The types take turns and each one's best time counts, so that other work on the machine, which
    slows both, does not decide.

    Returns:
        None where the device has no bfloat16, or one whose results are off by more than rounding.

    Raises:
        MemoryError, RuntimeError: memory has run out, which says nothing about the device.
    """
    layers = _layers(device, torch.float32)
    # Not timed: the first run of each loads libraries, allocates and chooses kernels.
    exact = _convolved(layers)
    try:
        reduced = _layers(device, torch.bfloat16)
        agree = all(map(_agree, _convolved(reduced), exact))
    except (RuntimeError, TypeError) as error:  # Raised by torch where a device lacks a type.
        if is_out_of_memory(error):
            raise
        return None
    if not agree:
        return None
    best = {"float32": float("inf"), "bfloat16": float("inf")}
    until, rounds = time.perf_counter() + SECONDS, 0
    while rounds < 2 or time.perf_counter() < until:
        for name, work in (("float32", layers), ("bfloat16", reduced)):
            best[name] = min(best[name], _seconds(work, device))
        rounds += 1
    return best["float32"] / best["bfloat16"]


class Speedups:
    """The speed-ups of bfloat16 on this machine's devices; measured once, kept in a file.

    If the file cannot be read, they are measured anew; if it cannot be written, they are not kept.
    Two processes that start at once both measure, and one of the files stays: each is whole.

    Args:
        file: JSON, from a device's description to its speed-up or null.
        measure: a device's speed-up.
    """

    _FORMAT = TypeAdapter(dict[str, FiniteFloat | None])

    def __init__(
        self, file: Path, measure: Callable[[str], float | None] = measure_speedup
    ) -> None:
        self._file = file
        self._measure = measure
        self._known: dict[str, float | None] = {}

    def of(self, device: str) -> float | None:
        """The speed-up; None where bfloat16 cannot be used, or now cannot be measured."""
        key = _description(device)
        if key not in self._known:
            kept = self._read()
            if key not in kept:
                try:
                    kept[key] = self._measure(device)
                except (MemoryError, RuntimeError) as error:
                    if not is_out_of_memory(error):
                        raise
                    return None  # It may be different the next time: nothing is kept.
                self._write(kept)
            self._known[key] = kept[key]
        return self._known[key]

    def _read(self) -> dict[str, float | None]:
        try:
            return self._FORMAT.validate_json(self._file.read_bytes())
        except (OSError, ValueError):
            return {}

    def _write(self, speedups: dict[str, float | None]) -> None:
        temporary = self._file.with_name(f".{secrets.token_hex(8)}.part")
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            try:
                temporary.write_bytes(self._FORMAT.dump_json(speedups, indent=1))
                temporary.replace(self._file)
            finally:
                temporary.unlink(missing_ok=True)


def _description(device: str) -> str:
    """Everything that a speed-up depends on."""
    if torch.device(device).type == "cuda":
        major, minor = torch.cuda.get_device_capability(device)
        parts = [torch.cuda.get_device_name(device), f"sm_{major}{minor}"]
    else:
        threads = f"{torch.get_num_threads()} threads"
        parts = [torch.device(device).type, *_processor(), threads, "float32 by Winograd"]
    return ", ".join([*parts, f"torch {torch.__version__}"])


def _processor() -> list[str]:
    """Its name and its instructions: a virtual machine can hide some of them."""
    tell: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)  # torch 2.13
    facts = tell()
    features = " ".join(sorted(name for name, value in facts.items() if value is True))
    return [
        str(facts.get("cpu_name") or platform.processor() or platform.machine()),
        torch.backends.cpu.get_cpu_capability(),
        f"features {hashlib.sha256(features.encode()).hexdigest()[:8]}",
    ]


_Layer = tuple[Tensor, Kernel]
"""Input and kernel."""


def _layers(device: str, dtype: torch.dtype) -> list[_Layer]:
    """Convolutions of VGG19's kind, as it convolves, with inputs and outputs near 1."""
    generator = torch.Generator(device).manual_seed(0)
    layers = []
    for channels, side in SHAPES:
        side *= 1 if device == "cpu" else ACCELERATORS_SIDES
        sizes = ((1, channels, side, side), (channels, channels, 3, 3), (channels,))
        x, weight, bias = (torch.randn(s, generator=generator, device=device) for s in sizes)
        weight /= (9 * channels) ** 0.5
        kernel = Kernel(
            weight,
            bias,
            torch.device(device),
            dtype,
            winograd=convolves_by_winograd(device, dtype),
        )
        layers.append((x.to(dtype, memory_format=torch.channels_last), kernel))
    return layers


@torch.no_grad()
def _convolved(layers: list[_Layer]) -> list[Tensor]:
    return [kernel.convolve(x, "zeros", ALL_EDGES, rectified=False) for x, kernel in layers]


def _agree(reduced: Tensor, exact: Tensor) -> bool:
    return bool((reduced.float() - exact).norm() <= TOLERANCE * exact.norm())


def _seconds(layers: list[_Layer], device: str) -> float:
    _synchronise(device)
    started = time.perf_counter()
    _convolved(layers)
    _synchronise(device)
    return time.perf_counter() - started


def _synchronise(device: str) -> None:
    """Wait until the device has finished; the CPU always has."""
    match torch.device(device).type:
        case "cuda":
            torch.cuda.synchronize(device)
        case "mps":
            torch.mps.synchronize()
