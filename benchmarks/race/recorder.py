"""Keeps the trajectory of a run: the pictures as they would be delivered, and when.

The clock starts with the process: whoever starts it puts the time into the environment. A picture
counts its own writing, as a delivered one does, but not the writing of those before it. The same
holds for the processor seconds of all threads, which other programs on the machine do not lengthen.
"""

import json
import os
import time
from pathlib import Path

from engine.images.picture import Picture, write_picture

STARTED_VARIABLE = "IMPASTO_BENCHMARK_STARTED"
"""Seconds since the epoch at which the process was started."""

FILE_NAME = "trajectory.json"


class Recorder:
    """Writes FOLDER/EVALUATION.png now and then, and at the end FOLDER/trajectory.json."""

    def __init__(self, folder: Path, every: int, last: int) -> None:
        self._folder = folder
        self._every = every
        self._last = last
        self._started = float(os.environ.get(STARTED_VARIABLE) or time.time())
        self._excluded = 0.0
        self._excluded_processor = 0.0
        self._points: list[tuple[int, float, float]] = []
        self._notes: list[str] = []
        self.mark()

    def wants(self, evaluations: int) -> bool:
        """Is the picture after this many evaluations one to keep?"""
        due = evaluations > 0 and evaluations % self._every == 0
        return (due or evaluations == self._last) and evaluations not in {
            at for at, *_ in self._points
        }

    def keep(self, evaluations: int, picture: Picture) -> None:
        began, began_processor = time.time(), time.process_time()
        write_picture(picture, self._folder / f"{evaluations:05}.png")
        ended, ended_processor = time.time(), time.process_time()
        seconds = ended - self._started - self._excluded
        self._points.append((evaluations, seconds, ended_processor - self._excluded_processor))
        self._excluded += ended - began
        self._excluded_processor += ended_processor - began_processor

    def mark(self) -> None:
        """The optimisation begins here."""
        self._mark = time.time(), time.process_time()
        self._excluded_at_mark = self._excluded, self._excluded_processor

    def rewind(self, note: str) -> None:
        """Forget the pictures and the seconds since `mark`: it begins again."""
        self._points.clear()
        excluded, processor = self._excluded_at_mark
        self._excluded = excluded + time.time() - self._mark[0]
        self._excluded_processor = processor + time.process_time() - self._mark[1]
        self.note(note)
        self.mark()

    def note(self, text: str) -> None:
        """What a reader of the table should know about this run."""
        self._notes.append(text)

    def save(self) -> None:
        document = {"points": self._points, "excluded": self._excluded, "notes": self._notes}
        (self._folder / FILE_NAME).write_text(json.dumps(document, indent=1))
