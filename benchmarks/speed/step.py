"""Seconds of one optimisation step, ours beside the peers', taken in turns.

A step is one evaluation of the loss and its gradient and one L-BFGS move, with the same layers, on
the same pictures at the same size. pastiche is run by its own command line; the time of a step is
the difference between a long and a short run, so that neither side's start counts. *plain* is
torch's L-BFGS on the reference loss in float32 (`benchmarks/race/plain.py`), whose evaluations are
timed alike; it has torch's convolutions for both directions, as in `versus`. *torch's gradient of a
convolution* is the same with the gradient that any other script has.

Taken in turns, the rows can be compared even while a machine does other work. With the evaluations
that a run took until it was as good as another (`versus`), they tell how much faster it was.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Container, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import PHOTOGRAPHS
from benchmarks.report import log_progress, save
from engine.images.picture import Picture, read_picture
from engine.images.pyramid import pyramid_sizes, resize
from engine.network.convolution import ALL_EDGES, Edges
from engine.network.vgg import VGG19, load_vgg19, pool
from engine.network.weights import Weights
from engine.objective import style_transfer_objective
from engine.regions.areas import MaskPictures
from engine.settings import resolve
from engine.stylise import Progress, stylise

CONTENT, STYLE = PHOTOGRAPHS / "astronaut.png", PHOTOGRAPHS / "coffee.png"
SHORT, LONG = 2, 8


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks step", description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without-pastiche", action="store_true", help="its two runs take longest")
    parser.add_argument("--regions", action="store_true", help="ours alone, without and with masks")
    options = parser.parse_args(arguments)

    exact = load_vgg19("caffe", "cpu", "float32")
    direct = VGG19(exact.weights, "cpu", winograd=False)
    torchs = _TorchsConvolutions(exact.weights, "cpu")
    fastest = load_vgg19("caffe", "cpu", "auto")
    size = options.size
    programs: dict[str, Callable[[], float]] = {
        "pastiche": lambda: _pastiche(size),
        "plain, torch's gradient of a convolution": lambda: _plain(torchs, size),
        "plain": lambda: _plain(direct, size),
        "Impasto, preset gatys, float32": lambda: _impasto(exact, size, "gatys"),
        f"Impasto, preset gatys, {fastest.precision}": lambda: _impasto(fastest, size, "gatys"),
        f"Impasto, standard, {fastest.precision}": lambda: _impasto(fastest, size, "standard"),
    }
    if options.without_pastiche:
        del programs["pastiche"]
    if options.regions:
        programs = {
            "plain": lambda: _impasto(fastest, size, "standard"),
            "a mask of a quarter": lambda: _impasto(fastest, size, "standard", "mask"),
            "two regions": lambda: _impasto(fastest, size, "standard", "regions"),
        }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(options.rounds):
        for name, program in programs.items():
            seconds[name].append(program())
            log_progress(f"round {number + 1}: {name} {seconds[name][-1]:.2f} s")

    medians = {name: statistics.median(times) for name, times in seconds.items()}
    lines = [
        f"One step at {size} px, medians of {options.rounds} rounds. {provenance('cpu')}",
        "",
        "| | seconds | fastest round | times as fast as plain |",
        "|---|---|---|---|",
    ]
    for name, median in medians.items():
        lines.append(
            f"| {name} | {median:.2f} | {min(seconds[name]):.2f} "
            f"| {medians['plain'] / median:.2f} |"
        )
    save(f"step-{'regions-' if options.regions else ''}{size}", "\n".join(lines))


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


def _plain(vgg: VGG19, size: int) -> float:
    settings = resolve({"preset": "gatys"})
    source = read_picture(CONTENT)
    (at,) = pyramid_sizes(source.size, size, 1, 2.0)
    target = resize(source.to_tensor(), at)
    objective = style_transfer_objective(vgg, target, [read_picture(STYLE).to_tensor()], settings)
    picture = target.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([picture], lr=1.0, max_iter=LONG, max_eval=LONG)
    times = []

    def closure() -> Tensor:
        with torch.no_grad():
            picture.clamp_(0, 1)
        optimiser.zero_grad()
        loss = objective(picture).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        times.append(time.perf_counter())
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return _per_step(times)


class _TorchsConvolutions(VGG19):
    """The network with torch's own convolutions and their gradient; padded with zeros."""

    def __init__(self, weights: Weights, device: str) -> None:
        super().__init__(weights, device)
        self._weights_and_biases = {
            name: (weight.to(device, memory_format=torch.channels_last), bias.to(device))
            for name, (weight, bias) in weights.convolutions.items()
        }

    def through(
        self,
        x: Tensor,
        layers: Sequence[str],
        wanted: Container[str],
        pooling: str = "max",
        padding: str = "zeros",
        edges: Edges = ALL_EDGES,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        assert (padding, edges) == ("zeros", ALL_EDGES)
        found: dict[str, Tensor] = {}
        for name in layers:
            if name.startswith("conv"):
                x = F.conv2d(x, *self._weights_and_biases[name], padding=1)
            elif name.startswith("relu"):
                x = F.relu(x, inplace=name.replace("relu", "conv") not in wanted)
            else:
                x = pool(x, pooling)
            if name in wanted:
                found[name] = x
        return x, found


def _impasto(vgg: VGG19, size: int, preset: str, masked: str = "") -> float:
    values = {"preset": preset, "size": size, "scales": 1, "steps": LONG, "content_boost": 1}
    settings = resolve(values | {"padding": "zeros", "margin": 0, "clamp": True})
    content, style = read_picture(CONTENT), read_picture(STYLE)
    styles, masks = [style], MaskPictures()
    if masked == "mask":
        masks = MaskPictures(mask=_half(content, 0.25))
    elif masked == "regions":
        styles = [style, read_picture(PHOTOGRAPHS / "rocket.jpg")]
        masks = MaskPictures(regions=[_half(content, 0.5), _half(content, 0.5, rest=True)])
    times = [
        progress.seconds
        for progress in stylise(content, styles, settings, vgg, preview_seconds=None, masks=masks)
        if isinstance(progress, Progress)
    ]
    return _per_step(times)


def _half(content: Picture, share: float, *, rest: bool = False) -> Picture:
    """A mask of the left share of a picture, or of the rest."""
    samples = np.zeros_like(content.samples)
    samples[:, : round(share * content.width)] = 255
    return Picture(255 - samples if rest else samples)


def _per_step(times: list[float]) -> float:
    return (times[-1] - times[SHORT - 1]) / (len(times) - SHORT)
