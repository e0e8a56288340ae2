"""The evaluations of each scale: as the settings say, or as the time and the picture allow.

With `seconds` a `Timetable` divides the time that is left over the scales that are left, anew after
each report; with `settle` a scale ends once its loss hardly falls. Both are decided from what a
report has read from the device anyway. What came of them is in `chosen`: settings with which the
same pixels are made again.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from engine.images.pyramid import Size
from engine.optimisers.minimise import Losses
from engine.scheduling.pace import Pace
from engine.scheduling.stages import Stage, stages_of
from engine.scheduling.timetable import Timetable
from engine.settings import Settings

__all__ = ["Schedule"]

LONG, PLAIN = 220, 80
"""A painting by a time whose final scale has as many evaluations as that of `fine` ends with the
plain Gram loss as that does: a share of `PLAIN / LONG` of them."""

SETTLING = 10
"""Evaluations at least, and a share of `1 / SETTLING` of those so far, over which `settle` looks at
the loss."""


class Schedule:
    """The evaluations of each scale of one painting, as they are known by now.

    Args:
        sizes: of the scales, coarse to fine.
        steps: evaluations at each, which a timetable replaces.
    """

    def __init__(
        self,
        sizes: Sequence[Size],
        steps: Sequence[int],
        settings: Settings,
        pace: Pace,
        timetable: Timetable | None = None,
    ) -> None:
        self._sizes = sizes
        self._settings = settings
        self._clock = pace
        self._timetable = timetable
        self._recent: list[tuple[int, float]] = []
        self._last_stage = 0
        """Evaluations of this scale before its last stage, in which alone it may settle."""
        self.steps = list(steps)
        self.boosted = settings.boosted_steps
        self._plain_from: int | None = None
        """Evaluations of the final scale before those with the plain loss, by the time."""
        self.reasons = ["steps"] * len(sizes)
        """Why each scale ended, or will: `steps` (all are done), `time` or `settled`."""
        if timetable is not None:
            self.reasons = ["time"] * len(sizes)
            self.steps = timetable.steps(0, 0, pace.seconds)

    @property
    def is_open(self) -> bool:
        """Whether it is decided on the way when a scale ends."""
        return self._timetable is not None or self._settings.settle is not None

    def _plain_steps(self, steps: int) -> int:
        """Those of `steps` at the final scale that have the plain loss."""
        if not self._settings.may_end_plain:
            return 0
        if self._timetable is None:
            return self._settings.plain_steps
        return 0 if self._plain_from is None else max(0, steps - self._plain_from)

    def steps_planned_for(self, scale: int) -> int:
        """Evaluations that the memory of a scale is planned for."""
        return max(self.steps[scale], self._settings.history + 2 if self.is_open else 0)

    def begin(self, scale: int, *, resumed: bool) -> list[Stage]:
        """The stages of a scale, the last of which may end elsewhere."""
        final = scale == len(self._sizes) - 1
        if self._timetable is not None and not resumed:
            self.steps[scale:] = self._timetable.steps(scale, 0, self._clock.seconds)
        if not resumed:
            self._recent = []
            if final and self._timetable is not None and self.steps[scale] >= LONG:
                self._plain_from = self.steps[scale] - round(PLAIN / LONG * self.steps[scale])
        stages = stages_of(
            self._sizes[scale],
            self._sizes[:scale],
            self.steps[scale],
            self._settings.content_boost,
            final=final,
            boosted=self.boosted,
            plain=self._plain_steps(self.steps[scale]),
        )
        self._last_stage = sum(stage.steps for stage in stages[:-1])
        if final and self.is_open and self.boosted is None:
            self.boosted = self._last_stage
        return stages

    def last(self, scale: int, number: int, losses: Losses) -> int:
        """The last evaluation of this scale, as it is known once evaluation `number` is done."""
        if self._timetable is not None:
            now = self._clock.seconds
            self._timetable.measure(scale, number, now)
            self.steps[scale:] = self._timetable.steps(scale, number, now)
        if self._settings.settle is not None and self._has_settled(number, losses):
            self.reasons[scale] = "settled"
            self.steps[scale] = number + 1
        return self.steps[scale]

    def fraction(self, scale: int, number: int) -> float:
        """Of the whole work, 0 to 1: scales count by their pixels, or all by the time."""
        if self._timetable is not None:
            done = scale == len(self._sizes) - 1 and number >= self.steps[scale]
            return 1.0 if done else min(0.999, self._clock.seconds / self._timetable.seconds)
        work = [
            count * width * height
            for count, (width, height) in zip(self.steps, self._sizes, strict=True)
        ]
        done_work = sum(work[:scale]) + work[scale] * number / self.steps[scale]
        return float(done_work / sum(work))

    def to_go(self, fraction: float) -> float | None:
        """Seconds until the painting is done; None while nobody knows."""
        if self._timetable is not None:
            return max(0.0, self._timetable.seconds - self._clock.seconds)
        return self._clock.to_go(fraction)

    def chosen(self) -> dict[str, Any]:
        """Settings that make the same pixels again, without a look at the clock."""
        if not self.is_open:
            return {}
        return {
            "seconds": None,
            "settle": None,
            "scale_steps": list(self.steps),
            "boosted_steps": self.boosted,
            "plain_steps": self._plain_steps(self.steps[-1]),
        }

    def document(self) -> dict[str, Any]:
        """For a checkpoint: what `restore` takes."""
        return {
            "steps": list(self.steps),
            "boosted": self.boosted,
            "plain_from": self._plain_from,
            "reasons": list(self.reasons),
            "recent": [list(each) for each in self._recent],
        }

    def restore(self, document: Mapping[str, Any], done: int) -> None:
        """Go on from `document`, after `done` evaluations at its scale."""
        if self.is_open and document:
            self.steps, self.boosted = list(document["steps"]), document["boosted"]
            self._plain_from = document.get("plain_from")
            self.reasons = list(document["reasons"])
            self._recent = [(n, total) for n, total in document["recent"] if n <= done]

    def _has_settled(self, number: int, losses: Losses) -> bool:
        """Whether the loss has fallen by less than `settle` percent over the last evaluations."""
        assert self._settings.settle is not None
        if number <= self._last_stage:
            return False
        span = max(SETTLING, math.ceil(number / SETTLING))
        self._recent = [each for each in self._recent if each[0] >= number - 2 * span]
        earlier = [total for at, total in self._recent if at <= number - span]
        self._recent.append((number, losses.total))
        return (
            bool(earlier) and earlier[-1] - losses.total < self._settings.settle / 100 * earlier[-1]
        )
