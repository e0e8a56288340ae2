"""Everybody's picture at equal time: pairs x tools x seconds, scored and on unlabelled sheets.

The seconds are those of a warm process, in which network or program are loaded: ours is asked for
`seconds: N`, of the others the last picture that was there by then is taken. G'MIC paints one
picture, in its own time. All run one after the other, so let nothing else run beside them.

`python -m benchmarks anytime` takes hours for all pairs; `--pairs cat-night --seconds 5,10` does
not. Runs of the others are kept, as those of `versus` are.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.looks.neutral import Score, score
from benchmarks.looks.sheet import contact_sheet, labelled_sheet
from benchmarks.machine import cache_folder, describe
from benchmarks.pictures.pairs import Pair, chosen_pairs
from benchmarks.race import gmic_stylize
from benchmarks.race.environment import python_with
from benchmarks.race.peers import PEERS, Order, run_of
from benchmarks.race.runs import Run
from benchmarks.report import log_progress, result_path, save
from engine.errors import TimeLimitError
from engine.images.picture import read_picture, write_picture
from engine.losses.targets import StyleTargets
from engine.network.vgg import VGG19, load_vgg19
from engine.settings import resolve
from engine.stylise import Result, stylise

OURS, GMIC = "Impasto", "G'MIC"
SECONDS = "5,10,20,40,80,160,320"
SHORT = 40
"""Evaluations of a run whose pictures are close together, for the first seconds."""


@dataclass(frozen=True)
class Painted:
    """What a tool had painted, and when it was there."""

    file: Path
    seconds: float
    evaluations: int = 0


def run(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks anytime", description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--pairs", default="tuning,final", help="names, `tuning`, `final`")
    parser.add_argument("--pictures", type=Path, help="a folder with further pairs")
    parser.add_argument("--seconds", default=SECONDS, help="times, in ascending order")
    parser.add_argument("--peers", default="gmic,plain,pastiche", help="tools beside ours")
    parser.add_argument("--steps", type=int, default=0, help="of the peers, if not their own")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    times = [float(word) for word in options.seconds.split(",")]
    peers = options.peers.split(",") if options.peers else []
    vgg = load_vgg19("caffe", options.device)
    lines = [f"{options.size} px, {options.threads} threads, {describe(options.device)}", ""]
    lines += ["| pair | tool | wanted s | took s | evaluations | content | style | unseen |"]
    lines += ["| --- | --- | --- | --- | --- | --- | --- | --- |"]
    for pair in chosen_pairs(options.pairs.split(","), options.pictures):
        at_times = _ours(pair, times, options, vgg)
        for peer in peers:
            tool, found = _peer(peer, pair, times, options)
            for seconds, painted in found.items():
                at_times[seconds][tool] = painted
        for seconds, pictures in at_times.items():
            for tool, picture in pictures.items():
                scaling = PEERS[tool].scaling if tool in PEERS else "bicubic"
                terms = score(picture.file, pair.content, pair.style, "zeros", scaling)
                lines.append(_row(pair, tool, seconds, picture, terms))
            _draw(pair, seconds, pictures, options.size)
        save(f"anytime-{options.size}", "\n".join(lines))


def _ours(
    pair: Pair, times: Sequence[float], options: argparse.Namespace, vgg: VGG19
) -> dict[float, dict[str, Painted]]:
    """`seconds: N` in this process, which has the network."""
    found: dict[float, dict[str, Painted]] = {}
    targets = StyleTargets()
    for seconds in times:
        found[seconds] = {}
        log_progress(f"{OURS}, {pair.name}: {seconds:g} s at {options.size} px")
        began = time.monotonic()
        content, style = read_picture(pair.content), read_picture(pair.style)
        settings = resolve({"size": options.size, "seconds": seconds})
        file = result_path(f"anytime-{options.size}/{pair.name}/{OURS}-{seconds:g}.png")
        targets.clear()  # A style that was seen before would be an advantage.
        painting = stylise(content, [style], settings, vgg, targets=targets, started=began)
        try:
            *_, result = painting
        except TimeLimitError as error:
            log_progress(str(error))
            continue
        assert isinstance(result, Result)
        write_picture(result.picture, file)
        found[seconds][OURS] = Painted(file, time.monotonic() - began, result.steps)
    return found


def _peer(
    peer: str, pair: Pair, times: Sequence[float], options: argparse.Namespace
) -> tuple[str, dict[float, Painted]]:
    if peer == "gmic":
        return GMIC, _gmic(pair, times, options.size)
    steps = options.steps or PEERS[peer].steps
    orders = [
        Order(pair, options.size, count, options.device, options.threads)
        for count in sorted({min(SHORT, steps), steps})
    ]
    runs = [run_of(peer, order) for order in orders]
    return peer, {seconds: found for seconds in times if (found := _latest(runs, seconds))}


def _latest(runs: Sequence[Run], seconds: float) -> Painted | None:
    """The last picture of any of them that was there in time."""
    pictures = [
        Painted(run.folder / point.file, point.seconds - _loading(run), point.evaluations)
        for run in runs
        for point in run.points
    ]
    in_time = [picture for picture in pictures if picture.seconds <= seconds]
    return max(in_time, key=lambda picture: picture.evaluations, default=None)


def _loading(run: Run) -> float:
    """Seconds before a run's first evaluation, by the pace of those after it."""
    first, last = run.points[0], run.points[-1]
    count = last.evaluations - first.evaluations
    pace = (last.seconds - first.seconds) / count if count else 0.0
    return max(0.0, first.seconds - first.evaluations * pace)


def _gmic(pair: Pair, times: Sequence[float], size: int) -> dict[float, Painted]:
    folder = cache_folder("cpu") / "gmic" / f"{pair.name}-{size}-{gmic_stylize.REQUIREMENT}"
    file, seconds = folder / "delivered.png", folder / "seconds.json"
    if not seconds.exists():
        folder.mkdir(parents=True, exist_ok=True)
        log_progress(f"{GMIC}, {pair.name}: {size} px")
        python = python_with(gmic_stylize.REQUIREMENT)
        pictures = [str(pair.content), str(pair.style), str(folder), str(size)]
        subprocess.run(
            [python, gmic_stylize.__file__, *pictures], check=True, stdout=subprocess.DEVNULL
        )
    took = json.loads(seconds.read_text())
    return {wanted: Painted(file, took) for wanted in times if took <= wanted}


def _row(pair: Pair, tool: str, seconds: float, picture: Painted, terms: Score) -> str:
    cells = [pair.name, tool, f"{seconds:g}", f"{picture.seconds:.1f}"]
    cells += [str(picture.evaluations or "-"), f"{terms.content / 1e3:.0f} k"]
    return f"| {' | '.join([*cells, f'{terms.style / 1e3:.0f} k', f'{terms.unseen:.4f}'])} |"


def _draw(pair: Pair, seconds: float, pictures: Mapping[str, Painted], size: int) -> None:
    """The unlabelled sheet, its key, and the labelled one."""
    files = {tool: picture.file for tool, picture in pictures.items()}
    if not files:
        return
    sources = {"photograph": pair.content, "style": pair.style}
    stem = f"anytime-{size}/{pair.name}/at-{seconds:g}"
    contact_sheet(files, sources, result_path(f"{stem}.png"))
    labelled_sheet(files, sources, result_path(f"{stem}-labelled.jpg"))
