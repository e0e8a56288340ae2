"""Steps that are captured once and replayed, with a capture that a CPU can do: it notes the
operations of each replay, which for a graph to be right have to be the same every time."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from engine.network.vgg import VGG19
from engine.objective import style_transfer_objective
from engine.optimisers.adam import Adam
from engine.optimisers.lbfgs import LBFGS
from engine.optimisers.minimise import minimise
from engine.optimisers.optimiser import Optimiser
from engine.optimisers.preconditioner import FrequencyPreconditioner
from engine.optimisers.replay import CudaGraphs
from engine.optimisers.stacked import StackedLBFGS
from engine.settings import resolve

SIDE = 32


class Recorder(TorchDispatchMode):
    """Notes each operation with the shapes and the plain numbers that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[str] = []

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        arguments: tuple[Any, ...] = (),
        named: Mapping[str, Any] | None = None,
    ) -> Any:
        given = [_plain(each) for each in (*arguments, *(named or {}).items())]
        self.operations.append(f"{function} {given}")
        return function(*arguments, **(named or {}))


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


class Capture:
    def __init__(self, *, refusing: int = -1) -> None:
        self.replays: list[list[list[str]]] = []
        """Of each work that was captured: the operations of each replay."""
        self._refusing = refusing

    def __call__(self, work: Callable[[], None]) -> Callable[[], None] | None:
        if len(self.replays) == self._refusing:
            self.replays.append([])
            return None
        of_work: list[list[str]] = []
        self.replays.append(of_work)

        def replay() -> None:
            with Recorder() as recorder:
                work()
            of_work.append(recorder.operations)

        return replay


def stacked() -> StackedLBFGS:
    precondition = FrequencyPreconditioner((SIDE, SIDE), 0.5, at_once=True)
    return StackedLBFGS(1.0, 4, 0.01, precondition)


def painted(
    vgg: VGG19, method: Optimiser, capture: Capture | None, boost: float = 1.0, **settings: Any
) -> tuple[Tensor, list[float]]:
    generator = torch.Generator().manual_seed(5)
    content, style = (torch.rand((1, 3, SIDE, SIDE), generator=generator) for _ in range(2))
    objective = style_transfer_objective(vgg, content, [style], resolve(settings))
    picture = content.clone()
    factors = torch.tensor([boost, 1.0, 1.0])
    steps = minimise(
        objective,
        picture,
        method,
        steps=12,
        report_every=5,
        factors=None if boost == 1 else factors,
        capture=capture,
    )
    return picture, [step.losses.total for step in steps]


@pytest.mark.parametrize("boost", [1.0, 6.0])
@pytest.mark.parametrize(
    "settings",
    [{}, {"padding": "zeros", "tv_weight": 10.0}, {"style_statistic": "histogram"}],
    ids=["standard", "smoothed", "histogram"],
)
def test_a_replayed_step_is_the_same_operations_each_time(
    vgg: VGG19, settings: dict[str, Any], boost: float
) -> None:
    capture = Capture()
    painted(vgg, stacked(), capture, boost, **settings)
    evaluation, move = capture.replays
    assert (len(evaluation), len(move)) == (10, 9)  # of 12 steps two warm up, the last has no move
    for replays in (evaluation, move):
        assert len(replays[0]) > 20
        assert all(replay == replays[0] for replay in replays)
        assert not any("_local_scalar_dense" in operation for operation in replays[0])


def test_replayed_or_not_the_painting_is_the_same(vgg: VGG19) -> None:
    one, losses = painted(vgg, stacked(), None, 6.0)
    other, other_losses = painted(vgg, stacked(), Capture(), 6.0)
    assert torch.equal(one, other)
    assert losses == other_losses


@pytest.mark.parametrize("method", [lambda: Adam(0.02), lambda: LBFGS(1.0, 4, 0.01)])
def test_of_a_method_that_cannot_be_replayed_only_evaluations_are(
    vgg: VGG19, method: Callable[[], Optimiser]
) -> None:
    capture = Capture()
    one, _ = painted(vgg, method(), capture)
    assert [len(replays) for replays in capture.replays] == [10]
    assert torch.equal(one, painted(vgg, method(), None)[0])


@pytest.mark.parametrize(("refusing", "replays"), [(0, [0]), (1, [10, 0])])
def test_what_cannot_be_captured_is_computed_step_by_step(
    vgg: VGG19, refusing: int, replays: list[int]
) -> None:
    """Without the evaluation no move either: it would read a gradient that lies elsewhere."""
    capture = Capture(refusing=refusing)
    one, _ = painted(vgg, stacked(), capture)
    assert [len(each) for each in capture.replays] == replays
    assert torch.equal(one, painted(vgg, stacked(), None)[0])


@pytest.mark.skipif(torch.cuda.is_available(), reason="here they can be captured")
def test_where_there_are_no_graphs_it_is_said_and_painted_all_the_same(
    vgg: VGG19, caplog: pytest.LogCaptureFixture
) -> None:
    graphs = CudaGraphs()
    one, _ = painted(vgg, stacked(), graphs)  # type: ignore[arg-type]
    assert "not replayed as a graph: " in caplog.text
    assert graphs.describe().startswith("0 captured; some steps computed one by one: ")
    assert torch.equal(one, painted(vgg, stacked(), None)[0])


def test_a_snapshot_of_a_replayed_descent_is_that_of_its_step(vgg: VGG19) -> None:
    generator = torch.Generator().manual_seed(5)
    content, style = (torch.rand((1, 3, SIDE, SIDE), generator=generator) for _ in range(2))
    objective = style_transfer_objective(vgg, content, [style], resolve({}))

    def descent(picture: Tensor, **named: Any) -> Any:
        method = stacked()
        return minimise(objective, picture, method, steps=10, capture=Capture(), **named)

    whole, again = content.clone(), content.clone()
    steps = descent(whole)
    snapshot = next(islice(steps, 6, None)).snapshot()
    list(steps)
    list(descent(again, resume=snapshot))
    assert torch.equal(again, whole)
