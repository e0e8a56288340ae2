"""Chooses the precision that `auto` means on a device, by a measurement once a machine.

A table of processors would be wrong for the next one: the same instruction is fast in one and
emulated in another, and the threads matter. So a few convolutions are timed in every type.

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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import platformdirs
import torch
from pydantic import FiniteFloat, TypeAdapter
from torch import Tensor

from engine.network.allocator import is_out_of_memory
from engine.network.convolution import ALL_EDGES, Kernel, convolves_by_winograd
from engine.network.quantised import can_quantise, dtype_of_features

__all__ = ["Speedups", "fastest_of", "measure_speedups", "measured_here", "resolve_precision"]

MARGIN = 1.15
"""A less accurate type has to be this much faster, and a probe is off by a few percent."""

SHAPES = ((64, 64), (256, 32))
"""Channels and side of the convolutions: VGG19's first and third block in a picture of 128 px."""

ACCELERATORS_SIDES = 8
"""Times the sides where launching a kernel would otherwise take longer than running it."""

SECONDS = 0.1
"""Rounds are timed for so long, but at least two of them."""

TOLERANCES = {"bfloat16": torch.finfo(torch.bfloat16).eps, "int8": 0.02}
"""Relative errors that are still rounding; 0.003 and 0.009 are usual. Sums kept in bfloat16, or in
integers that overflow, are far above them. In the order of their accuracy."""


def resolve_precision(precision: str, device: str, speedups: "Speedups | None" = None) -> str:
    """`float32`, `bfloat16` or `int8`: what `auto` means on a device; any other name is its own
    meaning.

    Only `auto` measures, and only where this machine's cache does not know: 0.3 s on two CPU cores.
    """
    if precision != "auto":
        return precision
    return fastest_of((speedups or measured_here()).of(device))


def fastest_of(speedups: Mapping[str, float]) -> str:
    """The type that is faster by the margin than every more accurate one."""
    chosen, least = "float32", MARGIN
    for precision in TOLERANCES:
        if (speedup := speedups.get(precision, 0.0)) >= least:
            chosen, least = precision, speedup * MARGIN
    return chosen


@functools.cache
def measured_here() -> "Speedups":
    """The speed-ups in this machine's cache; the same object for the whole process."""
    return Speedups(Path(platformdirs.user_cache_dir("impasto"), "precision.json"))


def measure_speedups(device: str) -> dict[str, float]:
    """Measure how many times faster than float32 the other types convolve.

    Forward only: the gradient is made of convolutions of the same sizes (`engine.network.vgg`).
    The types take turns and each one's best time counts, so that other work on the machine, which
    slows all, does not decide.

    Returns:
        Only of the types that the device has, and whose results are not off by more than rounding.

    Raises:
        MemoryError, RuntimeError: memory has run out, which says nothing about the device.
    """
    candidates = {"float32": _layers(device, "float32")}
    # Not timed: the first run of each loads libraries, allocates and chooses kernels.
    exact = _convolved(candidates["float32"])
    for precision, tolerance in TOLERANCES.items():
        if precision == "int8" and not can_quantise(device):
            continue
        try:
            layers = _layers(device, precision)
            errors = list(map(_relative_error, _convolved(layers), exact))
        except (RuntimeError, TypeError) as error:  # Raised by torch where a device lacks a type.
            if is_out_of_memory(error):
                raise
            continue
        if all(error <= tolerance for error in errors):
            candidates[precision] = layers
    best = dict.fromkeys(candidates, float("inf"))
    until, rounds = time.perf_counter() + SECONDS, 0
    while rounds < 2 or time.perf_counter() < until:
        for name, work in candidates.items():
            best[name] = min(best[name], _seconds(work, device))
        rounds += 1
    reference = best.pop("float32")
    return {name: reference / seconds for name, seconds in best.items()}


class Speedups:
    """The speed-ups of other types than float32 on this machine's devices; measured once, kept in a
    file.

    If the file cannot be read, they are measured anew; if it cannot be written, they are not kept.
    Two processes that start at once both measure, and one of the files stays: each is whole.

    Args:
        file: JSON, from a device's description to its speed-ups by type.
        measure: a device's speed-ups.
    """

    _FORMAT = TypeAdapter(dict[str, dict[str, FiniteFloat]])

    def __init__(
        self, file: Path, measure: Callable[[str], dict[str, float]] = measure_speedups
    ) -> None:
        self._file = file
        self._measure = measure
        self._known: dict[str, dict[str, float]] = {}

    def of(self, device: str) -> dict[str, float]:
        """The speed-ups; none where no other type can be used, or now can be measured."""
        key = _description(device)
        if key not in self._known:
            kept = self._read()
            if key not in kept:
                try:
                    kept[key] = self._measure(device)
                except (MemoryError, RuntimeError) as error:
                    if not is_out_of_memory(error):
                        raise
                    return {}  # It may be different the next time: nothing is kept.
                self._write(kept)
            self._known[key] = kept[key]
        return self._known[key]

    def _read(self) -> dict[str, dict[str, float]]:
        try:
            return self._FORMAT.validate_json(self._file.read_bytes())
        except (OSError, ValueError):
            return {}

    def _write(self, speedups: dict[str, dict[str, float]]) -> None:
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


def _layers(device: str, precision: str) -> list[_Layer]:
    """Convolutions of VGG19's kind, as it convolves, with inputs and outputs near 1."""
    quantised = precision == "int8"
    dtype = dtype_of_features() if quantised else getattr(torch, precision)
    winograd = convolves_by_winograd(device, dtype)
    generator = torch.Generator(device).manual_seed(0)
    layers = []
    for channels, side in SHAPES:
        side *= 1 if device == "cpu" else ACCELERATORS_SIDES
        sizes = ((1, channels, side, side), (channels, channels, 3, 3), (channels,))
        x, weight, bias = (torch.randn(s, generator=generator, device=device) for s in sizes)
        weight /= (9 * channels) ** 0.5
        kernel = Kernel(
            weight, bias, torch.device(device), dtype, winograd=winograd, quantised=quantised
        )
        # Rectified, as what a convolution of VGG19 reads.
        layers.append((x.relu_().to(dtype, memory_format=torch.channels_last), kernel))
    return layers


@torch.no_grad()
def _convolved(layers: list[_Layer]) -> list[Tensor]:
    return [kernel.convolve(x, "zeros", ALL_EDGES, rectified=False) for x, kernel in layers]


def _relative_error(reduced: Tensor, exact: Tensor) -> float:
    return float((reduced.float() - exact).norm() / exact.norm())


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
