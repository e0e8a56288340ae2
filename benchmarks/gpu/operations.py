"""Counts the operations that a device is given: each is launched by itself."""

import collections
from collections.abc import Callable, Mapping
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["OperationCounter"]

ALLOCATIONS = ("empty", "empty_like", "empty_strided", "new_empty")


class OperationCounter(TorchDispatchMode):
    """Counts torch's operations while it is entered, those of gradients included.

    Not counted: views and allocations, which compute nothing.

    >>> with OperationCounter() as counter:
    ...     x = torch.ones(2, 3).T @ torch.ones(2)
    >>> counter.total, dict(counter.by_name)
    (3, {'ones': 2, 'mv': 1})
    """

    def __init__(self) -> None:
        super().__init__()
        self.by_name: collections.Counter[str] = collections.Counter()

    @property
    def total(self) -> int:
        return self.by_name.total()

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        arguments: tuple[Any, ...] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        name = function.overloadpacket.__name__
        if name not in ALLOCATIONS and not _is_view(function):
            self.by_name[name] += 1
        return function(*arguments, **(named or {}))


def _is_view(function: Callable[..., Any]) -> bool:
    """Whether all that it returns shares the memory of what it was given, unchanged."""
    returns = function._schema.returns  # type: ignore[attr-defined]
    aliases = [each.alias_info for each in returns]
    return bool(aliases) and all(each is not None and not each.is_write for each in aliases)
