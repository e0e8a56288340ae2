"""The time of a step, beside the limit of its arithmetic, and what launching its kernels costs."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.pictures.pairs import CONTENT, STYLE
from benchmarks.speed.flops import convolutions, gram_flops
from benchmarks.timing import seconds_of, synchronise
from engine.images.picture import Picture, read_picture
from engine.images.pyramid import pyramid_sizes
from engine.network.allocator import is_out_of_memory, release
from engine.network.vgg import DTYPES, VGG19, load_vgg19
from engine.settings import Settings, resolve
from engine.stylise import Progress, stylise

__all__ = ["COLUMNS", "rows"]

COLUMNS = (
    *("size", "precision", "ms a step", "limit, ms", "of the limit", "operations", "kernels"),
    *("ms of kernels", "waiting for launches"),
)

PRECISIONS = ("bfloat16", "float32")

TIMED, TIMED_ON_CPU = 10, 2
"""Steps."""


def rows(
    device: str, sizes: Sequence[int], time_is_left: Callable[[], bool]
) -> Iterator[Sequence[object]]:
    content, style = read_picture(CONTENT), read_picture(STYLE)
    products = {name: _product(DTYPES[name], device) for name in PRECISIONS}
    for side in sizes:
        for precision, product in products.items():
            if not time_is_left():
                yield (side, precision, "no time left")
                continue
            settings = resolve({"size": side, "scales": 1, "steps": 1000})
            vgg = load_vgg19("caffe", device, precision)
            try:
                yield (side, precision, *_step(content, style, settings, vgg, product))
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                yield (side, precision, "out of memory")
            release()


def _step(
    content: Picture, style: Picture, settings: Settings, vgg: VGG19, product: float
) -> Iterator[str]:
    device = str(vgg.device)
    (size,) = pyramid_sizes(content.size, settings.longest_side(content.size), 1, 2.0)
    canvas = (size[0] + 2 * settings.margin, size[1] + 2 * settings.margin)
    layers = [*settings.content_layers, *settings.style_layers]
    flops = 2 * sum(each.flops for each in convolutions(canvas, layers))
    flops += gram_flops(canvas, settings.style_layers)

    on_cpu = device == "cpu"
    count = TIMED_ON_CPU if on_cpu else TIMED
    painting: Any = stylise(content, [style], settings, vgg, preview_seconds=None)
    reached = _advance(painting, count if on_cpu else settings.history // 2)
    synchronise(device)
    started = time.perf_counter()
    timed = _advance(painting, reached + count) - reached
    synchronise(device)
    seconds = (time.perf_counter() - started) / timed
    on_cuda = device.startswith("cuda")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_cuda else [])]
    with profile(activities=activities) as profiler:
        profiled = _advance(painting, reached + timed + count) - reached - timed
        synchronise(device)
    painting.close()

    yield f"{1e3 * seconds:.2f}"
    limit = flops / product
    yield f"{1e3 * limit:.2f}"
    yield f"{limit / seconds:.0%}"
    events = profiler.events() or []
    called = [each for each in events if each.name.startswith("aten::") and not each.cpu_parent]
    yield f"{len(called) / profiled:.0f}"
    if not on_cuda:
        yield from ("-", "-", "-")
        return
    kernels = [each for each in events if "CUDA" in str(each.device_type)]
    busy = sum(each.self_device_time_total for each in kernels) / 1e6 / profiled
    yield f"{len(kernels) / profiled:.0f}"
    yield f"{1e3 * busy:.2f}"
    yield f"{max(0.0, 1 - busy / seconds):.0%}"


def _advance(painting: Iterator[Any], step: int) -> int:
    """Go on until at least `step`; returns the step that is reached."""
    for progress in painting:
        if isinstance(progress, Progress) and progress.step >= step:
            return progress.step
    raise AssertionError("the painting ended early")


def _product(dtype: torch.dtype, device: str) -> float:
    """FLOP/s of a square matrix product, as large as the device needs to be busy."""
    side = 256 if device == "cpu" else 8192
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    return 2 * side**3 / seconds_of(lambda: a @ b, device, 0.2)
