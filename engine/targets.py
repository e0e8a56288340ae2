"""What is known of recent styles, kept from job to job, so that a style is not looked at again.

A folder gets picture after picture for the same few paintings. At the same size a painting's
features are the same, and so is all that the objective asks of them.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

import numpy as np

from engine.picture import Picture
from engine.statistics import Description

__all__ = ["CAPACITY", "Described", "StyleTargets", "digest"]

CAPACITY = 256_000_000
"""Bytes. A style takes 2.4 MB as five Gram matrices; as histograms of 512 x 512 px, 130 MB."""

Described = Mapping[str, Description]
"""By layer."""


class StyleTargets:
    """Descriptions of styles on their device, the latest used, up to so many bytes.

    They are of one style each, before any blending, so that a painting is known in every blend.
    A job's own settings decide what a description depends on: the caller puts that into the key.
    Not safe to share between threads.

    >>> targets = StyleTargets()
    >>> for _ in range(3):
    ...     described = targets.get("night, 512 px", lambda: {"relu1_1": (torch.zeros(64, 64),)})
    >>> targets.hits, targets.misses, targets.bytes
    (2, 1, 16384)
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self.hits = 0
        self.misses = 0
        self.bytes = 0
        self._kept: OrderedDict[Hashable, Described] = OrderedDict()  # the latest used last

    def get(self, key: Hashable, describe: Callable[[], Described]) -> Described:
        """What `describe` returned for an equal key, or returns now. Not to be changed in place.

        What is larger than the capacity is handed out and not kept: nothing makes room for it.
        """
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            return self._kept[key]
        self.misses += 1
        described = describe()
        size = _bytes_of(described)
        if size <= self.capacity:
            while self.bytes + size > self.capacity:
                _, oldest = self._kept.popitem(last=False)
                self.bytes -= _bytes_of(oldest)
            self._kept[key] = described
            self.bytes += size
        return described

    def clear(self) -> None:
        """Give the memory back; the counts go on."""
        self._kept.clear()
        self.bytes = 0


def digest(picture: Picture) -> str:
    """Tells pictures with other pixels apart (BLAKE2b of them; alpha plays no part in a style)."""
    state = hashlib.blake2b(b"%d x %d" % picture.size, digest_size=20)
    state.update(np.ascontiguousarray(picture.samples).data)
    return state.hexdigest()


def _bytes_of(described: Described) -> int:
    """Of the memory that is held, which a view of something larger would hold whole."""
    tensors = (tensor for description in described.values() for tensor in description)
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)
