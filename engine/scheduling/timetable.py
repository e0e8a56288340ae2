"""Divides the time for a painting over its scales, by a measured pace."""

from collections.abc import Sequence

__all__ = ["FEWEST_STEPS", "Timetable", "coarse_steps_for"]

FEWEST_STEPS = 5
"""Evaluations at the final scale of the shortest painting: with fewer, half an evaluation would be
more than a tenth of the time."""

PREPARATION = 2.0
"""What a scale takes before its first evaluation (its content's features, the styles' statistics),
in evaluations."""


def coarse_steps_for(steps: float) -> int:
    """Evaluations at each coarse scale that go with `steps` at the final one.

    At a quarter of the cost or less they move the large shapes. More of them, at the final scale's
    expense, leave the strokes undone: with the time of nine evaluations at 512 px, 12 and 6 came to
    a ninth of the style loss of 25 and 3, and below 8 and 7.
    """
    return round(min(120.0, 2 * steps))


class Timetable:
    """Divides seconds over the scales of a painting, by a measured pace.

    Args:
        work: of one evaluation at each scale, coarse to fine, in any unit.
        pace: seconds that an evaluation of one unit takes.
        reserve: seconds that are needed after the last evaluation.
        warm_up: the first evaluations of each scale, which do not tell how long the others take: a
            GPU loads kernels in them, and captures a graph.
    """

    def __init__(
        self,
        seconds: float,
        work: Sequence[float],
        pace: float,
        reserve: float = 0.0,
        warm_up: int = 0,
    ) -> None:
        self.seconds = seconds
        self._end = seconds - reserve
        self._work = work
        self._pace = pace
        self._warm_up = warm_up
        self._first: tuple[int, int, float] | None = None

    @property
    def pace(self) -> float:
        """Seconds of an evaluation of one unit, as measured last."""
        return self._pace

    def measure(self, scale: int, number: int, now: float) -> None:
        """Evaluation `number` of this scale is done at `now`, in seconds from the start."""
        if number <= self._warm_up:
            return
        if self._first is None or self._first[0] != scale:
            self._first = scale, number, now
        elif number > self._first[1]:
            seconds = (now - self._first[2]) / (number - self._first[1])
            self._pace = seconds / self._work[scale]

    def steps(self, scale: int, number: int, now: float) -> list[int]:
        """Evaluations at `scale`, of which `number` are done (none: not even prepared), and at
        each scale after it, so that the time is up with the last."""
        final = len(self._work) - 1
        left = self._end - now
        if scale == final:
            prepared = PREPARATION if number == 0 else 0.0
            more = left / (self._work[final] * self._pace) - prepared
            return [max(number + 1, FEWEST_STEPS, number + round(more))]
        low = float(FEWEST_STEPS)
        high = 2 * low
        while self._takes(scale, number, high) < left and high < 1e6:
            low, high = high, 2 * high
        while high - low > 0.01 * high:
            middle = (low + high) / 2
            low, high = (
                (middle, high) if self._takes(scale, number, middle) < left else (low, middle)
            )
        coarse = max(number + 1, coarse_steps_for(low))
        return [coarse, *[coarse_steps_for(low)] * (final - scale - 1), max(1, round(low))]

    def least(self, now: float) -> float:
        """Seconds of the shortest painting, of which `now` have passed."""
        return now + self.seconds - self._end + self._takes(0, 0, FEWEST_STEPS)

    def _takes(self, scale: int, number: int, steps: float) -> float:
        """Seconds from here on, with so many steps at the final scale."""
        evaluations = 0.0
        for later in range(scale, len(self._work)):
            is_final = later == len(self._work) - 1
            wanted = steps if is_final else coarse_steps_for(steps)
            done = number if later == scale else 0
            prepared = 0.0 if done else PREPARATION
            evaluations += self._work[later] * (max(0.0, wanted - done) + prepared)
        return evaluations * self._pace
