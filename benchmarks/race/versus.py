"""Time to dominate: seconds until our picture is as good as a peer's on every neutral term.

Every peer paints every pair to its end, and so do we, each as a whole process with the same
threads. All pictures on the way are scored by one neutral loss (`benchmarks/looks/neutral.py`). The
figure is the time from our process's start to the first picture whose content loss, style loss and
error on layers that nobody optimised are all at or below those of the peer's delivered file.

Peers' runs are kept per machine; ours is made anew. Seconds are corrected by a calibration kernel
before and after each run, and both are in the table.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.looks import neutral
from benchmarks.looks.neutral import Score, score, score_of_content
from benchmarks.looks.sheet import contact_sheet, labelled_sheet
from benchmarks.machine import provenance
from benchmarks.pictures import Pair, pairs
from benchmarks.plot import Curve, Panel, draw
from benchmarks.race.calibration import Calibration, fastest_of
from benchmarks.race.dominance import TERMS, Dominance, Scored, dominance
from benchmarks.race.peers import PEERS, Order, run_of
from benchmarks.race.runs import Program, Run, execute, load, recorded_trajectory_and_file
from benchmarks.report import RESULTS, log_progress, save
from engine.images.picture import read_picture
from engine.network.precision import resolve_precision
from engine.settings import Settings, resolve
from hotfolder.yaml_document import parse_document

OURS = "Impasto"


def run(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    found = {pair.name: pair for pair in pairs(options.pictures)}
    chosen = [found[name] for name in _names(options.pairs, found)]
    peers = _names(options.peers, PEERS)
    name = options.name or f"versus-{options.size}"
    settings = _settings(options)

    races = []
    for pair in chosen:
        runs = []
        for peer in peers:
            steps = options.steps or PEERS[peer].steps
            order = Order(pair, options.size, steps, options.device, options.threads)
            runs.append(run_of(peer, order, fresh=options.fresh))
        runs.append(_ours(pair, settings, options, RESULTS / name / pair.name))
        races.append((pair, runs))

    calibrations = [c for _, runs in races for r in runs for c in (r.before, r.after)]
    fastest = fastest_of(calibrations)
    entries = [_Race(pair, runs, fastest, options.frame) for pair, runs in races]
    for race in entries:
        race.draw(RESULTS / name)
    save(
        name if options.frame == "zeros" else f"{name}-frame-{options.frame}",
        _report(entries, fastest, peers, settings, options),
    )


class _Race:
    """One pair: every run, scored, in corrected seconds."""

    def __init__(self, pair: Pair, runs: Sequence[Run], fastest: Calibration, frame: str) -> None:
        self.pair = pair
        self.frame = frame
        self.runs = {run.name: run for run in runs}
        self.drifts = {run.name: run.drift(fastest) for run in runs}
        self.points: dict[str, list[Scored]] = {}
        for run in runs:
            log_progress(f"{pair.name}: scoring {len(run.points)} pictures of {run.name}")
            scores = _scores(run, pair, frame)
            seconds = [p.seconds for p in run.points] if run.name == OURS else undisturbed(run)
            self.points[run.name] = [
                Scored(at / self.drifts[run.name], scores[point.file])
                for at, point in zip(seconds, run.points, strict=True)
            ]

    def dominance_over(self, peer: str) -> Dominance:
        return dominance(self.points[OURS], self.points[peer][-1].score)

    def seconds(self, name: str) -> float:
        return self.points[name][-1].seconds

    def faster(self, peer: str) -> float:
        """How many times; 0 where we never were as good."""
        ours = self.dominance_over(peer).seconds
        return 0.0 if ours is None else self.seconds(peer) / ours

    def diverged(self, name: str) -> bool:
        """It ended further from the style than the content was, where it began."""
        size = read_picture(self.runs[name].delivered).size
        start = score_of_content(self.pair.content, self.pair.style, size, self.frame)
        return not self.points[name][-1].score.style < start.style

    def draw(self, folder: Path) -> None:
        panels = [
            Panel(
                f"{self.pair.name}: {term}",
                "seconds from the start of the process",
                [
                    Curve(name, [(point.seconds, getattr(point.score, term)) for point in points])
                    for name, points in self.points.items()
                ],
            )
            for term in TERMS
        ]
        folder.mkdir(parents=True, exist_ok=True)
        draw(panels, folder / f"{self.pair.name}-curves.png")
        delivered = {name: run.delivered for name, run in self.runs.items()}
        sheet = folder / f"{self.pair.name}-sheet.png"
        sources = {"photograph": self.pair.content, "style": self.pair.style}
        contact_sheet(delivered, sources, sheet)
        labelled_sheet(delivered, sources, folder / f"{self.pair.name}-labelled.jpg")


def undisturbed(run: Run) -> list[float]:
    """Seconds of each point, had the machine done nothing else.

    A peer paints at one size at one pace. What took longer than a quarter of its own stretches
    between two pictures did is counted at that quarter's pace. Ours gets no such credit.
    """
    stretches = [
        (after.evaluations - before.evaluations, after.seconds - before.seconds)
        for before, after in itertools.pairwise(run.points)
    ]
    paces = [seconds / count for count, seconds in stretches if count]
    if len(paces) < 4:
        return [point.seconds for point in run.points]
    pace = statistics.quantiles(paces, n=4)[0]
    steps = [min(seconds, count * pace) if count else seconds for count, seconds in stretches]
    return list(itertools.accumulate(steps, initial=run.points[0].seconds))


def _settings(options: argparse.Namespace) -> Settings:
    """Ours, as `impasto stylise` understands the same options."""
    layer = {"size": options.size} | ({"preset": options.preset} if options.preset else {})
    for assignment in options.set:
        key, _, value = assignment.partition("=")
        layer |= parse_document(f"{key}: {value}".encode(), f"--set {assignment}").values
    return resolve(layer)


def _ours(pair: Pair, settings: Settings, options: argparse.Namespace, folder: Path) -> Run:
    """`impasto stylise` as a process of its own."""
    if options.rescore and (run := load(folder)) is not None:
        return run
    log_progress(f"{OURS}, {pair.name}: {options.size} px")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    command = [sys.executable, "-m", "benchmarks.race.ours", str(folder), str(options.every)]
    command += [str(pair.content), str(pair.style), "-o", str(folder / "delivered.png")]
    command += ["--device", options.device, "--size", str(options.size)]
    command += ["--preset", options.preset] if options.preset else []
    for assignment in options.set:
        command += ["--set", assignment]
    precision = resolve_precision(settings.precision, options.device)
    program = Program(OURS, command, precision, recorded_trajectory_and_file)
    return execute(program, folder, options.device, options.threads)


def _scores(run: Run, pair: Pair, frame: str) -> dict[str, Score]:
    """By file, kept beside the run."""
    path = run.folder / f"scores-{frame}.json"
    stamp = [neutral.VERSION, neutral.fingerprint(pair.content, pair.style, run.delivered)]
    try:
        document = json.loads(path.read_text())
        if document["stamp"] == stamp:
            return {file: Score(**terms) for file, terms in document["scores"].items()}
    except (OSError, ValueError, KeyError):
        pass
    scores = {
        point.file: score(run.folder / point.file, pair.content, pair.style, frame)
        for point in run.points
    }
    document = {"stamp": stamp, "scores": {file: asdict(s) for file, s in scores.items()}}
    path.write_text(json.dumps(document, indent=1))
    return scores


def _report(
    races: Sequence[_Race],
    fastest: Calibration,
    peers: Sequence[str],
    settings: Settings,
    options: argparse.Namespace,
) -> str:
    changed = settings.model_dump(exclude_defaults=True)
    lines = [
        f"Time to dominate at {options.size} px. {provenance(options.device)}",
        "",
        f"Scored with {neutral.weights()}, frame: {options.frame}. Impasto: {settings.preset}"
        + (f", {json.dumps(changed)}." if changed else "."),
        "",
        *[f"- {peer}: {PEERS[peer].description}." for peer in peers],
        "",
        "| pair | peer | its seconds | ours | times faster | content, style, unseen kept from "
        "| our end over its end |",
        "|---|---|---|---|---|---|---|",
    ]
    for race in races:
        for peer in peers:
            lines.append(_comparison(race, peer))
    lines.append("")
    for peer in peers:
        counted = [race.faster(peer) for race in races if not race.diverged(peer)]
        if counted:
            lines.append(
                f"Median against {peer}: {statistics.median(counted):.1f} times faster over "
                f"{len(counted)} pairs (a pair where we never were as good counts 0)."
            )
    lines += [
        "",
        "Delivered files, and the machine around each run: the kernel's milliseconds before and "
        "after, in the run's type; the fastest seen was "
        f"{1e3 * fastest.float32:.1f} in float32, {1e3 * fastest.bfloat16:.1f} in bfloat16.",
        "",
        "| pair | run | evaluations | content | style | unseen | seconds measured | process "
        "| kernel | seconds corrected | note |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for race in races:
        lines += [_row(race, name) for name in race.runs]
    return "\n".join(lines)


def _comparison(race: _Race, peer: str) -> str:
    result = race.dominance_over(peer)
    faster = f"{race.faster(peer):.1f}" if result.seconds is not None else "-"
    if race.diverged(peer):
        faster += " (it diverged)"
    ours = _seconds(result.seconds, f"not within {race.seconds(OURS):.1f}")
    kept = ", ".join(_seconds(result.terms[term], "-") for term in TERMS)
    ends = ", ".join(f"{result.ends_at[term]:.2f}" for term in TERMS)
    theirs = f"{race.seconds(peer):.1f}"
    return f"| {race.pair.name} | {peer} | {theirs} | {ours} | {faster} | {kept} | {ends} |"


def _row(race: _Race, name: str) -> str:
    run, final = race.runs[name], race.points[name][-1].score
    kernel = " / ".join(f"{1e3 * c.of(run.precision):.1f}" for c in (run.before, run.after))
    notes = [*run.notes, *(["diverged"] if race.diverged(name) else [])]
    return (
        f"| {race.pair.name} | {name} | {run.points[-1].evaluations} | {final.content:,.0f} "
        f"| {final.style:,.0f} | {final.unseen:.4f} | {run.seconds:.1f} | {run.wall:.1f} "
        f"| {kernel} | {race.seconds(name):.1f} | {'; '.join(notes)} |"
    )


def _seconds(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:.1f}"


def _names(wanted: str | None, known: Collection[str]) -> list[str]:
    names = list(known) if wanted is None else wanted.split(",")
    for name in names:
        if name not in known:
            raise SystemExit(f"{name}: there are {', '.join(known)}")
    return names


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks versus",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=int, default=512, help="longest side, in pixels")
    parser.add_argument("--steps", type=int, help="the peers' evaluations, instead of their own")
    parser.add_argument("--pairs", metavar="NAMES", help="such as cat-night,tubingen-starry")
    parser.add_argument("--peers", metavar="NAMES", help=f"of {','.join(PEERS)}")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="see benchmarks/pictures.py")
    parser.add_argument("--fresh", action="store_true", help="make the peers' runs again")
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0")
    parser.add_argument("--threads", type=int, default=_cores(), help="of every process")
    parser.add_argument("--every", type=int, default=1, help="our evaluations between pictures")
    parser.add_argument("--frame", choices=neutral.FRAMES, default="zeros", help="of the score")
    parser.add_argument("--rescore", action="store_true", help="our last run, not a new one")
    parser.add_argument("--preset", help="ours, instead of standard")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of ours"
    )
    parser.add_argument("--name", help="of the result, instead of versus-SIZE")
    return parser.parse_args(arguments)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
