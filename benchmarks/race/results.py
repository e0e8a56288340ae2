"""The result of one pair, kept as soon as it is there: a table can be made in several sittings."""

import hashlib
import itertools
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import engine
from benchmarks.looks.neutral import Score
from benchmarks.race.calibration import Calibration, drift
from benchmarks.race.dominance import Dominance, Scored, dominance
from benchmarks.race.runs import Run

OURS = "Impasto"


@dataclass(frozen=True)
class Side:
    """One program's run: its pictures on the way, the last of which it delivered."""

    name: str
    precision: str
    """Of the convolutions: bfloat16 is worth twice the speed, where a processor has it."""
    points: list[Scored]
    """Seconds as measured; a peer's without what disturbed it (`undisturbed`)."""
    measured: float
    """Seconds until the delivered file, disturbances included."""
    wall: float
    """Of the whole process."""
    before: Calibration
    after: Calibration
    diverged: bool
    """It ended further from the style than the content was, where it began, or ten times further
    than it had been on the way."""
    notes: list[str]

    @classmethod
    def of(cls, run: Run, scores: Mapping[str, Score], start: Score) -> Self:
        """From a run, the score of each of its files and that of the content."""
        seconds = [p.seconds for p in run.points] if run.name == OURS else undisturbed(run)
        points = [
            Scored(point.evaluations, at, point.processor, scores[point.file])
            for at, point in zip(seconds, run.points, strict=True)
        ]
        return cls(
            run.name,
            run.precision,
            points,
            run.seconds,
            run.wall,
            run.before,
            run.after,
            _diverged([point.score.style for point in points], start.style),
            run.notes,
        )

    def corrected(self, fastest: Calibration) -> list[Scored]:
        """The points, their seconds as if the machine had always been at its fastest."""
        slower = drift(self.before, self.after, fastest, self.precision)
        return [replace(p, seconds=p.seconds / slower) for p in self.points]


@dataclass(frozen=True)
class PairResult:
    pair: str
    request: dict[str, Any]
    """Everything that the result depends on, but the version of our engine."""
    engine: str
    """`engine_version` of our side."""
    sides: dict[str, Side]

    def save(self, folder: Path) -> None:
        """Write FOLDER/PAIR.json, or nothing."""
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{self.pair}.part"
        document = asdict(self)
        document["sides"] = _rounded(document["sides"])
        part.write_text(json.dumps(document, indent=1) + "\n")
        part.replace(folder / f"{self.pair}.json")

    @classmethod
    def load(cls, folder: Path, pair: str) -> Self | None:
        """What `save` wrote, if it is there and can be read."""
        try:
            document = json.loads((folder / f"{pair}.json").read_text())
            sides = {name: _side(side) for name, side in document.pop("sides").items()}
            return cls(sides=sides, **document)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def carried(self, peer: str, request: Mapping[str, Any]) -> Side | None:
        """What another machine has painted of a peer, if another request here wants the same."""
        ours, theirs = self.request, request
        same = all(ours[key] == theirs[key] for key in ("pictures", "score"))
        same = same and ours["settings"]["size"] == theirs["settings"]["size"]
        same = same and ours["peers"].get(peer) == theirs["peers"][peer]
        return self.sides.get(peer) if same and ours["machine"] != theirs["machine"] else None

    def over(self, peer: str, fastest: Calibration) -> Dominance:
        """How ours compares with what the peer delivered."""
        target = self.sides[peer].points[-1].score
        return dominance(self.sides[OURS].corrected(fastest), target)

    def faster(self, peer: str, fastest: Calibration) -> tuple[float, float]:
        """How many times, by processor seconds and by the clock; 0 where we never were as good."""
        first, end = self.over(peer, fastest).first, self.sides[peer].corrected(fastest)[-1]
        if first is None:
            return 0.0, 0.0
        return end.processor / first.processor, end.seconds / first.seconds


def at_the_pace_of(kept: Side, here: Run) -> Side:
    """A peer's side as another machine has painted it, with the seconds that it takes here, by a
    short run with two pictures at least."""
    first, last = here.points[0], here.points[-1]
    count = last.evaluations - first.evaluations
    seconds, processor = last.seconds - first.seconds, last.processor - first.processor

    def moved(point: Scored) -> Scored:
        times = (point.evaluations - first.evaluations) / count
        return replace(
            point,
            seconds=first.seconds + times * seconds,
            processor=first.processor + times * processor,
        )

    points = [moved(point) for point in kept.points]
    end = points[-1].seconds
    note = f"painted on another machine; the seconds are from {last.evaluations} evaluations here"
    return replace(
        kept,
        points=points,
        measured=end,
        wall=end,
        before=here.before,
        after=here.after,
        notes=[*dict.fromkeys([*kept.notes, note])],
    )


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


def engine_version() -> str:
    """A digest of the engine's source: what our pixels depend on beside the settings."""
    root = Path(engine.__file__).parent
    sources = sorted(root.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]


def calibrations_of(results: Sequence[PairResult]) -> list[Calibration]:
    """All that were measured around these runs."""
    return [c for r in results for side in r.sides.values() for c in (side.before, side.after)]


def _diverged(style: Sequence[float], start: float) -> bool:
    return not style[-1] < min(start, 10 * min(style))


def _side(document: dict[str, Any]) -> Side:
    points = [
        Scored(**{**point, "score": Score(**point["score"])}) for point in document.pop("points")
    ]
    before, after = (Calibration(**document.pop(name)) for name in ("before", "after"))
    return Side(points=points, before=before, after=after, **document)


def _rounded(value: Any) -> Any:
    """Floats with six digits: these files may be kept."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
