"""Predicted and measured peak memory, over sizes, layers, types, optimisers and modes.

Each row is a process of its own that paints a few steps at one scale as its plan says. Measured is
the most that the process ever held in the midst of it (VmHWM: libraries, network and all; on CUDA
torch's own peak). A mode is the fastest plan of that mode, be another mode's faster or not.

`--size 4096 --budget 3GB` measures one painting of 4096 x 4096 px within 3 GB instead, and
`--baseline 512` what a pixel takes beside it, untiled. Core seconds are those of all threads
together, and say most on a machine that does other work.
"""

import argparse
import contextlib
import itertools
import json
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import CONTENT, STYLE
from benchmarks.process import measured_apart, peak_memory
from benchmarks.report import log_progress, save
from engine.images.picture import Picture, read_picture
from engine.memory.budget import parse_memory
from engine.memory.planner import Planner
from engine.network.vgg import load_vgg19
from engine.settings import resolve
from engine.stylise import Progress, stylise

SHALLOW = {"content_layers": {"conv2_2": 1.0}, "style_layers": {"conv1_1": 1.0, "conv3_1": 1.0}}
GRID: list[dict[str, Any]] = [
    {"size": 384, "precision": "bfloat16", "mode": "untiled"},
    {"size": 384, "precision": "float32", "mode": "untiled"},
    {"size": 768, "precision": "bfloat16", "mode": "untiled"},
    {"size": 768, "precision": "float32", "mode": "checkpointed"},
    {"size": 768, "precision": "bfloat16", "mode": "tiled"},
    {"size": 768, "precision": "float32", "mode": "tiled"},
    {"size": 768, "precision": "bfloat16", "mode": "untiled", "optimiser": "adam"},
    {"size": 768, "precision": "bfloat16", "mode": "tiled", "layers": "shallow"},
    {"size": 768, "precision": "bfloat16", "mode": "untiled", "layers": "shallow"},
    {"size": 1536, "precision": "bfloat16", "mode": "checkpointed"},
    {"size": 1536, "precision": "bfloat16", "mode": "tiled"},
    {"size": 1536, "precision": "bfloat16", "mode": "tiled", "optimiser": "adam"},
    {"size": 256, "precision": "float32", "mode": "untiled", "content": 60},
    {"size": 512, "precision": "float32", "mode": "untiled", "content": 200},
    {"size": 512, "precision": "float32", "mode": "untiled", "style": 100},
]
"""`content` and `style` are megapixels; otherwise the content is of the size that is painted."""


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks memory",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=int, help="one painting of a square of so many pixels")
    parser.add_argument("--content", type=int, help="with --size, megapixels of the content")
    parser.add_argument("--style", type=int, help="with --size, megapixels of the style")
    parser.add_argument("--mode", help="with --size, instead of a budget")
    parser.add_argument("--budget", type=parse_memory, help="with --size, such as 3GB")
    parser.add_argument("--baseline", type=int, help="with --size: another size, without a budget")
    parser.add_argument("--optimiser", default="lbfgs", choices=("lbfgs", "adam"))
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0")
    options = parser.parse_args(arguments)
    cases = GRID
    if options.size:
        common = {"precision": options.precision, "optimiser": options.optimiser}
        asked = {key: getattr(options, key) for key in ("budget", "mode", "content", "style")}
        given = {key: value for key, value in asked.items() if value is not None}
        cases = [{"size": options.size, **given, **common}]
        if options.baseline:
            cases.append({"size": options.baseline, "mode": "untiled", **common})
    lines = [
        f"{options.steps} steps a process. {provenance(options.device)}",
        "",
        "| size | type | optimiser | layers | plan | pairs | predicted, MB | measured, MB | "
        "difference | seconds of a step | µs a pixel "
        "| core µs a pixel |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        log_progress(str(case))
        whole = case | {"device": options.device, "steps": options.steps}
        lines.append(_row(measured_apart("benchmarks.memory.prediction", whole)))
        log_progress(lines[-1])
    save("memory", "\n".join(lines))


def _row(result: dict[str, Any]) -> str:
    predicted, measured = result["predicted"], result["measured"]
    cells = [
        f"{result['size']} x {result['size']}{result['pictures']}",
        result["precision"],
        result["optimiser"],
        result["layers"],
        result["plan"],
        str(result["history"] or ""),
        f"{predicted / 1e6:,.0f}",
        f"{measured / 1e6:,.0f}",
        f"{100 * (predicted / measured - 1):+.0f} %",
        f"{result['seconds']:.2f}",
        f"{1e6 * result['seconds'] / result['size'] ** 2:.2f}",
        f"{1e6 * result['core_seconds'] / result['size'] ** 2:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def measure(case: dict[str, Any]) -> dict[str, Any]:
    """In a fresh process, since a peak never falls again."""
    size, steps, device = case["size"], case["steps"], case["device"]
    optimiser = case.get("optimiser", "lbfgs")
    settings = resolve(
        {"size": size, "scales": 1, "steps": steps, "margin": 0, "optimiser": optimiser},
        {"learning_rate": 0.02 if optimiser == "adam" else 1.0},
        SHALLOW if case.get("layers") == "shallow" else {},
    )
    style = _of_megapixels(read_picture(STYLE), case.get("style"))
    vgg = load_vgg19("caffe", device, case["precision"])
    content = _square(read_picture(CONTENT), size)
    content = _of_megapixels(content, case.get("content"))
    budget = case.get("budget")
    held = content.samples.nbytes + style.samples.nbytes + 12 * size * size
    planned = contextlib.ExitStack()
    if "mode" in case:
        choices = Planner(vgg, settings).choices((size, size), held, steps)
        chosen = next(plan for plan in choices if plan.mode == case["mode"])
        planned.enter_context(patch.object(Planner, "plan", return_value=chosen))
        planned.enter_context(patch.object(Planner, "fits_without_plan", return_value=False))
        budget = chosen.peak
    reports: list[tuple[float, float]] = []
    plans: Sequence[Any] = ()
    with planned:
        for step in stylise(content, [style], settings, vgg, preview_seconds=None, budget=budget):
            if isinstance(step, Progress):
                reports.append((time.perf_counter(), time.process_time()))
            else:
                plans = step.plans
            del step
    (plan,) = plans
    on_cuda = device.startswith("cuda")
    return {
        "size": size,
        "pictures": "".join(
            f", {key} {case[key]} MP" for key in ("content", "style") if key in case
        ),
        "precision": vgg.precision,
        "optimiser": optimiser,
        "layers": case.get("layers", "standard"),
        "plan": plan.describe().split(": ")[1].split(", ")[0],
        "history": plan.history,
        "predicted": plan.peak,
        "measured": _device_peak(device) if on_cuda else peak_memory(),
        "seconds": statistics.median(b - a for (a, _), (b, _) in itertools.pairwise(reports)),
        "core_seconds": statistics.median(b - a for (_, a), (_, b) in itertools.pairwise(reports)),
    }


def _square(picture: Picture, size: int) -> Picture:
    """The middle of a picture, enlarged."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    middle = Picture(picture.samples[top : top + side, left : left + side])
    return middle.resized(size, size)


def _of_megapixels(picture: Picture, megapixels: int | None) -> Picture:
    """A picture repeated to a square of so many million pixels, a byte a channel as from a file."""
    if megapixels is None:
        return picture
    side = round(1000 * megapixels**0.5)
    samples = np.round(picture.pixels * 255).astype(np.uint8)
    repeats = (-(-side // picture.height), -(-side // picture.width), 1)
    return Picture(np.tile(samples, repeats)[:side, :side])


def _device_peak(device: str) -> int:
    import torch

    return int(torch.cuda.max_memory_reserved(device))


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
