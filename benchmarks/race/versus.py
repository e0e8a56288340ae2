"""Time to dominate: seconds until our picture is as good as a peer's on every neutral term.

Every peer paints every pair to its end, and so do we, each as a whole process with the same
threads. All pictures on the way are scored by one neutral loss (`benchmarks/looks/neutral.py`),
each side's against the targets that its own program scaled; with `--scaling` ours paints a peer's.
The figure is the time from our process's start to the first picture whose content loss, style loss
and error on layers that nobody optimised are all at or below those of the peer's delivered file.

Each pair's result is kept as it ends, in `benchmarks/results/pairs/NAME/PAIR.json`, and counts
again until the settings, the pictures or the engine change. On a machine that does other work go by
processor seconds, with `--threads 1`; seconds of the clock are corrected by a calibration kernel
before and after each run.

A peer's scores are the same on every machine but for rounding, and take it longest: `--carry` has
them from a result of another machine, and paints only so much that their seconds here are known.
"""

import argparse
import json
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.looks import neutral
from benchmarks.looks.neutral import Score, score, score_of_content
from benchmarks.looks.sheet import contact_sheet, labelled_sheet
from benchmarks.machine import describe, provenance
from benchmarks.pictures.pairs import Pair, chosen_pairs, pairs
from benchmarks.plot import Curve, Panel, draw
from benchmarks.race.dominance import TERMS
from benchmarks.race.peers import PEERS, Order, run_of
from benchmarks.race.results import OURS, PairResult, Side, at_the_pace_of, engine_version
from benchmarks.race.runs import Program, Run, execute, load, recorded_trajectory_and_file
from benchmarks.race.tables import comparison, distribution, runs_table
from benchmarks.report import log_progress, result_path, save
from engine.images.picture import read_picture
from engine.images.pyramid import pyramid_sizes
from engine.network.precision import resolve_precision
from engine.settings import Settings, resolve
from hotfolder.yaml_document import parse_document

PACE = 50
"""Evaluations of a peer whose pictures are carried over from another machine."""


def run(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    names = options.pairs.split(",") if options.pairs else None
    chosen = chosen_pairs(names, options.pictures) if names else pairs(options.pictures)
    peers = _names(options.peers, PEERS)
    for peer in peers:
        if options.scaling not in ("bicubic", PEERS[peer].scaling):
            raise SystemExit(
                f"--scaling {options.scaling}: {peer} scales by {PEERS[peer].scaling}; name other "
                "peers with --peers"
            )
    name = options.name or f"versus-{options.size}"
    name = name if options.frame == "zeros" else f"{name}-frame-{options.frame}"
    settings = _settings(options)

    results: list[PairResult] = []
    folder = result_path(f"pairs/{name}")
    for pair in chosen:
        request = _request(pair, peers, settings, options)
        before = PairResult.load(folder, pair.name)
        kept = before if before is not None and _counts(before, request, options) else None
        raced = kept is None and not options.stored
        if raced:
            other = before if options.carry else None
            kept = _raced(pair, peers, settings, options, request, result_path(name), other)
            kept.save(folder)
        if kept is not None:
            log_progress(f"{pair.name}: done")
            results.append(kept)
        elif before is not None:
            others = ", ".join(_differing(before.request, request))
            log_progress(f"{pair.name}: left out, raced with other values of {others}")
        if raced and pair is not chosen[-1]:
            _save_table(name, results, len(chosen), peers, settings, options)
    if not results:
        raise SystemExit(f"{folder}: none of these pairs has a result for these options")
    _save_table(name, results, len(chosen), peers, settings, options)


def _raced(
    pair: Pair,
    peers: Sequence[str],
    settings: Settings,
    options: argparse.Namespace,
    request: dict[str, Any],
    folder: Path,
    before: PairResult | None,
) -> PairResult:
    """Every run of one pair, scored and drawn; `before` is a result that sides may be carried
    over from."""
    version = engine_version()
    runs, sides = [], {}
    for peer in peers:
        side = before.carried(peer, request) if before is not None else None
        steps = PACE if side is not None else _steps(peer, options)
        order = Order(pair, options.size, steps, options.device, options.threads)
        run = run_of(peer, order, fresh=options.fresh)
        if side is not None:
            sides[peer] = at_the_pace_of(side, run)
        else:
            runs.append(run)
    runs.append(_ours(pair, settings, options, folder / pair.name))
    sides |= {run.name: _side(run, pair, options) for run in runs}
    result = PairResult(pair.name, request, version, sides)
    _draw(result, pair, runs, folder)
    return result


def _request(
    pair: Pair, peers: Sequence[str], settings: Settings, options: argparse.Namespace
) -> dict[str, Any]:
    """What a result depends on, as JSON has it."""
    request = {
        "pictures": neutral.fingerprint(pair.content, pair.style),
        "peers": {peer: [PEERS[peer].version, _steps(peer, options)] for peer in peers},
        "settings": settings.model_dump(),
        "every": options.every,
        "threads": options.threads,
        "machine": describe(options.device),
        "torch": torch.__version__,
        "score": [neutral.VERSION, options.frame],
    }
    if options.scaling != "bicubic":
        request["scaling"] = options.scaling
    document: dict[str, Any] = json.loads(json.dumps(request))
    return document


def _counts(kept: PairResult, request: dict[str, Any], options: argparse.Namespace) -> bool:
    if options.stored:  # wherever it was made
        return not _differing(kept.request, request)
    outdated = kept.engine != engine_version() and not options.keep
    return kept.request == request and not options.again and not outdated


def _differing(kept: dict[str, Any], request: dict[str, Any]) -> list[str]:
    """What two results differ in besides the machine and its torch; of settings, which."""
    one, other = ({**each, **each["settings"]} for each in (kept, request))
    keys = one.keys() | other.keys()
    return sorted(
        key
        for key in keys - {"machine", "torch", "settings"}
        if key not in one or key not in other or one[key] != other[key]
    )


def _steps(peer: str, options: argparse.Namespace) -> int:
    return options.steps or PEERS[peer].steps


def _side(run: Run, pair: Pair, options: argparse.Namespace) -> Side:
    log_progress(f"{pair.name}: scoring {len(run.points)} pictures of {run.name}")
    frame = options.frame
    scaling = options.scaling if run.name == OURS else PEERS[run.name].scaling
    size = read_picture(run.delivered).size
    start = score_of_content(pair.content, pair.style, size, frame, scaling)
    return Side.of(run, _scores(run, pair, frame, scaling), start)


def _draw(result: PairResult, pair: Pair, runs: Sequence[Run], folder: Path) -> None:
    """The curves by seconds, and the sheets."""
    panels = [
        Panel(
            f"{pair.name}: {term}",
            "processor seconds from the start of the process",
            [
                Curve(
                    name, [(point.processor, getattr(point.score, term)) for point in side.points]
                )
                for name, side in result.sides.items()
            ],
        )
        for term in TERMS
    ]
    folder.mkdir(parents=True, exist_ok=True)
    draw(panels, folder / f"{pair.name}-curves.png")
    delivered = {run.name: run.delivered for run in runs}
    sources = {"photograph": pair.content, "style": pair.style}
    contact_sheet(delivered, sources, folder / f"{pair.name}-sheet.png")
    labelled_sheet(delivered, sources, folder / f"{pair.name}-labelled.jpg")


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
    command += [*_pictures(pair, options, folder), "-o", str(folder / "delivered.png")]
    command += ["--device", options.device, "--size", str(options.size)]
    command += ["--preset", options.preset] if options.preset else []
    for assignment in options.set:
        command += ["--set", assignment]
    precision = resolve_precision(settings.precision, options.device)
    program = Program(OURS, command, precision, recorded_trajectory_and_file)
    return execute(program, folder, options.device, options.threads)


def _pictures(pair: Pair, options: argparse.Namespace, folder: Path) -> tuple[str, str]:
    """Content and style for ours: with `--scaling bilinear` those that pastiche paints."""
    content, style = pair.content, pair.style
    if options.scaling == "bilinear":
        size = pyramid_sizes(read_picture(content).size, options.size, 1, 2.0)[-1]
        content, style = neutral.scaled_files(content, style, size, folder)
    return str(content), str(style)


def _scores(run: Run, pair: Pair, frame: str, scaling: str) -> dict[str, Score]:
    """By file, kept beside the run."""
    path = run.folder / f"scores-{frame}.json"
    pictures = neutral.fingerprint(pair.content, pair.style, run.delivered)
    stamp = [neutral.VERSION, scaling, pictures]
    try:
        document = json.loads(path.read_text())
        if document["stamp"] == stamp:
            return {file: Score(**terms) for file, terms in document["scores"].items()}
    except (OSError, ValueError, KeyError):
        pass
    scores = {
        point.file: score(run.folder / point.file, pair.content, pair.style, frame, scaling)
        for point in run.points
    }
    document = {"stamp": stamp, "scores": {file: asdict(s) for file, s in scores.items()}}
    path.write_text(json.dumps(document, indent=1))
    return scores


def _save_table(
    name: str,
    results: Sequence[PairResult],
    wanted: int,
    peers: Sequence[str],
    settings: Settings,
    options: argparse.Namespace,
) -> None:
    """Print the table and write it, with the pairs that are done."""
    changed = settings.model_dump(exclude_defaults=True)
    versions = len({result.engine for result in results})
    machines = {f"{each.request['machine']}, torch {each.request['torch']}" for each in results}
    made = "; ".join(sorted(machines)) + "." if options.stored else provenance(options.device)
    lines = [
        f"Time to dominate at {options.size} px. {made}",
        "",
        f"Scored with {neutral.weights()}, frame: {options.frame}. Impasto: {settings.preset}"
        + (f", {json.dumps(changed)}." if changed else ".")
        + f" {len(results)} of {wanted} pairs"
        + (f", by {versions} versions of the engine." if versions > 1 else "."),
        "",
        *[f"- {peer}: {PEERS[peer].description}." for peer in peers],
        "",
        *distribution(results, peers),
        "",
        "A pair where we never were as good counts as 0 times faster; one on which the peer "
        "diverged is left out.",
        "",
        *comparison(results, peers),
        "",
        *runs_table(results),
    ]
    save(name, "\n".join(lines))


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
    parser.add_argument(
        "--pairs", metavar="NAMES", help="tuning, final, or such as cat-night,tubingen-starry"
    )
    parser.add_argument("--peers", metavar="NAMES", help=f"of {','.join(PEERS)}")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="see benchmarks/pictures/pairs.py"
    )
    parser.add_argument("--fresh", action="store_true", help="make the peers' runs again")
    parser.add_argument("--again", action="store_true", help="make ours again in any case")
    parser.add_argument(
        "--keep", action="store_true", help="count results of other versions of the engine"
    )
    parser.add_argument(
        "--stored", action="store_true", help="run nothing: the table of what any machine made"
    )
    parser.add_argument(
        "--carry",
        action="store_true",
        help="have the peers' scores from a result of another machine",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda:0")
    parser.add_argument("--threads", type=int, default=_cores(), help="of every process")
    parser.add_argument("--every", type=int, default=1, help="our evaluations between pictures")
    parser.add_argument("--frame", choices=neutral.FRAMES, default="zeros", help="of the score")
    parser.add_argument(
        "--scaling",
        choices=neutral.SCALINGS,
        default="bicubic",
        help="bilinear: ours paints the pictures as pastiche has scaled them, and is scored so",
    )
    parser.add_argument("--rescore", action="store_true", help="our last run, not a new one")
    parser.add_argument("--preset", default="fine", help="ours (default: fine)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of ours"
    )
    parser.add_argument("--name", help="of the result, instead of versus-SIZE")
    return parser.parse_args(arguments)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
