"""Patterns of paths: `*` stays within a folder, `**` goes through folders."""

import fnmatch
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from plugin.client.protocol import fold_name

__all__ = ["MAX_DEEP", "MAX_LENGTH", "PathPattern", "compiled_part", "is_pattern"]

MAX_LENGTH = 1000
"""Characters of a pattern: more than any path in the inbox can have."""

MAX_DEEP = 8
"""How often a pattern may say `**`."""


def is_pattern(text: str) -> bool:
    """Whether it means more than the one file of this name."""
    return any(character in text for character in "*?[")


class PathPattern:
    """One pattern, compiled. Case and Unicode form do not count.

    A path is matched part by part with the set of the places in the pattern that may come next, so
    the work is at most parts times places, without recursion.
    """

    def __init__(self, pattern: str) -> None:
        self._places = [compiled_part(part) for part in PurePosixPath(fold_name(pattern)).parts]

    def fits(self, parts: Iterable[str]) -> bool:
        """Whether a path fits, given by its parts as `fold_name` writes them."""
        reached = self._through([0])
        for part in parts:
            # At `**`, the part may be one of those that it goes through.
            reached = self._through(
                place if expression is None else place + 1
                for place in reached
                if place < len(self._places)
                and ((expression := self._places[place]) is None or expression.match(part))
            )
            if not reached:
                return False
        return len(self._places) in reached

    def _through(self, places: Iterable[int]) -> set[int]:
        """`places`, and those behind each `**`, which may go through no folder at all."""
        reached: set[int] = set()
        for place in places:
            while place not in reached:
                reached.add(place)
                if place < len(self._places) and self._places[place] is None:
                    place += 1
        return reached


def compiled_part(part: str) -> re.Pattern[str] | None:
    """What one part of a pattern fits, of names as `fold_name` writes them; None for `**`. Brackets
    mean themselves as well: `shoot [2024]` is the folder of that name.

    The expressions of `fnmatch` do not backtrack over several stars."""
    if part == "**":
        return None
    part = fold_name(part)
    expressions = dict.fromkeys((part, part.replace("[", "[[]")))
    return re.compile("|".join(map(fnmatch.translate, expressions)))
