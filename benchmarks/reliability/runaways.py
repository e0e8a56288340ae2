"""Descents from white noise that run away: with L-BFGS guarded, and as it is without.

The figures of `engine.reconstruct` over seeds, the hardest case: far from the minimum, no scale
before it, weak curvature. A descent is *thrown* where one evaluation's loss is more than three
times the first. *End* is the loss of what is delivered over that of the noise. The same pictures,
seeds and evaluations go through both; moves are taken back by the guard alone.
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from torch import Tensor

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import pairs
from benchmarks.report import log_progress, save
from engine.errors import NumericalError
from engine.images.picture import Picture, read_picture
from engine.network.vgg import VGG19, load_vgg19
from engine.optimisers.lbfgs import LBFGS
from engine.reconstruct import RECIPES, Kind, Reconstruction, groups_of, reconstruct
from engine.settings import Settings, resolve

THROWN = 3.0
"""Of the first loss."""

FIRST_FIVE = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
LAYERS: dict[Kind, tuple[str, ...]] = {
    "content": ("conv1_1", "conv3_1", "conv4_1"),
    "style": FIRST_FIVE,
}
"""Of the article's figures: content from the 1st, 5th and 9th convolution, style from the first 1
to 5."""

GUARDED = {"old": False, "new": True}


@dataclass(frozen=True)
class Descent:
    """Losses over that of the noise."""

    highest: float
    end: float
    rejected_moves: int


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks runaways", description=__doc__)
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="see benchmarks/pictures/pairs.py"
    )
    parser.add_argument("--only", nargs="+", metavar="STEM", help="of all pictures these")
    parser.add_argument("--kinds", nargs="+", default=["style", "content"], choices=list(LAYERS))
    parser.add_argument("--sizes", type=int, nargs="+", default=[96])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--clamp", action="store_true", help="which makes it harder")
    parser.add_argument(
        "--optimiser", nargs="+", default=["old", "new"], choices=list(GUARDED), help="new: guarded"
    )
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)

    vgg = load_vgg19("caffe", options.device, options.precision)
    lines = [
        f"{options.steps} evaluations from noise, seeds {options.first_seed} to "
        f"{options.first_seed + options.seeds - 1}, {'' if options.clamp else 'not '}clamped, "
        f"{vgg.precision}. {provenance(options.device)}",
        "",
        "| figure | picture | px | layers | optimiser | runs | thrown | highest / first | "
        "median end | worst end | taken back, most |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    totals: dict[str, list[Descent]] = {name: [] for name in options.optimiser}
    for kind, file in _figures(options.kinds, options.pictures, options.only):
        picture = read_picture(file)
        for size in options.sizes:
            values = {"size": size, "steps": options.steps, "clamp": options.clamp}
            settings = resolve(RECIPES[kind], values)
            for name in options.optimiser:
                found = _descents(kind, picture, settings, vgg, seeds, guarded=GUARDED[name])
                for group, descents in found.items():
                    where = f"| {kind} | {file.stem} | {size} | {_label(group)} | {name} "
                    lines.append(where + _figures_of(descents))
                    log_progress(lines[-1])
                    totals[name] += descents
    lines += [f"| all | | | | {name} " + _figures_of(each) for name, each in totals.items()]
    save("runaways", "\n".join(lines))


def _figures(
    kinds: Sequence[Kind], folder: Path | None, only: Sequence[str] | None
) -> Iterator[tuple[Kind, Path]]:
    """Styles out of the pairs' styles, contents out of their contents."""
    for kind in kinds:
        for pair in pairs(folder):
            file = pair.style if kind == "style" else pair.content
            if only is None or file.stem in only:
                yield kind, file


def _descents(
    kind: Kind,
    picture: Picture,
    settings: Settings,
    vgg: VGG19,
    seeds: Sequence[int],
    *,
    guarded: bool,
) -> dict[tuple[str, ...], list[Descent]]:
    """By the layers that the objective has."""
    found: dict[tuple[str, ...], list[Descent]] = {
        group: [] for group in groups_of(kind, LAYERS[kind])
    }
    losses: list[float] = []

    class Recorded(LBFGS):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, guarded=guarded)  # type: ignore[arg-type]

        def step(self, picture: Tensor, gradient: Tensor, terms: Tensor, clamp: bool) -> None:
            losses.append(float(terms.sum()))
            super().step(picture, gradient, terms, clamp)

        def finish(self, picture: Tensor, terms: Tensor) -> Tensor:
            losses.append(float(terms.sum()))
            return super().finish(picture, terms)

    with mock.patch("engine.optimisers.selection.LBFGS", Recorded):
        for seed in seeds:
            own = settings.model_copy(update={"seed": seed})
            groups = iter(found.values())
            try:
                for step in reconstruct(kind, picture, LAYERS[kind], own, vgg):
                    if isinstance(step, Reconstruction):
                        end = step.result.losses.total
                        found[step.layers].append(
                            Descent(
                                max(losses) / losses[0],
                                end / losses[0],
                                step.result.rejected_moves,
                            )
                        )
                        next(groups)
                        losses.clear()
            except NumericalError:  # The figure ends here, with the layers that failed.
                next(groups).append(Descent(float("inf"), float("inf"), 0))
                losses.clear()
    return found


def _label(group: tuple[str, ...]) -> str:
    return group[0] if len(group) == 1 else f"{group[0]} to {group[-1]}"


def _figures_of(descents: Sequence[Descent]) -> str:
    if not descents:
        return "| 0 | | | | | |"
    ends = [each.end for each in descents]
    return (
        f"| {len(descents)} | {sum(each.highest > THROWN for each in descents)} "
        f"| {max(each.highest for each in descents):.3g} "
        f"| {statistics.median(ends):.2g} | {max(ends):.2g} "
        f"| {max(each.rejected_moves for each in descents)} |"
    )
