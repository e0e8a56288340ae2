"""A cache of style statistics across jobs: the same style at the same size is computed once.

A hot folder gets many pictures for the same few styles.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

from engine.losses.statistics import StyleStatistics

__all__ = ["CAPACITY", "LayerStatistics", "StyleTargets"]

CAPACITY = 256_000_000
"""Bytes. A style takes 2.4 MB as five Gram matrices, 130 MB as histograms of 512 x 512 px."""

LayerStatistics = Mapping[str, StyleStatistics]
"""By layer."""


class StyleTargets:
    """A least-recently-used cache of style statistics on their device, up to so many bytes.

    Each entry is of one style before any blending, so that it serves every blend. The caller's key
    has everything that the statistics depend on. Not safe to share between threads.

    >>> targets = StyleTargets()
    >>> for _ in range(3):
    ...     found = targets.get("night, 512 px", lambda: {"relu1_1": (torch.zeros(64, 64),)})
    >>> targets.hits, targets.misses, targets.bytes
    (2, 1, 16384)
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.hits = 0
        self.misses = 0
        self.bytes = 0
        self._kept: OrderedDict[Hashable, LayerStatistics] = OrderedDict()  # the latest used last

    def get(self, key: Hashable, compute: Callable[[], LayerStatistics]) -> LayerStatistics:
        """The cached statistics of an equal key, else computed now. Not to be changed in place.

        Statistics larger than the capacity are returned and not kept.
        """
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            return self._kept[key]
        self.misses += 1
        statistics = compute()
        size = _bytes_of(statistics)
        if size <= self.capacity:
            while self.bytes + size > self.capacity:
                _, oldest = self._kept.popitem(last=False)
                self.bytes -= _bytes_of(oldest)
            self._kept[key] = statistics
            self.bytes += size
        return statistics

    def clear(self) -> None:
        """Give the memory back; the counts go on."""
        self._kept.clear()
        self.bytes = 0


def _bytes_of(statistics: LayerStatistics) -> int:
    """Bytes of the storages, since a view of a larger tensor keeps all of it."""
    tensors = (tensor for of_layer in statistics.values() for tensor in of_layer)
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)
