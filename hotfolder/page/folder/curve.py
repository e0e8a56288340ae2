"""The curve of the losses of each running job, from the statuses that were seen. Pure.

A status has the losses of one step only. So the curve begins when the page does, and says so.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from plugin.client import Status

__all__ = ["HEIGHT", "WIDTH", "Curve", "Line", "LossCurves"]

WIDTH, HEIGHT = 600, 140
"""Of the drawing, in its own units."""

MAX_POINTS = 400
"""Of one job. A longer curve loses every second point."""

KINDS = ("total", "style", "content")
"""The style's, which is often nearly the total, lies over it."""


class Line(NamedTuple):
    kind: str
    points: str
    """As an SVG polyline has them."""
    last: float
    """The last value."""


@dataclass
class Curve:
    """The losses of one job over its work."""

    points: list[tuple[float, Mapping[str, float]]] = field(default_factory=list)
    """Fraction of the work, and the losses there."""

    def add(self, fraction: float, losses: Mapping[str, float]) -> None:
        if self.points and fraction <= self.points[-1][0]:
            if fraction == self.points[-1][0]:
                return
            self.points.clear()  # Another attempt.
        self.points.append((fraction, dict(losses)))
        if len(self.points) > MAX_POINTS:
            del self.points[1:-1:2]

    @property
    def begins(self) -> float:
        """The fraction of the work at which it was first seen."""
        return self.points[0][0] if self.points else 0.0

    def lines(self) -> list[Line]:
        """The curves, on a logarithmic scale that they share; empty before there are two points."""
        found = {kind: self._values(kind) for kind in KINDS}
        logs = [math.log10(value) for values in found.values() for _, value in values]
        if not logs:
            return []
        low, high = min(logs), max(logs)
        height = max(high - low, 0.1)
        return [
            Line(
                kind,
                " ".join(
                    f"{fraction * WIDTH:.1f},{_y((math.log10(value) - low) / height):.1f}"
                    for fraction, value in values
                ),
                values[-1][1],
            )
            for kind, values in found.items()
            if len(values) > 1
        ]

    def _values(self, kind: str) -> list[tuple[float, float]]:
        return [
            (fraction, losses[kind])
            for fraction, losses in self.points
            if losses.get(kind, 0) > 0 and math.isfinite(losses[kind])
        ]


class LossCurves:
    """The curves of the jobs that run."""

    def __init__(self) -> None:
        self._curves: dict[str, Curve] = {}

    def note(self, jobs: Sequence[Status] | Iterable[Status]) -> None:
        """Take in the statuses of now; curves of jobs that run no more are forgotten."""
        running = {job.id: job for job in jobs if job.id and job.state == "running"}
        self._curves = {key: curve for key, curve in self._curves.items() if key in running}
        for key, job in running.items():
            curve = self._curves.setdefault(key, Curve())
            if job.losses:
                curve.add(job.fraction, job.losses)

    def of(self, job: Status) -> Curve:
        return self._curves.get(job.id or "", Curve())


def _y(share: float) -> float:
    margin = 6
    return HEIGHT - margin - share * (HEIGHT - 2 * margin)
