"""The time that a batch has: `within: 6h` from its start, or `finish_by: 08:00`.

It is divided evenly over the paintings that are left, anew whenever a job is handed in: a picture
that took longer than its share makes the later ones shorter, and one that failed longer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import AwareDatetime

from engine.errors import Problem
from engine.series.members import count_of
from engine.settings import Settings

__all__ = ["DEADLINE_KEYS", "Deadline", "deadline_of", "parse_duration", "parse_finish"]

DEADLINE_KEYS = ("within", "finish_by")

AHEAD = 1
"""Jobs that wait with the server beside those that are painted: they know their share already."""

LEAST_SECONDS, MOST_SECONDS = 1.0, 1e6
"""What `Settings.seconds` may be."""

LONGEST = timedelta(days=366)

_UNITS = {"d": 86400, "h": 3600, "m": 60, "min": 60, "s": 1}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(d|h|min|m|s)\s*", re.I)

DURATION = "a time with its unit, such as 6h, 90m or 1h30m"
MOMENT = "a time of day such as 08:00, or a date and time such as 2026-12-24 08:00"


def parse_duration(text: str) -> timedelta:
    """
    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)

    Raises:
        ValueError: no such time, none at all, or more than a year.
    """
    text = text.strip()
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text):
        raise ValueError(f"{text!r}; expected {DURATION}")
    seconds = sum(float(number) * _UNITS[unit.lower()] for number, unit in parts)
    if not 0 < seconds <= LONGEST.total_seconds():
        raise ValueError(f"{text!r}; expected more than none and at most 366 days")
    return timedelta(seconds=seconds)


def parse_finish(text: str, now: datetime) -> datetime:
    """The moment that is meant: of a time of day the next one after `now`, in its time zone.

    Raises:
        ValueError: no such moment, or it has passed.
    """
    text = text.strip()
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", text):
            hour, minute = map(int, text.split(":"))
            moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return moment if moment > now else moment + timedelta(days=1)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r}; expected {MOMENT}") from None
    moment = moment.replace(tzinfo=moment.tzinfo or now.tzinfo)
    if not now < moment <= now + LONGEST:
        raise ValueError(f"{text!r}; expected a moment to come, within a year")
    return moment


def deadline_of(
    values: Mapping[str, Any], now: datetime, problems: list[Problem]
) -> datetime | None:
    """What the keys `within` and `finish_by` say together; what is wrong goes to `problems`."""
    moment = None
    given = [key for key in DEADLINE_KEYS if values.get(key) is not None]
    if len(given) > 1:
        problems.append(Problem(("finish_by",), "beside `within`", "one of them"))
    for key in given:
        text = values[key]
        try:
            if not isinstance(text, str):
                raise ValueError(f"{text!r}; expected {DURATION if key == 'within' else MOMENT}")
            moment = now + parse_duration(text) if key == "within" else parse_finish(text, now)
        except ValueError as error:
            shown, _, expected = str(error).partition("; expected ")
            problems.append(Problem((key,), shown[:80], expected))
    return moment


@dataclass(frozen=True)
class Deadline:
    """The moment at which the last painting of a batch should be there."""

    moment: AwareDatetime

    def active(self, workers: int) -> int:
        """How many jobs may be with the server at once: the others' shares are decided later."""
        return max(1, workers) + AHEAD

    def seconds(self, left: int, workers: int, now: datetime) -> float:
        """The share of each of `left` paintings, those under way included."""
        remaining = (self.moment - now).total_seconds()
        share = remaining * max(1, min(workers, left)) / max(1, left)
        return min(MOST_SECONDS, max(LEAST_SECONDS, share))

    def applied(self, settings: Settings, left: int, workers: int, now: datetime) -> Settings:
        """Settings that paint in this share, or a little later if nothing can be painted in it.
        What was asked for picture by picture, such as `scale_steps`, gives way."""
        # `seconds` are those of each painting, of which a job may have several.
        share = max(LEAST_SECONDS, self.seconds(left, workers, now) / count_of(settings))
        values = {"seconds": round(share, 1), "time_limit": "exceed", "scale_steps": None}
        return settings.model_copy(update=values)
