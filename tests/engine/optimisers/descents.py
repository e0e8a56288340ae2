"""What the tests of several optimisers ask of a descent."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from engine.optimisers.minimise import Snapshot, Step

Descent = Callable[[Tensor, Snapshot | None], Iterator[Step]]


def resumes_from_any_step(descent: Descent, whole: Tensor) -> None:
    """A descent with moves that are taken back ends alike from each of its snapshots."""
    steps, snapshots = [], []
    for step in descent(whole, None):
        steps.append(step)
        snapshots.append(step.snapshot())
    assert steps[-1].tally.rejected_moves > 0
    for index, snapshot in enumerate(snapshots):
        again = torch.zeros_like(whole)
        resumed = list(descent(again, snapshot))
        assert torch.equal(again, whole)
        assert [(s.number, s.losses, s.tally) for s in resumed] == [
            (s.number, s.losses, s.tally) for s in steps[index:]
        ]


def beyond(x: Tensor) -> Tensor:
    """Convex, with a lowest place outside 0 to 1 in two of five numbers, which pull at others."""
    order = torch.randperm(x.numel(), generator=torch.Generator().manual_seed(5))
    away = x.flatten() - torch.linspace(-0.4, 1.2, x.numel(), dtype=x.dtype)[order]
    neighbours = (away[1:] - away[:-1]).square().sum()
    return torch.stack([away.square().sum(), 30 * neighbours, x.new_zeros(())])
