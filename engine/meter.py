"""How many bytes a computation holds at most, found by doing it with tensors that have no data."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["Meter"]


class Meter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the tensors that operations make while it is entered, for as long as they live.

    On torch's device `meta` a tensor is its shape alone, so what would take gigabytes and minutes
    takes neither. Not counted: what is there before, and what an operation uses inside.

    >>> with Meter() as meter:
    ...     x = torch.empty(1000, device="meta")
    ...     y = x + x + x
    >>> meter.peak, meter.live
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
        before = {id(t.untyped_storage()) for t in tree_leaves((arguments, named)) if _is(t)}
        for tensor in tree_leaves(result):
            if _is(tensor) and id(tensor.untyped_storage()) not in before:
                self._add(tensor.untyped_storage())
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
