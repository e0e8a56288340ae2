"""A whole painting in tiles beside the same one untiled, pixel by pixel.

Both have the same gradient up to rounding, but hundreds of steps of L-BFGS let rounding grow. So
the untiled painting is made a third time, with one thread, whose sums are rounded otherwise: two
untiled paintings that differ as much are what a difference is to be held against. And it must not
lie along the tiles' borders: its mean is given there and everywhere, in levels of 255.
"""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import CONTENT, STYLE
from benchmarks.report import log_progress, result_path, save
from engine.images.picture import read_picture, write_picture
from engine.memory.plan import Plan
from engine.memory.planner import Planner
from engine.memory.segments import Layout, split_into_segments
from engine.network.vgg import VGG19, load_vgg19
from engine.settings import Settings, resolve
from engine.stylise import Progress, Result, stylise

LAYOUT = Layout(("pool2", "pool3"), (128, 192, 256))
NEAR = 2
"""Pixels on both sides of a border that count as its own."""


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks seams", description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--steps", type=int, default=220)
    parser.add_argument("--optimiser", default="lbfgs", choices=("lbfgs", "adam"))
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)

    vgg = load_vgg19("caffe", options.device, options.precision)
    adam = {"learning_rate": 0.02} if options.optimiser == "adam" else {}
    values = {"size": options.size, "steps": options.steps, "optimiser": options.optimiser}
    settings = resolve(values | adam)
    threads = torch.get_num_threads()
    paintings = {}
    for name, tiled, count in (
        ("untiled", False, threads),
        ("tiled", True, threads),
        ("untiled, one thread", False, 1),
    ):
        torch.set_num_threads(count)
        with _planned(tiled):
            paintings[name] = _painted(settings, vgg, name)
    torch.set_num_threads(threads)
    untiled = _levels(paintings["untiled"])
    borders = _borders(untiled.shape[:2], settings.margin)
    lines = [
        f"{options.steps} steps of {options.optimiser} at {options.size} px in "
        f"{options.precision}, tiles of {LAYOUT.sides} px. {provenance(options.device)}",
        "",
        f"| | final loss | largest difference | above 1 | mean | within {NEAR} px of a border |",
        "|---|---|---|---|---|---|",
    ]
    for name, painting in paintings.items():
        path = result_path(f"seams/{name}.png")
        write_picture(painting.picture, path, format="png", quality=95, text="")
        difference = np.abs(_levels(painting) - untiled)
        lines.append(
            f"| {name} | {painting.losses.total:,.0f} | {difference.max()} "
            f"| {100 * (difference > 1).mean():.2f} % | {difference.mean():.3f} "
            f"| {difference[borders].mean():.3f} |"
        )
    save("seams", "\n".join(lines))


def _levels(painting: Result) -> np.ndarray:
    """Of 8 bits."""
    levels: np.ndarray = np.rint(painting.picture.pixels * 255).astype(int)
    return levels


def _painted(settings: Settings, vgg: VGG19, name: str) -> Result:
    content, style = read_picture(CONTENT), read_picture(STYLE)
    for step in stylise(content, [style], settings, vgg, preview_seconds=None, budget=1):
        if isinstance(step, Result):
            log_progress(f"{name}: {', '.join(plan.describe() for plan in step.plans)}")
            return step
        assert isinstance(step, Progress)
        if step.step % 50 == 0:
            log_progress(f"{name}: {step.scale} of {step.scales}, {step.step} of {step.steps}")
    raise AssertionError


@contextlib.contextmanager
def _planned(tiled: bool) -> Iterator[None]:
    """Every scale untiled, or every one in tiles, with all the pairs that the settings ask for."""

    def plan(planner: Planner, size: tuple[int, int], held: int, steps: int, _: int) -> Plan:
        history = planner.unplanned(size, held, steps).history
        return planner.predictor.predict(size, held, history, LAYOUT if tiled else None)

    with (
        patch.object(Planner, "plan", plan),
        patch.object(Planner, "fits_without_plan", lambda *_: False),
    ):
        yield


def _borders(shape: tuple[int, int], margin: int) -> np.ndarray:
    """Where pixels are near a border of the first segment's tiles."""
    near = np.zeros(shape, bool)
    first = split_into_segments({"relu5_1"}, LAYOUT)[0]
    for tile in first.tiles(shape[0] + 2 * margin, shape[1] + 2 * margin):
        row, column = tile.rows.start - margin, tile.columns.start - margin
        if row > 0:
            near[max(0, row - NEAR) : row + NEAR] = True
        if column > 0:
            near[:, max(0, column - NEAR) : column + NEAR] = True
    return near
