"""Counts the operations that a device is given: each is launched by itself."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

from torch.utils._python_dispatch import TorchDispatchMode

from engine.images.picture import Picture
from engine.images.pyramid import extend, pyramid_sizes
from engine.images.scaling import scaled
from engine.losses import functional
from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.optimisers.minimise import minimise
from engine.optimisers.selection import optimiser_of
from engine.scheduling.stages import REPORT_EVERY
from engine.settings import Settings

__all__ = ["OperationCounter", "step_operations"]

ALLOCATIONS = ("empty", "empty_like", "empty_strided", "new_empty")


class OperationCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts torch's operations while it is entered, those of gradients included.

    Not counted: views and allocations, which compute nothing.

    >>> with OperationCounter() as counter:
    ...     x = torch.ones(2, 3).T @ torch.ones(2)
    >>> counter.total, dict(counter.by_name)
    (3, {'ones': 2, 'mv': 1})
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.by_name: Counter[str] = Counter()

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


def step_operations(
    content: Picture, style: Picture, settings: Settings, vgg: VGG19, *, steps: int = 10
) -> Counter[str]:
    """Operations of `steps` steps at the final size as a GPU has them, on whatever device: with
    stacked pairs, nothing read but every `REPORT_EVERY` steps, what a graph would replay, and an
    operation for a convolution."""
    vgg = VGG19(vgg.weights, str(vgg.device), vgg.precision, winograd=False)
    (size,) = pyramid_sizes(content.size, settings.longest_side(content.size), 1, 2.0)
    canvas = extend(scaled(content, size).to(vgg.device), settings.margin).clone()
    method = optimiser_of(settings, (canvas.shape[-1], canvas.shape[-2]), "cuda")
    descent = minimise(
        style_transfer_objective(vgg, canvas.clone(), [style], settings),
        canvas,
        method,
        steps=10 * steps,
        clamp=settings.clamp,
        report_every=REPORT_EVERY,
        capture=lambda work: work,
    )
    while next(descent).number < steps:
        pass
    counter = OperationCounter()
    # A GPU has torch's products, which are an operation each.
    with counter, mock.patch.object(functional, "_MULTIPLIES_FLOAT32", new=False):
        while next(descent).number < 2 * steps:
            pass
    return counter.by_name
