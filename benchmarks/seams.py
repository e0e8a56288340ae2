"""A whole painting in tiles beside the same one untiled, pixel by pixel.

Both have the same gradient up to rounding, but hundreds of steps let rounding grow. What remains
must not lie along the tiles' borders: the mean difference is given there and elsewhere, in levels
of 255.
"""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from unittest.mock import patch

import numpy as np

from benchmarks.machine import provenance
from benchmarks.memory import CONTENT, STYLE
from benchmarks.report import RESULTS, save, say
from engine.memory import Plan, Planner
from engine.picture import read_picture, write_picture
from engine.segments import Layout, take_apart
from engine.settings import Settings, resolve
from engine.stylise import Progress, Result, stylise
from engine.vgg import VGG19, load_vgg19

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
    paintings = {}
    for name, tiled in (("untiled", False), ("tiled", True)):
        with _planned(tiled):
            paintings[name] = _painted(settings, vgg, name)
    untiled, tiled = (painting.picture.samples.astype(int) for painting in paintings.values())
    difference = np.abs(untiled - tiled)
    borders = _borders(difference.shape[:2], settings.margin)
    folder = RESULTS / "seams"
    folder.mkdir(parents=True, exist_ok=True)
    for name, painting in paintings.items():
        write_picture(painting.picture, folder / f"{name}.png", format="png", quality=95, text="")
    largest = difference.max()
    losses = ", ".join(f"{name} {each.losses.total:,.1f}" for name, each in paintings.items())
    save(
        "seams",
        f"{options.steps} steps of {options.optimiser} at {options.size} px in "
        f"{options.precision}, {LAYOUT.sides} px tiles. {provenance(options.device)}\n\n"
        f"Largest difference of a channel: {largest} of 255; above 1: "
        f"{100 * (difference > 1).mean():.3f} % of all; mean {difference.mean():.4f}, within "
        f"{NEAR} px of a tile's border {difference[borders].mean():.4f}.\n\n"
        f"Final losses: {losses}.",
    )


def _painted(settings: Settings, vgg: VGG19, name: str) -> Result:
    content, style = read_picture(CONTENT), read_picture(STYLE)
    for step in stylise(content, [style], settings, vgg, preview_seconds=None, budget=1):
        if isinstance(step, Result):
            say(f"{name}: {', '.join(plan.describe() for plan in step.plans)}")
            return step
        assert isinstance(step, Progress)
        if step.step % 50 == 0:
            say(f"{name}: {step.scale} of {step.scales}, {step.step} of {step.steps}")
    raise AssertionError


@contextlib.contextmanager
def _planned(tiled: bool) -> Iterator[None]:
    """Every scale untiled, or every one in tiles, with all the pairs that the settings ask for."""

    def plan(planner: Planner, size: tuple[int, int], held: int, steps: int, _: int) -> Plan:
        history = planner.unplanned(size, held, steps).history
        return planner.predict(size, held, history, LAYOUT if tiled else None)

    with patch.object(Planner, "plan", plan), patch.object(Planner, "roomy", lambda *_: False):
        yield


def _borders(shape: tuple[int, int], margin: int) -> np.ndarray:
    """Where pixels are near a border of the first segment's tiles."""
    near = np.zeros(shape, bool)
    first = take_apart({"relu5_1"}, LAYOUT)[0]
    for tile in first.tiles(shape[0] + 2 * margin, shape[1] + 2 * margin):
        row, column = tile.rows.start - margin, tile.columns.start - margin
        if row > 0:
            near[max(0, row - NEAR) : row + NEAR] = True
        if column > 0:
            near[:, max(0, column - NEAR) : column + NEAR] = True
    return near
