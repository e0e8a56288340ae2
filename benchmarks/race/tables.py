"""What `versus` prints: each pair, the distribution over all of them, and every run."""

import statistics
from collections.abc import Sequence

from benchmarks.race.calibration import Calibration, fastest_of
from benchmarks.race.dominance import TERMS
from benchmarks.race.results import OURS, PairResult, calibrations_of


def comparison(results: Sequence[PairResult], peers: Sequence[str]) -> list[str]:
    """A line for each pair and peer."""
    fastest = fastest_of(calibrations_of(results))
    lines = [
        "| pair | peer | its evaluations | ours at the final size | its processor seconds | ours "
        "| times faster | its seconds | ours | times faster | content, style, unseen kept from "
        "| our end over its end |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for peer in peers:
            lines.append(_comparison(result, peer, fastest))
    return lines


def distribution(results: Sequence[PairResult], peers: Sequence[str]) -> list[str]:
    """A line for each peer: over the pairs on which it did not diverge, how many times faster ours
    was, and where it ended."""
    fastest = fastest_of(calibrations_of(results))
    lines = [
        "| against | pairs | ours dominates on | times faster by processor seconds: median, worst, "
        "best | by the clock | our end over its end, median (worst): content | style | unseen |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for peer in peers:
        counted = [result for result in results if not result.sides[peer].diverged]
        if not counted:
            continue
        factors = [result.faster(peer, fastest) for result in counted]
        processor, clock = zip(*factors, strict=True)
        ends = [result.over(peer, fastest).ends_at for result in counted]
        lines.append(
            f"| {peer} | {len(counted)} | {sum(factor > 0 for factor in processor)} "
            f"| {_spread(processor)} | {_spread(clock)} | "
            + " | ".join(
                f"{statistics.median(end[term] for end in ends):.2f} "
                f"({max(end[term] for end in ends):.2f})"
                for term in TERMS
            )
            + " |"
        )
    return lines


def runs_table(results: Sequence[PairResult]) -> list[str]:
    """A line for each run: what it delivered, and the machine around it."""
    fastest = fastest_of(calibrations_of(results))
    lines = [
        "Delivered files, and the machine around each run: the kernel's milliseconds before and "
        "after, in the run's type; the fastest seen was "
        f"{1e3 * fastest.float32:.1f} in float32, {1e3 * fastest.bfloat16:.1f} in bfloat16.",
        "",
        "| pair | run | type | evaluations | content | style | unseen | processor seconds "
        "| seconds measured | process | kernel | seconds corrected | note |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        for name, side in result.sides.items():
            end = side.corrected(fastest)[-1]
            around = (side.before, side.after)
            kernel = " / ".join(f"{1e3 * c.of(side.precision):.1f}" for c in around)
            notes = [*side.notes, *(["diverged"] if side.diverged else [])]
            lines.append(
                f"| {result.pair} | {name} | {side.precision} | {end.evaluations} "
                f"| {end.score.content:,.0f} | {end.score.style:,.0f} | {end.score.unseen:.4f} "
                f"| {end.processor:.1f} | {side.measured:.1f} | {side.wall:.1f} | {kernel} "
                f"| {end.seconds:.1f} | {'; '.join(notes)} |"
            )
    return lines


def _comparison(result: PairResult, peer: str, fastest: Calibration) -> str:
    found = result.over(peer, fastest)
    theirs = result.sides[peer].corrected(fastest)[-1]
    ours = result.sides[OURS].corrected(fastest)[-1]
    diverged = " (it diverged)" if result.sides[peer].diverged else ""
    if found.first is None:
        cells = [f"not within {ours.evaluations}", f"{theirs.processor:.1f}"]
        cells += [f"not within {ours.processor:.1f}", f"-{diverged}", f"{theirs.seconds:.1f}"]
        cells += [f"not within {ours.seconds:.1f}", f"-{diverged}"]
    else:
        processor, clock = result.faster(peer, fastest)
        cells = [f"{found.first.evaluations}", f"{theirs.processor:.1f}"]
        cells += [f"{found.first.processor:.1f}", f"{processor:.1f}{diverged}"]
        cells += [f"{theirs.seconds:.1f}", f"{found.first.seconds:.1f}", f"{clock:.1f}{diverged}"]
    kept = ", ".join(_seconds(found.terms[term]) for term in TERMS)
    ends = ", ".join(f"{found.ends_at[term]:.2f}" for term in TERMS)
    columns = [result.pair, peer, f"{theirs.evaluations}", *cells, kept, ends]
    return f"| {' | '.join(columns)} |"


def _spread(factors: Sequence[float]) -> str:
    return f"{statistics.median(factors):.1f}, {min(factors):.1f}, {max(factors):.1f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
