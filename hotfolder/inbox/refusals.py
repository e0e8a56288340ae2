"""The one door for what may go wrong in a look at one file: it is refused, in words.

Whatever a file makes a reader raise, no matter whether anybody has foreseen it, is turned into a
`HotFolderError` about that file. So no look at a file ends the look at the others.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from engine.errors import Problem
from hotfolder.errors import HotFolderError
from hotfolder.file_names import shown
from hotfolder.job_tag import JobTag
from hotfolder.limits import shortened

__all__ = ["RefusalGuard", "regions_problem"]

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_REMEMBERED = 1000
"""Refusals whose traceback is not logged again."""


class RefusalGuard:
    """Turns unforeseen exceptions into refusals. Each traceback is logged once only."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str]] = set()

    def look(self, name: str, look: Callable[[], T]) -> T:
        """What `look` at the file or job `name` returns.

        Raises:
            HotFolderError: it is refused; the message says why.
            OSError: it cannot be read now.
        """
        try:
            return look()
        except (HotFolderError, OSError):
            raise
        except Exception as error:  # RecursionError and MemoryError are among them.
            raise self.refusal(name, error) from None

    def refusal(self, name: str, error: Exception) -> HotFolderError:
        """The refusal that stands for an unforeseen `error`, which is being handled."""
        what = shortened(f"{type(error).__name__}: {error}", 200)
        if (name, what) not in self._logged:
            if len(self._logged) >= MAX_REMEMBERED:
                self._logged.clear()
            self._logged.add((name, what))
            log.exception("%s cannot be understood", JobTag(shown(name)))
        return HotFolderError(f"{shown(name)}: cannot be understood: {shown(what)}.")


def regions_problem(masks: Mapping[str, Any], styles: int) -> Problem | None:
    """What is wrong with masks, or label pictures, that are not as many as the styles.

    Args:
        masks: the settings that name them.
    """
    key = "style_regions" if "style_regions" in masks else "regions"
    given = len(masks.get(key, ()))
    if given in (0, styles):
        return None
    what = "label picture" if key == "style_regions" else "mask"
    expected = f"one for each style, of which there {'is' if styles == 1 else 'are'} {styles}"
    return Problem((key,), f"{given} {what}{'' if given == 1 else 's'}", expected)
