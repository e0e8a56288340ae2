"""Counts how many bytes of tensors a computation holds at most, by running it without data."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["PeakMemoryCounter"]


class PeakMemoryCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the tensors that operations make while it is entered, for as long as they live.

    On torch's device `meta` tensors have no data, so a computation of gigabytes and minutes takes
    neither. Not counted: tensors made before, and an operation's own workspace.

    >>> with PeakMemoryCounter() as counter:
    ...     x = torch.empty(1000, device="meta")
    ...     y = x + x + x
    >>> counter.peak, counter.live
    (12000, 8000)
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = 0
        self.peak = 0
        self._known: dict[int, weakref.finalize[..., Any]] = {}

    def __torch_dispatch__(
        self,
        function: Callable[..., Any],
        types: Any,
        arguments: tuple[Any, ...] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        result = function(*arguments, **(named or {}))
        results = [result] if _is(result) else tree_leaves(result)
        storages = [each.untyped_storage() for each in results if _is(each)]
        if unknown := [each for each in storages if id(each) not in self._known]:
            before = {id(t.untyped_storage()) for t in tree_leaves((arguments, named)) if _is(t)}
            for storage in unknown:
                if id(storage) not in before:
                    self._add(storage)
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key = id(storage)
        if key in self._known:
            return
        size = storage.nbytes()
        self._known[key] = weakref.finalize(storage, self._drop, key, size)
        self.live += size
        self.peak = max(self.peak, self.live)

    def _drop(self, key: int, size: int) -> None:
        self.live -= size
        del self._known[key]


def _is(value: Any) -> bool:
    return isinstance(value, Tensor)
