"""Seconds and peak memory of one step, from small to large, each size in a process of its own.

A process paints a few steps of `standard` at one scale. Seconds are the median between the reports
after the first. Memory is the most that the process ever held (VmHWM: libraries, weights, style
targets and all; on CUDA torch's own peak beside it). L-BFGS's memory grows with every step; what a
whole run adds is counted, in a column of its own.
"""

import argparse
import itertools
import json
import statistics
import sys
import time
from collections.abc import Sequence

import torch

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import CONTENT, STYLE
from benchmarks.plot import Curve, Panel, draw
from benchmarks.process import measured_apart, peak_memory
from benchmarks.report import log_progress, result_path, save
from engine.images.picture import read_picture
from engine.network.vgg import load_vgg19
from engine.settings import resolve
from engine.stylise import Progress, stylise


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks scaling",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--largest", type=int, default=1024, help="of 128, 256, 512, 1024, 2048 px")
    parser.add_argument("--sizes", metavar="PIXELS", help="such as 128,362, instead")
    parser.add_argument("--precisions", default="float32,bfloat16", metavar="NAMES")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0")
    options = parser.parse_args(arguments)
    sizes = [128 << i for i in range(8) if 128 << i <= min(options.largest, 16384)]
    if options.sizes:
        sizes = [int(size) for size in options.sizes.split(",")]

    on_cuda = options.device.startswith("cuda")
    lines = [
        f"A step, {options.steps} steps a process. {provenance(options.device)}",
        "",
        "| size | type | seconds of a step | ns a pixel | peak memory, MiB | before the first step "
        "| L-BFGS, whole run |" + (" peak on the device |" if on_cuda else ""),
        "|---|---|---|---|---|---|---|" + ("---|" if on_cuda else ""),
    ]
    results = []
    for size in sizes:
        for precision in options.precisions.split(","):
            log_progress(f"{size} px, {precision}")
            case = (size, precision, options.device, options.steps)
            results.append(measured_apart("benchmarks.memory.scaling", case))
            lines.append(_row(results[-1], on_cuda))
    save("scaling", "\n".join(lines))
    draw(
        [
            Panel("seconds of a step", "longest side, in pixels", _curves(results, "seconds", 1)),
            Panel("peak memory, MiB", "longest side, in pixels", _curves(results, "peak", 2**20)),
        ],
        result_path("scaling.png"),
    )


def _curves(results: Sequence[dict[str, float | str]], key: str, unit: float) -> list[Curve]:
    """One for each type."""
    points: dict[str, list[tuple[float, float]]] = {}
    for result in results:
        side = max(float(result["width"]), float(result["height"]))
        points.setdefault(str(result["precision"]), []).append((side, float(result[key]) / unit))
    return [Curve(precision, along) for precision, along in points.items()]


def _row(result: dict[str, float | str], on_cuda: bool) -> str:
    width, height = int(result["width"]), int(result["height"])
    seconds = float(result["seconds"])
    cells = [
        f"{width} x {height}",
        str(result["precision"]),
        f"{seconds:.3f}",
        f"{1e9 * seconds / (width * height):,.0f}",
        _mebi(float(result["peak"])),
        _mebi(float(result["before"])),
        _mebi(float(result["history"])),
        *([_mebi(float(result["device_peak"]))] if on_cuda else []),
    ]
    return f"| {' | '.join(cells)} |"


def _mebi(count: float) -> str:
    return f"{count / 2**20:,.0f}"


def measure(size: int, precision: str, device: str, steps: int) -> dict[str, float | str]:
    """In a fresh process, since a peak never falls again."""
    settings = resolve({"size": size, "scales": 1, "steps": steps})
    whole_run = resolve({"size": size})
    content, style = read_picture(CONTENT), read_picture(STYLE)
    vgg = load_vgg19("caffe", device, precision)
    before = peak_memory()
    reports: list[tuple[int, float]] = []
    for progress in stylise(content, [style], settings, vgg, preview_seconds=None):
        if isinstance(progress, Progress):
            reports.append((progress.step, time.perf_counter()))
            width, height = progress.size
    pairs = itertools.pairwise(reports)
    times = [(after - start) / (last - first) for (first, start), (last, after) in pairs]
    remembered = min(whole_run.steps - 1, whole_run.history)
    on_canvas = (width + 2 * settings.margin) * (height + 2 * settings.margin) * 3 * 4
    return {
        "width": width,
        "height": height,
        "precision": precision,
        # The first interval allocates and chooses kernels.
        "seconds": statistics.median(times[1:] or times),
        "peak": peak_memory(),
        "before": before,
        "history": 2 * remembered * on_canvas,
        "device_peak": torch.cuda.max_memory_allocated(device) if "cuda" in device else 0,
    }


if __name__ == "__main__":
    print(json.dumps(measure(*json.loads(sys.argv[1]))))
