"""What one optimisation step reaches of what this machine's own kernels reach.

The step is the engine's own (`standard`, one scale), forward and backward, with L-BFGS's memory as
full as in the middle of a run. Its operations are counted (`benchmarks/speed/flops.py`), its stages
taken from torch's profiler. Beside it, in the same type: every convolution of the network alone, at
its own shape and in channels_last, as often as the clock needs (forward; the gradient of its input;
and that gradient's arithmetic as a forward convolution with the channels swapped), and a square
matrix product.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import CONTENT, STYLE
from benchmarks.plot import Curve, Panel, draw
from benchmarks.report import log_progress, result_path, save
from benchmarks.speed.flops import Convolution, convolutions, gram_flops
from benchmarks.speed.stages import STAGES, StepTime, step_time
from benchmarks.timing import seconds_of
from engine.images.picture import read_picture
from engine.images.pyramid import pyramid_sizes
from engine.network.convolution import ALL_EDGES, Kernel, convolves_by_winograd
from engine.network.vgg import DTYPES, load_vgg19
from engine.settings import Settings, resolve

MATRIX = 2048
"""Side of the matrix product."""


@dataclass(frozen=True)
class Kernels:
    """Seconds of one convolution alone."""

    forward: float
    gradient: float
    swapped: float


@dataclass(frozen=True)
class Roof:
    """What the machine reaches in one type, and what the step does."""

    step: StepTime
    kernels: dict[str, Kernels]
    product: float
    """FLOP/s of the matrix product."""


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks roofline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0")
    parser.add_argument("--precisions", default="float32,bfloat16", metavar="NAMES")
    parser.add_argument("--steps", type=int, default=4, help="timed, and as many profiled")
    parser.add_argument("--after", type=int, help="steps before those; unset: half of a run's")
    parser.add_argument(
        "--seconds", type=float, default=0.3, help="for each kernel alone, at least"
    )
    options = parser.parse_args(arguments)

    settings = resolve({"size": options.size})
    after = settings.steps // 2 if options.after is None else options.after
    content, style = read_picture(CONTENT), read_picture(STYLE)
    (size,) = pyramid_sizes(content.size, options.size, 1, 2.0)
    canvas = (size[0] + 2 * settings.margin, size[1] + 2 * settings.margin)
    used = convolutions(canvas, [*settings.content_layers, *settings.style_layers])
    roofs = {}
    for precision in options.precisions.split(","):
        log_progress(f"{precision}: {after + 2 * options.steps} steps at {size[0]} x {size[1]} px")
        vgg = load_vgg19("caffe", options.device, precision)
        time = step_time(content, style, settings, vgg, after=after, steps=options.steps)
        log_progress(f"{precision}: {len(used)} convolutions alone")
        dtype = DTYPES[precision]
        kernels = {c.name: _alone(c, dtype, options.device, options.seconds) for c in used}
        product = product_flops(dtype, options.device, MATRIX, options.seconds)
        roofs[precision] = Roof(time, kernels, product)
    name = f"roofline-{options.size}"
    save(name, _report(roofs, used, canvas, settings, after, options.device))
    total = 2 * sum(c.flops for c in used) + gram_flops(canvas, settings.style_layers)
    draw([_plotted(*roof, used, total) for roof in roofs.items()], result_path(f"{name}.png"))


def _plotted(precision: str, roof: Roof, used: Sequence[Convolution], total: int) -> Panel:
    """The roofline itself: what each convolution reaches, by its operations for a byte moved."""
    size = DTYPES[precision].itemsize
    across = [shape.flops / (size * _elements(shape)) for shape in used]

    def curve(name: str, seconds: Callable[[Kernels], float]) -> Curve:
        reached = [shape.flops / 1e9 / seconds(roof.kernels[shape.name]) for shape in used]
        return Curve(name, sorted(zip(across, reached, strict=True)))

    def level(name: str, flops: float) -> Curve:
        return Curve(name, [(at, flops / 1e9) for at in (min(across), max(across))])

    return Panel(
        f"{precision}: GFLOP/s",
        "operations for a byte read or written",
        [
            curve("forward", lambda kernel: kernel.forward),
            curve("gradient", lambda kernel: kernel.gradient),
            curve("gradient as a convolution", lambda kernel: kernel.swapped),
            level("matrix product", roof.product),
            level("a whole step", total / roof.step.seconds),
        ],
    )


def _elements(shape: Convolution) -> int:
    """Numbers that a convolution reads and writes: input, output, kernels."""
    positions = shape.height * shape.width
    return positions * (shape.inputs + shape.outputs) + 9 * shape.inputs * shape.outputs


@torch.no_grad()
def _alone(shape: Convolution, dtype: torch.dtype, device: str, at_least: float) -> Kernels:
    def tensor(*sides: int) -> Tensor:
        return torch.randn(sides, device=device).to(dtype, memory_format=torch.channels_last)

    x = tensor(1, shape.inputs, shape.height, shape.width)
    y = tensor(1, shape.outputs, shape.height, shape.width)
    weight = tensor(shape.outputs, shape.inputs, 3, 3)
    kernel = Kernel(
        weight,
        torch.zeros(shape.outputs),
        torch.device(device),
        dtype,
        winograd=convolves_by_winograd(device, dtype),
    )

    def gradient() -> object:
        return torch.ops.aten.convolution_backward(
            y, x, weight, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, [True, False, False]
        )

    def seconds(call: Callable[[], object]) -> float:
        return seconds_of(call, device, at_least)

    return Kernels(
        seconds(lambda: kernel.convolve(x, "zeros", ALL_EDGES, rectified=False)),
        seconds(gradient),
        seconds(lambda: kernel.gradient(y, padding=1)),
    )


def product_flops(dtype: torch.dtype, device: str, side: int, at_least: float) -> float:
    """FLOP/s of a square matrix product, with TF32 if convolutions may use it."""
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    usual = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        return 2 * side**3 / seconds_of(lambda: a @ b, device, at_least)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = usual


def _report(
    roofs: dict[str, Roof],
    used: Sequence[Convolution],
    canvas: tuple[int, int],
    settings: Settings,
    after: int,
    device: str,
) -> str:
    forward = sum(c.flops for c in used)
    grams = gram_flops(canvas, settings.style_layers)
    lines = [
        f"One step at {canvas[0]} x {canvas[1]} px (margin included). {provenance(device)}",
        "",
        f"Counted: convolutions {forward / 1e9:.1f} GFLOP forward and as many backward, Gram "
        f"matrices {grams / 1e9:.1f}. L-BFGS remembers {after} moves and more.",
        "",
        "| | " + " | ".join(roofs) + " |",
        "|---|" + "---|" * len(roofs),
    ]

    def row(name: str, cell: Callable[[Roof], str]) -> None:
        lines.append(f"| {name} | " + " | ".join(cell(roof) for roof in roofs.values()) + " |")

    total = 2 * forward + grams

    def alone(roof: Roof) -> float:
        return forward / sum(kernel.forward for kernel in roof.kernels.values())

    def gradients_alone(roof: Roof) -> float:
        return forward / sum(kernel.gradient for kernel in roof.kernels.values())

    row("seconds of a step", lambda roof: f"{roof.step.seconds:.4f}")
    row("GFLOP/s of a step", lambda roof: _giga(total / roof.step.seconds))
    row("its convolutions alone, forward, GFLOP/s", lambda roof: _giga(alone(roof)))
    row("their gradients alone, GFLOP/s", lambda roof: _giga(gradients_alone(roof)))
    row(f"matrix product, {MATRIX} x {MATRIX}, GFLOP/s", lambda roof: _giga(roof.product))
    row(
        "**step over convolutions alone**",
        lambda roof: f"**{total / roof.step.seconds / alone(roof):.0%}**",
    )
    row(
        "step over matrix product",
        lambda roof: f"{total / roof.step.seconds / roof.product:.0%}",
    )
    work = dict(zip(STAGES, (forward, forward, grams, 0, 0), strict=True))
    for stage in STAGES:
        row(stage, partial(_stage, stage=stage, flops=work[stage]))

    lines += ["", "Each convolution alone, GFLOP/s: forward; gradient; gradient as a convolution."]
    lines += ["", "| layer | channels | positions | " + " | ".join(roofs) + " |"]
    lines += ["|---|---|---|" + "---|" * len(roofs)]
    for shape in used:
        lines.append(
            f"| {shape.name} | {shape.inputs} to {shape.outputs} | {shape.width} x {shape.height} "
            + "".join(f"| {_kernels(shape, roof.kernels[shape.name])} " for roof in roofs.values())
            + "|"
        )
    return "\n".join(lines)


def _stage(roof: Roof, stage: str, flops: int) -> str:
    seconds = roof.step.stages[stage]
    text = f"{seconds:.4f} s, {seconds / roof.step.seconds:.0%}"
    return f"{text}, {_giga(flops / seconds)} GFLOP/s" if flops and seconds else text


def _kernels(shape: Convolution, kernels: Kernels) -> str:
    times = (kernels.forward, kernels.gradient, kernels.swapped)
    return "; ".join(_giga(shape.flops / seconds) for seconds in times)


def _giga(flops: float) -> str:
    return f"{flops / 1e9:,.0f}"
