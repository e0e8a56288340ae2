"""When a run is as good as another's delivered file: the figure of `versus`."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from benchmarks.looks.neutral import Score

TERMS = ("content", "style", "unseen")


@dataclass(frozen=True)
class Scored:
    """A picture on the way: after how many evaluations at the final size, when (corrected seconds,
    processor seconds), and its score."""

    evaluations: int
    seconds: float
    processor: float
    score: Score


@dataclass(frozen=True)
class Dominance:
    first: Scored | None
    """The first picture whose three terms are all at or below the target's; None: never."""
    terms: dict[str, float | None]
    """For each term, from when on it stayed at or below the target's to the end, in seconds.

    Not when it first was: the content loss is 0 where the painting starts.
    """
    ends_at: dict[str, float]
    """The last picture's term over the target's."""


def dominance(run: Sequence[Scored], target: Score) -> Dominance:
    """Compare a trajectory with a delivered file."""
    first = next((point for point in run if point.score.dominates(target)), None)
    wanted = dict(zip(TERMS, astuple(target), strict=True))
    kept: dict[str, float | None] = {}
    for term, value in wanted.items():
        kept[term] = None
        for point in reversed(run):
            if getattr(point.score, term) > value:
                break
            kept[term] = point.seconds
    last = run[-1].score
    return Dominance(first, kept, {term: getattr(last, term) / wanted[term] for term in TERMS})
