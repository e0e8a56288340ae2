"""Seconds until a person sees something: from a job's start in a warm worker to its first previews.

The network is loaded and has painted before, as in a worker that has done a job; what counts from
there is everything: reading the pictures, the style's targets, the steps, the preview.
"""

import argparse
import statistics
import time
from pathlib import Path

from benchmarks.machine import provenance
from benchmarks.pictures.pairs import PHOTOGRAPHS, STYLES
from benchmarks.report import save
from engine.images.picture import encode_picture, read_picture
from engine.network.vgg import VGG19, load_vgg19
from engine.settings import Settings, resolve
from engine.stylise import Progress, stylise

CONTENT, STYLE = PHOTOGRAPHS / "astronaut.png", STYLES / "night.jpg"


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks preview", description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--content", type=Path, default=CONTENT)
    parser.add_argument("--style", type=Path, default=STYLE)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)

    vgg = load_vgg19("caffe", options.device)
    settings = resolve({"size": options.size})
    _until_previews(vgg, options.content, options.style, resolve({"preset": "preview"}), 1)
    rounds = [
        _until_previews(vgg, options.content, options.style, settings, 3)
        for _ in range(options.rounds)
    ]
    lines = [
        f"First previews of `standard` at {options.size} px. {provenance(options.device)}",
        "",
        "| preview | seconds (median) | what it shows |",
        "|---|---|---|",
    ]
    for number, previews in enumerate(zip(*rounds, strict=True), start=1):
        median = statistics.median(seconds for seconds, _ in previews)
        lines.append(f"| {number} | {median:.1f} | {previews[0][1]} |")
    save("preview", "\n".join(lines))


def _until_previews(
    vgg: VGG19, content: Path, style: Path, settings: Settings, count: int
) -> list[tuple[float, str]]:
    """Seconds and the state of the painting at each of the first previews, encoded for a file."""
    started = time.perf_counter()
    found: list[tuple[float, str]] = []
    for progress in stylise(read_picture(content), [read_picture(style)], settings, vgg):
        if isinstance(progress, Progress) and progress.preview is not None:
            encode_picture(progress.preview, format="jpeg")
            shown = f"step {progress.step} at {max(progress.size)} px"
            found.append((time.perf_counter() - started, shown))
            if len(found) == count:
                break
    return found
