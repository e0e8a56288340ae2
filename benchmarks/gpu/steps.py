"""The time of a step, beside the limit of its arithmetic, and what launching its kernels costs."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.gpu.operations import step_operations
from benchmarks.pictures.pairs import CONTENT, STYLE
from benchmarks.speed.flops import convolutions, gram_flops
from benchmarks.speed.roofline import product_flops
from benchmarks.speed.stages import StepTime, step_time
from engine.images.picture import Picture, read_picture
from engine.images.pyramid import Size, pyramid_sizes
from engine.network.allocator import is_out_of_memory, release
from engine.network.vgg import DTYPES, load_vgg19
from engine.settings import Settings, resolve

__all__ = ["COLUMNS", "rows"]

COLUMNS = (
    *("size", "precision", "ms a step", "limit, ms", "of the limit", "operations", "kernels"),
    *("ms of kernels", "waiting for launches", "ms without graphs"),
)

PRECISIONS = ("bfloat16", "float32")

STEPS, STEPS_ON_CPU = 10, 2
"""Timed, and as many profiled."""

MATRIX, MATRIX_ON_CPU = 8192, 256
"""Side of a matrix product that keeps the device busy."""


def rows(
    device: str, sizes: Sequence[int], time_is_left: Callable[[], bool]
) -> Iterator[Sequence[object]]:
    content, style = read_picture(CONTENT), read_picture(STYLE)
    on_cpu = device == "cpu"
    side_of_product = MATRIX_ON_CPU if on_cpu else MATRIX
    products, counted = {}, {}
    for precision in PRECISIONS if time_is_left() else ():
        products[precision] = product_flops(DTYPES[precision], device, side_of_product, 0.2)
        counted[precision] = _operations(content, style, sizes[0], device, precision)
    for side in sizes:
        for precision in PRECISIONS:
            if precision not in products or not time_is_left():
                yield (side, precision, "no time left")
                continue
            settings = resolve({"size": side})
            vgg = load_vgg19("caffe", device, precision)
            steps = STEPS_ON_CPU if on_cpu else STEPS
            after = steps if on_cpu else settings.history // 2
            try:
                step = step_time(content, style, settings, vgg, after=after, steps=steps)
                one_by_one = step
                if not on_cpu:
                    one_by_one = step_time(
                        content, style, settings, vgg, after=after, steps=steps, graphs=False
                    )
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                yield (side, precision, "out of memory")
            else:
                limit = _flops(content.size, settings) / products[precision]
                yield (side, precision, *_cells(step, one_by_one, limit, counted[precision]))
            release()


def _flops(content: Size, settings: Settings) -> int:
    """Of a step at the result's size, the margin included."""
    (size,) = pyramid_sizes(content, settings.longest_side(content), 1, settings.scale_factor)
    canvas = (size[0] + 2 * settings.margin, size[1] + 2 * settings.margin)
    layers = [*settings.content_layers, *settings.style_layers]
    forward = sum(each.flops for each in convolutions(canvas, layers))
    return 2 * forward + gram_flops(canvas, settings.style_layers)


def _operations(content: Picture, style: Picture, side: int, device: str, precision: str) -> float:
    """Of a step, at whatever size."""
    steps = 5
    vgg = load_vgg19("caffe", device, precision)
    return (
        step_operations(content, style, resolve({"size": side}), vgg, steps=steps).total() / steps
    )


def _cells(step: StepTime, one_by_one: StepTime, limit: float, operations: float) -> Iterator[str]:
    yield f"{1e3 * step.seconds:.2f}"
    yield f"{1e3 * limit:.2f}"
    yield f"{limit / step.seconds:.0%}"
    yield f"{operations:.0f}"
    if not step.kernels:  # no CUDA
        yield from ("-", "-", "-", "-")
        return
    yield f"{step.kernels:.0f}"
    yield f"{1e3 * step.busy:.2f}"
    yield f"{max(0.0, 1 - step.busy / step.seconds):.0%}"
    yield f"{1e3 * one_by_one.seconds:.2f}"
