"""The order of the queue: the higher priority, then the inbox's folders in turn, then age. Pure.

Jobs in the spool and candidates that are still in the inbox are one queue. A folder with 5,000
pictures does not starve another one: among equals, each folder has one job painted, then the next.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any, TypeVar

__all__ = ["Scheduler", "SchedulingKey", "folder_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchedulingKey:
    """What decides about the place of one job."""

    priority: int
    """Higher comes first."""
    folder: str
    """The folder it was dropped into."""
    age: tuple[Any, ...]
    """Smaller is older. Compared only within a priority and a folder."""


def folder_of(source: str) -> str:
    """The folder of the inbox into which a job was dropped as `source`, be it into a folder in it;
    empty if none."""
    folder, slash, _ = source.partition("/")
    return folder if slash else ""


class Scheduler:
    """Orders the queue; remembers which folder had its turn when."""

    def __init__(self) -> None:
        self._served: dict[str, int] = {}
        self._turns = 0

    def serve(self, folder: str) -> None:
        """Note that a job of `folder` is painted now."""
        self._turns += 1
        self._served[folder] = self._turns

    def order(self, jobs: Iterable[T], key_of: Callable[[T], SchedulingKey]) -> list[T]:
        """All `jobs`, the next one first, as if no other came and each were served in turn."""
        turns = self._turns
        served = dict(self._served)
        levels: dict[int, list[tuple[SchedulingKey, T]]] = defaultdict(list)
        for job in jobs:
            key = key_of(job)
            levels[key.priority].append((key, job))
        ordered: list[T] = []
        for priority in sorted(levels, reverse=True):
            level = sorted(levels[priority], key=lambda each: each[0].age)
            # Folders that have never been served come in the order of their oldest job.
            folders: dict[str, deque[T]] = defaultdict(deque)
            for key, job in level:
                folders[key.folder].append(job)
            heap = [(served.get(name, 0), i, name) for i, name in enumerate(folders)]
            heapify(heap)
            while heap:
                _, i, name = heappop(heap)
                ordered.append(folders[name].popleft())
                turns += 1
                served[name] = turns
                if folders[name]:
                    heappush(heap, (turns, i, name))
        return ordered
