"""`strength` over the pairs: both losses, and how far a painting is from its photograph.

For every pair, one painting at each strength. Content loss and style loss are the neutral ones, and
*own style* is the style loss that was minimised (`style_evenness` and all), without the strength's
factor. The first has to rise and the others to fall with the strength. *Distance* is how different
painting and photograph look: the squared differences of VGG19's channels, normalised at each
position, added up over five layers (R. Zhang et al., The Unreasonable Effectiveness of Deep
Features as a Perceptual Metric, 2018, with all channels' weights 1). An even scale adds as much of
it at every step.
"""

import argparse
import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.looks.neutral import Judge
from benchmarks.machine import provenance
from benchmarks.pictures.pairs import Pair, pairs
from benchmarks.report import log_progress, result_path, save
from engine.images.picture import read_picture, write_picture
from engine.images.pyramid import resize
from engine.images.sheet import Panel, contact_sheet
from engine.network.vgg import VGG19, load_vgg19
from engine.settings import resolve
from engine.strength import strength_preset
from engine.stylise import Result, stylise

STRENGTHS = (0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 90, 100)
LOOKED_AT = ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks strength",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=int, default=256, help="longest side, in pixels")
    parser.add_argument("--steps", type=int, default=120, help="evaluations of each painting")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="see benchmarks/pictures/pairs.py"
    )
    parser.add_argument("--pairs", metavar="NAMES", help="such as cat-night,tubingen-starry")
    parser.add_argument("--strengths", metavar="NUMBERS", help="such as 75,90,100")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)

    chosen = [
        pair
        for pair in pairs(options.pictures)
        if options.pairs is None or pair.name in options.pairs.split(",")
    ]
    strengths = [float(s) for s in options.strengths.split(",")] if options.strengths else STRENGTHS
    vgg = load_vgg19("caffe", options.device, "auto")
    lines = [
        f"`strength` at {options.size} px, {options.steps} steps. {provenance(options.device)}",
        "",
        "| pair | strength | content | style | own style | distance, % of the last |",
        "|---|---|---|---|---|---|",
    ]
    curves = []
    verdicts = []
    for pair in chosen:
        dialled = _dialled(pair, options.size, options.steps, strengths, vgg)
        shares = [100 * each.distance / dialled[-1].distance for each in dialled]
        curves.append(shares)
        for strength, each, share in zip(strengths, dialled, shares, strict=True):
            lines.append(
                f"| {pair.name} | {strength:g} | {each.content:,.0f} | {each.style:,.0f} "
                f"| {f'{each.own_style:,.0f}' if strength else '-'} | {share:.0f} |"
            )
        verdict = partial(_monotone, strengths)
        verdicts.append(
            f"- {pair.name}: content {verdict([each.content for each in dialled], rising=True)}, "
            f"style {verdict([each.style for each in dialled], rising=False)}, "
            f"own style {verdict([each.own_style for each in dialled], rising=False)}, "
            f"distance {verdict(shares, rising=True)}."
        )
    means = [statistics.mean(column) for column in zip(*curves, strict=True)]
    even = ", ".join(f"{s:g}: {m:.0f}" for s, m in zip(strengths, means, strict=True))
    lines += ["", *verdicts, "", f"Mean distance by strength, in percent: {even}."]
    save("strength", "\n".join(lines))


@dataclass(frozen=True)
class _Dialled:
    """A painting at one strength, measured."""

    content: float
    style: float
    own_style: float
    distance: float


def _dialled(
    pair: Pair, size: int, steps: int, strengths: Sequence[float], vgg: VGG19
) -> list[_Dialled]:
    """One painting at each strength; a sheet of the pictures."""
    content, style = read_picture(pair.content), read_picture(pair.style)
    panels, dialled = [], []
    judge: Judge | None = None
    for strength in strengths:
        log_progress(f"{pair.name}: strength {strength:g}")
        settings = resolve({"size": size, "steps": steps, "strength": strength})
        *_, result = stylise(content, [style], settings, vgg, preview_seconds=None)
        assert isinstance(result, Result)
        judge = judge or Judge(pair.content, pair.style, result.size, "none")
        painted = result.picture.to_tensor()
        score = judge.score(painted)
        weight = strength_preset(strength).style
        own_style = result.losses.style / weight if weight else math.inf
        distance = _distance(painted, resize(content.to_tensor(), result.size))
        dialled.append(_Dialled(score.content, score.style, own_style, distance))
        panels.append(Panel(result.picture, f"{strength:g}"))
    sheet = contact_sheet(panels, columns=4)
    path = result_path(f"strength/{pair.name}.jpg")
    write_picture(sheet, path, format="jpeg", quality=90, text="")
    return dialled


@torch.no_grad()
def _distance(painted: Tensor, photograph: Tensor) -> float:
    exact = load_vgg19("caffe", "cpu", "float32")
    one, other = (exact.features(picture, LOOKED_AT) for picture in (painted, photograph))
    return sum(
        (F.normalize(one[layer]) - F.normalize(other[layer])).square().sum(1).mean().item()
        for layer in LOOKED_AT
    )


def _monotone(strengths: Sequence[float], values: Sequence[float], *, rising: bool) -> str:
    """In words; a step back of less than a percent of the whole range is none."""
    sign = 1 if rising else -1
    finite = [value for value in values if math.isfinite(value)]
    slack = 0.01 * (max(finite) - min(finite))
    back = [
        f"{strengths[at + 1]:g}"
        for at, (here, further) in enumerate(itertools.pairwise(values))
        if sign * (further - here) < -slack
    ]
    return f"goes back at {', '.join(back)}" if back else ("rises" if rising else "falls")
