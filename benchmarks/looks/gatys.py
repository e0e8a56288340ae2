"""The losses that `preset: gatys` records on the way, beside those of the authors' notebook.

The notebook (L. Gatys, PytorchNeuralStyleTransfer) prints the total loss on Tuebingen and the
Starry Night "at 512 px", which there is the shorter side of both pictures, so that is what is
painted here. `--longer` takes 512 px for the longer side instead, and the style at the content's
area, as everything else of ours does. The notebook's own picture files are in its repository
(`--content`, `--style`); its weights are Oxford's too, but not in 8 bits.
"""

import argparse
import math
from pathlib import Path

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import pairs
from benchmarks.report import log_progress, save
from engine.images.picture import read_picture
from engine.network.vgg import load_vgg19
from engine.settings import resolve
from engine.stylise import Progress, stylise

NOTEBOOK = {50: 1_388_532, 100: 707_861, 300: 411_658, 500: 368_494}
"""Evaluations -> total loss."""


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks gatys", description=__doc__)
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="see benchmarks/pictures/pairs.py"
    )
    parser.add_argument("--content", type=Path, metavar="FILE", help="instead of DIR's tubingen")
    parser.add_argument("--style", type=Path, metavar="FILE", help="instead of DIR's starry_night")
    parser.add_argument("--size", type=int, default=512, help="shorter side, in pixels")
    parser.add_argument("--longer", action="store_true", help="the size is that of the longer side")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)

    content, style = (read_picture(path) for path in _pictures(parser, options))
    size, style_scale = options.size, 1.0
    if not options.longer:
        ratio = options.size / min(content.size)
        size = round(ratio * max(content.size))
        areas = math.prod(content.size) * ratio**2 / math.prod(style.size)
        style_scale = options.size / min(style.size) / math.sqrt(areas)
    settings = resolve(
        {"preset": "gatys", "size": size, "steps": max(NOTEBOOK), "precision": options.precision},
        {"style_scale": style_scale},
    )
    vgg = load_vgg19(settings.weights, options.device, settings.precision)
    lines = [
        f"`preset: gatys`, longer side {size} px, {vgg.precision}. {provenance(options.device)}",
        "",
        "| evaluations | content | style | total | the notebook's | ours over it |",
        "|---|---|---|---|---|---|",
    ]
    for progress in stylise(content, [style], settings, vgg, preview_seconds=None):
        if not isinstance(progress, Progress) or progress.step not in NOTEBOOK:
            continue
        losses, notebook = progress.losses, NOTEBOOK[progress.step]
        lines.append(
            f"| {progress.step} | {losses.content:,.0f} | {losses.style:,.0f} "
            f"| {losses.total:,.0f} | {notebook:,} | {losses.total / notebook:.2f} |"
        )
        log_progress(lines[-1])
    save("gatys", "\n".join(lines))


def _pictures(parser: argparse.ArgumentParser, options: argparse.Namespace) -> tuple[Path, Path]:
    """Content and style, the files named before those of the folder."""
    found = {pair.name: pair for pair in pairs(options.pictures)}.get("tubingen-starry")
    content = options.content or (found.content if found else None)
    style = options.style or (found.style if found else None)
    if content is None or style is None:
        parser.error("no pictures: --pictures DIR, or --content FILE and --style FILE")
    return content, style
