"""The strength dial over the pairs: both losses, and how far a painting is from its photograph.

For every pair, one painting at each strength. Content loss and style loss are the neutral ones;
the first has to rise and the second to fall with the dial. *Distance* is how different painting and
photograph look: the squared differences of VGG19's channels, normalised at each position, added up
over five layers (R. Zhang et al., The Unreasonable Effectiveness of Deep Features as a Perceptual
Metric, 2018, with all channels' weights 1). An even dial adds as much of it at every step.
"""

import argparse
import itertools
import statistics
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.machine import provenance
from benchmarks.neutral import Judge
from benchmarks.pairs import Pair, pairs
from benchmarks.report import RESULTS, save, say
from engine.picture import Picture, read_picture, write_picture
from engine.pyramid import resize
from engine.settings import resolve
from engine.sheet import Panel, contact_sheet
from engine.stylise import Result, stylise
from engine.vgg import VGG19, load_vgg19

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
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="see benchmarks/pairs.py")
    parser.add_argument("--pairs", metavar="NAMES", help="such as cat-night,tubingen-starry")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)

    chosen = [
        pair
        for pair in pairs(options.pictures)
        if options.pairs is None or pair.name in options.pairs.split(",")
    ]
    vgg = load_vgg19("caffe", options.device, "auto")
    lines = [
        f"`strength` at {options.size} px, {options.steps} steps. {provenance(options.device)}",
        "",
        "| pair | strength | content | style | distance, % of that at 100 |",
        "|---|---|---|---|---|",
    ]
    curves = []
    verdicts = []
    for pair in chosen:
        content, style, distance = _dialled(pair, options.size, options.steps, vgg)
        shares = [100 * each / distance[-1] for each in distance]
        curves.append(shares)
        for row in zip(STRENGTHS, content, style, shares, strict=True):
            lines.append("| {} | {} | {:,.0f} | {:,.0f} | {:.0f} |".format(pair.name, *row))
        verdicts.append(
            f"- {pair.name}: content {_monotone(content, rising=True)}, "
            f"style {_monotone(style, rising=False)}, distance {_monotone(shares, rising=True)}."
        )
    means = [statistics.mean(column) for column in zip(*curves, strict=True)]
    even = ", ".join(f"{s}: {m:.0f}" for s, m in zip(STRENGTHS, means, strict=True))
    lines += ["", *verdicts, "", f"Mean distance by strength, in percent: {even}."]
    save("strength", "\n".join(lines))


def _dialled(
    pair: Pair, size: int, steps: int, vgg: VGG19
) -> tuple[list[float], list[float], list[float]]:
    """Content losses, style losses and distances, strength by strength; a sheet of the pictures."""
    content, style = read_picture(pair.content), read_picture(pair.style)
    panels, scores, distances = [], [], []
    judge: Judge | None = None
    for strength in STRENGTHS:
        say(f"{pair.name}: strength {strength}")
        settings = resolve({"size": size, "steps": steps, "strength": strength})
        *_, result = stylise(content, [style], settings, vgg, preview_seconds=None)
        assert isinstance(result, Result)
        judge = judge or Judge(pair.content, pair.style, result.size, "none")
        painted = result.picture.to_tensor()
        scores.append(judge.score(painted))
        distances.append(_distance(painted, resize(content.to_tensor(), result.size)))
        panels.append(Panel(result.picture, str(strength)))
    write_picture(
        _sheet(panels), _folder() / f"{pair.name}.jpg", format="jpeg", quality=90, text=""
    )
    return [s.content for s in scores], [s.style for s in scores], distances


def _sheet(panels: Sequence[Panel]) -> Picture:
    return contact_sheet(panels, columns=4)


def _folder() -> Path:
    folder = RESULTS / "strength"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@torch.no_grad()
def _distance(painted: Tensor, photograph: Tensor) -> float:
    exact = load_vgg19("caffe", "cpu", "float32")
    one, other = (exact.features(picture, LOOKED_AT) for picture in (painted, photograph))
    return sum(
        (F.normalize(one[layer]) - F.normalize(other[layer])).square().sum(1).mean().item()
        for layer in LOOKED_AT
    )


def _monotone(values: Sequence[float], *, rising: bool) -> str:
    """In words; a step back of less than a percent of the whole range is none."""
    sign = 1 if rising else -1
    slack = 0.01 * (max(values) - min(values))
    back = [
        f"{STRENGTHS[at + 1]}"
        for at, (here, further) in enumerate(itertools.pairwise(values))
        if sign * (further - here) < -slack
    ]
    return f"goes back at {', '.join(back)}" if back else ("rises" if rising else "falls")
