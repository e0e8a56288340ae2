"""One evaluation of one large picture spread over actors of a Ray cluster: whether the gradient is
the same, what it costs, and how many bytes travel.

Each actor has a band of the picture with a halo of VGG19's receptive field. First all send the sums
of their Gram matrices; then each gets the style loss's gradient in the whole picture's, and sends
its band's gradient. Content and style losses as `standard` has them, float32, a thread an actor.
"""

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.report import log_progress, save
from engine.network.vgg import load_vgg19

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = "relu4_2"
STRIDES = {"relu1_1": 1, "relu2_1": 2, "relu3_1": 4, "relu4_1": 8, "relu5_1": 16, "relu4_2": 8}
HALO = 80
"""Rows: the receptive field of relu5_1 reaches 70 rows up and down; a multiple of 16."""

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]


class Band:
    """The rows from `first` to `last` of a picture of `height` rows."""

    def __init__(self, first: int, last: int, height: int) -> None:
        torch.set_num_threads(1)
        self._vgg = load_vgg19("caffe", "cpu", "float32")
        self._read = max(0, first - HALO), min(height, last + HALO)
        self._own = first, last
        self._content: Tensor | None = None
        self._found: dict[str, Tensor] = {}
        self._leaf = torch.zeros(())

    def keep_content(self, content: Array) -> None:
        with torch.no_grad():
            self._content = self._features(torch.tensor(content))[CONTENT]

    def grams(self, picture: Array) -> Arrays:
        """Sums over the band's own positions."""
        self._leaf = torch.tensor(picture).requires_grad_()
        self._found = self._features(self._leaf)
        return {name: _gram(self._found[name]).detach().numpy() for name in STYLE}

    def gradient(self, grads: Arrays, content_factor: float) -> Array:
        """In what the band reads of the picture."""
        ends = [_gram(self._found[name]) for name in STYLE]
        seeds = [torch.tensor(grads[name]) for name in STYLE]
        if self._content is not None:
            difference = self._found[CONTENT] - self._content
            ends.append(difference.square().sum() * content_factor)
            seeds.append(torch.ones(()))
        (gradient,) = torch.autograd.grad(ends, self._leaf, seeds)
        self._found = {}
        result: Array = gradient.numpy()
        return result

    def _features(self, picture: Tensor) -> dict[str, Tensor]:
        found = self._vgg.features(picture, [*STYLE, CONTENT])
        start = self._own[0] - self._read[0]
        rows = self._own[1] - self._own[0]
        return {
            name: each[..., start // STRIDES[name] : (start + rows) // STRIDES[name], :]
            for name, each in found.items()
        }


def _gram(feature: Tensor) -> Tensor:
    flat = feature.flatten(-2)[0]
    return flat @ flat.T


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks spread", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=(512, 1024))
    parser.add_argument("--actors", type=int, nargs="*", default=(1, 2, 4))
    parser.add_argument("--times", type=int, default=2)
    options = parser.parse_args(arguments)
    import ray

    ray.init(
        address="local", num_cpus=max(options.actors), include_dashboard=False, log_to_driver=False
    )
    lines = [
        "| size | actors | seconds an evaluation | MB that travel | gradient differs by | rows |",
        "|---|---|---|---|---|---|",
    ]
    for size in options.sizes:
        generator = torch.Generator().manual_seed(1)
        picture = torch.rand(1, 3, size, size, generator=generator).numpy()
        content = torch.rand(1, 3, size, size, generator=generator).numpy()
        whole: Array | None = None
        for count in options.actors:
            seconds, travelled, gradient, rows = evaluated(
                ray, picture, content, count, options.times
            )
            whole = gradient if whole is None else whole
            difference = float(np.linalg.norm(gradient - whole) / np.linalg.norm(whole))
            lines.append(
                f"| {size} px | {count} | {seconds:.2f} | {travelled / 1e6:.1f} "
                f"| {difference:.1e} | {100 * rows / size:.0f} % |"
            )
            log_progress(lines[-1])
    save("spread", "\n".join(lines))


def evaluated(
    ray: Any, picture: Array, content: Array, count: int, times: int
) -> tuple[float, int, Array, int]:
    """Seconds of the quickest evaluation, its bytes, the gradient, and the rows computed."""
    height = picture.shape[-2]
    edges = [round(height * number / count / 16) * 16 for number in range(count + 1)]
    spans = list(pairwise(edges))
    reads = [slice(max(0, a - HALO), min(height, b + HALO)) for a, b in spans]
    actors = [ray.remote(Band).options(num_cpus=1).remote(a, b, height) for a, b in spans]
    ray.get(
        [
            actor.keep_content.remote(content[..., read, :])
            for actor, read in zip(actors, reads, strict=True)
        ]
    )
    best, travelled = float("inf"), 0
    gradient = np.zeros_like(picture)
    for _ in range(times):
        started = time.perf_counter()
        bands = [np.ascontiguousarray(picture[..., read, :]) for read in reads]
        sums: Sequence[Arrays] = ray.get(
            [actor.grams.remote(band) for actor, band in zip(actors, bands, strict=True)]
        )
        factors = {}
        for name in STYLE:
            stride = STRIDES[name]
            positions = (height // stride) ** 2
            total = sum(each[name] for each in sums) / positions
            # The style's target is zero here: what is measured does not depend on it.
            factors[name] = (2 * total / (positions * total.shape[0] ** 2)).astype(np.float32)
        share = 1.0 / ((height // STRIDES[CONTENT]) ** 2 * 512)
        shared = ray.put(factors)
        parts = ray.get([actor.gradient.remote(shared, share) for actor in actors])
        gradient = np.zeros_like(picture)
        for part, read in zip(parts, reads, strict=True):
            gradient[..., read, :] += part
        best = min(best, time.perf_counter() - started)
        matrices = sum(each.nbytes for each in factors.values())
        travelled = sum(band.nbytes for band in bands) + sum(part.nbytes for part in parts)
        travelled += 2 * count * matrices
    for actor in actors:
        ray.kill(actor)
    return best, travelled, gradient, sum(read.stop - read.start for read in reads)
